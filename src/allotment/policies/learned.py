"""A learned policy: a network's answer to the observation vector, turned into quantities by its encoding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from allotment.env.decision import Decision
from allotment.env.encoding import Discrete, Encoding, Quantity, Residual
from allotment.env.flatten import Flattener
from allotment.env.observation import Observation
from allotment.policies.networks import NetworkShape, build_network
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
    kind: str = "learned"

    def decide(self, observation: Observation) -> Decision:
        """Return the network's decision."""
        return Decision(self.encoding.orders(self.actions(observation), observation))

    def actions(self, observation: Observation) -> Floats:
        """Return actions in [-1, 1] (B, size), or positions (B,) for the discrete encoding."""
        with torch.no_grad():
            answer = self.actor(torch.from_numpy(self.flattener(observation)))
        if isinstance(self.encoding, Discrete):
            return answer.argmax(dim=1).numpy().astype(np.float64)
        return np.clip(answer.numpy().astype(np.float64), -1.0, 1.0)


def build_actor(shape: NetworkShape, world: World, encoding: Encoding) -> nn.Module:
    """Return the network that answers with one number for each action, or one for each choice of a discrete encoding."""
    if isinstance(encoding, Discrete):
        return build_network(shape, world, None, encoding.choices)
    cells = (*encoding.cells, encoding.groups) if isinstance(encoding, Quantity | Residual) else None
    if shape.kind == "cells" and cells is None:
        raise ValueError(f"network kind cells works with encodings quantity and residual, not {encoding.name}")
    return build_network(shape, world, cells, encoding.size)
