"""The Stable-Baselines3 policy over this project's own networks, so that what is trained is what is bundled."""

from __future__ import annotations

from typing import Any

import torch
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.type_aliases import Schedule
from torch import Tensor, nn

from allotment.env.encoding import Discrete, Encoding
from allotment.policies.learned import build_actor
from allotment.policies.networks import NetworkShape, build_network
from allotment.scenario.loader import World

SMALL = 0.01  # gain of the actor's last layer: training starts from the middle of the action space


class ActorAndCritic(nn.Module):
    """Two networks side by side, in the form that Stable-Baselines3 calls its extractor."""

    def __init__(self, actor: nn.Module, critic: nn.Module) -> None:
        super().__init__()
        self.actor, self.critic = actor, critic

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the actor's and the critic's answers."""
        return self.actor(features), self.critic(features)

    def forward_actor(self, features: Tensor) -> Tensor:
        """Return the mean of each action, or the preference of each choice."""
        return self.actor(features)

    def forward_critic(self, features: Tensor) -> Tensor:
        """Return the value, (B, 1)."""
        return self.critic(features)


class NetworkPolicy(ActorCriticPolicy):
    """Actor and critic built from a network shape for a world and an encoding."""

    def __init__(
        self, *arguments: Any, world: World, encoding: Encoding, shape: NetworkShape, deviation: float, **keywords: Any
    ) -> None:
        self.world, self.encoding, self.shape, self.deviation = world, encoding, shape, deviation
        super().__init__(*arguments, **keywords)

    def _build(self, lr_schedule: Schedule) -> None:
        actor = build_actor(self.shape, self.world, self.encoding)
        critic = build_network(self.shape, self.world, None, 1)
        self.mlp_extractor = ActorAndCritic(_orthogonal(actor, SMALL), _orthogonal(critic, 1.0))  # type: ignore[assignment]
        self.action_net, self.value_net = nn.Identity(), nn.Identity()  # type: ignore[assignment]
        if not isinstance(self.encoding, Discrete):
            self.log_std = nn.Parameter(torch.full((self.encoding.size,), self.deviation).log())
        self.optimizer = self.optimizer_class(self.parameters(), lr=lr_schedule(1), **self.optimizer_kwargs)  # type: ignore[call-arg]


def _orthogonal(network: nn.Module, last_gain: float) -> nn.Module:
    layers = [module for module in network.modules() if isinstance(module, nn.Linear)]
    for layer in layers:
        nn.init.orthogonal_(layer.weight, last_gain if layer is layers[-1] else 2.0**0.5)
        nn.init.zeros_(layer.bias)
    return network
