"""A learned policy for an environment of another package: a network's answer to what it observes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from allotment.policies.learned import answered, chosen_actions
from allotment.policies.networks import NetworkShape, Normalised, vector_network
from allotment.policies.weights_file import write_weights
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

    def act(self, vectors: np.ndarray, memory: Floats | None = None) -> tuple[Floats, Floats | None]:
        """Return actions in [-1, 1] (B, size), or positions of choices (B, decisions), and the memory for the next time.

        Vectors (B, n) and actions are those of `environments.external.make_external`.
        """
        answers, memory = answered(self.name, self.actor, vectors.astype(np.float32), memory)
        return self._actions(answers), memory

    def _actions(self, answers: np.ndarray) -> Floats:
        if not self.world.choices:
            return chosen_actions(answers, discrete=False)
        ends = np.cumsum(self.world.choices)[:-1]
        return np.stack([chosen_actions(part, discrete=True) for part in np.split(answers, ends, axis=1)], axis=1)

    def write(self, folder: Path) -> dict[str, Any]:
        """Write what the policy is into a bundle's folder; returns what the bundle says of it."""
        write_weights(self.actor, folder)
        return {"kind": self.kind, "name": self.name, "network": self.shape.as_dict()}


def build_external_actor(shape: NetworkShape, environment: ExternalEnvironment) -> Normalised:
    """Return the network that answers with one number for each action, or one for each choice."""
    return Normalised(vector_network(shape, environment.inputs, environment.outputs), environment.inputs)
