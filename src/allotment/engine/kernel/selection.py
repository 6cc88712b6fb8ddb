"""Selecting the last remainder that gets another unit, in a time that grows with how many there are, not with its square."""

from __future__ import annotations

import numpy as np

from allotment.engine import layout as f
from allotment.engine.compiled import World, floats1, floats2, integers1, integers2, linked

PARTS, DIGITS = f.PARTS, f.DIGITS


@linked
def select_last(table: int, claims: int, first: World, count: int) -> None:
    """Write the last remainder that gets another unit, and how many requests with it get one, for each world of a block.

    The remainders stand in the first rows of `REMAINDERS`, which are used up; the units in `UNITS_LEFT`. Only those remainders
    are compared that lie in the same small part of 0 to 1 as the last one.
    """
    rests, last, units = floats2(table, f.REMAINDERS), floats1(table, f.LAST_REMAINDER), floats1(table, f.LAST_UNITS)
    part, candidates = integers1(table, f.PART_OF_LAST), floats1(table, f.SELECTED)
    count_parts(table, claims, first, count)
    for j in range(count):
        find_part(table, claims, first + np.uint64(j))
    keep_part(table, claims, first, count)
    for j in range(count):
        world = first + np.uint64(j)
        if part[world] < 0:
            continue
        found = integers2(table, f.REMAINDER_COUNTS)[0, world]
        for place in range(found):
            candidates[place] = rests[place, world]
        last[world] = nth_largest(table, found, int(units[world]))
        for place in range(found):
            units[world] -= 1.0 if rests[place, world] > last[world] else 0.0


@linked
def count_parts(table: int, claims: int, first: World, count: int) -> None:
    """Count the remainders in each part of 0 to 1."""
    rests, counts = floats2(table, f.REMAINDERS), integers2(table, f.REMAINDER_COUNTS)
    for part in range(PARTS):
        for j in range(count):
            counts[part, first + np.uint64(j)] = 0
    for claim in range(claims):
        for j in range(count):
            world = first + np.uint64(j)
            counts[np.uint64(rests[claim, world] * PARTS), world] += 1


@linked
def find_part(table: int, claims: int, world: World) -> None:
    """Write in which part the last remainder lies that gets a unit, and how many get one there; -1 where all or none do."""
    counts, left, last = integers2(table, f.REMAINDER_COUNTS), floats1(table, f.UNITS_LEFT), floats1(table, f.LAST_REMAINDER)
    units, part = floats1(table, f.LAST_UNITS), integers1(table, f.PART_OF_LAST)
    part[world], units[world] = -1, 0.0
    last[world] = 1.0 if left[world] < 1.0 else -1.0
    if left[world] < 1.0 or left[world] >= claims:
        return
    wanted, chosen = int(left[world]), PARTS - 1
    while counts[chosen, world] < wanted:
        wanted -= counts[chosen, world]
        chosen -= 1
    part[world], units[world] = chosen, wanted


@linked
def keep_part(table: int, claims: int, first: World, count: int) -> None:
    """Move the remainders that lie in the part of the last one to the front; how many they are stands in the first counts."""
    rests, found = floats2(table, f.REMAINDERS), integers2(table, f.REMAINDER_COUNTS)
    part = integers1(table, f.PART_OF_LAST)
    for j in range(count):
        found[0, first + np.uint64(j)] = 0
    for claim in range(claims):
        for j in range(count):
            world = first + np.uint64(j)
            rest = rests[claim, world]
            rests[np.uint64(found[0, world]), world] = rest
            found[0, world] += 1 if np.int64(rest * PARTS) == part[world] else 0


@linked
def nth_largest(table: int, count: int, n: int) -> float:
    """Return the n-th largest of the first numbers in `SELECTED`, none negative, which are used up.

    Such numbers are in the order of their bits read as integers, here digit by digit from the highest on.
    """
    numbers, counts = floats1(table, f.SELECTED).view(np.int64), integers1(table, f.DIGIT_COUNTS)
    for shift in range(56, -1, -8):
        if count == 1:
            break
        for digit in range(DIGITS):
            counts[digit] = 0
        for place in range(count):
            counts[(numbers[place] >> shift) & (DIGITS - 1)] += 1
        chosen = DIGITS - 1
        while counts[chosen] < n:
            n -= counts[chosen]
            chosen -= 1
        kept = 0
        for place in range(count):
            number = numbers[place]
            numbers[kept] = number
            kept += 1 if (number >> shift) & (DIGITS - 1) == chosen else 0
        count = kept
    return floats1(table, f.SELECTED)[0]
