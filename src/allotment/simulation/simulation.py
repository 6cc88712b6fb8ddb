"""A batch of simulated worlds that moves: the one place where a simulation's state changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allotment.engine import kernel
from allotment.engine.memory import Memory
from allotment.engine.state import DECISION, Decision, Flows, State, in_full
from allotment.quantities import MOST, is_whole, numbers_in
from allotment.scenario.errors import shown
from allotment.scenario.problem import Flags, Floats, Integers, Problem

AXES = {
    "orders": "worlds, supply lanes, SKUs",
    "allocation": "worlds, fulfilment lanes, SKUs",
    "protection": "worlds, sites, priority classes, SKUs",
    "budget": "worlds, budgets",
}


class Simulation:
    """`batch` worlds of one problem, each with its own seed, episode number and period."""

    def __init__(self, problem: Problem, batch: int) -> None:
        self.problem = problem
        self.batch = batch
        self.memory = Memory(problem, batch)
        self.started = False

    @property
    def state(self) -> State:
        """Return the state of the worlds, which a step changes in place."""
        return self.memory.state

    @property
    def flows(self) -> Flows:
        """Return the record of the last period, which a step changes in place."""
        return self.memory.flows

    def reset(self, worlds: Integers, seeds: Integers, episodes: Integers) -> None:
        """Start the given episode of the given seed in each of `worlds` (n,), and play up to its first decision."""
        kernel.reset(self.memory.address, worlds, np.ascontiguousarray(seeds), np.ascontiguousarray(episodes))
        self.started = True

    def next_episodes(self, worlds: Integers) -> None:
        """Start the next episode of the same seed in each of `worlds` (n,)."""
        self.reset(worlds, self.state.seed[worlds], self.state.episode[worlds] + 1)

    def take_over(self, worlds: Integers, other: Simulation) -> None:
        """Put `worlds` (n,) into the states of another simulation's n worlds."""
        for mine, theirs in zip(self.state, other.state, strict=True):
            mine[worlds] = theirs
        self.started = True

    def get_state(self) -> dict[str, NDArray[Any]]:
        """Return a copy of the state's arrays by name."""
        return {name: array.copy() for name, array in self.state._asdict().items()}

    def set_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state's arrays by name; `ValueError` where they are not those of this simulation, or cannot be."""
        own = self.state._asdict()
        if state.keys() != own.keys():
            raise ValueError(f"a state has the arrays {', '.join(own)}, not {', '.join(state)}")
        for name, array in own.items():
            if (state[name].shape, state[name].dtype) != (array.shape, array.dtype):
                seen = f"{state[name].dtype} {list(state[name].shape)}"
                raise ValueError(f"{name} of a state must be {array.dtype} {list(array.shape)}, not {seen}")
            self._check_values(name, state[name])
        for name, array in own.items():
            array[...] = state[name]
        self.started = True

    def _check_values(self, name: str, array: NDArray[Any]) -> None:
        """Raise `ValueError` where an array of a state holds a position that does not exist, or what is no number."""
        most = {
            "period": self.problem.clock.length,
            "regime": self.problem.modulation.transition.shape[-1] - 1,
            "seed": 2**63 - 1,
            "episode": 2**62,
        }
        if name in most and ((array < 0) | (array > most[name])).any():
            raise ValueError(f"{name} of a state must be from 0 to {most[name]}")
        if np.isnan(array).any():
            raise ValueError(f"{name} of a state must be numbers, not NaN")

    def step(self, decision: Decision | Floats) -> Flows:
        """Play one period with a decision, or orders alone (B, L, K) in units; the record is valid until the next step."""
        self.take(decision if isinstance(decision, Decision) else Decision(decision))
        return self.advance()

    def take(self, decision: Decision) -> None:
        """Take over what is decided for the next period; `ValueError` for a wrong shape."""
        self._take("orders", decision.orders if self.problem.rules.orders else None)
        if self.problem.rules.allocates:
            self._take("allocation", decision.allocation)
            self.memory.ship(decision.allocation is not None)
        if self.problem.rules.protects:
            self._take("protection", decision.protection)
        if self.problem.rules.budgets:
            self._take("budget", in_full(self.problem, decision).budget)

    def advance(self) -> Flows:
        """Play one period with what was taken over; `ValueError` where a quantity is none, and nothing is played then."""
        self.check_finite(kernel.step(self.memory.address))
        return self.flows

    def _take(self, name: str, units: Floats | None) -> None:
        """Take over one part of a decision; `ValueError` for a wrong shape."""
        target = getattr(self.memory.decision, name)
        if units is None:
            target[...] = 0.0
            return
        units = numbers_in(units, name)
        if units.shape != target.shape:
            raise ValueError(f"{name} must have shape {target.shape} ({AXES[name]}), not {units.shape}")
        target[...] = units

    def play(self, periods: int) -> None:
        """Play some periods with the rule that was put into the kernel (`decisions.ordering`), and add them to the sums."""
        if self.problem.rules.allocates:
            self.memory.ship(False)
        self.memory.divide_alike()
        kernel.play(self.memory.address, periods)

    def check_finite(self, fault: int) -> None:
        """Raise `ValueError` where the kernel refused a quantity, not finite or too large; nothing has been played then."""
        if fault < 0:
            return
        for name in DECISION:
            units = getattr(self.memory.decision, name)
            for place in np.argwhere(~(np.abs(units) <= MOST))[:1]:
                where = ", ".join(f"{axis} {at}" for axis, at in zip(_singular(AXES[name]), place, strict=True))
                allowed = f"at most {MOST:g} units" if np.isfinite(units[tuple(place)]) else "finite"
                raise ValueError(f"{name} must be {allowed}; {where} is {units[tuple(place)]}")

    @property
    def ended(self) -> Flags:
        """Return which episodes have played their last period, (B,)."""
        return self.state.period >= self.problem.clock.length


def _singular(axes: str) -> list[str]:
    return [axis.removesuffix("s").replace("classe", "class") for axis in axes.split(", ")]


def checked_seed(seed: Any, batch: int, lists: bool = True) -> Any:
    """Return a seed, a list of one for each of `batch` worlds, or none; `ValueError` says what is allowed."""
    if lists and isinstance(seed, Sequence | np.ndarray) and not isinstance(seed, str | bytes):
        if len(seed) != batch or not all(_is_seed(each, 2**63) for each in seed):
            allowed = f"one, from 0 to 2**63, for each of {batch} environments"
            raise ValueError(f"a list of seeds must hold {allowed}, not {shown(list(seed))}")
    elif seed is not None and not _is_seed(seed, 2**63 - batch):
        raise ValueError(f"seed must be a whole number between 0 and 2**63, not {shown(seed)}")
    return seed


def _is_seed(seed: Any, beyond: int) -> bool:
    return is_whole(seed) and 0 <= int(seed) < beyond


def world_seeds(seed: int | Sequence[int] | None, batch: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return one seed a world: s + i from a single seed, a list as it is, or drawn where none is given."""
    seed = int(rng.integers(2**62)) if seed is None else checked_seed(seed, batch)
    if isinstance(seed, int | np.integer):
        return int(seed) + np.arange(batch, dtype=np.int64)
    return np.array(seed, dtype=np.int64)
