"""Environments of other packages in the place of a world: any Gymnasium id with vectors to observe and to act.

Observations are flattened to float32 vectors and actions scaled to [-1, 1], so that one policy file serves them as well. What
a folder says of an environment is looked up in Gymnasium's registry; the package that registers it is imported only where the
user names it, in an id `module:Name-v0` or with `--import`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from importlib import import_module
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.wrappers import FlattenObservation, RescaleAction

from allotment.scenario.errors import ScenarioError, nearest
from allotment.scenario.external import ExternalEnvironment

VERSIONED = re.compile(r"-v\d+$")


def make_external(environment: ExternalEnvironment) -> gym.Env:
    """Return the environment, observations flattened and actions in [-1, 1]; `ScenarioError` where it does not fit."""
    if environment.id not in gym.registry:
        raise ScenarioError(
            f"{environment.id}: no such Gymnasium environment; --import a file that registers it or imports what does"
        )
    try:
        env = gym.make(environment.id, **environment.arguments)
    except (gym.error.Error, TypeError, ImportError) as error:
        given = environment.arguments or "its defaults"
        raise ScenarioError(f"{environment.id}: cannot be made with {given}: {error}") from None
    if not isinstance(env.observation_space, spaces.Box) or env.observation_space.shape != (env.observation_space.shape[0],):
        env = FlattenObservation(env)
    if not isinstance(env.observation_space, spaces.Box):
        raise ScenarioError(f"{environment.id}: observations must flatten to a vector of numbers, not {env.observation_space}")
    return _with_unit_actions(env, environment.id)


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


def is_external(name: str) -> bool:
    """Tell whether a name is the Gymnasium id of another package's environment, as against a world's name or file."""
    return bool(VERSIONED.search(name)) and not name.startswith("allotment/")


def external_environment(name: str, arguments: dict[str, Any] | None = None) -> ExternalEnvironment:
    """Return the environment of a Gymnasium id that the user names; `ScenarioError` names near ones where there is none."""
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
    environment = ExternalEnvironment(plain, arguments or {})
    env = make_external(environment)
    space, inputs = env.action_space, int(np.prod(env.observation_space.shape or (1,)))
    discrete = isinstance(space, spaces.Discrete)
    outputs = int(space.n) if isinstance(space, spaces.Discrete) else int(np.prod(space.shape or (1,)))
    env.close()
    return replace(environment, inputs=inputs, outputs=outputs, discrete=discrete)
