"""States as rows of integers: what is on its way and owed (`carried`) apart from what is in the sites (`rest`).

Between two receipts nothing touches what is on its way, and the law of what happens in the sites does not depend on it. So a
state is a pair of rows, and what a period's demand does is worked out once for each row of the one kind, not for each pair.
Units are counted in steps; what is not counted in units (goodwill, what can still be handled) is kept to the bit.
"""

from __future__ import annotations

import math

import numpy as np

from allotment.engine.state import STATE, State, empty_state
from allotment.exact.draws import FAR, Laws
from allotment.scenario.errors import ScenarioError
from allotment.scenario.problem import Integers, Problem

UNITS = ("on_hand", "open_demand", "reserved", "protected", "allocation", "unrecorded_loss")
BITS = ("goodwill", "handling_left")
NUMBERS = ("regime", "seed")  # the seed of a state is the event of its period, 0 where it is not drawn yet
OFF_GRID = 1e-6  # steps by which units may miss a whole number of them


class Coding:
    """How the states of a world are written as rows."""

    def __init__(self, problem: Problem, laws: Laws, step: float) -> None:
        if problem.treasury.exists:
            raise ScenarioError("treasury: amounts of cash are not enumerated; exact values need a world without one")
        self.problem, self.laws, self.step = problem, laws, step
        self.slots = problem.lanes.slots
        self.season = problem.clock.season
        self.cycle = 1 if self.season else repeats_after(problem)
        self.origin = 0 if self.season else self.cycle * math.ceil((self.slots + len(problem.demand.mean) + 1) / self.cycle)
        self.empty = empty_state(problem, 1)

    def rest(self, state: State) -> Integers:
        """Return what is in the sites, (B, n)."""
        parts = [self._steps(getattr(state, name), name) for name in UNITS]
        parts += [np.ascontiguousarray(getattr(state, name)).view(np.int64) for name in BITS]
        parts += [getattr(state, name) for name in NUMBERS]
        return np.concatenate([*map(_flat, parts), self.phase(state)[:, None]], axis=1)

    def carried(self, state: State) -> Integers:
        """Return what is on its way by age, what is owed, and what else decides when it comes, (B, n)."""
        batch = np.arange(len(state.period))[:, None]
        by_age = (state.period[:, None] - np.arange(self.slots)) % self.slots
        pipeline = self._steps(state.pipeline, "in transit")[batch, by_age]
        coming = state.arrival[batch, by_age][:, :, self.laws.ordered_lanes] - state.period[:, None, None, None]
        coming = np.where(coming < -self.slots, -self.slots, coming)
        parts = [pipeline, self._steps(state.owed, "owed"), coming, state.episode, self.phase(state)]
        return np.concatenate([_flat(part) for part in parts], axis=1)

    def phase(self, state: State) -> Integers:
        """Return the period of a season, or where in the cycle of a window it is, (B,)."""
        return state.period if self.season else state.period % self.cycle

    def state(self, rest: Integers | None, carried: Integers | None) -> State:
        """Return states from their rows; without `rest` or `carried` there is nothing in the sites, or on its way."""
        batch = len(rest) if rest is not None else len(carried) if carried is not None else 0
        found = {name: np.repeat(array, batch, axis=0) for name, array in zip(STATE, self.empty, strict=True)}
        found["period"] = np.full(batch, self.origin)
        if rest is not None:
            self._read_rest(found, rest)
        if carried is not None:
            self._read_carried(found, carried)
        return State(**found)

    def _read_rest(self, found: dict[str, np.ndarray], rows: Integers) -> None:
        begin = 0
        for names, read in ((UNITS, self._units), (BITS, lambda part: part.copy().view(np.float64)), (NUMBERS, np.array)):
            for name in names:
                shape = found[name].shape
                width = math.prod(shape[1:])
                found[name] = read(np.ascontiguousarray(rows[:, begin : begin + width])).reshape(shape)
                begin += width
        found["period"] = self.origin + rows[:, -1]

    def _read_carried(self, found: dict[str, np.ndarray], rows: Integers) -> None:
        found["period"] = period = self.origin + rows[:, -1]
        batch = np.arange(len(rows))[:, None]
        pipeline, begin = found["pipeline"], 0
        by_age = (period[:, None] - np.arange(self.slots)) % self.slots
        width = math.prod(pipeline.shape[1:])
        pipeline[batch, by_age] = self._units(rows[:, :width]).reshape(pipeline.shape)
        begin = width + math.prod(found["owed"].shape[1:])
        found["owed"] = self._units(rows[:, width:begin]).reshape(found["owed"].shape)
        found["arrival"][batch, by_age] = self._arrivals(period)
        ordered, draws = self.laws.ordered_lanes, found["arrival"].shape[-1]
        coming = rows[:, begin:-2].reshape(len(rows), self.slots, len(ordered), draws)
        arrival = found["arrival"][batch, by_age]
        arrival[:, :, ordered] = period[:, None, None, None] + coming
        found["arrival"][batch, by_age] = arrival
        found["in_transit"] = pipeline.sum(axis=(1, 4))
        found["episode"] = rows[:, -2].copy()

    def _arrivals(self, period: Integers) -> Integers:
        """Return when orders of each age arrive, (B, ages, L, draws): by constant lead times; others are far, or Kaplan's."""
        lanes = self.problem.lanes
        ordered = period[:, None, None, None] - np.arange(self.slots)[:, None, None]
        arrival = ordered + lanes.constant[:, None] + np.zeros(lanes.stream.shape, dtype=np.int64)
        arrival[:, :, self.laws.crossing_lanes] = FAR
        arrival[:, :, self.laws.kaplan_lanes] = -1
        return arrival

    def _steps(self, units: np.ndarray, name: str) -> Integers:
        counted = units if self.step == 1.0 else units / self.step
        steps = np.round(counted)
        if np.abs(counted - steps).max(initial=0.0) > OFF_GRID:
            raise ScenarioError(f"{name}: a period leaves parts of a step of {self.step:g} units; they cannot be enumerated")
        return steps.astype(np.int64)

    def _units(self, steps: Integers) -> np.ndarray:
        return steps.astype(np.float64) * self.step


def _flat(part: np.ndarray) -> Integers:
    return part.reshape(len(part), math.prod(part.shape[1:]))


def repeats_after(problem: Problem) -> int:
    """Return the number of periods after which a window repeats itself."""
    counts = problem.sites.count_every[problem.sites.count_every > 0]
    replayed = len(problem.demand.recorded) if problem.demand.replayed else 1
    return math.lcm(max(problem.clock.cycle, 1), max(replayed, 1), *map(int, counts))
