"""Moving, copying and summing arrays of a block of worlds: from the state into the record, or into room to work in."""

from __future__ import annotations

import numpy as np

from allotment.engine import layout as f
from allotment.engine.compiled import World, float_rows, floats3, floats4, inline, integer_rows, integers1, linked


@inline
def worlds(table):  # type: ignore[no-untyped-def]
    """Return how many worlds there are."""
    return integers1(table, f.PERIOD).shape[0]


@linked
def fill_rows(table: int, field: int, value: float, first: World, count: int) -> None:
    """Write one number for a block of worlds into all of a field."""
    rows = float_rows(table, field, worlds(table))
    for row in range(rows.shape[0]):
        for j in range(count):
            rows[row, first + np.uint64(j)] = value


@linked
def fill_integer_rows(table: int, field: int, value: int, first: World, count: int) -> None:
    """Write one integer for a block of worlds into all of a field."""
    rows = integer_rows(table, field, worlds(table))
    for row in range(rows.shape[0]):
        for j in range(count):
            rows[row, first + np.uint64(j)] = value


@linked
def hand_over(table: int, source: int, target: int, first: World, count: int) -> None:
    """Move units of the state into the record."""
    state, record = float_rows(table, source, worlds(table)), float_rows(table, target, worlds(table))
    for row in range(state.shape[0]):
        for j in range(count):
            world = first + np.uint64(j)
            record[row, world] = state[row, world]
            state[row, world] = 0.0


@linked
def add_over(table: int, source: int, target: int, first: World, count: int) -> None:
    """Move units of the state into the record, beside what it holds."""
    state, record = float_rows(table, source, worlds(table)), float_rows(table, target, worlds(table))
    for row in range(state.shape[0]):
        for j in range(count):
            world = first + np.uint64(j)
            record[row, world] += state[row, world]
            state[row, world] = 0.0


@linked
def copy(table: int, source: int, target: int, first: World, count: int) -> None:
    """Note units of the state in the record."""
    state, record = float_rows(table, source, worlds(table)), float_rows(table, target, worlds(table))
    for row in range(state.shape[0]):
        for j in range(count):
            world = first + np.uint64(j)
            record[row, world] = state[row, world]


@linked
def add_rows(table: int, source: int, target: int, first: World, count: int) -> None:
    """Add all of a field to another."""
    added, sums = float_rows(table, source, worlds(table)), float_rows(table, target, worlds(table))
    for row in range(added.shape[0]):
        for j in range(count):
            world = first + np.uint64(j)
            sums[row, world] += added[row, world]


@linked
def add_up(table: int, source: int, target: int, first: World, count: int) -> None:
    """Write units summed over their last axis before that of the worlds."""
    state, record = floats4(table, source), floats3(table, target)
    for a in range(state.shape[0]):
        for b in range(state.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                record[a, b, world] = state[a, b, 0, world]
            for c in range(1, state.shape[2]):
                for j in range(count):
                    world = first + np.uint64(j)
                    record[a, b, world] += state[a, b, c, world]
