"""The algorithms a config may name: one visible table, of Stable-Baselines3 and its contributions.

Each entry says which actions and networks the algorithm can train, how its policy is built, and how the deterministic actor
is read out of it: the network that is validated, bundled and served.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import log
from typing import Any, Literal

from sb3_contrib import TQC, TRPO, CrossQ, RecurrentPPO
from stable_baselines3 import A2C, DDPG, DQN, PPO, SAC, TD3
from stable_baselines3.common.base_class import BaseAlgorithm
from torch import nn

from allotment import extensions
from allotment.fitting.sb3 import actors
from allotment.fitting.sb3.network_policy import NetworkPolicy
from allotment.fitting.sb3.settings import RANGES, WITH_LEARNED_ENTROPY, WITH_TRUST_REGION, Values
from allotment.policies.networks import ACTIVATIONS, OWN, NetworkShape
from allotment.scenario.errors import ScenarioError

ActionKind = Literal["continuous", "discrete", "multi_discrete"]
ACTION_WORDS: dict[ActionKind, str] = {  # what an action is, for messages
    "continuous": "quantities (Box)",
    "discrete": "one choice from a list (Discrete)",
    "multi_discrete": "several choices at once (MultiDiscrete, MultiBinary)",
}
Builder = Callable[[NetworkShape], nn.Module]


@dataclass(frozen=True)
class Networks:
    """How to build what an algorithm trains."""

    shape: NetworkShape
    actor: Builder
    critic: Builder
    deviation: float  # of actions in [-1, 1], when training starts


@dataclass(frozen=True)
class Algorithm:
    """An algorithm: what it can train, and how its policy is made and read."""

    make: type[BaseAlgorithm]
    purpose: str
    networks: tuple[str, ...]  # kinds of network
    actions: tuple[ActionKind, ...]
    policy: Callable[[Networks], tuple[Any, dict[str, Any]]]  # Stable-Baselines3's policy and its keywords
    read: actors.Reader
    fill: actors.Filler | None = None  # how it begins with an actor's weights; none = it cannot
    output: Literal["plain", "tanh"] = "plain"  # whether the actor squashes its answers
    ranges: Mapping[str, Values] = field(default_factory=lambda: RANGES)  # the values that its settings may take


def _actor_and_critic(networks: Networks) -> tuple[Any, dict[str, Any]]:
    return NetworkPolicy, {
        "actor": lambda: networks.actor(networks.shape),
        "critic": lambda: networks.critic(networks.shape),
        "deviation": networks.deviation,
    }


def _recurrent(networks: Networks) -> tuple[Any, dict[str, Any]]:
    layers = list(networks.shape.hidden)
    return "MlpLstmPolicy", {
        "net_arch": {"pi": layers, "vf": layers},
        "activation_fn": ACTIVATIONS[networks.shape.activation],
        "lstm_hidden_size": networks.shape.memory,
        "log_std_init": log(networks.deviation),
    }


def _perceptrons(networks: Networks) -> tuple[Any, dict[str, Any]]:
    return "MlpPolicy", {
        "net_arch": list(networks.shape.hidden),
        "activation_fn": ACTIVATIONS[networks.shape.activation],
    }


def algorithm_of(name: str, where: str) -> Algorithm:
    """Return the algorithm of a name, shipped or a user's own; `ScenarioError` where there is none.

    A class of one's own is a subclass of a shipped one, whose networks it trains, or an `Algorithm` that says how its policy is
    made and read.
    """
    found = extensions.find("algorithm", name, ALGORITHMS, where)
    if isinstance(found, Algorithm):
        return found
    bases = [each for each in ALGORITHMS.values() if isinstance(found, type) and issubclass(found, each.make)]
    if not bases:
        allowed = ", ".join(each.make.__name__ for each in ALGORITHMS.values())
        raise ScenarioError(f"{where}: {name} must be a subclass of {allowed}, or an Algorithm")
    return replace(max(bases, key=lambda each: len(each.make.__mro__)), make=found)


def check_actions(name: str, actions: ActionKind, where: str) -> None:
    """Raise `ScenarioError` where the algorithm of a name cannot train what decides so."""
    taken = algorithm_of(name, where).actions
    if actions not in taken:
        able = ", ".join(other for other, each in ALGORITHMS.items() if actions in each.actions)
        takes = " or ".join(ACTION_WORDS[each] for each in taken)
        raise ScenarioError(f"{where}: {name} cannot decide on {ACTION_WORDS[actions]}; it takes {takes}; what can: {able}")


_ANY: tuple[ActionKind, ...] = ("continuous", "discrete", "multi_discrete")
_CONTINUOUS: tuple[ActionKind, ...] = ("continuous",)
_ANY_NETWORK = ("mlp", "cells", OWN)

ALGORITHMS: dict[str, Algorithm] = {
    "ppo": Algorithm(
        PPO,
        "proximal policy optimisation",
        _ANY_NETWORK,
        _ANY,
        _actor_and_critic,
        actors.built_here,
        actors.fill_built_here,
    ),
    "a2c": Algorithm(
        A2C, "advantage actor-critic", _ANY_NETWORK, _ANY, _actor_and_critic, actors.built_here, actors.fill_built_here
    ),
    "trpo": Algorithm(
        TRPO,
        "trust region policy optimisation",
        _ANY_NETWORK,
        _ANY,
        _actor_and_critic,
        actors.built_here,
        actors.fill_built_here,
        ranges=WITH_TRUST_REGION,
    ),
    "recurrent_ppo": Algorithm(
        RecurrentPPO,
        "PPO with a memory of its own",
        ("lstm",),
        _ANY,
        _recurrent,
        actors.recurrent,
        actors.fill_recurrent,
    ),
    "sac": Algorithm(
        SAC,
        "soft actor-critic",
        ("mlp",),
        _CONTINUOUS,
        _perceptrons,
        actors.squashed,
        actors.fill_squashed,
        "tanh",
        WITH_LEARNED_ENTROPY,
    ),
    "tqc": Algorithm(
        TQC,
        "SAC with truncated quantile critics",
        ("mlp",),
        _CONTINUOUS,
        _perceptrons,
        actors.squashed,
        actors.fill_squashed,
        "tanh",
        WITH_LEARNED_ENTROPY,
    ),
    "crossq": Algorithm(
        CrossQ,
        "SAC with batch renormalisation, no target networks",
        ("mlp",),
        _CONTINUOUS,
        _perceptrons,
        actors.renormalised,
        actors.fill_renormalised,
        "tanh",
        WITH_LEARNED_ENTROPY,
    ),
    "td3": Algorithm(
        TD3,
        "twin delayed deterministic policy gradient",
        ("mlp",),
        _CONTINUOUS,
        _perceptrons,
        actors.deterministic,
        actors.fill_deterministic,
        "tanh",
    ),
    "ddpg": Algorithm(
        DDPG,
        "deep deterministic policy gradient",
        ("mlp",),
        _CONTINUOUS,
        _perceptrons,
        actors.deterministic,
        actors.fill_deterministic,
        "tanh",
    ),
    "dqn": Algorithm(
        DQN,
        "deep Q-network, for one discretised decision",
        ("mlp",),
        ("discrete",),
        _perceptrons,
        actors.valued,
        actors.fill_valued,
    ),
}
