"""From what is short to what to buy: needs by channel and SKU, the offers that arrive in time, dates and spend.

Demand that the allocation leaves unmet, less what transfers are proposed for, is needed within the days said for its channel,
else by the last day on which its claim takes anything, else whenever. An offer is ordered today and arrives after its lead
time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from allotment.allocation.day import NEVER, ROUNDING, Floats, total_by
from allotment.planning.matching import Book
from allotment.planning.purchase import Offers, cheapest
from allotment.scenario.errors import ScenarioError, nearest

OTHERS = "*"  # in place of a channel: all that are not named


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


def purchase_rows(book: Book, missing: Floats, within: Floats) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the purchases for units `missing` (claims,) needed `within` days (claims,), and the needs left uncovered."""
    table = book.tables["offers"]
    short = np.flatnonzero(missing > ROUNDING)
    keys = np.column_stack([book.channel[short], book.sku[short], within[short]])
    needs, need = np.unique(keys, axis=0, return_inverse=True)
    units = total_by(need.ravel(), missing[short], len(needs))
    lead_time, sku = table.numbers["lead_time"], book.places("offers", "sku", book.skus)
    same = sku[:, None] == needs[:, 1]
    offers = Offers(table.numbers["unit_cost"], table.number("minimum", 0.0), table.number("capacity", NEVER))
    bought, covered = cheapest(offers, units, same & (lead_time[:, None] <= needs[:, 2]), book.whole)
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
                {"channel": book.channels[int(needs[place, 0])], "units": _plain(covered[offer, place], book)}
                for place in np.flatnonzero(covered[offer] > ROUNDING)
            ],
        }
        for offer in np.flatnonzero(bought > ROUNDING)
    ]
    lacking = units - covered.sum(axis=0)
    uncovered = [
        {
            "channel": book.channels[int(needs[place, 0])],
            **_sku(book, int(needs[place, 1])),
            "units": _plain(lacking[place], book),
            "reason": "capacity" if (same[:, place] & (lead_time <= needs[place, 2])).any() else "deadline",
        }
        for place in np.flatnonzero(lacking > ROUNDING)
    ]
    return purchases, uncovered


def _sku(book: Book, sku: int) -> dict[str, str]:
    return {} if book.skus == [""] else {"sku": book.skus[sku]}


def _plain(units: float, book: Book) -> float | int:
    return round(units) if book.whole else float(units)
