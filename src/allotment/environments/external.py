"""Environments of other packages in the place of a world: any Gymnasium id with vectors to see and vectors or choices to act.

Observations are flattened to float32 vectors and actions scaled to [-1, 1], so that one policy file serves them as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.wrappers import FlattenObservation, RescaleAction

from allotment.scenario.errors import ScenarioError, nearest

VERSIONED = re.compile(r"-v\d+$")


@dataclass(frozen=True)
class OutsideEnvironment:
    """A Gymnasium environment of another package, by its id and the arguments it is made with."""

    id: str  # `Name-v0`, or `module:Name-v0` where a module registers it
    arguments: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return a name for files and tables."""
        return re.sub(r"[^A-Za-z0-9]+", "_", self.id.split(":")[-1].split("/")[-1]).strip("_")

    def make(self) -> gym.Env:
        """Return the environment, observations flattened and actions in [-1, 1]; `ScenarioError` where it does not fit."""
        try:
            env = gym.make(self.id, **self.arguments)
        except (gym.error.Error, TypeError, ImportError) as error:
            raise ScenarioError(f"{self.id}: cannot be made with {self.arguments or 'its defaults'}: {error}") from None
        if not isinstance(env.observation_space, spaces.Box) or env.observation_space.shape != (
            env.observation_space.shape[0],
        ):
            env = FlattenObservation(env)
        if not isinstance(env.observation_space, spaces.Box):
            raise ScenarioError(f"{self.id}: observations must flatten to a vector of numbers, not {env.observation_space}")
        return _with_unit_actions(env, self.id)

    @property
    def spaces(self) -> tuple[int, int, bool]:
        """Return the sizes of observations and actions, and whether an action is one of a list of choices."""
        env = self.make()
        inputs = int(np.prod(env.observation_space.shape or (1,)))
        discrete = isinstance(env.action_space, spaces.Discrete)
        outputs = int(env.action_space.n) if discrete else int(np.prod(env.action_space.shape or (1,)))  # type: ignore[attr-defined]
        env.close()
        return inputs, outputs, discrete


def _with_unit_actions(env: gym.Env, name: str) -> gym.Env:
    """Return the environment with actions in [-1, 1], or as it is where they are choices."""
    space = env.action_space
    if isinstance(space, spaces.Discrete):
        if space.start != 0:
            raise ScenarioError(f"{name}: choices must count from 0, not from {space.start}")
        return env
    if not isinstance(space, spaces.Box) or len(space.shape) != 1:
        raise ScenarioError(f"{name}: actions must be a vector or a list of choices, not {space}")
    if not (np.isfinite(space.low).all() and np.isfinite(space.high).all()):
        raise ScenarioError(f"{name}: actions must have finite bounds, not {space}")
    return RescaleAction(env, np.float32(-1.0), np.float32(1.0))


def is_outside(name: str) -> bool:
    """Tell whether a name is the Gymnasium id of another package's environment, as against a world's name or file."""
    return bool(VERSIONED.search(name)) and not name.startswith("allotment/")


def outside_environment(name: str, arguments: dict[str, Any] | None = None) -> OutsideEnvironment:
    """Return the environment of a Gymnasium id; `ScenarioError` names near ones where there is none."""
    module, _, plain = name.rpartition(":")
    if module:
        try:
            import_module(module)
        except ImportError as error:
            raise ScenarioError(f"{name}: the module {module!r} cannot be imported: {error}") from None
    if plain not in gym.registry:
        hint = nearest(plain, gym.registry)
        hint = hint if hint.startswith("did") else "write module:Name-v0 where a module registers it"
        raise ScenarioError(f"{name}: no such Gymnasium environment; {hint}")
    return OutsideEnvironment(name, arguments or {})
