"""The config file of a policy that is trained by gradients through the simulation."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field
from torch import nn

from allotment.engine.relaxation import FEATURES
from allotment.fitting.pathwise.scaling import first_layer
from allotment.fitting.sections import CheckpointConfig, NetworkConfig, Section, ValidationConfig, check_network
from allotment.policies.encoding_config import EncodingConfig
from allotment.policies.networks import OWN, SHIPPED
from allotment.scenario.errors import ScenarioError, nearest
from allotment.scenario.problem import Problem

PATHWISE = "pathwise"
NETWORKS = ("mlp", "cells", "levels", OWN)
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class PathwiseNetwork(NetworkConfig):
    """The network, and the levels of each action's own that its answers count from."""

    kind: str = "cells"  # mlp; cells, one small network for all sites and SKUs; levels alone; or your own, file.py:Name
    activation: str = "silu"  # what stands between layers
    seasons: Annotated[int, Field(ge=0, le=20)] | None = 2  # harmonics in a level of each action's own; none = no such level
    tags: Annotated[int, Field(ge=0, le=64)] = 4  # learned numbers that tell a cell from others, 0 = none (cells)


class PathwiseSettings(Section):
    """How gradients are followed."""

    learning_rate: Positive = 1e-2  # Adam's for the network, falling to a fiftieth along a half cosine
    levels_learning_rate: Positive = 5e-3  # likewise for levels
    # periods that a gradient looks back; none = a season, an episode of 64 at most, or in a long run 28 and the lookahead
    window: Annotated[int, Field(ge=1)] | None = None
    # of these, the last that only show what earlier decisions lead to; none = twice the lead time down to the farthest customer
    # for a long-run average, half a window at most, else 0
    lookahead: Annotated[int, Field(ge=0)] | None = None
    rounding: Annotated[float, Field(gt=0, le=1)] = (
        1.0  # of whole units: the part of a unit, around its half, that chance rounds in the end
    )
    gradient_norm: Positive = 1.0  # longer gradients, of rewards in units of the world's money, are shortened to this
    treatments: dict[str, str] = {}  # of features without a useful gradient, by name; see the page on gradients


class PathwiseConfig(Section):
    """How a policy is trained by gradients through the simulation."""

    algorithm: Literal["pathwise"]  # gradients through the simulation
    name: str | None = None  # in tables; none = the file's
    encoding: EncodingConfig = EncodingConfig()  # what actions mean
    network: PathwiseNetwork = PathwiseNetwork()  # what answers with actions
    # by running mean and deviation, taken into the network's weights where it is kept; none = unless it begins with weights
    normalise_observation: bool | None = None
    environments: Annotated[int, Field(ge=1)] = 256  # simulated together
    steps: Annotated[int, Field(ge=1)]  # environment steps, in all
    start: Annotated[str | None, Field(alias="from")] = None  # a run folder or bundle, with whose weights the network begins
    settings: PathwiseSettings = PathwiseSettings()  # of the algorithm
    validation: ValidationConfig = ValidationConfig()  # how the best policy is chosen
    checkpoint: CheckpointConfig = CheckpointConfig(every=500_000)  # from where an interrupted training goes on


def check_pathwise(config: PathwiseConfig, origin: str) -> None:
    """Raise `ScenarioError` where a config names what does not exist or does not go together."""
    check_network(config.network, origin)
    kind = config.network.kind if config.network.kind in SHIPPED else OWN
    if kind not in NETWORKS:
        raise ScenarioError(f"{origin}: network.kind must be {', '.join(NETWORKS[:-1])} or {OWN} for {PATHWISE}, not {kind}")
    if config.encoding.name == "discrete":
        raise ScenarioError(f"{origin}: {PATHWISE} cannot choose from a list; take another encoding than discrete")
    settings = config.settings
    if settings.lookahead and settings.window is not None and settings.lookahead >= settings.window:
        told = f"{settings.lookahead} must be below settings.window; it is {settings.window}"
        raise ScenarioError(f"{origin}: settings.lookahead: {told}")
    if config.normalise_observation and config.start is not None:
        raise ScenarioError(
            f"{origin}: normalise_observation: a network that begins with weights (from) keeps what it is shown"
        )


def check_scaling(actor: nn.Module, origin: str) -> None:
    """Raise `ScenarioError` where a network has no layer that could take in how observations are scaled."""
    if first_layer(actor) is None:
        raise ScenarioError(f"{origin}: normalise_observation: the network has no linear layer; take another network.kind")


def treatments_of(config: PathwiseConfig, problem: Problem, origin: str) -> dict[str, str]:
    """Return how each feature without a useful gradient is treated: as the config says, or as is best known."""
    known: dict[str, Any] = {feature.name: feature for feature in FEATURES}
    for name, treatment in config.settings.treatments.items():
        where = f"{origin}: settings.treatments"
        if name not in known:
            raise ScenarioError(f"{where}: no feature of a world is called {name!r}; {nearest(name, known)}")
        if treatment not in known[name].treatments:
            raise ScenarioError(f"{where}: {name} cannot be {treatment!r}; allowed: {', '.join(known[name].treatments)}")
    return {name: config.settings.treatments.get(name, feature.treatments[-1]) for name, feature in known.items()}
