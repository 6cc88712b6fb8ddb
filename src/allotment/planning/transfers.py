"""Transfer proposals: stock that one warehouse has left and another could serve unmet demand with.

A warehouse can spare what the allocation leaves of its free stock, less its safety stock. Unmet claims are looked at by falling
value; each is offered what the fullest other warehouses can spare, for the best of its lanes that still has room. Proposals
change nothing in the allocation: how long and how dear a transfer is, the tables do not say.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from allotment.allocation.day import NONE, ROUNDING, Codes, Day, Floats, Integers, reason
from allotment.allocation.ordering import order_by
from allotment.allocation.remaining import Remaining

HELPED = ("no_stock", "reserved", "capacity", "deadline", "minimum")  # reasons that stock elsewhere can do something about


class Transfer(NamedTuple):
    """Units that would serve a claim if they were at another warehouse."""

    source: int
    to: int
    claim: int
    units: float


def propose(day: Day, drawn: Floats, reasons: Codes, safety_stock: Floats) -> list[Transfer]:
    """Return transfers between sites for claims that go unmet for `reasons` (C,); `safety_stock` is (sites, skus) units."""
    left = Remaining(day, drawn)
    spare = _spare(day, left, safety_stock)
    by_sku = spare.sum(axis=0)
    options = _helped(day, left, reasons, by_sku)
    found: list[Transfer] = []
    claims, skus = day.options.claim[options].tolist(), _skus(day, options).tolist()
    for option, claim, sku in zip(options.tolist(), claims, skus, strict=True):
        if left.wants[claim] > ROUNDING and by_sku[sku] > ROUNDING:
            moves = _for_option(day, left, spare[:, sku], option)
            by_sku[sku] -= sum(move.units for move in moves)
            found += moves
    return found


def _spare(day: Day, left: Remaining, safety_stock: Floats) -> Floats:
    """Return what each site can spare today of each SKU, (sites, skus) units."""
    free = np.flatnonzero(~day.pools.reserved)
    units = np.zeros_like(safety_stock)
    np.add.at(units, (day.pools.site[free], day.pools.sku[free]), left.available[free, 0])
    return np.maximum(units - safety_stock, 0.0)


def _helped(day: Day, left: Remaining, reasons: Codes, by_sku: Floats) -> Integers:
    """Return the options that could ship more if there were stock, by falling value."""
    unmet = np.isin(reasons, [reason(name) for name in HELPED])
    options = np.flatnonzero(day.usable & unmet[day.options.claim])
    options = options[(left.allowance(options) > ROUNDING) & (by_sku[_skus(day, options)] > ROUNDING)]
    return options[order_by(-day.options.value[options])]


def _skus(day: Day, options: Integers) -> Integers:
    return day.pools.sku[day.options.pools[options, -1]]


def _for_option(day: Day, left: Remaining, spare: Floats, option: int) -> list[Transfer]:
    """Take from the fullest sites what an option's claim lacks, as far as its limits have room."""
    claim, to = int(day.options.claim[option]), int(day.options.site[option])
    limits = day.options.limits[option]
    lacking = min(float(left.wants[claim]), float(left.allowance(np.array([option]))[0]))
    found = []
    for source in np.argsort(-spare, kind="stable").tolist():
        units = min(lacking, float(spare[source]))
        if source != to and units > ROUNDING:
            found.append(Transfer(source, to, claim, units))
            spare[source] -= units
            lacking -= units
            left.wants[claim] -= units
            left.room[limits[limits != NONE]] -= units
    return found
