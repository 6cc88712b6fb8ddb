"""Environments of other packages in the place of a world: any Gymnasium id whose observations flatten to numbers.

Observations become float32 vectors, and actions numbers in [-1, 1] or positions of choices, so that one policy file serves
them as well. What a folder says of an environment is looked up in Gymnasium's registry; the package that registers it is
imported only where the user names it, in an id `module:Name-v0` or with `--import`. Texts among its arguments that may stand
for a file or a module (`GymV26Environment-v0` imports one) are passed on only where the user has said them too.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.wrappers import FlattenObservation, TransformAction, TransformObservation

from allotment.environments.external_actions import external_actions
from allotment.extensions import texts_in
from allotment.scenario.errors import ScenarioError, nearest, shown
from allotment.scenario.external import ExternalEnvironment

VERSIONED = re.compile(r"-v\d+$")
HARMLESS = re.compile(r"[\w +-]*")  # texts that are no path, no file with an ending, and no `module:name`
_said: set[str] = set()  # other texts, which the user gave as arguments


def make_external(environment: ExternalEnvironment) -> gym.Env:
    """Return the environment with vectors to observe and to act; `ScenarioError` where it does not fit, or no longer."""
    env, now = _with_its_sizes(environment)
    if now.sizes != environment.sizes:
        raise ScenarioError(f"{environment.id}: has {now.sizes} now; expected {environment.sizes}")
    return env


def _with_its_sizes(environment: ExternalEnvironment) -> tuple[gym.Env, ExternalEnvironment]:
    """Return the environment with vectors to observe and to act, and what is to be kept of it."""
    env = _with_vectors(_made(environment), environment.id)
    actions = external_actions(env.action_space, environment.id)
    env = TransformAction(env, actions, actions.space)
    inputs = int(np.prod(env.observation_space.shape or ()))
    if 0 in (inputs, actions.size):
        raise ScenarioError(
            f"{environment.id}: observations and actions must not be empty, not {inputs} and {actions.size} numbers"
        )
    return env, replace(environment, inputs=inputs, outputs=actions.size, choices=list(actions.choices))


def _made(environment: ExternalEnvironment) -> gym.Env:
    """Return the environment as its package makes it; one that is registered, so that its id imports nothing."""
    if environment.id not in gym.registry:
        raise ScenarioError(f"{environment.id}: no such Gymnasium environment; --import the package or file that registers it")
    _check_texts(environment)
    try:
        return gym.make(gym.registry[environment.id], **environment.arguments)
    except Exception as error:  # whatever its package raises at what it cannot be made with
        given = shown(environment.arguments) if environment.arguments else "its defaults"
        raise ScenarioError(f"{environment.id}: cannot be made with {given}: {error or type(error).__name__}") from None


def _check_texts(environment: ExternalEnvironment) -> None:
    for key, value in environment.arguments.items():
        for text in texts_in(value):
            if not (HARMLESS.fullmatch(text) or text in _said):
                raise ScenarioError(
                    f"{environment.id}: arguments.{key} may stand for a file or a module: {shown(text)}; a folder alone cannot "
                    f"hand it over; say it yourself: --set-env {key}=..."
                )


def _with_vectors(env: gym.Env, name: str) -> gym.Env:
    """Return the environment with observations as float32 vectors."""
    own = env.observation_space
    with suppress(NotImplementedError):  # a kind of space that Gymnasium does not know
        env = FlattenObservation(env)
    space = env.observation_space
    if not isinstance(space, spaces.Box) or len(space.shape) != 1:
        raise ScenarioError(f"{name}: observations must flatten to a vector of numbers, not {own}")
    vectors = spaces.Box(-np.inf, np.inf, space.shape, dtype=np.float32)
    return TransformObservation(env, partial(np.asarray, dtype=np.float32), vectors)


def is_external(name: str) -> bool:
    """Tell whether a name is the Gymnasium id of another package's environment, as against a world's name or file."""
    return bool(VERSIONED.search(name)) and not name.startswith("allotment/")


def external_environment(name: str, arguments: dict[str, Any] | None = None) -> ExternalEnvironment:
    """Return the environment of a Gymnasium id that the user names, with arguments that the user gives.

    `ScenarioError` names near ones where there is none.
    """
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
    return with_arguments(ExternalEnvironment(plain), arguments or {}, arguments or {})


def with_arguments(environment: ExternalEnvironment, arguments: dict[str, Any], said: dict[str, Any]) -> ExternalEnvironment:
    """Return an environment with other arguments, of which the user has given those that are `said`; nothing is imported."""
    _said.update(texts_in(said))
    env, found = _with_its_sizes(ExternalEnvironment(environment.id, arguments))
    env.close()
    return found
