"""Reading the deterministic actor out of a trained algorithm, into a network of this project.

Stable-Baselines3 keeps an actor's layers in several places. Each reader copies them, in order, into an empty network of the
same shape, so that what is validated, bundled and served depends on no training library.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from allotment.policies.networks import RecurrentNetwork

Reader = Callable[[Any, Callable[[], nn.Module]], nn.Module]  # the algorithm, and how an empty actor is built


def built_here(model: Any, _empty: Callable[[], nn.Module]) -> nn.Module:
    """Return a copy of the actor that training took from this project as it is."""
    return copy.deepcopy(model.policy.mlp_extractor.actor)


def squashed(model: Any, empty: Callable[[], nn.Module]) -> nn.Module:
    """Return the mean of a squashed Gaussian actor (SAC, TQC)."""
    actor = model.policy.actor
    return _filled(empty(), [(layer.weight, layer.bias) for layer in _linear(actor.latent_pi, actor.mu)])


def deterministic(model: Any, empty: Callable[[], nn.Module]) -> nn.Module:
    """Return an actor without a distribution (TD3, DDPG)."""
    return _filled(empty(), [(layer.weight, layer.bias) for layer in _linear(model.policy.actor.mu)])


def valued(model: Any, empty: Callable[[], nn.Module]) -> nn.Module:
    """Return a network that values every choice (DQN); the highest value is chosen."""
    return _filled(empty(), [(layer.weight, layer.bias) for layer in _linear(model.policy.q_net.q_net)])


def renormalised(model: Any, empty: Callable[[], nn.Module]) -> nn.Module:
    """Return the mean of a squashed Gaussian actor whose inputs to each layer are renormalised (CrossQ).

    Outside of training a renormalisation is scale × (x − mean) ÷ √(variance + ε) + bias, which the next layer takes in.
    """
    actor = model.policy.actor
    layers, scale, shift = [], None, None
    for module in [*actor.latent_pi, actor.mu]:
        if hasattr(module, "ra_mean"):
            scale = module.scale / (module.ra_var + module.eps).sqrt()
            shift = module.bias - module.ra_mean * scale
        elif isinstance(module, nn.Linear):
            layers.append(_taken_in(module, scale, shift))
            scale, shift = None, None
    return _filled(empty(), layers)


def recurrent(model: Any, empty: Callable[[], nn.Module]) -> nn.Module:
    """Return an actor with a memory (RecurrentPPO)."""
    network, policy = empty(), model.policy
    assert isinstance(network, RecurrentNetwork)
    network.cell.load_state_dict(policy.lstm_actor.state_dict())
    _filled(network.head, [(layer.weight, layer.bias) for layer in _linear(policy.mlp_extractor.policy_net, policy.action_net)])
    return network


def _taken_in(layer: nn.Linear, scale: Tensor | None, shift: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return weight and bias of a layer behind the map x → scale × x + shift."""
    if scale is None or shift is None:
        return layer.weight, layer.bias
    return layer.weight * scale, layer.bias + layer.weight @ shift


def _linear(*parts: nn.Module) -> list[nn.Linear]:
    return [module for part in parts for module in part.modules() if isinstance(module, nn.Linear)]


def _filled(network: nn.Module, layers: list[tuple[Tensor, Tensor]]) -> nn.Module:
    """Copy weights and biases, in order, into a network's layers."""
    with torch.no_grad():
        for layer, (weight, bias) in zip(_linear(network), layers, strict=True):
            layer.weight.copy_(weight)
            layer.bias.copy_(bias)
    return network
