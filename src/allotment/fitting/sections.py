"""Sections that the configs of all who learn have in common: the network, validation, checkpoints."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from allotment import extensions
from allotment.policies.networks import ACTIVATIONS, SHIPPED
from allotment.scenario.errors import ScenarioError, nearest


class Section(BaseModel):
    """A part of a config that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class NetworkConfig(Section):
    """A network."""

    kind: str = "mlp"  # mlp; cells, one small network for all sites and SKUs; lstm, which remembers; or your own, file.py:Name
    settings: dict[str, Any] = {}  # arguments of a network of your own
    hidden: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)] = [64, 64]  # size of each hidden layer
    activation: str = "tanh"  # what stands between layers
    memory: Annotated[int, Field(ge=1)] = 64  # how much a network of kind lstm remembers


class ValidationConfig(Section):
    """Evaluation during training, on validation worlds."""

    every: Annotated[int, Field(ge=1)] | None = None  # environment steps between evaluations; none = about ten in all
    episodes: Annotated[int, Field(ge=2)] = 64  # worlds, the same at every evaluation
    patience: Annotated[int, Field(ge=1)] | None = (
        None  # evaluations in a row without a better score that end training; none = all
    )


class CheckpointConfig(Section):
    """How often training is put on disk, from where an interrupted one goes on."""

    every: Annotated[int, Field(ge=1)] = 100_000  # environment steps between checkpoints


def check_network(network: NetworkConfig, origin: str) -> None:
    """Raise `ScenarioError` where a network names what does not exist, or has settings that it does not take."""
    if network.activation not in ACTIVATIONS:
        known = nearest(network.activation, ACTIVATIONS)
        raise ScenarioError(f"{origin}: network.activation: unknown {network.activation!r}; {known}")
    if network.kind not in SHIPPED:
        extensions.find("network", network.kind, SHIPPED, f"{origin}: network.kind")
    elif network.settings:
        given = ", ".join(network.settings)
        raise ScenarioError(f"{origin}: network.settings: a network {network.kind} takes none beside its own keys, not {given}")
