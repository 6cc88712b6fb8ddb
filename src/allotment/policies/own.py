"""Policies of one's own: a function or an object that decides, or a network trained by a script of one's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from allotment.decisions.encodings import Discrete, Encoding
from allotment.decisions.flatten import Flattener
from allotment.decisions.observation import Observation
from allotment.engine.state import Decision
from allotment.scenario.loader import World


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
        return _decision(self.encoding, self.act(Flattener(self.world)(observation)), observation)


@dataclass(frozen=True)
class ModelPolicy:
    """A Stable-Baselines3 model, in the encoding and with the normalisation of the environments that it was trained in."""

    name: str
    world: World
    encoding: Encoding
    model: Any
    environments: Any
    kind: str = "learned"

    def decide(self, observation: Observation) -> Decision:
        """Return the model's decision; what a recurrent one remembers is left with the decision, for the next."""
        vectors = Flattener(self.world)(observation)
        if hasattr(self.environments, "normalize_obs"):
            vectors = self.environments.normalize_obs(vectors)
        if not hasattr(self.model.policy, "lstm_actor"):
            return _decision(self.encoding, self.model.predict(vectors, deterministic=True)[0], observation)
        state, starts = None, np.ones(len(vectors), dtype=bool)
        if observation.memory is not None:  # (B, layers × 2 × units)
            layers = self.model.policy.lstm_actor.num_layers
            packed = observation.memory.astype(np.float32).reshape(len(vectors), 2, layers, -1)
            state, starts = tuple(np.moveaxis(packed, 0, 2)), ~starts
        actions, state = self.model.predict(vectors, state=state, episode_start=starts, deterministic=True)
        memory = np.moveaxis(np.stack(state), 2, 0).reshape(len(vectors), -1)
        return _decision(self.encoding, actions, observation)._replace(memory=memory.astype(np.float64))


def _decision(encoding: Encoding, actions: Any, observation: Observation) -> Decision:
    """Return the decision that actions stand for, those of quantities within their bounds."""
    actions = np.asarray(actions, dtype=np.float64)
    return encoding.decision(actions if isinstance(encoding, Discrete) else np.clip(actions, -1.0, 1.0), observation)


def own_policy(policy: Any, world: World) -> Any:
    """Return what decides in a world: an object that does already, a function, or a Stable-Baselines3 model.

    A model acts through the encoding and the normalisation of the environment that it was trained in. Raises `TypeError`
    for anything else.
    """
    if isinstance(policy, type):
        raise TypeError(f"a policy is an object, not the class {policy.__name__}; make one of it")
    if hasattr(policy, "decide"):
        return policy
    if hasattr(policy, "predict") and hasattr(policy, "get_env"):
        return _of_model(policy, world)
    if callable(policy):
        return FunctionPolicy(getattr(policy, "__name__", type(policy).__name__), policy)
    raise TypeError(f"a policy has the method decide(observation), is such a function, or a model; not {type(policy).__name__}")


def _of_model(model: Any, world: World) -> ModelPolicy:
    """Return a Stable-Baselines3 model as a policy."""
    environments = model.get_env()
    try:
        encodings = [] if environments is None else environments.get_attr("encoding")
    except AttributeError:  # an environment of another package
        encodings = []
    if not encodings:
        raise TypeError("a model needs the environment that it was trained in (make_sb3, make, gym.make), for its encoding")
    return ModelPolicy(type(model).__name__, world, encodings[0], model, environments)
