"""Playing worlds through either implementation, period by period, with everything it holds copied."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from allotment.engine import dynamics, kernel
from allotment.engine.dynamics.arrays import plain
from allotment.engine.dynamics.period import select
from allotment.engine.memory import Memory
from allotment.engine.relaxation import on_torch
from allotment.engine.state import Decision, Flows, State, in_full
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
        self.memory = Memory(problem, len(seeds))
        self.reset(np.arange(len(seeds)), seeds, np.zeros(len(seeds), dtype=np.int64))

    @property
    def state(self) -> State:
        return copied(self.memory.state)

    def reset(self, worlds: np.ndarray, seeds: np.ndarray, episodes: np.ndarray) -> None:
        kernel.reset(self.memory.address, worlds, seeds, episodes)

    def step(self, decided: Decision | Floats) -> Flows:
        decided = in_full(self.problem, decided if isinstance(decided, Decision) else Decision(decided))
        self.memory.ship(self.problem.rules.allocates and decided.allocation.shape[1] > 0)
        for array, values in zip(self.memory.decision[:4], decided[:4], strict=True):
            array[...] = values if values.shape[1] else 0.0
        assert kernel.step(self.memory.address) == -1
        return copied(self.memory.flows)


def begun(problem: Problem, seeds: Iterable[int]) -> State:
    """Return the state of worlds before their first decision, by `dynamics`."""
    seeds = np.array(list(seeds))
    return dynamics.reset(problem, seeds, np.zeros(len(seeds), dtype=np.int64))


class Dynamics:
    """Plays through `dynamics`, which returns new arrays."""

    def __init__(self, problem: Problem, seeds: Iterable[int]):
        self.problem, self.state = problem, begun(problem, seeds)

    def reset(self, worlds: np.ndarray, seeds: np.ndarray, episodes: np.ndarray) -> None:
        chosen = np.isin(np.arange(len(self.state.period)), worlds)
        everyone_seeds, everyone_episodes = self.state.seed.copy(), self.state.episode.copy()
        everyone_seeds[worlds], everyone_episodes[worlds] = seeds, episodes
        fresh = dynamics.reset(self.problem, everyone_seeds, everyone_episodes)
        self.state = select(chosen, fresh, self.state)

    def step(self, decided: Decision | Floats) -> Flows:
        self.state, flows = dynamics.step(self.problem, self.state, decided)
        return flows


class Tensors:
    """Plays through `dynamics` on Torch, in double precision; what it says is NumPy's again."""

    def __init__(self, problem: Problem, seeds: Iterable[int]):
        import torch

        self.problem, self.tensors = problem, on_torch(begun(problem, seeds), torch.float64)

    @property
    def state(self) -> State:
        return State(*map(plain, self.tensors))

    def step(self, decided: Decision | Floats) -> Flows:
        self.tensors, flows = dynamics.step(self.problem, self.tensors, decided)
        return Flows(*map(plain, flows))


IMPLEMENTATIONS = [Kernel, Dynamics]


def play(player: Kernel | Dynamics, decisions: Iterable[Decision | Floats]) -> Iterator[Played]:
    """Play one period for each decision, which may be orders alone."""
    for decided in decisions:
        before = player.state
        flows = player.step(decided)
        yield Played(before, flows, player.state)
