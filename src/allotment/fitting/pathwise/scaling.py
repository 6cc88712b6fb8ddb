"""What a network is shown while it learns, brought to mean 0 and deviation 1; the policy that is kept has it in its weights."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

SLOWEST = 0.05  # share of the statistics that a window replaces, at first more
LEAST_DEVIATION = 0.05  # that an input is divided by


class InputScaling:
    """Running mean and deviation of what a network's first linear layer is given, taken off before that layer."""

    def __init__(self, actor: nn.Module) -> None:
        self.actor, self.layer = actor, first_layer(actor)
        assert self.layer is not None
        self.mean, self.square = torch.zeros(self.layer.in_features), torch.ones(self.layer.in_features)
        self.windows = 0
        self.forget()
        self.layer.register_forward_pre_hook(self._scaled)

    @property
    def deviation(self) -> Tensor:
        """Return what inputs are divided by, (inputs,)."""
        variance = torch.sub(self.square, self.mean.square())
        return torch.sqrt(torch.clamp(variance, min=LEAST_DEVIATION**2))

    def renew(self, share: float) -> None:
        """Take in what was seen since the last time, a `share` of it towards the end of a training."""
        rate = max(1.0 / (self.windows + 1), SLOWEST * share)
        total, squares, count = self._seen
        self.mean = self.mean + rate * (total / count - self.mean)
        self.square = self.square + rate * (squares / count - self.square)
        self.windows += 1
        self.forget()

    def forget(self) -> None:
        """Leave what was seen since the last time out."""
        self._seen = [torch.zeros_like(self.mean), torch.zeros_like(self.mean), torch.zeros(())]

    def taken_in(self) -> nn.Module:
        """Return the same network without scaling, which its first layer's weights have taken in."""
        actor = deepcopy(self.actor)
        layer = first_layer(actor)
        assert layer is not None
        layer._forward_pre_hooks.clear()
        with torch.no_grad():
            layer.weight /= self.deviation
            layer.bias.sub_(layer.weight @ self.mean)
        return actor

    def kept(self) -> dict[str, Any]:
        """Return what a resumed training needs."""
        return {"mean": self.mean, "square": self.square, "windows": self.windows}

    def go_on(self, kept: dict[str, Any]) -> None:
        """Take up the statistics of an interrupted training."""
        self.mean, self.square, self.windows = kept["mean"], kept["square"], kept["windows"]

    def _scaled(self, _layer: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        seen = given[0].detach().reshape(-1, len(self.mean))
        total, squares, count = self._seen
        self._seen = [total + seen.sum(0), squares + seen.square().sum(0), count + len(seen)]
        return ((given[0] - self.mean) / self.deviation,)


def first_layer(actor: nn.Module) -> nn.Linear | None:
    """Return the linear layer that comes first in a network, none where it has none."""
    return next((module for module in actor.modules() if isinstance(module, nn.Linear)), None)
