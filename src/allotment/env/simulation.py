"""A batch of simulated worlds that moves: the one place where a simulation's state changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from allotment.engine import kernel
from allotment.engine.state import Flows, empty_flows, empty_state
from allotment.env.observation import Observation
from allotment.scenario.problem import Flags, Floats, Integers, Problem


class Simulation:
    """`batch` worlds of one problem, each with its own seed, episode number and period."""

    def __init__(self, problem: Problem, batch: int) -> None:
        self.problem = problem
        self.batch = batch
        self.state = empty_state(problem, batch)
        self.flows = empty_flows(problem, batch)
        self.started = False

    def reset(self, worlds: Integers, seeds: Integers, episodes: Integers) -> None:
        """Start the given episode of the given seed in each of `worlds` (n,), and play up to its first decision."""
        kernel.reset(self.problem, self.state, worlds, seeds, episodes)
        self.started = True

    def next_episodes(self, worlds: Integers) -> None:
        """Start the next episode of the same seed in each of `worlds` (n,)."""
        self.reset(worlds, self.state.seed[worlds], self.state.episode[worlds] + 1)

    def take_over(self, worlds: Integers, other: Simulation) -> None:
        """Put `worlds` (n,) into the states of another simulation's n worlds."""
        for mine, theirs in zip(self.state, other.state, strict=True):
            mine[worlds] = theirs
        self.started = True

    def step(self, orders: Floats) -> Flows:
        """Play one period with orders (B, L, K) in units; the record is valid until the next step."""
        kernel.step(self.problem, self.state, self.flows, checked_orders(orders, self.problem, self.batch))
        return self.flows

    def observation(self, memory: Floats | None = None) -> Observation:
        """Return what a policy sees now, valid until the next step; `memory` is what its last decision left it."""
        return Observation.of(self.problem, self.state, memory)

    @property
    def ended(self) -> Flags:
        """Return which episodes have played their last period, (B,)."""
        return self.state.period >= self.problem.clock.length


def checked_orders(orders: Floats, problem: Problem, batch: int) -> Floats:
    """Return orders as the kernel takes them; `ValueError` for a wrong shape or values that are not finite."""
    orders = np.ascontiguousarray(orders, dtype=np.float64)
    expected = (batch, *problem.lanes.allowed.shape)
    if orders.shape != expected:
        raise ValueError(f"orders have shape {orders.shape}; expected {expected} (worlds, supply lanes, SKUs)")
    if not np.isfinite(orders).all():
        world, lane, sku = np.argwhere(~np.isfinite(orders))[0]
        raise ValueError(f"orders must be finite; world {world}, supply lane {lane}, SKU {sku} is {orders[world, lane, sku]}")
    return orders


def world_seeds(seed: int | Sequence[int] | None, batch: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return one seed a world: s + i from a single seed, a list as it is, or drawn where none is given."""
    if seed is None:
        seed = int(rng.integers(2**62))
    if isinstance(seed, int | np.integer):
        if not 0 <= seed < 2**63 - batch:
            raise ValueError(f"seed must be between 0 and 2**63, not {seed}")
        return int(seed) + np.arange(batch, dtype=np.int64)
    if len(seed) != batch or any(each is None or not 0 <= each < 2**63 for each in seed):
        raise ValueError(f"a list of seeds must hold one, from 0 to 2**63, for each of {batch} environments, not {list(seed)}")
    return np.array(seed, dtype=np.int64)
