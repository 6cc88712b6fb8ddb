"""The Stable-Baselines3 policy over this project's own networks, so that what is trained is what is bundled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from stable_baselines3.common.distributions import DiagGaussianDistribution
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.type_aliases import Schedule
from torch import Tensor, nn

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
    """Actor and critic as they are handed in, ready to be built."""

    def __init__(
        self,
        *arguments: Any,
        actor: Callable[[], nn.Module],
        critic: Callable[[], nn.Module],
        deviation: float,
        **keywords: Any,
    ) -> None:
        self.build_actor, self.build_critic, self.deviation = actor, critic, deviation
        super().__init__(*arguments, **keywords)

    def _build(self, lr_schedule: Schedule) -> None:
        actor, critic = _orthogonal(self.build_actor(), SMALL), _orthogonal(self.build_critic(), 1.0)
        self.mlp_extractor = ActorAndCritic(actor, critic)  # type: ignore[assignment]
        self.action_net, self.value_net = nn.Identity(), nn.Identity()  # type: ignore[assignment]
        if isinstance(self.action_dist, DiagGaussianDistribution):  # quantities, not choices
            self.log_std = nn.Parameter(torch.full(self.action_space.shape or (), self.deviation).log())
        self.optimizer = self.optimizer_class(self.parameters(), lr=lr_schedule(1), **self.optimizer_kwargs)  # type: ignore[call-arg]


def _orthogonal(network: nn.Module, last_gain: float) -> nn.Module:
    layers = [module for module in network.modules() if isinstance(module, nn.Linear)]
    for layer in layers:
        nn.init.orthogonal_(layer.weight, last_gain if layer is layers[-1] else 2.0**0.5)
        nn.init.zeros_(layer.bias)
    return network
