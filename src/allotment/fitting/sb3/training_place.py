"""What Stable-Baselines3 needs of the place it trains in: a world of this project, or an environment of another package."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import torch
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecNormalize
from torch import nn

from allotment.decisions.encodings import Encoding
from allotment.decisions.flatten import Flattener
from allotment.environments.external import make_external
from allotment.environments.sb3 import Sb3VecEnv
from allotment.environments.shaping import RelativeToRule
from allotment.evaluation.place import ExternalPlace, Place
from allotment.fitting.sb3.algorithms import ActionKind
from allotment.fitting.sb3.config import LearnedConfig
from allotment.policies.encoding_config import build_encoding
from allotment.policies.external import ExternalPolicy
from allotment.policies.learned import LearnedPolicy, build_actor, build_critic
from allotment.policies.networks import NetworkShape, Normalised, vector_network
from allotment.policies.rule_config import RulePolicy
from allotment.scenario.errors import ScenarioError
from allotment.scenario.external import ExternalEnvironment
from allotment.scenario.loader import World
from allotment.scenario.streams import derived_seed


class TrainingPlace(Protocol):
    """What training needs to know of the place it trains in."""

    @property
    def actions(self) -> ActionKind:
        """Return what an action is."""
        ...

    def environments(self) -> VecEnv:
        """Return the batch of training environments."""
        ...

    def first_seed(self, seed: int) -> int:
        """Return the seed of the first training environment, derived from the user's; the others count on from it."""
        ...

    def actor(self, shape: NetworkShape) -> nn.Module:
        """Return an empty actor for Stable-Baselines3's observations."""
        ...

    def critic(self, shape: NetworkShape) -> nn.Module:
        """Return an empty critic."""
        ...

    def policy(self, name: str, actor: nn.Module, shape: NetworkShape, environments: VecEnv) -> Any:
        """Return the policy that an actor is, on its own."""
        ...


@dataclass(frozen=True)
class WorldTraining:
    """A world, the encoding of a policy's actions in it, and the rule that a residual encoding corrects."""

    world: World
    config: LearnedConfig
    rule: RulePolicy | None

    @cached_property
    def encoding(self) -> Encoding:
        """Return the encoding of the config in the world."""
        return build_encoding(self.config.encoding, self.world, self.rule)

    @property
    def actions(self) -> ActionKind:
        """Return what an action is: a quantity for each decision, or one of a list."""
        return "discrete" if self.config.encoding.name == "discrete" else "continuous"

    def first_seed(self, seed: int) -> int:
        """Return the seed of the first training world."""
        return derived_seed("train", seed)

    def environments(self) -> VecEnv:
        """Return the native batch of training worlds."""
        config, reward = self.config, None
        if config.relative_to_rule and self.rule is not None:
            reward = RelativeToRule(self.world, config.environments, self.rule)
        return Sb3VecEnv(self.world, self.encoding, config.environments, config.stagger, reward)

    def actor(self, shape: NetworkShape) -> nn.Module:
        """Return an empty actor."""
        return build_actor(shape, self.world, self.encoding)

    def critic(self, shape: NetworkShape) -> nn.Module:
        """Return an empty critic."""
        return build_critic(shape, self.world)

    def policy(self, name: str, actor: nn.Module, shape: NetworkShape, environments: VecEnv) -> LearnedPolicy:
        """Return the policy that an actor is in the world."""
        return LearnedPolicy(name, self.world, self.encoding, actor.eval(), Flattener(self.world), shape)


@dataclass(frozen=True)
class ExternalTraining:
    """An environment of another package."""

    world: ExternalEnvironment
    config: LearnedConfig

    def __post_init__(self) -> None:
        if self.config.relative_to_rule:
            raise ScenarioError(f"relative_to_rule needs a world of this project, not {self.world.id}")
        if self.config.network.kind == "cells":
            raise ScenarioError(f"network.kind cells needs a world of this project, not {self.world.id}")

    @property
    def actions(self) -> ActionKind:
        """Return what an action is."""
        kinds: dict[int, ActionKind] = {0: "continuous", 1: "discrete"}
        return kinds.get(len(self.world.choices), "multi_discrete")

    def first_seed(self, seed: int) -> int:
        """Return the seed of the first copy, within the 31 bits that environments elsewhere may expect."""
        return derived_seed("train", seed) % 2**31

    def environments(self) -> VecEnv:
        """Return a batch of copies."""
        return DummyVecEnv([lambda: Monitor(make_external(self.world))] * self.config.environments)

    def actor(self, shape: NetworkShape) -> nn.Module:
        """Return an empty actor for observations that are normalised already."""
        return vector_network(shape, self.world.inputs, self.world.outputs)

    def critic(self, shape: NetworkShape) -> nn.Module:
        """Return an empty critic."""
        return vector_network(shape, self.world.inputs, 1)

    def policy(self, name: str, actor: nn.Module, shape: NetworkShape, environments: VecEnv) -> ExternalPolicy:
        """Return the policy that an actor is, behind the observations' running statistics."""
        whole = Normalised(actor, self.world.inputs)
        if isinstance(environments, VecNormalize) and environments.norm_obs:
            statistics: Any = environments.obs_rms
            whole.mean = torch.as_tensor(statistics.mean, dtype=torch.float32)
            whole.deviation = torch.as_tensor(np.sqrt(statistics.var + environments.epsilon), dtype=torch.float32)
            whole.limit = torch.tensor(environments.clip_obs)
        return ExternalPolicy(name, self.world, whole.eval(), shape)


def training_place(place: Place, config: LearnedConfig, rule: RulePolicy | None) -> TrainingPlace:
    """Return what training needs to know of a place; `rule` is what a residual corrects."""
    if isinstance(place, ExternalPlace):
        return ExternalTraining(place.environment, config)
    return WorldTraining(place.world, config, rule)
