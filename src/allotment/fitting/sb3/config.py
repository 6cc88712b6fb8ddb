"""A learned policy's config file, checked before anything is trained."""

from __future__ import annotations

import inspect
from typing import Annotated, Any

from pydantic import Field

from allotment.fitting.sb3.algorithms import Algorithm, algorithm_of
from allotment.fitting.sb3.settings import check_setting, check_together
from allotment.fitting.sections import CheckpointConfig, NetworkConfig, Section, ValidationConfig, check_network
from allotment.policies.encoding_config import EncodingConfig
from allotment.policies.networks import OWN, SHIPPED
from allotment.scenario.errors import ScenarioError, nearest

SET_ELSEWHERE = {  # arguments of Stable-Baselines3's algorithms that are not settings here
    *("policy", "env", "policy_kwargs", "seed", "verbose", "device", "tensorboard_log", "self", "_init_setup_model"),
    *("replay_buffer_class", "replay_buffer_kwargs", "rollout_buffer_class", "rollout_buffer_kwargs", "optimize_memory_usage"),
    "action_noise",  # exploration_deviation says it
    *("use_sde", "sde_sample_freq", "use_sde_at_warmup"),  # its noise matrices are in no checkpoint
}


class Networks(NetworkConfig):
    """The networks of actor and critic."""

    initial_deviation: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.5  # of actions in [-1, 1]


class LearnedConfig(Section):
    """How a policy is learned."""

    algorithm: str  # the algorithm, by name
    name: str | None = None  # in tables; none = the file's
    encoding: EncodingConfig = EncodingConfig()  # what actions mean
    network: Networks = Networks()  # the networks of actor and critic
    environments: Annotated[int, Field(ge=1)] = 256  # simulated together
    steps: Annotated[int, Field(ge=1)]  # environment steps, in all
    stagger: bool = True  # first episodes of windows end one after the other
    normalise_reward: bool = True  # by the running deviation of returns
    normalise_observation: bool = False  # by running mean and deviation; worlds of this project are scaled already
    exploration_deviation: Annotated[float, Field(ge=0, allow_inf_nan=False)] = (
        0.0  # of noise on the actions of an actor that has none itself
    )
    relative_to_rule: bool = False  # rewards count from what a residual's rule earns in the same worlds
    start: Annotated[str | None, Field(alias="from")] = None  # a run folder or bundle, with whose weights the actor begins
    settings: dict[str, Any] = {}  # of the algorithm, by Stable-Baselines3's names
    callbacks: list[str | dict[str, Any]] = []  # of Stable-Baselines3, your own: file.py:Name, or {use: …, setting: …}
    loggers: list[str | dict[str, Any]] = []  # beside TensorBoard: wandb, mlflow, or your own
    validation: ValidationConfig = ValidationConfig()  # how the best policy is chosen
    checkpoint: CheckpointConfig = CheckpointConfig()  # from where an interrupted training goes on


def check_learned(config: LearnedConfig, origin: str) -> LearnedConfig:
    """Return a config whose names all exist; `ScenarioError` names the first that does not."""
    algorithm = algorithm_of(config.algorithm, origin)
    check_network(config.network, origin)
    _check_fit(config, algorithm, origin)
    _check_settings(config, algorithm, origin)
    return config


def _check_settings(config: LearnedConfig, algorithm: Algorithm, origin: str) -> None:
    """Refuse a setting that the algorithm does not have, and a value that it cannot take."""
    defaults = settings_of(algorithm)
    for name, value in config.settings.items():
        if name not in defaults:
            raise ScenarioError(f"{origin}: settings: unknown key {name!r} for {config.algorithm}; {nearest(name, defaults)}")
        check_setting(name, value, algorithm.ranges, f"{origin}: settings.{name}")
    check_together({**defaults, **config.settings}, config.environments, f"{origin}: settings")


def settings_of(algorithm: Algorithm) -> dict[str, Any]:
    """Return the settings that an algorithm has, with their defaults."""
    return {name: default for name, default in _parameters(algorithm.make).items() if name not in SET_ELSEWHERE}


def _parameters(algorithm: Any) -> dict[str, Any]:
    """Return what an algorithm may be given by name, with what a subclass passes on to the classes it is made from."""
    found: dict[str, Any] = {}
    makers = (
        [vars(cls)["__init__"] for cls in algorithm.__mro__ if "__init__" in vars(cls)] if isinstance(algorithm, type) else []
    )
    for maker in makers or [algorithm]:
        parameters = inspect.signature(maker).parameters
        named = {name: each for name, each in parameters.items() if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)}
        found = {**{name: each.default for name, each in named.items()}, **found}
        if not any(each.kind is each.VAR_KEYWORD for each in parameters.values()):
            break
    return {name: default for name, default in found.items() if name != "self"}


def _check_fit(config: LearnedConfig, algorithm: Algorithm, origin: str) -> None:
    """Refuse what an algorithm cannot do."""
    kind = config.network.kind if config.network.kind in SHIPPED else OWN
    if kind not in algorithm.networks:
        allowed = " or ".join(filter(None, (", ".join(algorithm.networks[:-1]), algorithm.networks[-1])))
        raise ScenarioError(f"{origin}: network.kind must be {allowed} for {config.algorithm}, not {config.network.kind}")
    if config.encoding.name == "discrete" and "discrete" not in algorithm.actions:
        raise ScenarioError(f"{origin}: {config.algorithm} cannot choose from a list; encoding discrete works with dqn and ppo")
    if config.encoding.name != "discrete" and "continuous" not in algorithm.actions and "encoding" in config.model_fields_set:
        raise ScenarioError(f"{origin}: {config.algorithm} needs encoding discrete, not {config.encoding.name}")
    if config.exploration_deviation and "action_noise" not in _parameters(algorithm.make):
        raise ScenarioError(f"{origin}: exploration_deviation: {config.algorithm} explores by itself")
    if config.relative_to_rule and config.encoding.name != "residual":
        raise ScenarioError(f"{origin}: relative_to_rule needs encoding residual, not {config.encoding.name}")
