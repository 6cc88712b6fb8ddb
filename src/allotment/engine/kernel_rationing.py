"""Rationing in one world: the rules of `rationing`, in the same order, fused by Numba.

Requests stand in the first places of an array and are cut in place; what is known of them stands beside them.
"""

from __future__ import annotations

import math

import numpy as np

from allotment.engine.compiled import inner
from allotment.scenario.problem import BALANCED, MIN_SHORTAGE, PRIORITY


@inner
def ration(rule, whole, largest, amounts, levels, positions, demands, rest, count, limit):  # type: ignore[no-untyped-def]
    """Cut amounts[:count] so that they sum to at most `limit`; levels ascend, the lowest is served first."""
    if rule == PRIORITY:
        by_level(amounts, levels, count, limit, whole, largest, rest)
    elif rule == BALANCED:
        raise_lowest(amounts, positions, demands, rest, count, limit, whole)
    elif rule == MIN_SHORTAGE:
        fill_largest(amounts, positions, demands, rest, count, limit, whole)
    else:
        share(amounts, count, limit, whole, largest, rest)


@inner
def by_level(amounts, levels, count, limit, whole, largest, rest):  # type: ignore[no-untyped-def]
    """Serve level by level, in proportion within one."""
    start = 0
    while start < count:
        stop, total = start, 0.0
        while stop < count and levels[stop] == levels[start]:
            total += amounts[stop]
            stop += 1
        share(amounts[start:stop], stop - start, limit, whole, largest, rest)
        limit -= min(total, limit)
        start = stop


@inner
def share(amounts, count, limit, whole, largest, rest):  # type: ignore[no-untyped-def]
    """Share a limit below the total in proportion; whole units left over go to the largest remainders, first come first."""
    total = 0.0
    for place in range(count):
        total += amounts[place]
    if not total > limit:
        return
    if not whole:
        part = limit / total
        for place in range(count):
            amounts[place] *= part
        return
    left = limit
    for place in range(count):
        exact = amounts[place] * limit / total
        amounts[place] = math.floor(exact)
        rest[place] = exact - amounts[place]
        left -= amounts[place]
    if largest:
        for _ in range(min(int(left), count)):
            most = 0
            for place in range(1, count):
                if rest[place] > rest[most]:
                    most = place
            amounts[most] += 1.0
            rest[most] = -1.0


@inner
def raise_lowest(amounts, positions, demands, rest, count, limit, whole):  # type: ignore[no-untyped-def]
    """Raise the receivers with the lowest position ÷ demand to a common level."""
    if not total_of(amounts, count) > limit:
        return
    if not whole:
        for place in range(count):
            positions[place] /= demands[place]
        level_out(amounts, positions, demands, rest, count, limit)
        return
    for place in range(count):
        rest[place], amounts[place] = amounts[place], 0.0
    for _ in range(int(limit)):
        chosen, lowest = -1, np.inf
        for place in range(count):
            if amounts[place] < rest[place]:
                key = (positions[place] + amounts[place]) / demands[place]
                if key < lowest:
                    chosen, lowest = place, key
        amounts[chosen] += 1.0


@inner
def fill_largest(amounts, positions, demands, rest, count, limit, whole):  # type: ignore[no-untyped-def]
    """Fill the largest unfilled requests first, down to a common shortage."""
    if not total_of(amounts, count) > limit:
        return
    if not whole:
        for place in range(count):
            positions[place], demands[place] = -amounts[place], 1.0
        level_out(amounts, positions, demands, rest, count, limit)
        return
    for place in range(count):
        rest[place], amounts[place] = amounts[place], 0.0
    for _ in range(int(limit)):
        chosen, lowest = -1, np.inf
        for place in range(count):
            key = amounts[place] - rest[place]
            if key < 0.0 and key < lowest:
                chosen, lowest = place, key
        amounts[chosen] += 1.0


@inner
def total_of(amounts, count):  # type: ignore[no-untyped-def]
    """Return the sum of the first amounts."""
    total = 0.0
    for place in range(count):
        total += amounts[place]
    return total


@inner
def level_out(amounts, starts, slopes, rest, count, limit):  # type: ignore[no-untyped-def]
    """Give clip(slope × (level − start), 0, amount) of each request, with the level at which they sum to a limit.

    Between neighbouring corners, where a request begins to be filled or is full, the sum rises linearly with the level.
    """
    for place in range(count):
        rest[place] = amounts[place]
    corners = np.empty(2 * count)
    for place in range(count):
        corners[place] = starts[place]
        corners[count + place] = starts[place] + rest[place] / slopes[place]
    corners.sort()
    low, below = corners[0], 0.0
    level = corners[2 * count - 1]
    for place in range(1, 2 * count):
        high, above = corners[place], 0.0
        for request in range(count):
            above += min(max(slopes[request] * (high - starts[request]), 0.0), rest[request])
        if above >= limit:
            rise = (limit - below) / (above - below) if above > below else 0.0
            level = low + rise * (high - low)
            break
        low, below = high, above
    for place in range(count):
        amounts[place] = min(max(slopes[place] * (level - starts[place]), 0.0), rest[place])
