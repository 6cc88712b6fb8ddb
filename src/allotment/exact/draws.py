"""All outcomes of what a period draws: array functions are played again and again, each time with one more draw settled.

A function that draws is played for a batch of states. At its first draw it is left, every state is repeated once for each
value that the draw may take, and the function is played from the start with those values; until it draws nothing new.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from allotment.engine import randomness
from allotment.engine.dynamics.arrays import plain
from allotment.engine.state import State
from allotment.exact.laws import DemandLaws, Law, binomial_law, events, lead_time_law, regime_law, together
from allotment.scenario.errors import ScenarioError
from allotment.scenario.problem import IN_ORDER, KAPLAN, Floats, Integers, Problem

MOST_OUTCOMES = 3_000_000  # of states that are played together
FAR = 2**40  # periods ahead: when something arrives that is not known yet to arrive


class Outcomes(NamedTuple):
    """What may become of a batch of states: the result for each outcome, whose state it came of, and its probability."""

    result: Any
    row: Integers
    probability: Floats


class _Fork(Exception):
    def __init__(self, laws: list[Law], which: Integers) -> None:
        self.laws, self.which = laws, which


def outcomes(of: Callable[[Integers], Any], batch: int, laws: Laws) -> Outcomes:
    """Return everything that a function may return, with its probability; it is told which of a batch's rows to play."""
    rows, probability = np.arange(batch), np.ones(batch)
    settled: list[np.ndarray] = []
    while True:
        try:
            with randomness.drawing(Settled(laws, settled)):
                return Outcomes(of(rows), rows, probability)
        except _Fork as fork:
            counts = np.array([len(law.probabilities) for law in fork.laws])[fork.which]
            if counts.sum() > MOST_OUTCOMES:
                raise ScenarioError(
                    f"{batch:,} states have {counts.sum():,} outcomes in a period: too many to enumerate"
                ) from None
            again = np.repeat(np.arange(len(rows)), counts)
            of_value = np.arange(len(again)) - np.repeat(np.cumsum(counts) - counts, counts)
            starts = np.cumsum([0, *(len(law.probabilities) for law in fork.laws)])[:-1]
            place = starts[fork.which[again]] + of_value
            values = np.concatenate([law.values for law in fork.laws])[place]
            chances = np.concatenate([law.probabilities for law in fork.laws])[place]
            settled = [*(draw[again] for draw in settled), values]
            rows, probability = rows[again], probability[again] * chances


def rows_of(state: State, rows: Integers) -> State:
    """Return some rows of a batch."""
    parts: Any = (array[rows] for array in state)
    return State(*parts)


class Laws:
    """What a world may draw."""

    def __init__(self, problem: Problem, tail: float, step: float) -> None:
        _check(problem)
        self.problem = problem
        self.demand = DemandLaws(problem, tail, step)
        self.events = events(problem)
        self.regimes = regime_law(problem) if len(problem.modulation.initial) else None
        self.of_lanes = [lead_time_law(problem, lane) for lane in range(problem.shape.lanes)]
        self.random_lanes = np.flatnonzero(problem.lanes.constant < 0)
        self.ordered_lanes = np.flatnonzero((problem.lanes.constant < 0) & (problem.lanes.crossing == IN_ORDER))
        self.kaplan_lanes = np.flatnonzero((problem.lanes.constant < 0) & (problem.lanes.crossing == KAPLAN))
        crossing = (problem.lanes.constant < 0) & (problem.lanes.crossing != IN_ORDER) & (problem.lanes.crossing != KAPLAN)
        self.crossing_lanes = np.flatnonzero(crossing)

    @property
    def supplier_events(self) -> bool:
        """Tell whether what a supplier can ship is an event of the period."""
        return bool((self.problem.suppliers.event_low <= 1.0).any())

    def hazard(self, lane: int, age: int) -> float:
        """Return the chance of an order to arrive now that has not arrived before."""
        law = self.of_lanes[lane]
        now, later = law.probabilities[law.values == age].sum(), law.probabilities[law.values >= age].sum()
        return float(now / later) if later > 0.0 else 1.0


def _check(problem: Problem) -> None:
    """Raise `ScenarioError` for what draws numbers that no list can hold."""
    by_share = (problem.suppliers.fill_low < problem.suppliers.fill_high) & ~problem.suppliers.fill_by_unit
    if by_share.any():
        raise ScenarioError("suppliers.fill_rate: a share between two bounds has no finite law; it cannot be enumerated")
    if (problem.sites.yield_low < problem.sites.yield_high).any():
        raise ScenarioError("sites.yield: a yield between two bounds has no finite law; it cannot be enumerated")
    if problem.clock.demand_first and (problem.suppliers.event_low <= 1.0).any():
        raise ScenarioError(
            "demand: a supplier's unit of capacity is part of an event that demand tells of before the decision"
        )
    if (problem.lanes.lost > 0.0).any():
        raise ScenarioError("supply_lanes.lost_probability: shipments that never arrive are not enumerated")
    if problem.lanes.initial[:, problem.lanes.constant < 0].any():
        raise ScenarioError("supply_lanes.initial_in_transit: with a random lead time it cannot be enumerated")


class Settled:
    """Draws of which some are settled; at the first other one the function is left."""

    def __init__(self, laws: Laws, settled: list[np.ndarray]) -> None:
        self.laws, self.settled, self.used = laws, settled, 0

    def take(self, laws: list[Law], which: Integers) -> np.ndarray:
        """Return the values that a draw was settled at, whose law is `laws[which]` for each row."""
        if self.used == len(self.settled):
            raise _Fork(laws, which)
        self.used += 1
        return self.settled[self.used - 1]

    def by_rows(self, keys: np.ndarray, law_of: Callable[[int], Law]) -> np.ndarray:
        """Return the values of a draw whose law is that of a row's key; `law_of` is given a row that has the key."""
        if self.used < len(self.settled):
            return self.take([], keys)
        _, first, which = np.unique(keys.reshape(len(keys), -1), axis=0, return_index=True, return_inverse=True)
        return self.take([law_of(int(row)) for row in first], which.ravel())

    def uniforms(self, streams: Any, seed: Integers, episode: Integers, period: Integers) -> Floats:
        """Return chances that stand for the events of suppliers, which the state carries, or of Markov chains."""
        problem = self.laws.problem
        if len(streams) == 1 and streams[0] == problem.demand.event_stream:
            starts, lengths = self.laws.events
            return (starts + 0.5 * lengths)[seed - 1][:, None]
        if self.laws.regimes is not None and np.array_equal(streams, problem.modulation.stream):
            return self.take([self.laws.regimes], np.zeros(len(seed), dtype=np.int64))
        return np.full((len(seed), len(streams)), 0.5)  # of what lies between two equal bounds

    def coming_through(self, units: Floats, probability: Floats) -> Floats:
        """Return how many of some units (B, …) come through."""
        trials = np.round(plain(units)).astype(np.int64).reshape(len(units), -1)
        chances = probability.reshape(len(units), -1)
        if not trials.any():
            return units * 0.0
        keys = np.concatenate([trials, chances.view(np.int64).reshape(trials.shape)], axis=1)
        drawn = self.by_rows(keys, lambda row: binomial_law(trials[row], chances[row]))
        return drawn.reshape(units.shape).astype(np.float64)

    def demands(self, problem: Problem, multiplier: Floats, seed: Integers, episode: Integers, period: Integers) -> Floats:
        """Return demand, (B, C, K) units."""
        flat = np.ascontiguousarray(multiplier).reshape(len(seed), -1)
        keys = np.concatenate([flat.view(np.int64).reshape(flat.shape), seed[:, None], period[:, None]], axis=1)

        def law_of(row: int) -> Law:
            return self.laws.demand.of(int(period[row]), multiplier[row], int(seed[row]) - 1)

        return self.by_rows(keys, law_of)

    def lead_times(self, problem: Problem, seed: Integers, episode: Integers, period: Integers) -> np.ndarray:
        """Return lead times, (B, L, draws): whether an order comes at once, where orders may overtake; else all of it."""
        laws, shape = self.laws, (len(seed), *problem.lanes.stream.shape)
        found = np.broadcast_to(np.maximum(problem.lanes.constant, 0)[:, None], shape).astype(np.int64)
        if len(laws.kaplan_lanes):
            found[:, laws.kaplan_lanes] = oldest_of(laws, episode)[..., None]
        drawn = [lane for lane in (*laws.ordered_lanes, *laws.crossing_lanes)]
        if not drawn:
            return found
        law = together([self._of_lane(int(lane), shape[1:]) for lane in drawn])
        values = self.take([law], np.zeros(len(seed), dtype=np.int64))
        found[:, drawn] = values[:, drawn].astype(np.int64)
        return found

    def _of_lane(self, lane: int, shape: tuple[int, ...]) -> Law:
        """Return the law of a lane's lead times, (n, L, draws), 0 on the other lanes."""
        laws, of_lane = self.laws, self.laws.of_lanes[lane]
        if lane in laws.crossing_lanes:
            at_once = laws.hazard(lane, 0)
            of_lane = Law(np.array([0.0, FAR]), np.array([at_once, 1.0 - at_once]))
            of_lane = Law(of_lane.values[of_lane.probabilities > 0.0], of_lane.probabilities[of_lane.probabilities > 0.0])
        draws = range(shape[1]) if laws.problem.lanes.by_sku[lane] else [slice(None)]
        parts = []
        for draw in draws:
            values = np.zeros((len(of_lane.values), *shape))
            values[:, lane, draw] = of_lane.values.reshape(-1, *[1] * np.ndim(values[0, lane, draw]))
            parts.append(Law(values, of_lane.probabilities))
        return together(parts)


def oldest_of(laws: Laws, packed: Integers) -> Integers:
    """Return the age from which on orders arrive on each of Kaplan's lanes, (B, lanes), which a state carries as one number."""
    slots = laws.problem.lanes.slots
    return (np.maximum(packed - 1, 0)[:, None] // slots ** np.arange(len(laws.kaplan_lanes))) % slots
