"""A learned policy for an environment of another package: a network's answer to what it observes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import nn

from allotment.environments.external import OutsideEnvironment
from allotment.policies.learned import answered, chosen_actions
from allotment.policies.networks import NetworkShape, Normalised, vector_network
from allotment.scenario.problem import Floats


@dataclass(frozen=True)
class OutsidePolicy:
    """A network in an environment; acts deterministically, by the mean of its action distribution."""

    name: str
    world: OutsideEnvironment
    actor: nn.Module
    discrete: bool
    shape: NetworkShape
    kind: str = "learned"

    def act(self, vectors: np.ndarray, memory: Floats | None = None) -> tuple[Floats, Floats | None]:
        """Return actions in [-1, 1] (B, size) or choices (B,) for vectors (B, n), and the memory for the next time."""
        answers, memory = answered(self.actor, vectors.astype(np.float32), memory)
        return chosen_actions(answers, self.discrete), memory


def build_outside_actor(shape: NetworkShape, environment: OutsideEnvironment) -> Normalised:
    """Return the network that answers with one number for each action, or one for each choice."""
    inputs, outputs, _ = environment.spaces
    return Normalised(vector_network(shape, inputs, outputs), inputs)
