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
from allotment.environments.spaces import action_space, checked_actions, checked_count, checked_options, observation_space
from allotment.quantities import numbers_in
from allotment.scenario.loader import World
from allotment.scenario.problem import TERMS, Flags
from allotment.simulation.simulation import Simulation, checked_seed, world_seeds

AutoresetChoice = str | AutoresetMode  # a mode, or its name in Gymnasium


class AllotmentVectorEnv(VectorEnv):
    """`num_envs` worlds stepped together; world i of a batch reset with seed s equals a single one with seed s + i.

    What follows an ended episode is Gymnasium's `autoreset_mode`. `SameStep`: the next one, within the same step; what was seen
    last is in `info["final_obs"]`, (num_envs, n), and the last info in `info["final_info"]`. `NextStep`: the next one, in place
    of the next period, whose action is ignored and whose reward is 0. `Disabled`: nothing, until `reset` with a `reset_mask`.
    `info["money"]` holds the closed period's terms by name, (num_envs,) each. As in Gymnasium, `_name` beside a name in `info`
    tells for which worlds it holds.
    """

    metadata: dict[str, Any] = {"autoreset_mode": AutoresetMode.SAME_STEP, "render_modes": []}

    def __init__(self, world: World, encoding: Encoding, num_envs: int, autoreset_mode: AutoresetChoice = "SameStep") -> None:
        num_envs = checked_count(num_envs)
        self.metadata = {**self.metadata, "autoreset_mode": _mode(autoreset_mode)}
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
        worlds = self._chosen(checked_options(options, ("reset_mask",)))
        if seed is None and self.simulation.started:
            self.simulation.next_episodes(worlds)
        else:
            seeds = world_seeds(checked_seed(seed, self.num_envs), self.num_envs, self.np_random)
            if isinstance(seed, int | np.integer):
                super().reset(seed=int(seed))
            self.simulation.reset(worlds, seeds[worlds], np.zeros(len(worlds), dtype=np.int64))
        return self.vectors(), {}

    def _chosen(self, options: dict[str, Any]) -> NDArray[np.int64]:
        """Return which worlds to reset: those of `reset_mask`, else all."""
        mask = options.get("reset_mask", np.ones(self.num_envs, dtype=bool))
        if not isinstance(mask, np.ndarray):
            raise ValueError(f"reset_mask must be an array of {self.num_envs} flags, not a {type(mask).__name__}")
        if mask.shape != (self.num_envs,) or mask.dtype != np.bool_:
            raise ValueError(f"reset_mask must be {self.num_envs} flags, not {mask.dtype} of shape {mask.shape}")
        if not mask.any():
            raise ValueError("reset_mask must choose at least one world")
        if not (self.simulation.started or mask.all()):
            raise ValueError("the first reset must start every world, but reset_mask leaves some out")
        return np.flatnonzero(mask)

    @property
    def autoreset_mode(self) -> AutoresetMode:
        """Return what follows an ended episode."""
        return self.metadata["autoreset_mode"]

    def step(self, actions: Any):  # type: ignore[no-untyped-def]
        """Play one period everywhere. Returns observations, rewards, terminated, truncated and info, a batch each."""
        if not self.simulation.started:
            raise RuntimeError("call reset before step")
        over = self._over()
        observations = self._play(actions, over)
        rewards, ended = np.where(over, 0.0, self.simulation.flows.reward), self.simulation.ended
        if self.autoreset_mode is AutoresetMode.SAME_STEP and ended.any():
            info = self._record(~ended)
            info |= {"final_obs": observations, "_final_obs": ended, "final_info": self._record(ended), "_final_info": ended}
            self.simulation.next_episodes(np.flatnonzero(ended))
            observations = self.vectors()
        else:
            info = self._record(~over)
        season = self.world.problem.clock.season
        return observations, rewards, ended & season, ended & (not season), info

    def _over(self) -> Flags:
        """Return which episodes ended with the last step, (num_envs,); `RuntimeError` where they should have been reset."""
        over = self.simulation.ended
        if self.autoreset_mode is AutoresetMode.DISABLED and over.any():
            raise RuntimeError(
                f"the episodes of environments {np.flatnonzero(over).tolist()} have ended; "
                'call reset(options={"reset_mask": terminated | truncated}) before step'
            )
        return over

    def _play(self, actions: Any, over: Flags) -> NDArray[np.float32]:
        """Play a period where an episode goes on, and start the next one where it is over; returns what is seen then."""
        if not over.any():
            return self.decoder.step(actions)
        worlds, state = np.flatnonzero(over), self.simulation.state
        actions = np.array(numbers_in(actions, f"actions for encoding {self.encoding.name}"))
        if actions.shape[:1] == (self.num_envs,):
            actions[over] = 0.0
        actions = checked_actions(actions, self.encoding, self.num_envs)
        self.simulation.next_episodes(worlds)
        if not over.all():
            self.decoder.step(actions)  # of all; those that start go back to their start
            self.simulation.reset(worlds, state.seed[worlds], state.episode[worlds])
        return self.vectors()

    def _record(self, worlds: Flags) -> dict[str, Any]:
        """Return the closed period's money in some worlds."""
        if not worlds.any():
            return {}
        terms = np.where(worlds[:, None], self.simulation.flows.terms, 0.0)
        money: dict[str, Any] = {}
        for place, term in enumerate(TERMS):
            money[term], money[f"_{term}"] = terms[:, place], worlds
        return {"money": money, "_money": worlds}


def _mode(autoreset_mode: AutoresetChoice) -> AutoresetMode:
    try:
        return AutoresetMode(autoreset_mode)
    except ValueError:
        allowed = ", ".join(mode.value for mode in AutoresetMode)
        raise ValueError(f"autoreset_mode must be one of {allowed}, not {autoreset_mode!r}") from None
