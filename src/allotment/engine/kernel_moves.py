"""Moving, copying and summing fields of a block of worlds: from the state into the record, or into room to work in."""

from __future__ import annotations

import numpy as np

from allotment.engine.compiled import World, far, floats3, floats4


@far
def hand_over(table: int, source: int, target: int, first: World, count: int) -> None:
    """Move units into the record."""
    state, record = floats3(table, source), floats3(table, target)
    for a in range(state.shape[0]):
        for b in range(state.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                record[a, b, world] = state[a, b, world]
                state[a, b, world] = 0.0


@far
def copy(table: int, source: int, target: int, first: World, count: int) -> None:
    """Note units in the record."""
    state, record = floats3(table, source), floats3(table, target)
    for a in range(state.shape[0]):
        for b in range(state.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                record[a, b, world] = state[a, b, world]


@far
def add_up(table: int, source: int, target: int, first: World, count: int) -> None:
    """Note units, summed over their last axis, in the record."""
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


@far
def add_over(table: int, source: int, target: int, first: World, count: int) -> None:
    """Move units into the record, beside what it holds."""
    state, record = floats3(table, source), floats3(table, target)
    for a in range(state.shape[0]):
        for b in range(state.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                record[a, b, world] += state[a, b, world]
                state[a, b, world] = 0.0
