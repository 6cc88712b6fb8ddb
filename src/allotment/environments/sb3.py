"""The Stable-Baselines3 VecEnv over the native batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

from allotment.decisions.encodings import Encoding
from allotment.decisions.flatten import Flattener
from allotment.engine.memory import check_memory
from allotment.environments.action_decoder import ActionDecoder
from allotment.environments.observation_vectors import ObservationVectors
from allotment.environments.shaping import Money, Reward, Staggered
from allotment.environments.spaces import action_space, checked_count, observation_space
from allotment.scenario.loader import World
from allotment.simulation.simulation import Simulation, checked_seed, world_seeds


class Sb3VecEnv(VecEnv):
    """`num_envs` worlds for Stable-Baselines3.

    `reward` says what is counted, the period's money by default; episode statistics are always of that. With `stagger` the
    first episodes of a window end early, group by group, and are left out of the statistics. See `shaping`.
    """

    def __init__(
        self, world: World, encoding: Encoding, num_envs: int, stagger: bool = False, reward: Reward | None = None
    ) -> None:
        check_memory(world.problem, checked_count(num_envs))
        self.render_mode = None
        super().__init__(num_envs, observation_space(Flattener(world)), action_space(encoding))
        self.world = world
        self.encoding = encoding
        self.flattener = Flattener(world)
        self.simulation = Simulation(world.problem, num_envs)
        self.vectors = ObservationVectors(self.flattener, self.simulation)
        self.decoder = ActionDecoder(encoding, self.simulation, self.vectors)
        self.reward = reward or Money()
        clock = world.problem.clock
        self.staggered = Staggered(num_envs, clock.length) if stagger and not clock.season else None
        self.returns = np.zeros(num_envs)
        self.no_infos: list[dict[str, Any]] = [{} for _ in range(num_envs)]  # of steps that end no episode
        self._next_seed: int | None = None

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Set the seed of the next reset: world i gets seed + i."""
        self._next_seed = checked_seed(seed, self.num_envs, lists=False)
        return [None if seed is None else seed + world for world in range(self.num_envs)]

    def reset(self) -> NDArray[np.float32]:
        """Start episodes: the first of each seed after `seed`, else the next ones."""
        if self._next_seed is None and self.simulation.started:
            self.simulation.next_episodes(np.arange(self.num_envs))
        else:
            seeds = world_seeds(self._next_seed, self.num_envs, np.random.default_rng())
            self.simulation.reset(np.arange(self.num_envs), seeds, np.zeros(self.num_envs, dtype=np.int64))
        self.reward.begin(self.simulation, np.arange(self.num_envs))
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
        rewards = self.reward.of(self.simulation).astype(np.float32)
        infos, dones = self.no_infos.copy(), self.simulation.ended
        if self.staggered is not None:
            dones = dones | self.staggered.ended(self.simulation)
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
            if self.staggered is None or not self.staggered.cut_short[world]:
                length = int(self.simulation.state.period[world])
                infos[world]["episode"] = {"r": float(self.returns[world]), "l": length, "t": 0.0}
        if self.staggered is not None:
            self.staggered.restarted(worlds)
        self.returns[worlds] = 0.0
        self.simulation.next_episodes(worlds)
        self.reward.begin(self.simulation, worlds)
        return self.vectors()

    def get_state(self) -> dict[str, Any]:
        """Return all that the worlds hold, as arrays by name: what `set_state` goes on from."""
        return {
            "worlds": self.simulation.get_state(),
            "reward": self.reward.get_state(),
            "returns": self.returns.copy(),
            "cut_short": None if self.staggered is None else self.staggered.cut_short.copy(),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.simulation.set_state(state["worlds"])
        self.reward.set_state(state["reward"])
        self.returns = state["returns"]
        if self.staggered is not None:
            self.staggered.cut_short = state["cut_short"]
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
