"""Rationing in one world: the rules of `dynamics.rationing`, in the same order, fused by Numba.

The requests stand in the first places of `AMOUNTS` and are cut there; what is known of them stands beside them: their levels,
which ascend, the positions that receivers have already (`STARTS`) and the demands they expect (`SCALES`).
"""

from __future__ import annotations

import math

from allotment.engine import layout as f
from allotment.engine.compiled import floats1, integers1, linked
from allotment.engine.kernel.levelling import fill_largest, raise_lowest
from allotment.engine.kernel.selection import nth_largest
from allotment.scenario.problem import BALANCED, MIN_SHORTAGE, PRIORITY

MOST_COUNTED = f.MOST_COUNTED


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
        if stop - start <= MOST_COUNTED:
            add_counted(table, start, stop, left)
        else:
            add_selected(table, start, stop, left)


@linked
def add_counted(table: int, start: int, stop: int, left: float) -> None:
    """Give a unit to the largest remainders, the first of equals, whose places are counted."""
    amounts, rest = floats1(table, f.AMOUNTS), floats1(table, f.REST)
    for place in range(start, stop):
        own, ahead = rest[place], 0
        for other in range(start, place):
            ahead += 1 if rest[other] >= own else 0
        for other in range(place + 1, stop):
            ahead += 1 if rest[other] > own else 0
        amounts[place] += 1.0 if ahead + 1 <= left else 0.0


@linked
def add_selected(table: int, start: int, stop: int, left: float) -> None:
    """Give a unit to the largest remainders, the first of equals, the last of which is selected."""
    amounts, rest, candidates = floats1(table, f.AMOUNTS), floats1(table, f.REST), floats1(table, f.SELECTED)
    last, equal = -1.0, 0.0
    if left < stop - start:
        for place in range(start, stop):
            candidates[place - start] = rest[place]
        last, equal = nth_largest(table, stop - start, int(left)), float(int(left))
        for place in range(start, stop):
            equal -= 1.0 if rest[place] > last else 0.0
    for place in range(start, stop):
        if rest[place] > last:
            amounts[place] += 1.0
        elif rest[place] == last and equal >= 1.0:
            amounts[place] += 1.0
            equal -= 1.0
