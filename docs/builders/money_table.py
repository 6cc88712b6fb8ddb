"""The terms of money in their declared order, and which units and prices make each."""

from __future__ import annotations

from typing import get_type_hints

from allotment.scenario.problem import INCOME, LINEAR, TERMS, Prices

BESIDE = {  # terms that are more than units times a price, or are said in fewer words
    "fixed_ordering": "a fixed price for each period in which a lane ships, and one for each SKU that it ships then",
    "overflow": "the volume beyond a site's storage at `charge` × `overflow_cost` (money/m³/period)",
    "stock_change": "the change of stock that is paid for, on hand and in transit × `skus.unit_cost` (money/unit); in windows",
    "interest": "debt on the credit line × `credit_line.rate` (1/year) of a period; in worlds with a treasury",
    "capital": "units on hand, or paid for on their way × `skus.unit_cost` (money/unit) × `capital_charge` (1/year)",
    "discount_taken": "what early payment saves of invoices: `terms.discount` of those that are paid within the time it holds",
}


def table() -> str:
    """Return a row for each term: its sign in the reward, and what is multiplied."""
    lines = ["| term | in the reward | units × price |", "|---|---|---|"]
    for term in TERMS:
        addends = [f"{entry.units.replace('_', ' ')} × {_price(entry.price)}" for entry in LINEAR if entry.term == term]
        if not addends and term not in BESIDE:
            raise LookupError(f"the money term {term} has no words in docs/builders/money_table.py")
        sign = "+" if term in INCOME else "−"
        lines.append(f"| `{term}` | {sign} | {BESIDE.get(term) or '; '.join(addends)} |")
    return "\n".join(lines)


def _price(name: str) -> str:
    """Return a price in words, with the key that states it where there is one, and its unit."""
    _, unit, *key = get_type_hints(Prices, include_extras=True)[name].__metadata__
    return f"`{key[0]}` ({unit})" if key else f"{name.replace('_', ' ')} price ({unit})"
