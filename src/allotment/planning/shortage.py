"""From what is short to what to buy: needs by channel and SKU, the offers that arrive in time, dates and spend.

Demand that the allocation leaves unmet, less what transfers are proposed for, is needed within the days said for its channel,
else by the last day on which its claim takes anything, else whenever. An offer is ordered today and arrives after its lead
time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from allotment.allocation.day import NEVER, ROUNDING, Floats, Integers, settled, total_by
from allotment.planning.checking import MOST_PAIRS, check_size
from allotment.planning.matching import Book
from allotment.planning.purchase import Offers, cheapest
from allotment.scenario.errors import ScenarioError, nearest

Row = dict[str, Any]
OTHERS = "*"  # in place of a channel: all that are not named


class Needs(NamedTuple):
    """What is short, (needs,) each."""

    channel: Integers
    sku: Integers
    days: Floats  # within which it is needed; infinite for whenever
    units: Floats


def need_by_days(book: Book, need_by: Mapping[str, float]) -> Floats:
    """Return within how many days each claim's shortage is needed (claims,); infinite where it does not matter."""
    for channel, days in need_by.items():
        if channel != OTHERS and channel not in book.channels:
            raise ScenarioError(f"need_by: unknown channel {channel!r}; {nearest(channel, book.channels)}")
        if not days >= 0:
            raise ScenarioError(f"need_by of {channel} must be >= 0 days, not {days}")
    said = np.array([need_by.get(channel, need_by.get(OTHERS, np.nan)) for channel in book.channels])[book.channel]
    due = book.clock.offsets(book.demand.days.get("due", [None] * book.demand.rows), NEVER)
    return np.where(np.isnan(said), due + book.demand.number("max_lateness", NEVER), said)


def purchase_rows(book: Book, missing: Floats, within: Floats) -> tuple[list[Row], list[Row]]:
    """Return the purchases for units `missing` (claims,) needed `within` days (claims,), and the needs left uncovered."""
    table = book.tables["offers"]
    needs = _needs(book, missing, within)
    lead_time, sku = table.numbers["lead_time"], book.places("offers", "sku", book.skus)
    offers = Offers(table.numbers["unit_cost"], table.number("minimum", 0.0), table.number("capacity", NEVER))
    check_size("pairs of offers and needs", MOST_PAIRS, offers=len(sku), needs=len(needs.sku))
    in_time = (sku[:, None] == needs.sku) & (lead_time[:, None] <= needs.days)
    bought, covered = cheapest(offers, needs.units, in_time, book.whole)
    purchases = [
        {
            "supplier": table.names["supplier"][offer],
            **_sku(book, int(sku[offer])),
            "units": _plain(bought[offer], book),
            "unit_cost": float(offers.unit_cost[offer]),
            "spend": round(float(offers.unit_cost[offer] * bought[offer]), 6),
            "ordered": book.clock.written(0.0),
            "arrives": book.clock.written(np.ceil(lead_time[offer])),
            "lead_time": float(lead_time[offer]),
            "for": [
                _need(book, needs, need, covered[offer, need]) for need in np.flatnonzero(covered[offer] > ROUNDING).tolist()
            ],
        }
        for offer in np.flatnonzero(bought > ROUNDING)
    ]
    lacking = settled(needs.units - covered.sum(axis=0), needs.units, book.whole)
    why = np.where(in_time.any(axis=0), "capacity", "deadline")
    uncovered = [
        {**_need(book, needs, need, lacking[need]), "reason": str(why[need])}
        for need in np.flatnonzero(lacking > ROUNDING).tolist()
    ]
    return purchases, uncovered


def _needs(book: Book, missing: Floats, within: Floats) -> Needs:
    """Return what is short, summed up over claims of one channel, SKU and number of days."""
    short = np.flatnonzero(missing > ROUNDING)
    keys = np.column_stack([book.channel[short], book.sku[short], within[short]])
    distinct, need = np.unique(keys, axis=0, return_inverse=True)
    units = total_by(need.ravel(), missing[short], len(distinct))
    return Needs(distinct[:, 0].astype(np.int64), distinct[:, 1].astype(np.int64), distinct[:, 2], units)


def _need(book: Book, needs: Needs, need: int, units: float) -> Row:
    sku = _sku(book, int(needs.sku[need]))
    return {"channel": book.channels[needs.channel[need]], **sku, "units": _plain(units, book)}


def _sku(book: Book, sku: int) -> Row:
    return {} if book.skus == [""] else {"sku": book.skus[sku]}


def _plain(units: float, book: Book) -> float | int:
    return round(units) if book.whole else round(float(units), 9)
