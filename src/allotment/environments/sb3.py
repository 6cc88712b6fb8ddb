"""The Stable-Baselines3 VecEnv over the native batch."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

from allotment.decisions.encodings import Encoding
from allotment.decisions.flatten import Flattener
from allotment.decisions.observation import observe
from allotment.decisions.policy import Policy
from allotment.engine.kernel.period import BLOCK
from allotment.environments.action_decoder import ActionDecoder
from allotment.environments.observation_vectors import ObservationVectors
from allotment.environments.spaces import action_space, observation_space
from allotment.scenario.loader import World
from allotment.simulation.simulation import Simulation, world_seeds


def _staggered_ends(num_envs: int, length: int) -> NDArray[np.int64]:
    """Return after how many periods the first episode of each world ends, (num_envs,): two groups, or more that fill blocks.

    Worlds in one period are simulated together, block by block, which smaller groups would slow.
    """
    groups = min(max(2, num_envs // BLOCK), num_envs, length)
    group = np.arange(num_envs) * groups // num_envs
    return -(-(group + 1) * length // groups)


class Sb3VecEnv(VecEnv):
    """`num_envs` worlds for Stable-Baselines3.

    With `stagger` the first episodes of a window end early, group by group, so that truncations do not come all at once;
    these episodes are left out of the episode statistics.

    With a `reference` rule, rewards are what the policy earns more than that rule in the same worlds, side by side. Draws do
    not depend on decisions, so the optimum is the same and most of the noise of demand is gone. The rule plays the warm-up,
    which metrics leave out: what can be gained there once would drown what can be gained ever after.

    With `stock_at_cost`, rewards count stock at its unit cost, as accounts do, so that buying now or next period is not
    mistaken for a loss or a gain: r + worth after − worth before, worth nothing once a season has ended. Over an episode the
    worths cancel but for the first and the last, so the best average per period stays the best.
    """

    def __init__(
        self,
        world: World,
        encoding: Encoding,
        num_envs: int,
        stagger: bool = False,
        reference: Policy | None = None,
        stock_at_cost: bool = False,
    ) -> None:
        self.render_mode = None
        super().__init__(num_envs, observation_space(Flattener(world)), action_space(encoding))
        self.world = world
        self.encoding = encoding
        self.flattener = Flattener(world)
        self.simulation = Simulation(world.problem, num_envs)
        self.vectors = ObservationVectors(self.flattener, self.simulation)
        self.decoder = ActionDecoder(encoding, self.simulation, self.vectors)
        self.reference = reference
        self.beside = Simulation(world.problem, num_envs) if reference else None
        self.stock_at_cost = stock_at_cost
        self.unit_costs = world.problem.goods.unit_cost.mean(axis=0)
        self.worth = np.zeros(num_envs)
        length = world.problem.clock.length
        stagger = stagger and not world.problem.clock.season
        self.first_ends = _staggered_ends(num_envs, length) if stagger else np.full(num_envs, length)
        self.staggered = self.first_ends < length
        self.returns = np.zeros(num_envs)
        self.no_infos: list[dict[str, Any]] = [{} for _ in range(num_envs)]  # of steps that end no episode
        self._next_seed: int | None = None

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Set the seed of the next reset: world i gets seed + i."""
        self._next_seed = seed
        return [None if seed is None else seed + world for world in range(self.num_envs)]

    def reset(self) -> NDArray[np.float32]:
        """Start episodes: the first of each seed after `seed`, else the next ones."""
        if self._next_seed is None and self.simulation.started:
            self.simulation.next_episodes(np.arange(self.num_envs))
        else:
            seeds = world_seeds(self._next_seed, self.num_envs, np.random.default_rng())
            self.simulation.reset(np.arange(self.num_envs), seeds, np.zeros(self.num_envs, dtype=np.int64))
        self._start_beside(np.arange(self.num_envs))
        self._next_seed = None
        self.returns[:] = 0.0
        return self.vectors()

    def step_async(self, actions: NDArray[Any]) -> None:
        """Take the actions of the next step, (num_envs, size)."""
        self.actions = actions

    def step_wait(self):  # type: ignore[no-untyped-def]
        """Play one period everywhere. Returns observations, rewards (float32), dones and infos."""
        observations, flows = self.decoder.step(self.actions), self.simulation.flows
        self.returns += flows.reward
        rewards = flows.reward - self._reward_beside()
        infos = self.no_infos.copy()
        rewards = self._with_worth(rewards).astype(np.float32)
        dones = self.simulation.ended | (self.staggered & (self.simulation.state.period >= self.first_ends))
        if dones.any():
            observations = self._next_episodes(np.flatnonzero(dones), observations, infos)
        return observations, rewards, dones, infos

    def _next_episodes(
        self, worlds: NDArray[np.int64], observations: NDArray[np.float32], infos: list[dict[str, Any]]
    ) -> NDArray[np.float32]:
        """Put the ends of episodes into `infos` and start the next ones; returns the observations after that."""
        for world in worlds:
            infos[world] = {
                "terminal_observation": observations[world].copy(),
                "TimeLimit.truncated": not self.world.problem.clock.season,
            }
            if not self.staggered[world]:
                length = int(self.simulation.state.period[world])
                infos[world]["episode"] = {"r": float(self.returns[world]), "l": length, "t": 0.0}
        self.staggered[worlds] = False
        self.returns[worlds] = 0.0
        self.simulation.next_episodes(worlds)
        self._start_beside(worlds)
        return self.vectors()

    def _start_beside(self, worlds: NDArray[np.int64]) -> None:
        """Let the reference play the warm-up of the episodes just started; from there it goes on beside the policy."""
        if self.beside is None or self.reference is None:
            self.worth[worlds] = self.world.problem.sites.initial_stock.sum(axis=0) @ self.unit_costs
            return
        opening = Simulation(self.world.problem, len(worlds))
        opening.reset(np.arange(len(worlds)), self.simulation.state.seed[worlds], self.simulation.state.episode[worlds])
        for _ in range(self.world.problem.clock.warm_up):
            opening.step(self.reference.decide(observe(opening)))
        self.simulation.take_over(worlds, opening)
        self.beside.take_over(worlds, opening)
        self.worth[worlds] = 0.0

    def _reward_beside(self) -> NDArray[np.float64]:
        """Play the reference's period; returns what it earned, (num_envs,), zero without one."""
        if self.beside is None or self.reference is None:
            return np.zeros(self.num_envs)
        return self.beside.step(self.reference.decide(observe(self.beside))).reward

    def _with_worth(self, rewards: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return rewards (num_envs,) with the change of the stock's worth, beyond that of the reference's stock."""
        if not self.stock_at_cost:
            return rewards
        worth = self._stock_worth(self.simulation)
        if self.beside is not None:
            worth -= self._stock_worth(self.beside)
        if self.world.problem.clock.season:
            worth[self.simulation.ended] = 0.0
        before, self.worth = self.worth, worth
        return rewards + worth - before

    def _stock_worth(self, simulation: Simulation) -> NDArray[np.float64]:
        """Return what is on hand and under way when the period closes, at unit cost, (num_envs,) money."""
        flows = simulation.flows
        return (flows.on_hand.sum(axis=1) + flows.in_transit.sum(axis=1)) @ self.unit_costs

    def standing(self) -> dict[str, Any]:
        """Return where every world stands, as arrays: what `set_state` needs to go on from here."""
        worlds = {"worlds": self.simulation.state, "beside": self.beside.state if self.beside else ()}
        own = {"worth": self.worth, "staggered": self.staggered, "returns": self.returns}
        return {**{name: [array.copy() for array in state] for name, state in worlds.items()}, **copy.deepcopy(own)}

    def set_state(self, standing: dict[str, Any]) -> None:
        """Put every world where it stood."""
        for simulation, state in ((self.simulation, standing["worlds"]), (self.beside, standing["beside"])):
            if simulation is not None:
                for array, kept in zip(simulation.state, state, strict=True):
                    array[:] = kept
                simulation.started = True
        self.worth, self.staggered, self.returns = (standing[name] for name in ("worth", "staggered", "returns"))
        self._next_seed = None

    def close(self) -> None:
        """Nothing is open."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return an attribute once for each chosen world."""
        return [getattr(self, attr_name)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Set an attribute of the batch."""
        setattr(self, attr_name, value)

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        """Call a method of the batch, once for each chosen world."""
        return [getattr(self, method_name)(*method_args, **method_kwargs) for _ in list(self._get_indices(indices))]

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        """Nothing is wrapped."""
        return [False] * len(list(self._get_indices(indices)))
