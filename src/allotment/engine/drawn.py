"""Worlds drawn ahead of time: demand, lead times and regimes of an episode, which many updates of a policy may reuse.

What is drawn takes the place of random numbers in the array dynamics (`randomness.drawing`) and in `TracedWorlds`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from allotment.engine import randomness
from allotment.engine.dynamics.period import multipliers, with_next_regimes
from allotment.engine.state import empty_state
from allotment.quantities import Floats, Integers, Keys
from allotment.scenario.problem import Problem


@dataclass(frozen=True)
class Drawn:
    """What a batch of worlds draws, each array with the batch as its last axis; it stands for `randomness.Draws`."""

    problem: Problem
    seeds: Integers  # (B,)
    demand: NDArray[Any]  # (T, C, K, B) units
    times: NDArray[np.int64]  # (T, L, draws, B) periods from an order to its arrival
    regimes: NDArray[np.int64]  # (T, R, B) state of each Markov chain
    kept: dict[tuple[bytes, int], Floats] = field(default_factory=dict)  # other numbers, by streams and period, once asked for

    def part(self, places: Integers) -> Drawn:
        """Return some of the worlds, by their places in the batch."""
        demand, times, regimes = (np.ascontiguousarray(each[..., places]) for each in (self.demand, self.times, self.regimes))
        return Drawn(self.problem, self.seeds[places], demand, times, regimes)

    def demands(
        self, problem: Problem, multiplier: Floats, seed: Integers, episode: Integers, period: Integers
    ) -> NDArray[Any]:
        """Return demand, (B, C, K) units; raises `ValueError` of periods that were not drawn."""
        return self._of(self.demand, seed, period)

    def lead_times(self, problem: Problem, seed: Integers, episode: Integers, period: Integers) -> NDArray[np.int64]:
        """Return lead times, (B, L, draws) periods; those of orders before the episode are drawn now."""
        if (period < 0).any():
            with randomness.drawing(None):
                return randomness.lead_times(problem, seed, episode, period)
        return self._of(self.times, seed, period)

    def uniforms(self, streams: Keys, seed: Integers, episode: Integers, period: Integers) -> Floats:
        """Return numbers in (0, 1), (B, streams), drawn when they are first asked for."""
        self._check(seed, period)
        if (period != period[0]).any():
            return self._now(streams, seed, episode, period)
        name = streams.tobytes(), int(period[0])
        if name not in self.kept:
            self.kept[name] = self._now(streams, seed, episode, period)
        return self.kept[name]

    def coming_through(self, units: Floats, probability: Floats) -> Floats:
        """Refuse: how many of some whole units come through depends on how many there are."""
        raise ValueError("what comes through of whole units depends on play: draw ahead for the world's continuous relaxation")

    def _now(self, streams: Keys, seed: Integers, episode: Integers, period: Integers) -> Floats:
        with randomness.drawing(None):
            return randomness.uniforms(streams, seed, episode, period)

    def _of(self, drawn: NDArray[Any], seed: Integers, period: Integers) -> NDArray[Any]:
        self._check(seed, period)
        if (period == period[0]).all():
            return np.moveaxis(drawn[period[0]], -1, 0)
        found: NDArray[Any] = drawn[period, ..., np.arange(len(period))]
        return found

    def _check(self, seed: Integers, period: Integers) -> None:
        if not np.array_equal(seed, self.seeds):
            raise ValueError("these worlds are not those that were drawn: their seeds differ")
        if period.max() >= len(self.demand):
            raise ValueError(f"period {period.max()} was not drawn, only those up to {len(self.demand) - 1}")


def draw(problem: Problem, seeds: Integers, periods: int, dtype: DTypeLike = np.float32) -> Drawn:
    """Draw the first episode of each seed (B,) ahead of time, as far as some periods need it; demand in a precision.

    Raises `ValueError` where demand follows goodwill, which follows play.
    """
    if problem.shape.groups:
        raise ValueError("demand follows goodwill, which follows what is played: it cannot be drawn ahead")
    seeds = np.asarray(seeds)
    batch, count = len(seeds), periods + 1  # what comes before the decision after the last
    state = empty_state(problem, batch)
    state = state._replace(seed=seeds, regime=np.broadcast_to(problem.modulation.initial, state.regime.shape))
    demand = np.empty((count, *problem.demand.kind.shape, batch), dtype=dtype)
    times = np.empty((count, *problem.lanes.stream.shape, batch), dtype=np.int64)
    regimes = np.empty((count, state.regime.shape[1], batch), dtype=np.int64)
    for period in range(count):
        state = with_next_regimes(problem, state._replace(period=np.full(batch, period)))
        where = state.seed, state.episode, state.period
        demand[period] = np.moveaxis(randomness.demands(problem, multipliers(problem, state), *where), 0, -1)
        times[period] = np.moveaxis(randomness.lead_times(problem, *where), 0, -1)
        regimes[period] = state.regime.T
    return Drawn(problem, seeds, demand, times, regimes)
