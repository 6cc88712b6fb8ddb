"""Rows hold a number each in all worlds, (n, B): where the arrays of a state stand among them, and which of their entries do.

What is in transit, and history, go by age there instead of by slot, so that one program plays every period of a calendar that
looks alike. What is nothing before every decision has no row: shipments that must have arrived, movements that the coming
record does not have yet, demand that does not wait.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from allotment.engine.state import MOVEMENTS, STATE, State
from allotment.quantities import Flags, Floats, Integers
from allotment.scenario.problem import CHARGE, DEMAND, EXPIRE, FULFIL, RECEIVE, Problem

BY_SLOT = {"pipeline": "lanes", "arrival": "lanes", "demand_history": "demand"}
KNOWN = ("period", "seed", "episode", "regime")  # what a program is not given
MOVED_BY = {  # phases in which there are movements
    "demand": (DEMAND,),
    "received": (RECEIVE,),
    "discarded": (RECEIVE, EXPIRE),
    "vanished": (RECEIVE,),
    "shipped": (FULFIL,),
    "on_time": (FULFIL,),
    "lost": (FULFIL,),
    "late": (FULFIL,),
    "expired": (EXPIRE,),
    "shrunk": (EXPIRE,),
}
assert set(MOVED_BY) == set(MOVEMENTS)


@dataclass
class Layout:
    """Where arrays stand among rows: names, which of their entries have rows, and the first of each."""

    there: dict[str, Flags] = field(default_factory=dict)  # in the arrays' shapes without the batch axis
    starts: dict[str, int] = field(default_factory=dict)
    rows: int = 0

    def add(self, name: str, there: Flags) -> None:
        """Add an array behind those that are there."""
        self.there[name], self.starts[name] = there, self.rows
        self.rows += int(there.sum())

    @property
    def lengths(self) -> list[int]:
        """Return how many rows each array has."""
        return [int(there.sum()) for there in self.there.values()]

    def slice(self, name: str) -> slice:
        """Return the rows of an array."""
        return slice(self.starts[name], self.starts[name] + int(self.there[name].sum()))

    def array(self, rows: Any, name: str) -> Any:
        """Return an array (B, …) of rows (n, B) of Torch; entries without rows hold what they do when an episode begins."""
        there, found = self.there[name], rows[self.slice(name)].T
        if there.all():
            return found.reshape(-1, *there.shape)
        start = STATE[name].start
        filled = found.new_full((found.shape[0], there.size), start)
        places = np.flatnonzero(there.ravel())
        return filled.index_copy(1, found.new_tensor(places).long(), found).reshape(-1, *there.shape)


def everything(shape: tuple[int, ...]) -> Flags:
    """Return the flags of an array whose every entry has a row."""
    return np.ones(shape, dtype=bool)


def state_layout(problem: Problem) -> Layout:
    """Return where a state before a decision stands among rows."""
    layout = Layout()
    for name, there in rows_there(problem):
        if there.any():
            layout.add(name, there)
    return layout


def rows_there(problem: Problem) -> Iterator[tuple[str, Flags]]:
    """Yield the arrays of a state that programs play with, and which of their entries have rows."""
    moved = _moved_before_decisions(problem)
    constant = bool(((problem.lanes.constant >= 0) & (problem.lanes.lost == 0.0)).all())
    for name, declared in STATE.items():
        shape = declared.shape(problem)
        if name in KNOWN or not np.prod(shape) or (name == "arrival" and constant):
            continue
        there = everything(shape)
        if name in ("pipeline", "arrival"):
            there &= _along(in_transit(problem, 0) | in_transit(problem, problem.clock.length), shape)
        if name == "open_demand":
            there &= _waiting(problem)[:, None]
        if name in MOVEMENTS and name not in moved:
            there &= False
        yield name, there


def _along(flags: Flags, shape: tuple[int, ...]) -> Flags:
    """Return flags of the first axes along all of them."""
    return np.broadcast_to(flags.reshape(flags.shape + (1,) * (len(shape) - flags.ndim)), shape)


def _moved_before_decisions(problem: Problem) -> set[str]:
    """Return which movements there may be between the closing of a record and the next decision."""
    sequence, closes = problem.clock.sequence, int(np.flatnonzero(problem.clock.sequence == CHARGE)[0])
    between = {int(phase) for place, phase in enumerate(sequence) if place > closes or place < problem.clock.decide_at}
    return {name for name, phases in MOVED_BY.items() if between.intersection(phases)}


def _waiting(problem: Problem) -> Flags:
    """Return which slots may hold open demand before a decision, or when a season is over, (C, D)."""
    channels, slots = problem.channels, np.arange(problem.shape.slots)
    due: Flags = channels.due[:, None] == slots
    last: Flags = channels.last[:, None] == slots
    new = np.broadcast_to(slots == 0, due.shape)
    waiting = _older(due & (channels.initial_open.sum(axis=1) > 0.0)[:, None], last)
    for _ in slots:
        kept = (waiting | new) & ~(due & ~channels.stays.astype(bool)[:, None]) & ~(last & ~channels.open_ended[:, None])
        waiting = waiting | _older(kept, last) | (kept & problem.clock.season)
    return waiting | new if problem.clock.demand_first else waiting


def _older(waiting: Flags, last: Flags) -> Flags:
    """Return where open demand (C, D) waits a period later; in the last slot it stays."""
    moved = np.concatenate([np.zeros_like(waiting[:, :1]), waiting[:, :-1]], axis=1)
    older: Flags = moved | (waiting & last)
    return older


def slots_by_age(problem: Problem, name: str, period: int) -> Integers:
    """Return which slot of an array is 1, 2, … periods old at a period's decision."""
    slots = problem.lanes.slots if BY_SLOT[name] == "lanes" else problem.demand.history_slots
    return (period - 1 - np.arange(slots)) % max(slots, 1)


def lead_time_bounds(problem: Problem) -> tuple[Integers, Integers]:
    """Return the shortest and the longest lead time of each lane, (L,) periods."""
    rows, tables = problem.lanes.lead_row, problem.tables
    first = tables.first[rows].astype(np.int64)
    return first, first + tables.start[rows + 1] - tables.start[rows] - 1


def in_transit(problem: Problem, period: int) -> Flags:
    """Return which orders may still be in transit at a decision, or when a season is over, by age from 1 on, (N, L).

    What was ordered before an episode arrives in its first period at the earliest, however old it is.
    """
    age = 1 + np.arange(problem.lanes.slots)[:, None]
    received = problem.clock.received_first and not (problem.clock.season and period == problem.clock.length)
    on_its_way: Flags = age + int(received) <= lead_time_bounds(problem)[1]
    return on_its_way | ((age > period) & (period == 0) & (age <= len(problem.lanes.initial)))


def by_age(problem: Problem, state: State, name: str, period: int) -> Any:
    """Return an array of a state by age, and arrivals counted from a period, that of all its worlds."""
    array = getattr(state, name)
    if name in BY_SLOT:
        array = array[:, slots_by_age(problem, name, period)]
    return array - float(period) if name == "arrival" else array


def rows_of(problem: Problem, layout: Layout, state: State) -> Floats:
    """Return the arrays of a state of NumPy as rows, (n, B); raises `ValueError` where what has no row is not nothing."""
    parts = []
    for name, there in layout.there.items():
        array = np.asarray(by_age(problem, state, name, int(state.period[0])), dtype=np.float64)
        if name != "arrival" and array[:, ~there].any():
            raise ValueError(f"{name} before a decision has units where there can be none")
        parts.append(array[:, there].T)
    return np.concatenate(parts)
