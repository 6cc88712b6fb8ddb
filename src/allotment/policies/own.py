"""Policies of one's own: a function or an object that decides, or a network trained by a script of one's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from allotment.decisions.encodings import Discrete, Encoding, decision
from allotment.decisions.flatten import Flattener
from allotment.decisions.observation import Observation
from allotment.engine.state import Decision
from allotment.scenario.loader import World
from allotment.scenario.problem import Floats


@dataclass(frozen=True)
class FunctionPolicy:
    """A function from observations to decisions."""

    name: str
    function: Callable[[Observation], Decision]
    kind: str = "rule-based"

    def decide(self, observation: Observation) -> Decision:
        """Return the function's decision; orders alone stand for a decision of them."""
        decided = self.function(observation)
        return decided if isinstance(decided, Decision) else Decision(np.asarray(decided, dtype=np.float64))


@dataclass(frozen=True)
class VectorPolicy:
    """A function from observation vectors (B, n) to actions of an encoding, (B, size) in [-1, 1] or (B,) choices."""

    name: str
    world: World
    encoding: Encoding
    act: Callable[[np.ndarray], np.ndarray]
    kind: str = "learned"

    def decide(self, observation: Observation) -> Decision:
        """Return the decision that the function's actions stand for."""
        actions = np.asarray(self.act(Flattener(self.world)(observation)), dtype=np.float64)
        if not isinstance(self.encoding, Discrete):
            actions = np.clip(actions, -1.0, 1.0)
        return decision(self.encoding, actions, observation)


def own_policy(policy: Any, world: World) -> Any:
    """Return what decides in a world: an object that does already, a function, or a Stable-Baselines3 model.

    A model acts through the encoding and the normalisation of the environment that it was trained in. Raises `TypeError`
    for anything else.
    """
    if hasattr(policy, "decide"):
        return policy
    if hasattr(policy, "predict") and hasattr(policy, "get_env"):
        return _of_model(policy, world)
    if callable(policy):
        return FunctionPolicy(getattr(policy, "__name__", type(policy).__name__), policy)
    raise TypeError(f"a policy has the method decide(observation), is such a function, or a model; not {type(policy).__name__}")


def _of_model(model: Any, world: World) -> VectorPolicy:
    """Return a Stable-Baselines3 model as a policy."""
    environments = model.get_env()
    encodings = [] if environments is None else environments.get_attr("encoding")
    if not encodings:
        raise TypeError("a model needs the environment that it was trained in (make_sb3, make, gym.make), for its encoding")

    def act(vectors: Floats) -> Floats:
        normalised = environments.normalize_obs(vectors) if hasattr(environments, "normalize_obs") else vectors
        actions: Floats = model.predict(normalised, deterministic=True)[0]
        return actions

    return VectorPolicy(type(model).__name__.lower(), world, encodings[0], act)
