"""Rationing, one world at a time: requests that exceed a shared limit are cut level by level, in proportion within one.

The array form of the same rule is `rationing`.
"""

from __future__ import annotations

import math

import numpy as np

from allotment.engine.compiled import inner


@inner
def ration(amounts, levels, count, limit, whole, largest):  # type: ignore[no-untyped-def]
    """Cut amounts[:count] in place so that they sum to at most `limit`; levels[:count] ascend, the lowest is served first."""
    left = limit
    start = 0
    while start < count:
        stop = start
        total = 0.0
        while stop < count and levels[stop] == levels[start]:
            total += amounts[stop]
            stop += 1
        if total > left:
            _share(amounts[start:stop], total, left, whole, largest)
        left -= min(total, left)
        start = stop


@inner
def _share(amounts, total, limit, whole, largest):  # type: ignore[no-untyped-def]
    """Share a limit below the total in proportion; whole units left over go to the largest remainders, first come first."""
    for position in range(amounts.shape[0]):
        amounts[position] = amounts[position] * limit / total
    if not whole:
        return
    remainder = np.empty(amounts.shape[0])
    left = limit
    for position in range(amounts.shape[0]):
        units = math.floor(amounts[position])
        remainder[position] = amounts[position] - units
        amounts[position] = units
        left -= units
    if not largest:
        return
    for _ in range(min(int(left), amounts.shape[0])):
        largest_at = np.argmax(remainder)
        amounts[largest_at] += 1.0
        remainder[largest_at] = -1.0
