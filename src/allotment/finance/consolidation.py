"""Stock of a group: what one entity earned from another on unsold units is taken off, and cost translated at the closing rate.

The profit is what it was at the rate of the transfer's day (ASC 830-30-45-10); the difference of the closing rate to the rates
at which the group paid is the translation (IAS 21.39). The entries that make the books of the entities those of the group
(IFRS 10.B86) are a journal of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd

from allotment.finance.amounts import as_decimal, decimals_of
from allotment.finance.layers import Layer
from allotment.finance.ledger import ACCOUNTS, ASSET, LIABILITY, NUMBER
from allotment.finance.statements import presented
from allotment.finance.valuation import Valuation


def consolidated(valuation: Valuation) -> pd.DataFrame:
    """Return the stock of each entity at the last close, a row each.

    `stock`, `unrealised_profit` and `cost` are in the entity's `currency`; `translated`, `historical` (what it cost the group)
    and `translation` in the presentation currency.
    """
    by_entity: dict[int, list[Layer]] = {}
    for entity, _, _, layer in valuation.held:
        by_entity.setdefault(entity, []).append(layer)
    return pd.DataFrame([_row(valuation, entity, layers) for entity, layers in sorted(by_entity.items())])


def _row(valuation: Valuation, entity: int, layers: list[Layer]) -> dict[str, str | Decimal]:
    currency, into = valuation.currencies[entity], valuation.policy.currency
    places, group = valuation.coins[entity], decimals_of(into)
    stock, profit = sum(layer.worth for layer in layers), sum(layer.part(layer.profit) for layer in layers)
    rate = valuation.books.rate(currency, valuation.closes[-1])
    translated = round((stock - profit) * Decimal(10) ** (group - places) * rate.denominator / rate.numerator)
    historical = sum(layer.part(layer.historical) for layer in layers) if valuation.policy.entities else translated
    return {
        **{"entity": valuation.log.entity.names[entity] or "company", "currency": currency},
        **{"stock": as_decimal(stock, places), "unrealised_profit": as_decimal(profit, places)},
        **{"cost": as_decimal(stock - profit, places), "translated": as_decimal(translated, group)},
        **{"historical": as_decimal(historical, group), "translation": as_decimal(translated - historical, group)},
    }


TRANSLATION = "translation"  # equity of the group: what closing rates make of balances that were posted at others
Line = tuple[str, str, str, int]  # entity (none = the group), account, what for, coins of the group's currency


def consolidation_journal(valuation: Valuation) -> pd.DataFrame:
    """Return the entries of the last close that make the books of the entities those of the group, in its currency.

    Balances in other currencies are brought to the closing rate; sales within the group, the profit on units that are still
    there, and what the entities owe one another are taken out.
    """
    lines = [line for line in _lines(valuation) if line[-1]]
    group = decimals_of(valuation.policy.currency)
    sides = [as_decimal(abs(amount), group) for *_, amount in lines]
    return pd.DataFrame(
        {
            "date": valuation.books.text(valuation.closes[-1]),
            "entity": [entity for entity, *_ in lines],
            "account": [account for _, account, *_ in lines],
            "debit": [side if line[-1] > 0 else None for line, side in zip(lines, sides, strict=True)],
            "credit": [side if line[-1] < 0 else None for line, side in zip(lines, sides, strict=True)],
            "currency": valuation.policy.currency,
            "what": [what for *_, what, _ in lines],
        }
    )


def group_trial_balance(valuation: Valuation) -> pd.DataFrame:
    """Return the balance of every account of the group: entries of the entities at the rate of their day, and the journal."""
    totals = {account: 0 for account in (*ACCOUNTS, TRANSLATION)}
    for entity in _entities(valuation):
        for account, amount in _at_its_day(valuation, entity).items():
            totals[account] += amount
    for _, account, _, amount in _lines(valuation):
        totals[account] += amount
    totals[TRANSLATION] -= sum(totals.values())  # what rounding leaves
    group = decimals_of(valuation.policy.currency)
    rows = [
        (account, as_decimal(max(0, amount), group), as_decimal(max(0, -amount), group), valuation.policy.currency)
        for account, amount in totals.items()
        if amount
    ]
    return pd.DataFrame(rows, columns=["account", "debit", "credit", "currency"])


def _lines(valuation: Valuation) -> Iterator[Line]:
    within: dict[str, int] = {}
    for entity in _entities(valuation):
        name, posted = valuation.log.entity.names[entity] or "company", _at_its_day(valuation, entity)
        for account, amount in posted.items():
            balance = ACCOUNTS[account] in (ASSET, LIABILITY)
            closing = _closing(valuation, entity, account) if balance else amount
            yield from _entry(name, account, "at the closing rate", closing - amount, TRANSLATION)
            within[account] = within.get(account, 0) + closing
    yield from _sales_within(valuation, within)
    owed = "intercompany_receivables", "intercompany_payables"
    yield from _entry("", owed[1], "owed within the group", -within.get(owed[1], 0), owed[0])
    yield from _entry("", owed[0], "owed within the group", -within.get(owed[0], 0) - within.get(owed[1], 0), TRANSLATION)


def _sales_within(valuation: Valuation, within: dict[str, int]) -> Iterator[Line]:
    """Yield the entries that take sales between entities out of income, and the profit on unsold units out of stock."""
    what = "sold within the group"
    revenue, cost = (within.get(name, 0) for name in ("intercompany_revenue", "intercompany_cost_of_sales"))
    now, then = _unrealised(valuation)
    yield from _entry("", "intercompany_revenue", what, -revenue, "intercompany_cost_of_sales")
    yield from _entry("", "cost_of_sales", what, revenue + cost + then, "intercompany_cost_of_sales")
    yield from _entry("", "inventory", "profit on what is unsold", -now, "intercompany_cost_of_sales")
    yield from _entry("", TRANSLATION, "profit on what is unsold", now - then, "intercompany_cost_of_sales")


def _entry(entity: str, account: str, what: str, amount: int, against: str) -> Iterator[Line]:
    yield entity, account, what, amount
    yield entity, against, what, -amount


def _unrealised(valuation: Valuation) -> tuple[int, int]:
    """Return the profit within the group on the units held, at the closing rate and at those of the days on which they came."""
    now, then = 0, Fraction(0)
    for entity in _entities(valuation):
        layers = [layer for owner, _, _, layer in valuation.held if owner == entity]
        cost = sum(layer.worth - layer.part(layer.profit) for layer in layers)
        now += _closing(valuation, entity, "inventory") - round(cost * _rate(valuation, entity, valuation.closes[-1]))
        for layer in layers:
            share = Fraction(layer.part(layer.profit), layer.units)
            then += sum(share * units * _rate(valuation, entity, day) for day, units in layer.by_day())
    return now, round(then)


def _rate(valuation: Valuation, entity: int, day: int) -> Fraction:
    """Return coins of the group for a coin of an entity."""
    shift = decimals_of(valuation.policy.currency) - valuation.coins[entity]
    return Fraction(10) ** shift / valuation.books.rate(valuation.currencies[entity], day)


def _at_its_day(valuation: Valuation, entity: int) -> dict[str, int]:
    """Return an entity's accounts in coins of the group, each entry at the rate of its day."""
    mask = valuation.entries.entity == entity
    sums = np.bincount(valuation.entries.account[mask], weights=presented(valuation)[mask], minlength=len(ACCOUNTS))
    scale = 10 ** decimals_of(valuation.policy.currency)
    return {account: round(float(sums[NUMBER[account]]) * scale) for account in ACCOUNTS}


def _closing(valuation: Valuation, entity: int, account: str) -> int:
    balance = valuation.entries.balance(account, where=valuation.entries.entity == entity)
    return round(balance * _rate(valuation, entity, valuation.closes[-1]))


def _entities(valuation: Valuation) -> list[int]:
    return sorted(set(valuation.entries.entity.tolist()))
