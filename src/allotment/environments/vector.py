"""The native Gymnasium batch: one simulation of many worlds, not many copies of an environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from allotment.decisions.encodings import Encoding
from allotment.decisions.flatten import Flattener
from allotment.environments.action_decoder import ActionDecoder
from allotment.environments.observation_vectors import ObservationVectors
from allotment.environments.spaces import action_space, observation_space
from allotment.scenario.loader import World
from allotment.simulation.simulation import Simulation, world_seeds


class AllotmentVectorEnv(VectorEnv):
    """`num_envs` worlds stepped together; world i of a batch reset with seed s equals a single one with seed s + i.

    An ended episode is followed within the same step by the next one; its last observation is in `info["final_obs"]`, where
    `info["_final_obs"]` is true. `info["money"]` holds the closed period's terms, (num_envs, terms).
    """

    metadata: dict[str, Any] = {"autoreset_mode": AutoresetMode.SAME_STEP, "render_modes": []}

    def __init__(self, world: World, encoding: Encoding, num_envs: int) -> None:
        if num_envs < 1:
            raise ValueError(f"num_envs must be at least 1, not {num_envs}")
        self.world = world
        self.encoding = encoding
        self.num_envs = num_envs
        self.flattener = Flattener(world)
        self.simulation = Simulation(world.problem, num_envs)
        self.vectors = ObservationVectors(self.flattener, self.simulation)
        self.decoder = ActionDecoder(encoding, self.simulation, self.vectors)
        self.single_observation_space = observation_space(self.flattener)
        self.single_action_space = action_space(encoding)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.render_mode = None

    def reset(
        self, *, seed: int | Sequence[int] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Start episodes: the first of each seed, or the next ones; `options["reset_mask"]` (num_envs,) chooses worlds."""
        if isinstance(seed, int):
            super().reset(seed=seed)
        worlds = self._chosen(options or {})
        if seed is None and self.simulation.started:
            self.simulation.next_episodes(worlds)
        else:
            seeds = world_seeds(seed, self.num_envs, self.np_random)
            self.simulation.reset(worlds, seeds[worlds], np.zeros(len(worlds), dtype=np.int64))
        return self.vectors(), {}

    def _chosen(self, options: dict[str, Any]) -> NDArray[np.int64]:
        """Return which worlds to reset: those of `reset_mask`, else all."""
        mask = np.asarray(options.get("reset_mask", np.ones(self.num_envs, dtype=bool)))
        if mask.shape != (self.num_envs,) or mask.dtype != np.bool_:
            raise ValueError(f"reset_mask must be {self.num_envs} flags, not {mask.dtype} of shape {mask.shape}")
        if not (self.simulation.started or mask.all()):
            raise ValueError("the first reset must start every world, but reset_mask leaves some out")
        return np.flatnonzero(mask)

    def step(self, actions: Any):  # type: ignore[no-untyped-def]
        """Play one period everywhere. Returns observations, rewards, terminated, truncated and info, a batch each."""
        if not self.simulation.started:
            raise RuntimeError("call reset before step")
        observations, flows = self.decoder.step(actions), self.simulation.flows
        info: dict[str, Any] = {"money": flows.terms.copy()}
        rewards, ended = flows.reward.copy(), self.simulation.ended
        if ended.any():
            info["final_obs"], info["_final_obs"] = observations, ended.copy()
            self.simulation.next_episodes(np.flatnonzero(ended))
            observations = self.vectors()
        season = self.world.problem.clock.season
        return observations, rewards, ended & season, ended & (not season), info
