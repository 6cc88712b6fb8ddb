"""Numbers for rows of integers: each different row gets the next number, and keeps it."""

from __future__ import annotations

import numpy as np
from numba import njit

from allotment.scenario.errors import ScenarioError
from allotment.scenario.problem import Integers

MULTIPLIER, SHIFT = np.uint64(0x9E3779B97F4A7C15), np.uint64(29)


class Numbering:
    """Rows that have been seen, in the order in which they were."""

    def __init__(self, width: int, limit: int, what: str) -> None:
        self.count, self.limit, self.what = 0, limit, what
        self.stored = np.empty((1024, width), dtype=np.int64)
        self.places = np.full(4096, -1, dtype=np.int64)

    @property
    def rows(self) -> Integers:
        """Return the rows by their numbers, (n, width)."""
        return self.stored[: self.count]

    def number(self, rows: Integers) -> Integers:
        """Return the numbers of rows (n, width); new rows get new ones. Raises `ScenarioError` where there are too many."""
        rows = np.ascontiguousarray(rows, dtype=np.int64)
        numbers = np.empty(len(rows), dtype=np.int64)
        done = 0
        while done < len(rows):
            self._make_room()
            done, self.count = _number(rows, done, self.stored, self.count, self.places, numbers)
            if self.count > self.limit:
                raise ScenarioError(f"more than {self.limit:,} {self.what}: too many to enumerate")
        return numbers

    def find(self, rows: Integers) -> Integers:
        """Return the numbers of rows (n, width), -1 for one that has not been seen."""
        rows = np.ascontiguousarray(rows, dtype=np.int64)
        return _find(rows, self.stored, self.places)

    def _make_room(self) -> None:
        if 2 * self.count >= len(self.stored):
            self.stored = np.concatenate([self.stored, np.empty_like(self.stored)])
        if 4 * self.count >= len(self.places):
            self.places = np.full(4 * len(self.places), -1, dtype=np.int64)
            _place(self.stored, self.count, self.places)


@njit(cache=True)
def _slot(row, places):  # type: ignore[no-untyped-def]
    mixed = np.uint64(0)
    for value in row:
        mixed = (mixed ^ np.uint64(value)) * MULTIPLIER
        mixed ^= mixed >> SHIFT
    return np.int64(mixed % np.uint64(len(places)))


@njit(cache=True)
def _look(row, stored, places):  # type: ignore[no-untyped-def]
    """Return the slot where a row stands, or would stand."""
    slot = _slot(row, places)
    while places[slot] >= 0:
        same = True
        for column in range(len(row)):
            if stored[places[slot], column] != row[column]:
                same = False
                break
        if same:
            return slot
        slot = (slot + 1) % len(places)
    return slot


@njit(cache=True)
def _number(rows, begin, stored, count, places, numbers):  # type: ignore[no-untyped-def]
    for n in range(begin, len(rows)):
        slot = _look(rows[n], stored, places)
        if places[slot] < 0:
            if count >= len(stored) or 2 * count >= len(places):
                return n, count
            stored[count] = rows[n]
            places[slot] = count
            count += 1
        numbers[n] = places[slot]
    return len(rows), count


@njit(cache=True)
def _place(stored, count, places):  # type: ignore[no-untyped-def]
    for number in range(count):
        places[_look(stored[number], stored, places)] = number


@njit(cache=True)
def _find(rows, stored, places):  # type: ignore[no-untyped-def]
    numbers = np.empty(len(rows), dtype=np.int64)
    for n in range(len(rows)):
        numbers[n] = places[_look(rows[n], stored, places)]
    return numbers
