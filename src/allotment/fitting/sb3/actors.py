"""Reading the deterministic actor out of an algorithm, into a network of this project, and filling an algorithm with one.

Stable-Baselines3 keeps an actor's layers in several places. Each reader copies them, in order, into an empty network of the
same shape, so that what is validated, bundled and served depends on no training library. Each filler goes the other way,
before anything is learned.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from allotment.policies.networks import RecurrentNetwork

Reader = Callable[[Any, Callable[[], nn.Module]], nn.Module]  # the algorithm, and how an empty actor is built
Filler = Callable[[Any, nn.Module], None]  # the algorithm, and the actor that it begins with


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


def fill_built_here(model: Any, actor: nn.Module) -> None:
    """Fill the actor that training took from this project."""
    model.policy.mlp_extractor.actor.load_state_dict(actor.state_dict())


def fill_squashed(model: Any, actor: nn.Module) -> None:
    """Fill the mean of a squashed Gaussian actor (SAC, TQC)."""
    _copied(actor, model.policy.actor.latent_pi, model.policy.actor.mu)


def fill_deterministic(model: Any, actor: nn.Module) -> None:
    """Fill an actor without a distribution and its target (TD3, DDPG)."""
    for filled in (model.policy.actor, model.policy.actor_target):
        _copied(actor, filled.mu)


def fill_valued(model: Any, actor: nn.Module) -> None:
    """Fill a network that values every choice, and its target (DQN)."""
    for filled in (model.policy.q_net, model.policy.q_net_target):
        _copied(actor, filled.q_net)


def fill_renormalised(model: Any, actor: nn.Module) -> None:
    """Fill an actor whose inputs to each layer are renormalised (CrossQ); renormalisations begin as no change."""
    for module in model.policy.actor.latent_pi:
        if hasattr(module, "ra_mean"):
            module.ra_var.fill_(1.0 - module.eps)
    _copied(actor, model.policy.actor.latent_pi, model.policy.actor.mu)


def fill_recurrent(model: Any, actor: nn.Module) -> None:
    """Fill an actor with a memory (RecurrentPPO)."""
    assert isinstance(actor, RecurrentNetwork)
    model.policy.lstm_actor.load_state_dict(actor.cell.state_dict())
    _copied(actor.head, model.policy.mlp_extractor.policy_net, model.policy.action_net)


def _copied(actor: nn.Module, *parts: nn.Module) -> None:
    """Copy an actor's weights and biases, in order, into the layers of some parts."""
    with torch.no_grad():
        for layer, own in zip(_linear(*parts), _linear(actor), strict=True):
            layer.weight.copy_(own.weight)
            layer.bias.copy_(own.bias)


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
