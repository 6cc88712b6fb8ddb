"""Compiled code decides as the array code does, to the bit: rules of the base-stock family, and every encoding of actions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from allotment.decisions.encodings import Discrete, OrderUpTo, Quantity, Residual
from allotment.decisions.flatten import Flattener
from allotment.decisions.observation import observe
from allotment.decisions.ordering import ordering_of
from allotment.engine import kernel
from allotment.environments.action_decoder import ActionDecoder
from allotment.environments.observation_vectors import ObservationVectors
from allotment.policies.rule_config import RuleConfig, RulePolicy, build_rule
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import World
from allotment.simulation.simulation import Simulation
from random_worlds import RandomWorld, holds_in_random_worlds, random_decisions

BATCH = 3
RULES = [
    *("base_stock", "echelon_base_stock", "s_S", "constant_order", "single_index", "dual_index", "tailored_base_surge"),
    *("newsvendor", "dual_newsvendor", "echelon_newsvendor", "echelon_dual_newsvendor"),
]
POSITIVE = ("quantity", "gap", "cap")


def started(world: World, seed: int) -> Simulation:
    simulation = Simulation(world.problem, BATCH)
    simulation.reset(np.arange(BATCH), seed + np.arange(BATCH, dtype=np.int64), np.zeros(BATCH, dtype=np.int64))
    return simulation


def some_rule(world: World, name: str, seed: int) -> RulePolicy:
    """A rule whose parameters differ from cell to cell, with transfers; base-stock where another does not apply."""
    config = RuleConfig(policy=name, transfers={"pull_below": 0.7, "give_above": 0.9})
    try:
        policy, _ = build_rule(config, world, name)
    except ScenarioError:
        return some_rule(world, "base_stock", seed)
    draw = np.random.default_rng(seed)
    values = {key: value + draw.uniform(-2.0, 6.0, value.shape) for key, value in policy.values.items()}
    values |= {key: np.abs(values[key]) for key in POSITIVE if key in values}
    return policy.with_values(values)


@holds_in_random_worlds()
def test_rules_order_the_same_to_the_bit(world: RandomWorld, seed):
    policy = some_rule(world.world, RULES[seed % len(RULES)], seed)
    simulation, ordering = started(world.world, seed), ordering_of(policy.rule)
    assert ordering is not None
    ordering.put_into(simulation)
    for other in random_decisions(world, BATCH, seed):
        decided = policy.rule.decide(observe(simulation))
        simulation.memory.decision.orders[...] = np.nan
        kernel.decide_all(simulation.memory.address)
        np.testing.assert_array_equal(simulation.memory.decision.orders, decided.orders)
        simulation.step(decided if seed % 2 else other.orders)


def encodings(world: World, seed: int) -> list[Any]:
    """The encodings that a world allows."""
    if not world.problem.rules.orders:
        return [Quantity(world, 2.0)]
    allowed: list[Any] = [Quantity(world, 2.0), OrderUpTo(world, 4.0)]
    allowed += [Residual(world, some_rule(world, RULES[seed % len(RULES)], seed), 1.5, by) for by in ("lane", "lane_and_sku")]
    try:
        return [*allowed, Discrete(world, 3.0)]
    except ValueError:
        return allowed


@holds_in_random_worlds()
def test_every_encoding_decodes_plays_and_observes_the_same_to_the_bit(world: RandomWorld, seed):
    allowed = encodings(world.world, seed)
    encoding, draw = allowed[seed % len(allowed)], np.random.default_rng(seed)
    decoders = [decoder(encoding, world.world, seed) for _ in range(2)]
    compiled, arrays = decoders
    assert compiled.compiled
    arrays.compiled = False
    for _ in range(4):
        if isinstance(encoding, Discrete):
            actions = draw.integers(encoding.choices, size=BATCH)
        else:
            actions = draw.uniform(-1.4, 1.4, (BATCH, encoding.size)).astype(np.float32)
        np.testing.assert_array_equal(*(each.step(actions) for each in decoders))
        for name, one, other in zip(
            compiled.simulation.flows._fields, *(each.simulation.flows for each in decoders), strict=True
        ):
            np.testing.assert_array_equal(one, other, err_msg=name)


def decoder(encoding: Any, world: World, seed: int) -> ActionDecoder:
    simulation = started(world, seed)
    return ActionDecoder(encoding, simulation, ObservationVectors(Flattener(world), simulation))


def test_a_rule_that_inherits_another_decides_by_its_own_word(shop_rule):
    class Twice(type(shop_rule)):  # type: ignore[misc]
        def decide(self, observation: Any) -> Any:
            return super().decide(observation)

    assert ordering_of(shop_rule) is not None
    assert ordering_of(Twice(shop_rule.network, shop_rule.level, shop_rule.cap)) is None


@pytest.fixture
def shop_rule() -> Any:
    from small_worlds import one_shop

    return build_rule(RuleConfig(policy="base_stock"), one_shop(), "base_stock")[0].rule
