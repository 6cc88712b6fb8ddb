"""The Gymnasium environment: one world, actions through an encoding, observations as a flat vector."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from allotment.decisions.encodings import Encoding
from allotment.decisions.flatten import Flattener
from allotment.environments.action_decoder import ActionDecoder
from allotment.environments.observation_vectors import ObservationVectors
from allotment.environments.render import describe_period
from allotment.environments.spaces import action_space, checked_options, observation_space
from allotment.scenario.loader import World
from allotment.simulation.period_record import PeriodRecord
from allotment.simulation.simulation import Simulation, checked_seed, world_seeds

FIRST = np.zeros(1, dtype=np.int64)


class AllotmentEnv(gym.Env[NDArray[np.float32], Any]):
    """One simulated world.

    Observations are float32 vectors (`flattener.component_names()` names their places); actions are what the encoding says.
    A window truncates after its last period, a season terminates. `info` holds the closed period's record by name.
    """

    metadata: dict[str, Any] = {"render_modes": ["ansi", "rgb_array"], "render_fps": 4}

    def __init__(self, world: World, encoding: Encoding, render_mode: str | None = None) -> None:
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ValueError(f"render_mode must be one of {self.metadata['render_modes']}, not {render_mode!r}")
        self.world = world
        self.encoding = encoding
        self.flattener = Flattener(world)
        self.simulation = Simulation(world.problem, 1)
        self.vectors = ObservationVectors(self.flattener, self.simulation)
        self.decoder = ActionDecoder(encoding, self.simulation, self.vectors, alone=True)
        self.observation_space = observation_space(self.flattener)  # type: ignore[assignment]
        self.action_space = action_space(encoding)
        self.render_mode = render_mode
        self.history: list[dict[str, Any]] = []
        self._season, self._length = world.problem.clock.season, world.problem.clock.length

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):  # type: ignore[no-untyped-def]
        """Start an episode: the first of `seed`, or the next one of the seed in use. Returns observation and info."""
        checked_options(options)
        if seed is None and self.simulation.started:
            self.simulation.next_episodes(FIRST)
        else:
            seeds = world_seeds(checked_seed(seed, 1, lists=False), 1, self.np_random)
            super().reset(seed=None if seed is None else int(seed))
            self.simulation.reset(FIRST, seeds, FIRST)
        self.history = []
        return self.vectors()[0], {}

    def step(self, action: Any):  # type: ignore[no-untyped-def]
        """Play one period. Returns observation, reward (money), terminated, truncated and info."""
        period = len(self.history)
        if period == self._length or not self.simulation.started:
            raise RuntimeError(self._why_not())
        seen = self.decoder.step(action)
        memory = self.simulation.memory
        info = PeriodRecord(memory.record, period)
        self.history.append(info)
        ended = period + 1 == self._length
        return seen, memory.flows.reward.item(), ended and self._season, ended and not self._season, info

    def _why_not(self) -> str:
        if not self.simulation.started:
            return "call reset before step"
        return f"the episode ended after {self._length} periods; call reset before step"

    def render(self) -> Any:
        """Return the last period as a text table (`ansi`), or the episode so far as a picture (`rgb_array`)."""
        if self.render_mode == "ansi":
            return describe_period(self.world, self.history)
        if self.render_mode == "rgb_array":
            from allotment.environments.render import picture
            from allotment.simulation.episode_record import record_of

            return picture(record_of(self.world, self.history))
        return None
