"""Policies for tests: rules with given parameters, and networks that nobody trained."""

from __future__ import annotations

from typing import Any

import torch

from allotment.decisions.encodings import Encoding
from allotment.decisions.flatten import Flattener
from allotment.policies.config_file import rule_config
from allotment.policies.learned import LearnedPolicy, build_actor
from allotment.policies.networks import NetworkShape
from allotment.policies.rule_config import RulePolicy, build_rule
from allotment.scenario.loader import World

BASE_STOCK = {"policy": "base_stock", "parameters": {"level": 20}, "transfers": {"pull_below": 1, "give_above": 2}}


def rule(world: World, config: dict[str, Any] = BASE_STOCK) -> RulePolicy:
    """Return a rule in a world."""
    return build_rule(rule_config(config, "rule.yaml"), world, "rule.yaml")[0]


def network(world: World, shape: NetworkShape, encoding: Encoding) -> LearnedPolicy:
    """Return an untrained policy with weights that matter."""
    torch.manual_seed(0)
    actor = build_actor(shape, world, encoding)
    for weights in actor.parameters():
        torch.nn.init.normal_(weights)
    return LearnedPolicy("taught", world, encoding, actor.eval(), Flattener(world), shape)
