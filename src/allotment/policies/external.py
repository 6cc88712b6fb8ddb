"""A learned policy for an environment of another package: a network's answer to what it observes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from allotment.policies.learned import answered, chosen_actions, write_weights
from allotment.policies.networks import NetworkShape, Normalised, vector_network
from allotment.scenario.external import ExternalEnvironment
from allotment.scenario.problem import Floats


@dataclass(frozen=True)
class ExternalPolicy:
    """A network in an environment; acts deterministically, by the mean of its action distribution."""

    name: str
    world: ExternalEnvironment
    actor: nn.Module
    shape: NetworkShape
    kind: str = "learned"

    @property
    def discrete(self) -> bool:
        """Tell whether an action is one of a list of choices."""
        return self.world.discrete

    def act(self, vectors: np.ndarray, memory: Floats | None = None) -> tuple[Floats, Floats | None]:
        """Return actions in [-1, 1] (B, size) or choices (B,) for vectors (B, n), and the memory for the next time."""
        answers, memory = answered(self.actor, vectors.astype(np.float32), memory)
        return chosen_actions(answers, self.discrete), memory

    def write(self, folder: Path) -> dict[str, Any]:
        """Write what the policy is into a bundle's folder; returns what the bundle says of it."""
        write_weights(self.actor, folder)
        return {"kind": self.kind, "name": self.name, "network": self.shape.as_dict()}


def build_external_actor(shape: NetworkShape, environment: ExternalEnvironment) -> Normalised:
    """Return the network that answers with one number for each action, or one for each choice."""
    return Normalised(vector_network(shape, environment.inputs, environment.outputs), environment.inputs)
