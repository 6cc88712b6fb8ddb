"""Vectors and decisions as programs are those of the observation and the encodings, as they are written for NumPy."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from allotment.decisions.encodings import OrderUpTo, Quantity, Residual
from allotment.decisions.flatten import Flattener
from allotment.decisions.observation import Observation
from allotment.decisions.traced import TracedDecisions
from allotment.engine.dynamics.period import reset, step
from allotment.engine.relaxation import FEATURES, relaxed
from allotment.engine.tracing.worlds import TracedWorlds
from allotment.policies.rule_parameters import RuleParameters
from small_policies import rule
from small_worlds import RESIDUAL, shipped_world, two_shops

SEEDS = np.arange(3)
NEWSVENDOR = RESIDUAL["rule"]
ADAPTIVE = {**NEWSVENDOR, "forecast": {"method": "adaptive", "power": 0.7}, "transfers": {"pull_below": 1, "give_above": 2}}
DIVIDING = {**NEWSVENDOR, "forecast": {"method": "adaptive", "power": 0.7}, "budget": "equal_marginal_return"}
HUB = {
    "policy": "echelon_dual_newsvendor",
    "parameters": {"expedite_factor": -0.5, "safety_factor": 1.0},
    "forecast": {"method": "adaptive", "power": 0.5},
    "keep_back": 0.8,
    "allocation": "worth",
}
LEFT_OPEN = {name: part for name, part in HUB.items() if name != "allocation"}
REMEMBERED = {"demand_history": 3, "forecast": 2, "calendar": True}
BUDGETS = {"decisions": ["orders", "budget"], "treasury": {"cash": 900, "budget": {"per": 2, "by": ["group"], "total": 90}}}
FRUIT = [{"name": "apple", "price": 9, "group": "red"}, {"name": "pear", "price": 7, "group": "green"}]
CLASSES = [{"name": "walkers", "unmet": "lost", "priority": 1}, {"name": "callers", "unmet": "backorder", "priority": 2}]
ENCODINGS = {
    "quantity": lambda world: Quantity(world),
    "order_up_to": lambda world: OrderUpTo(world),
    "residual": lambda world: Residual(world, rule(world, NEWSVENDOR)),
    "rule_parameters": lambda world: RuleParameters(world, rule(world, ADAPTIVE)),
    "a hub that allocates": lambda world: RuleParameters(world, rule(world, HUB)),
    "a hub that leaves allocation open": lambda world: RuleParameters(world, rule(world, LEFT_OPEN)),
    "a hub whose serving is corrected": lambda world: Residual(world, rule(world, LEFT_OPEN), also_corrects=("allocation",)),
    "shops that may keep stock": lambda world: RuleParameters(world, rule(world, ADAPTIVE)),
    "shops that divide a budget": lambda world: RuleParameters(world, rule(world, DIVIDING), also_corrects=("budget",)),
    "shops that keep stock for some": lambda world: RuleParameters(world, rule(world, ADAPTIVE), also_corrects=("protection",)),
}


def world_of(name):
    if "hub" in name:
        return shipped_world("hub_and_regions")
    of_two = {"channels": CLASSES, "decisions": ["orders", "protection"]} if "keep" in name else {}
    if "budget" in name:
        of_two = {**BUDGETS, "skus": FRUIT, "period": "week"}
    return two_shops(observation=REMEMBERED, **of_two)


@pytest.mark.parametrize("name", ENCODINGS)
def test_programs_see_and_decide_what_numpy_does(name):
    world = world_of(name)
    problem = relaxed(world.problem, {feature.name: feature.treatments[-1] for feature in FEATURES})
    world, encoding = replace(world, problem=problem), ENCODINGS[name](world)
    worlds = TracedWorlds(problem, SEEDS)
    traced, here, flattener = TracedDecisions(worlds, world, encoding), encoding.within(world), Flattener(world)
    state, rows = reset(problem, SEEDS, np.zeros(3, dtype=np.int64)), worlds.start(torch.float64)
    generator = np.random.default_rng(1)
    for _ in range(4):
        seen, actions = Observation.of(problem, state), generator.uniform(-0.5, 0.5, (3, encoding.size))
        np.testing.assert_allclose(traced.vectors(rows), flattener(seen), atol=1e-6)
        decided, found = here.decision(actions, seen), traced.decision(rows, torch.from_numpy(actions))
        for quantity, units in found.items():
            np.testing.assert_allclose(units, getattr(decided, quantity), rtol=1e-9, atol=1e-9)
        state, _ = step(problem, state, decided)
        rows, _ = worlds.step(rows, found)


def test_slopes_of_decisions_are_those_of_what_is_decided():
    world = two_shops(observation=REMEMBERED, units="continuous")
    problem = relaxed(world.problem, {})
    worlds = TracedWorlds(problem, SEEDS)
    traced = TracedDecisions(worlds, replace(world, problem=problem), RuleParameters(world, rule(world, ADAPTIVE)))
    actions = torch.full((3, traced.encoding.size), 0.05, dtype=torch.float64, requires_grad=True)
    rows = worlds.start(torch.float64)
    rows, _ = worlds.step(rows, {"orders": torch.ones(3, 4, 2, dtype=torch.float64)})
    assert torch.autograd.gradcheck(lambda given: traced.decision(rows, given)["orders"], actions)
    assert torch.autograd.grad(traced.decision(rows, actions)["orders"].sum(), actions)[0].abs().sum() > 0.1
