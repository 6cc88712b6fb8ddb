"""The Gymnasium environment of one world: a batch of one."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from allotment.env.encoding import Encoding
from allotment.env.flatten import Flattener
from allotment.env.render import describe_period
from allotment.env.simulation import Simulation, world_seeds
from allotment.env.spaces import action_space, checked_actions, observation_space
from allotment.scenario.loader import World
from allotment.scenario.problem import REASONS, TERMS


class AllotmentEnv(gym.Env[NDArray[np.float32], Any]):
    """One simulated world.

    Observations are float32 vectors (`flattener.component_names()` names their places); actions are what the encoding says.
    A window truncates after its last period, a season terminates. `info` holds the closed period's record by name.
    """

    metadata: dict[str, Any] = {"render_modes": ["ansi", "rgb_array"], "render_fps": 4}

    def __init__(self, world: World, encoding: Encoding, render_mode: str | None = None) -> None:
        if render_mode not in {None, *self.metadata["render_modes"]}:
            raise ValueError(f"render_mode must be one of {self.metadata['render_modes']}, not {render_mode!r}")
        self.world = world
        self.encoding = encoding
        self.flattener = Flattener(world)
        self.simulation = Simulation(world.problem, 1)
        self.observation_space = observation_space(self.flattener)  # type: ignore[assignment]
        self.action_space = action_space(encoding)
        self.render_mode = render_mode
        self.history: list[dict[str, Any]] = []

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):  # type: ignore[no-untyped-def]
        """Start an episode: the first of `seed`, or the next one of the seed in use. Returns observation and info."""
        super().reset(seed=seed)
        if seed is None and self.simulation.started:
            self.simulation.next_episodes(np.zeros(1, dtype=np.int64))
        else:
            seeds = world_seeds(seed, 1, self.np_random)
            self.simulation.reset(np.zeros(1, dtype=np.int64), seeds, np.zeros(1, dtype=np.int64))
        self.history = []
        return self._vector(), {}

    def step(self, action: Any):  # type: ignore[no-untyped-def]
        """Play one period. Returns observation, reward (money), terminated, truncated and info."""
        if not self.simulation.started:
            raise RuntimeError("call reset before step")
        if self.simulation.ended[0]:
            raise RuntimeError(f"the episode ended after {self.world.problem.clock.length} periods; call reset before step")
        actions = checked_actions(np.asarray(action)[None], self.encoding, 1)
        flows = self.simulation.step(self.encoding.orders(actions, self.simulation.observation()))
        ended, season = bool(self.simulation.ended[0]), self.world.problem.clock.season
        info = self._info()
        self.history.append(info)
        return self._vector(), float(flows.reward[0]), ended and season, ended and not season, info

    def render(self) -> Any:
        """Return the last period as a text table (`ansi`), or the episode so far as a picture (`rgb_array`)."""
        if self.render_mode == "ansi":
            return describe_period(self.world, self.history)
        if self.render_mode == "rgb_array":
            from allotment.env.record import record_of
            from allotment.env.render import picture

            return picture(record_of(self.world, self.history))
        return None

    def _vector(self) -> NDArray[np.float32]:
        return self.flattener(self.simulation.observation())[0]

    def _info(self) -> dict[str, Any]:
        """Return the closed period: arrays as in `Flows` without the batch axis, money by term, reasons of cuts by name."""
        flows = self.simulation.flows
        record = {name: getattr(flows, name)[0].copy() for name in flows._fields if name not in ("money", "reward")}
        record["cut_reason"] = np.array(REASONS, dtype=object)[record["cut_reason"]]
        record["period"] = int(self.simulation.state.period[0]) - 1
        record["money"] = dict(zip(TERMS, flows.money[0].sum(axis=-1).tolist(), strict=True))
        record["reward"] = float(flows.reward[0])
        return record
