"""A forecast as tables to work with: what each day ends with, each flow, each decision on a discount, and the key figures."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from allotment.finance.cash.amounts import cents
from allotment.finance.cash.forecast import Forecast
from allotment.names import no_formula
from allotment.whole_file import write_whole

Row = dict[str, Any]


def tables_of(made: Forecast) -> dict[str, list[Row]]:
    """Return the tables of a forecast by name, each a list of rows with the same columns; amounts are `Decimal`."""
    return {"summary": _summary(made), "path": _path(made), "flows": _flows(made), "discounts": _discounts(made)}


def write_tables(made: Forecast, folder: Path) -> list[Path]:
    """Write a CSV file for each table that has rows into a folder; returns them."""
    folder.mkdir(parents=True, exist_ok=True)
    written = [(folder / f"{name}.csv", _csv(rows)) for name, rows in tables_of(made).items() if rows]
    for file, text in written:
        write_whole(file, text)
    return [file for file, _ in written]


def _summary(made: Forecast) -> list[Row]:
    last, receipts, payments = made.decided[-1], *made.later
    figures: dict[str, tuple[Any, Any]] = {
        "lowest cash before the line": (made.lowest.operating, made.lowest.day),
        "cash with all discounts": (made.with_discounts[-1].operating, last.day),
        "cash without discounts": (made.without_discounts[-1].operating, last.day),
        "cash as decided, before the line": (last.operating, last.day),
        "cash as decided, with the line": (last.cash, last.day),
        "peak debt": (made.peak.debt, made.peak.day),
        "interest": (made.interest, None),
        "least headroom": (made.tightest.headroom, made.tightest.day),
        "receipts after the last day": (receipts, None),
        "payments after the last day": (payments, None),
    }
    rows = [{"figure": name, "amount": cents(amount), "day": day} for name, (amount, day) in figures.items()]
    return [*rows, {"figure": "days below the floor", "amount": made.below_floor, "day": None}]


def _path(made: Forecast) -> list[Row]:
    triples = zip(made.decided, made.with_discounts, made.without_discounts, strict=True)
    return [
        {
            **_when(made, close.day),
            **{"receipts": cents(close.receipts), "payments": cents(close.payments)},
            **{"cash_with_all_discounts": cents(taken.operating), "cash_without_discounts": cents(left.operating)},
            **{"cash_before_line": cents(close.operating), "drawn": cents(close.drawn), "interest": cents(close.interest)},
            **{"cash": cents(close.cash), "debt": cents(close.debt), "headroom": cents(close.headroom)},
        }
        for close, taken, left in triples
    ]


def _flows(made: Forecast) -> list[Row]:
    return [
        {**_when(made, flow.day), "kind": flow.kind, "name": flow.name, "supplier": flow.supplier, "amount": cents(flow.amount)}
        for flow in made.flows
    ]


def _discounts(made: Forecast) -> list[Row]:
    return [
        {
            **{"order": decision.order.name, "supplier": decision.order.supplier, "terms": str(decision.order.terms)},
            **{"taken": "yes" if decision.taken else "no", "early_day": decision.early, "due_day": decision.due},
            **{"amount": decision.order.worth, "saves": decision.saves, "funds_cost": decision.costs},
            **{"yearly_yield": round(decision.yearly, 6), "reason": decision.reason},
        }
        for decision in made.decisions
    ]


def _when(made: Forecast, day: int) -> Row:
    """Return a day, and its date where it is known."""
    return {"day": day, **({"date": made.date(day)} if made.outlook.start else {})}


def _csv(rows: list[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({column: no_formula(value) for column, value in row.items()} for row in rows)
    return text.getvalue()
