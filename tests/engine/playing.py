"""Playing worlds through either implementation, period by period, with everything it holds copied."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from allotment.engine import dynamics, kernel
from allotment.engine.state import Flows, State, empty_flows, empty_state
from allotment.scenario.problem import Floats, Problem


class Played(NamedTuple):
    """A period: the state before its decision, its record, and the state after it."""

    before: State
    flows: Flows
    after: State


def copied(arrays):
    """Return a copy of every array of a state or a record."""
    return type(arrays)(*(np.array(array) for array in arrays))


class Kernel:
    """Plays through `kernel`, which changes its arrays in place."""

    def __init__(self, problem: Problem, seeds: Iterable[int]):
        seeds = np.array(list(seeds))
        self.problem = problem
        self._state = empty_state(problem, len(seeds))
        self._flows = empty_flows(problem, len(seeds))
        self.reset(np.arange(len(seeds)), seeds, np.zeros(len(seeds), dtype=np.int64))

    @property
    def state(self) -> State:
        return copied(self._state)

    def reset(self, worlds: np.ndarray, seeds: np.ndarray, episodes: np.ndarray) -> None:
        kernel.reset(self.problem, self._state, worlds, seeds, episodes)

    def step(self, orders: Floats) -> Flows:
        kernel.step(self.problem, self._state, self._flows, orders)
        return copied(self._flows)


class Dynamics:
    """Plays through `dynamics`, which returns new arrays."""

    def __init__(self, problem: Problem, seeds: Iterable[int]):
        seeds = np.array(list(seeds))
        self.problem = problem
        self.state = dynamics.reset(problem, seeds, np.zeros(len(seeds), dtype=np.int64))

    def reset(self, worlds: np.ndarray, seeds: np.ndarray, episodes: np.ndarray) -> None:
        chosen = np.isin(np.arange(len(self.state.period)), worlds)
        everyone_seeds, everyone_episodes = self.state.seed.copy(), self.state.episode.copy()
        everyone_seeds[worlds], everyone_episodes[worlds] = seeds, episodes
        fresh = dynamics.reset(self.problem, everyone_seeds, everyone_episodes)
        self.state = dynamics.select(chosen, fresh, self.state)

    def step(self, orders: Floats) -> Flows:
        self.state, flows = dynamics.step(self.problem, self.state, orders)
        return flows


IMPLEMENTATIONS = [Kernel, Dynamics]


def play(player: Kernel | Dynamics, orders: Iterable[Floats]) -> Iterator[Played]:
    """Play one period for each array of orders."""
    for order in orders:
        before = player.state
        flows = player.step(order)
        yield Played(before, flows, player.state)
