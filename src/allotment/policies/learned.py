"""A learned policy: a network's answer to the observation vector, turned into quantities by its encoding."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from allotment.decisions.encodings import Discrete, Encoding, Quantity, Residual
from allotment.decisions.flatten import Flattener
from allotment.decisions.observation import Observation
from allotment.engine.state import Decision
from allotment.exchange.recommend import Recommender, recommend, uses_forecast
from allotment.policies.answers import lane_answers, with_allocation
from allotment.policies.bundle import Kept, save_bundle
from allotment.policies.encoding_config import described
from allotment.policies.networks import NetworkShape, cell_network, names_told, vector_network, with_levels
from allotment.policies.rule_parameters import RuleParameters
from allotment.policies.weights_file import write_weights
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import World
from allotment.scenario.problem import Floats


@dataclass(frozen=True)
class LearnedPolicy:
    """A network in a world; decides deterministically, by the mean of its action distribution."""

    name: str
    world: World
    encoding: Encoding
    actor: nn.Module
    flattener: Flattener
    shape: NetworkShape
    kind: str = "learned"
    version: str = ""  # of the bundle it was loaded from

    def decide(self, observation: Observation) -> Decision:
        """Return the network's decision."""
        answers, memory = answered(self.name, self.actor, self.flattener(observation), observation.memory)
        actions = chosen_actions(answers, isinstance(self.encoding, Discrete))
        return self.encoding.decision(actions, observation)._replace(memory=memory)

    def write(self, folder: Path) -> dict[str, Any]:
        """Write what the policy is into a bundle's folder; returns what the bundle says of it."""
        write_weights(self.actor, folder)
        if isinstance(self.encoding, Residual | RuleParameters):
            save_bundle(cast(Kept, self.encoding.rule), folder / "rule")
        about = {"kind": self.kind, "name": self.name, "network": self.shape.as_dict(), "told": names_told(self.actor)}
        return {**about, "encoding": described(self.encoding)}

    def recommend(self, snapshot: Any) -> Any:
        """Return the plan for a snapshot, or plans for a list of them; see `exchange.snapshot` and `exchange.plan`."""
        return recommend(self.recommender, snapshot)

    @cached_property
    def recommender(self) -> Recommender:
        """Return what answers snapshots."""
        return Recommender(self)

    @property
    def informed(self) -> bool:
        """Tell whether it is shown a forecast of the true process."""
        return bool(self.world.scenario.observation.forecast) or bool(
            getattr(getattr(self.encoding, "rule", None), "informed", False)
        )

    @property
    def uses_forecast(self) -> bool:
        """Tell whether it is shown the observation's forecast, or corrects a rule that goes by it."""
        shown = bool(self.world.scenario.observation.forecast)
        return shown or (isinstance(self.encoding, Residual | RuleParameters) and uses_forecast(self.encoding.rule))

    @property
    def memory_size(self) -> int:
        """Return how many numbers the policy remembers from one decision to the next."""
        return 2 * self.shape.memory if self.shape.kind == "lstm" else 0


def answered(name: str, actor: nn.Module, vectors: np.ndarray, memory: Floats | None) -> tuple[np.ndarray, Floats | None]:
    """Return a network's answers to vectors (B, n), and its memory for the next time where it has one.

    `ScenarioError` names the policy where its weights are such that an answer is no number.
    """
    answers, after = _answers(actor, torch.from_numpy(vectors), memory)
    if np.isnan(answers).any() or (after is not None and np.isnan(after).any()):
        raise ScenarioError(f"{name}: the network answers with what is no number; its weights are too large")
    return answers, after


def _answers(actor: nn.Module, inputs: torch.Tensor, memory: Floats | None) -> tuple[np.ndarray, Floats | None]:
    with torch.no_grad():
        empty_memory = getattr(actor, "empty_memory", None)
        if empty_memory is None:
            return actor(inputs).numpy(), None
        before = empty_memory(len(inputs)) if memory is None else torch.from_numpy(memory.astype(np.float32))
        answers, after = actor(inputs, before)
        return answers.numpy(), after.numpy().astype(np.float64)


def chosen_actions(answers: np.ndarray, discrete: bool) -> Floats:
    """Return actions in [-1, 1] (B, size), or the positions (B,) of the preferred choices."""
    if discrete:
        return answers.argmax(axis=1).astype(np.float64)
    return np.clip(answers.astype(np.float64), -1.0, 1.0)


def build_actor(shape: NetworkShape, world: World, encoding: Encoding) -> nn.Module:
    """Return the network that answers with one number for each action, or one for each choice of a discrete encoding."""
    outputs = encoding.choices if isinstance(encoding, Discrete) else encoding.size
    if shape.kind == "levels":
        return with_levels(None, shape, world, outputs)
    if shape.seasons is None:
        return _network(shape, world, encoding, outputs)
    return with_levels(_network(replace(shape, output="plain"), world, encoding, outputs), shape, world, outputs)


def _network(shape: NetworkShape, world: World, encoding: Encoding, outputs: int) -> nn.Module:
    if shape.kind != "cells":
        return vector_network(shape, Flattener(world).size, outputs)
    if not isinstance(encoding, Quantity | Residual | RuleParameters):
        allowed = "quantity, residual and rule_parameters"
        raise ValueError(f"network kind cells works with encodings {allowed}, not {encoding.name}")
    own = encoding.by_cell() if isinstance(encoding, RuleParameters) else lane_answers(world, *encoding.cells, encoding.groups)
    return cell_network(shape, world, with_allocation(own, world, encoding.allocation_actions))


def build_critic(shape: NetworkShape, world: World) -> nn.Module:
    """Return the network that answers with the value of what is observed, (B, 1)."""
    return cell_network(shape, world, None) if shape.kind == "cells" else vector_network(shape, Flattener(world).size, 1)
