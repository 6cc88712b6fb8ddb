"""Statements of a valuation, as tables of exact amounts: journal, layers, roll-forward, trial balance, stock over time."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

import numpy as np
import pandas as pd

from allotment.finance.amounts import as_decimal, decimals_of, spread
from allotment.finance.layers import Layer
from allotment.finance.ledger import ACCOUNTS, EXPENSE, NUMBER, categories, decimal_column, places_of
from allotment.finance.valuation import Valuation

FLOWS = (  # what changes stock, in the order of the roll-forward
    *("opening", "received", "transferred_in", "transferred_out", "sold", "returned", "sent_back"),
    *("wasted", "counted", "revalued"),
)
FLOW_OF = {
    "opening": "opening",
    "receipt": "received",
    "dispatch": "received",
    "transfer_receipt": "received",  # from another entity of the group
    "sale": "sold",
    "customer_return": "returned",
    "supplier_return": "sent_back",
    "expiry": "wasted",
    "scrap": "wasted",
    "count": "counted",
}
COMPANY = "company"  # the place of stock whose units share their cost wherever they are


def journal(valuation: Valuation) -> pd.DataFrame:
    """Return every entry: date, account, debit or credit, currency, and the movement, SKU, place and entity it is of."""
    entries, log = valuation.entries, valuation.log
    money = entries.amount != 0
    coins = places_of(valuation.currencies)[entries.entity[money]]
    amount = entries.amount[money]
    days, which = np.unique(entries.day[money], return_inverse=True)
    return pd.DataFrame(
        {
            "date": categories(which, [valuation.books.text(day) for day in days.tolist()]),
            "account": categories(entries.account[money], list(ACCOUNTS)),
            "debit": decimal_column(np.where(amount > 0, amount, 0), coins),
            "credit": decimal_column(np.where(amount < 0, -amount, 0), coins),
            "currency": np.array(valuation.currencies, dtype=object)[entries.entity[money]],
            "movement": np.array([*log.event, "payment", "close"], dtype=object)[entries.row[money]],  # SETTLING, CLOSING
            "sku": categories(entries.sku[money], log.sku.names),
            "place": categories(entries.place[money], log.places),
            "entity": categories(entries.entity[money], log.entity.names),
        }
    )


def layers(valuation: Valuation) -> pd.DataFrame:
    """Return the layers held at the last close: how many units of what lie where, since when, at what cost.

    Under an average, units are told apart by the days on which they came, the first of which go first, at one cost.
    """
    last, log = valuation.closes[-1] if valuation.closes else 0, valuation.log
    rows = [
        {
            **{"entity": log.entity.names[entity], "place": COMPANY if place < 0 else log.places[place]},
            **{"sku": log.sku.names[sku], "units": units / log.scale, "since": valuation.books.text(day)},
            **{"age": last - day, "value": as_decimal(worth, valuation.coins[entity])},
            "currency": valuation.currencies[entity],
        }
        for entity, place, sku, layer in valuation.held
        for day, units, worth in _by_day(layer)
    ]
    return pd.DataFrame(rows, columns=["entity", "place", "sku", "units", "since", "age", "value", "currency"])


def _by_day(layer: Layer) -> list[tuple[int, int, int]]:
    """Return the units left of a layer by the day on which they came in, and what they are worth."""
    if layer.lots is None:
        return [(layer.day, layer.units, layer.worth)]
    lots = layer.by_day()
    parts = spread(layer.worth, [units for _, units in lots])
    return [(day, units, worth) for (day, units), worth in zip(lots, parts, strict=True)]


def roll_forward(valuation: Valuation, by: tuple[str, ...] = ("entity", "place", "sku")) -> pd.DataFrame:
    """Return how stock came from nothing to what it is: units and value of each flow, a row for each of `by`.

    Value is at cost, before write-downs that may be recovered. Where a company's units share their cost (`scope: company`),
    transfers between its places change nothing and the place is `company`.
    """
    changes = _changes(valuation)
    names = {"entity": valuation.log.entity.names, "place": valuation.log.places, "sku": valuation.log.sku.names}
    keys = [name for name in by if name != "place" or valuation.policy.scope == "location"]
    grouped = changes.groupby([*keys, "coins", "flow"], sort=True)[["units", "value"]].sum().unstack("flow", fill_value=0)
    table = pd.DataFrame(index=grouped.index)
    for measure in ("units", "value"):
        for flow in FLOWS:
            table[f"{flow}_{measure}"] = grouped.get((measure, flow), 0)
        table[f"closing_{measure}"] = sum(table[f"{flow}_{measure}"] for flow in FLOWS)
    table = table.reset_index()
    for name in [column for column in table if str(column).endswith("_units")]:
        table[name] = table[name] / valuation.log.scale
    for name in [column for column in table if str(column).endswith("_value")]:
        pairs = zip(table[name].tolist(), table["coins"].tolist(), strict=True)
        table[name] = pd.Series([as_decimal(amount, coins) for amount, coins in pairs], index=table.index, dtype=object)
    for name in keys:
        table[name] = [names[name][code] for code in table[name]]
    if "place" in by and "place" not in keys:
        table.insert(by.index("place"), "place", COMPANY)
    return table.drop(columns="coins")


def _changes(valuation: Valuation) -> pd.DataFrame:
    """Return every change of stock with the flow that it belongs to."""
    entries, log = valuation.entries, valuation.log
    mask = entries.account == NUMBER["inventory"]
    row, units = entries.row[mask], entries.units[mask]
    within = np.bincount(row + 2, weights=units, minlength=len(log.event) + 2)[row + 2] == 0
    kinds = np.array([FLOW_OF.get(kind, "revalued") for kind in log.kind.names])
    of_kind = kinds[np.array([0, 0, *log.kind.codes])[row + 2]]
    flow = np.where(within, np.where(units > 0, "transferred_in", "transferred_out"), of_kind)
    flow = np.where(units == 0, "revalued", flow)
    entity = entries.entity[mask]
    return pd.DataFrame(
        {
            **{"entity": entity, "place": entries.place[mask], "sku": entries.sku[mask], "flow": flow, "units": units},
            **{"value": entries.amount[mask], "coins": places_of(valuation.currencies)[entity]},
        }
    )


def trial_balance(valuation: Valuation) -> pd.DataFrame:
    """Return the balance of every account that has entries, a debit or a credit, by entity."""
    entries = valuation.entries
    sums = pd.Series(entries.amount).groupby([entries.entity, entries.account]).sum()
    accounts, rows = list(ACCOUNTS), []
    for key, amount in sums.items():
        entity, account = cast(tuple[int, int], key)
        coins = valuation.coins[entity]
        rows.append(
            {
                **{"entity": valuation.log.entity.names[entity], "account": accounts[account]},
                **{"type": ACCOUNTS[accounts[account]], "debit": as_decimal(max(0, amount), coins)},
                **{"credit": as_decimal(max(0, -amount), coins), "currency": valuation.currencies[entity]},
            }
        )
    return pd.DataFrame(rows, columns=["entity", "account", "type", "debit", "credit", "currency"])


def movement_summary(valuation: Valuation) -> pd.DataFrame:
    """Return how many movements of each kind there are, and the units that they move."""
    log = valuation.log
    table = pd.DataFrame({"kind": [log.kind.names[code] for code in log.kind.codes], "units": log.units})
    found = table.groupby("kind", sort=True)["units"].agg(movements="count", units="sum").reset_index()
    return found.assign(units=found["units"] / log.scale)


def presented(valuation: Valuation) -> Any:
    """Return the amount of every entry in the presentation currency, at the rate of its day, as floats."""
    entries, into = valuation.entries, valuation.policy.currency
    amounts = entries.amount.astype(float)
    for entity in np.unique(entries.entity).tolist():
        currency, mask = valuation.currencies[entity], entries.entity == entity
        amounts[mask] /= 10.0 ** valuation.coins[entity]
        if currency != into:
            days, which = np.unique(entries.day[mask], return_inverse=True)
            rates = np.array([float(valuation.books.rate(currency, day)) for day in days.tolist()])
            amounts[mask] /= rates[which]
    return amounts


def stock_over_time(valuation: Valuation) -> pd.DataFrame:
    """Return what stock is worth at cost at the end of every day with movements, a column a place, in presentation currency.

    Places in transit, at work and unrecorded are one column each.
    """
    entries = valuation.entries
    mask = entries.account == NUMBER["inventory"]
    names = [place.partition(":")[0] or "revalued" for place in valuation.log.places]
    if valuation.policy.scope == "company":
        names = [COMPANY] * len(names)
    columns = pd.Index(dict.fromkeys(names[place] for place in entries.place[mask].tolist()))
    at = columns.get_indexer(pd.Index(names))[entries.place[mask]]
    days, which = np.unique(entries.day[mask], return_inverse=True)
    change = np.zeros((len(days), len(columns)))
    np.add.at(change, (which, at), presented(valuation)[mask])
    return pd.DataFrame(change.cumsum(axis=0), index=days, columns=columns)


def average_stock(valuation: Valuation) -> float:
    """Return the mean value of stock over the days from the first movement to the last, in presentation currency."""
    table = stock_over_time(valuation).sum(axis=1)
    if table.empty:
        return 0.0
    days = table.index.to_numpy()
    lengths = np.diff(days, append=max(valuation.log.day[-1], days[-1]) + 1)
    return float((table.to_numpy() * lengths).sum() / lengths.sum())


def profit(valuation: Valuation) -> dict[str, float]:
    """Return income (positive) and expense (negative) by account in presentation currency; sales within the group left out."""
    entries, amounts = valuation.entries, presented(valuation)
    found = {}
    for account, kind in ACCOUNTS.items():
        if kind in (EXPENSE, "income") and not account.startswith("intercompany"):
            total = -float(amounts[entries.account == NUMBER[account]].sum())
            if abs(total) > 0.5 * 10.0 ** -decimals_of(valuation.policy.currency):
                found[account] = total
    return found


def carrying_value(valuation: Valuation) -> Decimal:
    """Return the stock at the last close less what it is written down by, in presentation currency at the closing rate."""
    total, into = Decimal(0), decimals_of(valuation.policy.currency)
    for entity in np.unique(valuation.entries.entity).tolist():
        where = valuation.entries.entity == entity
        amount = as_decimal(
            valuation.entries.balance("inventory", "write_down_allowance", where=where), valuation.coins[entity]
        )
        rate = valuation.books.rate(valuation.currencies[entity], valuation.closes[-1])
        total += amount * rate.denominator / rate.numerator
    return round(total, into)
