"""Raising requests to a common level in one world: what `rationing` does by receiver, fused by Numba.

A request, in `AMOUNTS`, gets its n-th unit at the level (start + n − 1) ÷ slope, where its start and slope stand in `STARTS`
and `SCALES`: the receiver's position and the demand it expects, or minus the request and 1. The lowest come first.
"""

from __future__ import annotations

import math

import numpy as np

from allotment.engine import layout as f
from allotment.engine.compiled import floats1, integers1, linked


@linked
def raise_lowest(table: int, count: int, limit: float) -> None:
    """Raise the receivers with the lowest position ÷ demand to a common level."""
    starts, slopes = floats1(table, f.STARTS), floats1(table, f.SCALES)
    if integers1(table, f.SETTINGS)[f.RULES_WHOLE]:
        give_units(table, count, give_most(table, count, limit))
        return
    for place in range(count):
        starts[place] /= slopes[place]
    level_out(table, count, limit)


@linked
def fill_largest(table: int, count: int, limit: float) -> None:
    """Fill the largest unfilled requests first, down to a common shortage."""
    amounts, starts, slopes = floats1(table, f.AMOUNTS), floats1(table, f.STARTS), floats1(table, f.SCALES)
    for place in range(count):
        starts[place], slopes[place] = -amounts[place], 1.0
    raise_lowest(table, count, limit)


@linked
def give_most(table: int, count: int, limit: float) -> float:
    """Give the whole units that are certain; returns how many are left to be given one at a time, to the lowest first.

    Certain is what lies below a level at which, even rounded up, no more is given than there is. What is left is then less than
    three units for each request.
    """
    amounts, starts, slopes = floats1(table, f.AMOUNTS), floats1(table, f.STARTS), floats1(table, f.SCALES)
    wanted, kept = floats1(table, f.ASKED), floats1(table, f.KEYS)
    certain = limit - count - 1.0 - 1e-9 * limit
    if limit <= 4.0 * count or certain <= 0.0:
        for place in range(count):
            wanted[place], amounts[place] = amounts[place], 0.0
        return limit
    for place in range(count):
        kept[place] = starts[place]
        starts[place] /= slopes[place]
    level_out(table, count, certain)
    for place in range(count):
        starts[place], amounts[place] = kept[place], math.floor(amounts[place])
        limit -= amounts[place]
    return limit


@linked
def give_units(table: int, count: int, units: float) -> None:
    """Give whole units one at a time to the open request that gets its next one at the lowest level, the first of equals."""
    amounts, starts, slopes = floats1(table, f.AMOUNTS), floats1(table, f.STARTS), floats1(table, f.SCALES)
    wanted, keys, heap, size = floats1(table, f.ASKED), floats1(table, f.KEYS), integers1(table, f.HEAP), 0
    for place in range(count):
        if amounts[place] < wanted[place]:
            keys[place], heap[size] = (starts[place] + amounts[place]) / slopes[place], place
            size += 1
    for top in range(size // 2 - 1, -1, -1):
        sift(table, top, size)
    left = int(units)
    while left > 0 and size > 0:
        lowest = heap[0]
        amounts[lowest] += 1.0
        keys[lowest] = (starts[lowest] + amounts[lowest]) / slopes[lowest]
        if amounts[lowest] >= wanted[lowest]:
            size -= 1
            heap[0] = heap[size]
        sift(table, 0, size)
        left -= 1


@linked
def sift(table: int, place: int, size: int) -> None:
    """Move what stands at a place of the heap down to where nothing below it comes earlier."""
    keys, heap = floats1(table, f.KEYS), integers1(table, f.HEAP)
    moved = heap[place]
    key = keys[moved]
    while 2 * place + 1 < size:
        child = 2 * place + 1
        if child + 1 < size:
            left, right = keys[heap[child]], keys[heap[child + 1]]
            child += 1 if right < left or (right == left and heap[child + 1] < heap[child]) else 0
        lowest = heap[child]
        if keys[lowest] > key or (keys[lowest] == key and lowest > moved):
            break
        heap[place], place = lowest, child
    heap[place] = moved


@linked
def level_out(table: int, count: int, limit: float) -> None:
    """Give clip(slope × (level − start), 0, request) to each, with the level at which they sum to a limit.

    Between neighbouring corners, where a request begins to be filled or is full, the sum rises linearly with the level. The
    first corner at which it reaches the limit is found by halving.
    """
    amounts, starts, slopes = floats1(table, f.AMOUNTS), floats1(table, f.STARTS), floats1(table, f.SCALES)
    wanted, corners = floats1(table, f.ASKED), np.empty(2 * count)
    for place in range(count):
        wanted[place] = amounts[place]
        corners[place] = starts[place]
        corners[count + place] = starts[place] + wanted[place] / slopes[place]
    corners.sort()
    before, reached = 0, 2 * count
    while reached - before > 1:
        middle = (before + reached) // 2
        if given_at(table, count, corners[middle]) >= limit:
            reached = middle
        else:
            before = middle
    level = corners[2 * count - 1]
    if reached < 2 * count:
        below = given_at(table, count, corners[before]) if before > 0 else 0.0
        above = given_at(table, count, corners[reached])
        rise = (limit - below) / (above - below) if above > below else 0.0
        level = corners[before] + rise * (corners[reached] - corners[before])
    for place in range(count):
        amounts[place] = min(max(slopes[place] * (level - starts[place]), 0.0), wanted[place])


@linked
def given_at(table: int, count: int, level: float) -> float:
    """Return how much all requests together get at a level."""
    starts, slopes, wanted = floats1(table, f.STARTS), floats1(table, f.SCALES), floats1(table, f.ASKED)
    units = 0.0
    for place in range(count):
        units += min(max(slopes[place] * (level - starts[place]), 0.0), wanted[place])
    return units
