"""Rationing in one world: the rules of `dynamics.rationing`, in the same order, fused by Numba.

The requests stand in the first places of `AMOUNTS` and are cut there; what is known of them stands beside them: their levels,
which ascend, the positions that receivers have already (`STARTS`) and the demands they expect (`SCALES`).
"""

from __future__ import annotations

import math

import numpy as np

from allotment.engine import layout as f
from allotment.engine.compiled import floats1, integers1, linked
from allotment.scenario.problem import BALANCED, MIN_SHORTAGE, PRIORITY


@linked
def ration(table: int, count: int, limit: float) -> None:
    """Cut the first requests so that they sum to at most `limit`."""
    rule = integers1(table, f.SETTINGS)[f.RULES_RATIONING]
    if rule == PRIORITY:
        by_level(table, count, limit)
    elif rule == BALANCED:
        if total(table, count) > limit:
            raise_lowest(table, count, limit)
    elif rule == MIN_SHORTAGE:
        if total(table, count) > limit:
            fill_largest(table, count, limit)
    else:
        share(table, 0, count, limit)


@linked
def total(table: int, count: int) -> float:
    """Return the sum of the first requests."""
    amounts, units = floats1(table, f.AMOUNTS), 0.0
    for place in range(count):
        units += amounts[place]
    return units


@linked
def by_level(table: int, count: int, limit: float) -> None:
    """Serve level by level, the lowest first, in proportion within one."""
    amounts, levels, start = floats1(table, f.AMOUNTS), integers1(table, f.LEVELS), 0
    while start < count:
        stop, units = start, 0.0
        while stop < count and levels[stop] == levels[start]:
            units += amounts[stop]
            stop += 1
        share(table, start, stop, limit)
        limit -= min(units, limit)
        start = stop


@linked
def share(table: int, start: int, stop: int, limit: float) -> None:
    """Share a limit below the total in proportion; whole units left over go to the largest remainders, first come first."""
    amounts, rest, settings, units = floats1(table, f.AMOUNTS), floats1(table, f.REST), integers1(table, f.SETTINGS), 0.0
    for place in range(start, stop):
        units += amounts[place]
    if not units > limit:
        return
    if not settings[f.RULES_WHOLE]:
        part = limit / units
        for place in range(start, stop):
            amounts[place] *= part
        return
    left = limit
    for place in range(start, stop):
        exact = amounts[place] * limit / units
        amounts[place] = math.floor(exact)
        rest[place] = exact - amounts[place]
        left -= amounts[place]
    if settings[f.RULES_LARGEST_REMAINDER] and left >= 1.0:
        for place in range(start, stop):
            own, ahead = rest[place], 0
            for other in range(start, place):
                ahead += 1 if rest[other] >= own else 0
            for other in range(place + 1, stop):
                ahead += 1 if rest[other] > own else 0
            amounts[place] += 1.0 if ahead + 1 <= left else 0.0


@linked
def raise_lowest(table: int, count: int, limit: float) -> None:
    """Raise the receivers with the lowest position ÷ demand to a common level."""
    amounts, positions, demands = floats1(table, f.AMOUNTS), floats1(table, f.STARTS), floats1(table, f.SCALES)
    wanted = floats1(table, f.ASKED)
    if not integers1(table, f.SETTINGS)[f.RULES_WHOLE]:
        for place in range(count):
            positions[place] /= demands[place]
        level_out(table, count, limit)
        return
    for _ in range(int(give_most(table, count, limit))):
        chosen, lowest = -1, np.inf
        for place in range(count):
            if amounts[place] < wanted[place]:
                key = (positions[place] + amounts[place]) / demands[place]
                if key < lowest:
                    chosen, lowest = place, key
        amounts[chosen] += 1.0


@linked
def fill_largest(table: int, count: int, limit: float) -> None:
    """Fill the largest unfilled requests first, down to a common shortage."""
    amounts, starts, slopes = floats1(table, f.AMOUNTS), floats1(table, f.STARTS), floats1(table, f.SCALES)
    wanted = floats1(table, f.ASKED)
    for place in range(count):
        starts[place], slopes[place] = -amounts[place], 1.0
    if not integers1(table, f.SETTINGS)[f.RULES_WHOLE]:
        level_out(table, count, limit)
        return
    for _ in range(int(give_most(table, count, limit))):
        chosen, lowest = -1, 0.0
        for place in range(count):
            if amounts[place] - wanted[place] < lowest:
                chosen, lowest = place, amounts[place] - wanted[place]
        amounts[chosen] += 1.0


@linked
def give_most(table: int, count: int, limit: float) -> float:
    """Give the whole units that are certain; returns how many are left to be given one at a time, to the lowest first.

    Certain is what lies below a level at which, even rounded up, no more is given than there is.
    """
    amounts, starts, slopes = floats1(table, f.AMOUNTS), floats1(table, f.STARTS), floats1(table, f.SCALES)
    wanted, kept = floats1(table, f.ASKED), np.empty(count)
    if limit <= 8.0 * count:
        for place in range(count):
            wanted[place], amounts[place] = amounts[place], 0.0
        return limit
    for place in range(count):
        kept[place] = starts[place]
        starts[place] /= slopes[place]
    level_out(table, count, limit - 2.0 * count - 1e-12 * limit)
    for place in range(count):
        starts[place], amounts[place] = kept[place], math.floor(amounts[place])
        limit -= amounts[place]
    return limit


@linked
def level_out(table: int, count: int, limit: float) -> None:
    """Give clip(slope × (level − start), 0, request) to each, with the level at which they sum to a limit.

    Between neighbouring corners, where a request begins to be filled or is full, the sum rises linearly with the level.
    """
    amounts, starts, slopes = floats1(table, f.AMOUNTS), floats1(table, f.STARTS), floats1(table, f.SCALES)
    wanted, corners = floats1(table, f.ASKED), np.empty(2 * count)
    for place in range(count):
        wanted[place] = amounts[place]
        corners[place] = starts[place]
        corners[count + place] = starts[place] + wanted[place] / slopes[place]
    corners.sort()
    low, below, level = corners[0], 0.0, corners[2 * count - 1]
    for place in range(1, 2 * count):
        high, above = corners[place], 0.0
        for request in range(count):
            above += min(max(slopes[request] * (high - starts[request]), 0.0), wanted[request])
        if above >= limit:
            rise = (limit - below) / (above - below) if above > below else 0.0
            level = low + rise * (high - low)
            break
        low, below = high, above
    for place in range(count):
        amounts[place] = min(max(slopes[place] * (level - starts[place]), 0.0), wanted[place])
