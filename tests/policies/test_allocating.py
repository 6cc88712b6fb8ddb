"""Rules of allocation behind a policy: they ship what they allocate, and nothing that cannot be shipped."""

from __future__ import annotations

import numpy as np
import pytest

import allotment
from allotment.decisions.observation import observe
from allotment.decisions.serving import Serving
from allotment.evaluation.testing import evaluate
from allotment.policies.allocating import BY_QUOTA, RULES, WORTH
from allotment.policies.bundle import load_bundle, save_bundle
from allotment.policies.config_file import rule_config
from allotment.policies.rule_config import build_rule
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import load_scenario, world_from
from allotment.scenario.problem import REASONS
from allotment.simulation.simulation import Simulation
from random_worlds import RandomWorld, holds_in_random_worlds

SEEN_FIRST = ["receive", "demand", "decide", "fulfil", "charge"]
ORDERS_AND_ALLOCATION = ["orders", "allocation"]


def demanding(channel, units):
    return {"channel": channel, "process": {"distribution": "deterministic", "mean": units}}


# Two depots with 30 and 20 pallets; three channels ask for 10, 20 and 50. Freight to `far` is dearer from the west.
DEPOTS = {
    "name": "depots",
    "horizon": {"kind": "season", "periods": 1},
    "sequence": SEEN_FIRST,
    "decisions": ORDERS_AND_ALLOCATION,
    "skus": [{"name": "pallet", "price": 10, "unit_cost": 2}],
    "suppliers": [{"name": "mill"}],
    "sites": [{"name": "west", "initial_stock": 30}, {"name": "east", "initial_stock": 20}],
    "channels": [
        {"name": "near", "priority": 3, "price": 8},
        {"name": "town", "priority": 1},
        {"name": "far", "priority": 2, "price": 14},
    ],
    "supply_lanes": [{"from": "mill", "to": "*", "lead_time": 1}],
    "fulfilment_lanes": [
        {"from": "west", "to": "*", "freight": 1},
        {"from": "east", "to": "*", "freight": 3},
    ],
    "demand": [demanding("near", 10), demanding("town", 20), demanding("far", 50)],
}


def allocating(world, method, **config):
    content = {"policy": "constant_order", "parameters": {"quantity": 0}, "allocation": method, **config}
    policy, _ = build_rule(rule_config(content, "rule.yaml"), world, "rule.yaml")
    return policy


def shipped_by_channel(method, changes=None, **config):
    """Return what the channels near, town and far get in the first period."""
    world = world_from(DEPOTS | (changes or {}), "depots.yaml")
    policy, simulation = allocating(world, method, **config), Simulation(world.problem, 1)
    simulation.reset(np.zeros(1, dtype=int), np.zeros(1, dtype=int), np.zeros(1, dtype=int))
    flows = simulation.step(policy.decide(observe(simulation)))
    return [flows.shipped[0, world.problem.fulfilment.channel == channel].sum() for channel in range(3)]


FROM_WEST = {"fulfilment_lanes": [{"from": "west", "to": "*", "freight": 1}]}
ONE_DEPOT = {
    "sites": [{"name": "west", "initial_stock": 50}],
    "fulfilment_lanes": [{"from": "west", "to": "*", "freight": 1}],
}


def test_a_fair_share_follows_the_largest_remainder():
    assert shipped_by_channel("fair_share", ONE_DEPOT) == [6, 13, 31]  # 50 over 10, 20 and 50


@pytest.mark.parametrize(
    ("method", "shipped"),
    [
        ("priority", [0, 20, 30]),
        ("priority_due", [0, 20, 30]),
        ("earliest_due", [0, 20, 30]),  # all are due now, so that priority decides
        ("first_come", [10, 20, 20]),  # all came now, so that the file's order decides
        ("nearest", [10, 20, 20]),
        ("highest_stock", [10, 20, 20]),
        ("sourcing", [10, 20, 20]),
        ("optimal", [0, 0, 50]),  # the dearest channel takes all
        ("worth", [0, 0, 50]),
    ],
)
def test_each_rule_serves_in_its_own_order(method, shipped):
    assert shipped_by_channel(method) == shipped


def test_the_best_allocation_keeps_commitments():
    channels = [{**channel, "commitment": 5 if channel["name"] == "near" else 0} for channel in DEPOTS["channels"]]
    assert shipped_by_channel("optimal", {"channels": channels}) == [5, 0, 45]


CLASSES = [
    {"name": "near", "priority": 3, "price": 8, "commitment": 5},  # margin 6
    {"name": "town", "priority": 1, "unmet": "backorder", "backorder_cost": 4},
    {"name": "far", "priority": 2, "price": 3, "shortage_cost": 2},  # margin 1
]


@pytest.mark.parametrize(
    ("stock", "shipped"),
    [(50, [10, 20, 20]), (25, [10, 15, 0]), (8, [8, 0, 0])],
)
def test_worth_is_margin_and_shortage_of_what_is_lost_and_a_periods_backorder_of_what_waits(stock, shipped):
    depot = {
        "sites": [{"name": "west", "initial_stock": stock}],
        "fulfilment_lanes": [{"from": "west", "to": "*", "freight": 1}],
    }
    assert shipped_by_channel("worth", {"channels": CLASSES, **depot}) == shipped
    assert served_by_scenario({"channels": CLASSES, "decisions": ["orders"], "fulfilment": "worth", **depot}) == shipped


def test_worth_keeps_commitments_and_capacities():
    channels = [{**CLASSES[0], "commitment": 0}, CLASSES[1], {**CLASSES[2], "commitment": 5}]
    depot = {
        "sites": [{"name": "west", "initial_stock": 50, "handling": 18}],
        **{"fulfilment_lanes": ONE_DEPOT["fulfilment_lanes"]},
    }
    assert shipped_by_channel("worth", {"channels": channels, **depot}) == [10, 3, 5]


def test_a_policy_that_serves_by_worth_ships_what_a_world_that_does_would():
    rule = {"policy": "dual_newsvendor", "parameters": {"expedite_factor": -0.3, "safety_factor": 0.0}}
    promised = ["channels.3.commitment={sku-01: 5, sku-02: 4, '*': 0}"]
    shorter = [f"sequence=[{', '.join(SEEN_FIRST)}]", "horizon.periods=20", "horizon.warm_up=0", *promised]
    shipped = []
    for own, config in (("fulfilment=worth", rule), ("decisions=[orders, allocation]", {**rule, "allocation": "worth"})):
        world = load_scenario("three_warehouses", [own, *shorter])
        policy, simulation = build_rule(rule_config(config, "rule"), world, "rule")[0], Simulation(world.problem, 40)
        simulation.reset(np.arange(40), np.arange(40), np.zeros(40, dtype=int))
        shipped.append([simulation.step(policy.decide(observe(simulation))).shipped.copy() for _ in range(20)])
    assert np.array_equal(*np.array(shipped))
    assert np.array(shipped[0]).sum() > 0.0


def test_claims_of_equal_worth_share_in_proportion_as_a_world_serves_them():
    channels = [{"name": name, "price": 8} for name in ("near", "town", "far")]
    short = {"channels": channels, "sites": [{"name": "west", "initial_stock": 40}], **FROM_WEST}
    assert shipped_by_channel("worth", short) == [5, 10, 25]  # 40 over 10, 20 and 50
    assert served_by_scenario({"decisions": ["orders"], "fulfilment": "worth", **short}) == [5, 10, 25]


def test_what_transfers_take_of_a_sites_handling_is_left_to_nobody():
    world = load_scenario("three_warehouses", [f"sequence=[{', '.join(SEEN_FIRST)}]", "decisions=[orders, allocation]"])
    simulation = Simulation(world.problem, 1)
    simulation.reset(np.zeros(1, dtype=int), np.zeros(1, dtype=int), np.zeros(1, dtype=int))
    orders = np.zeros((1, *world.problem.lanes.allowed.shape))
    lane = int(np.flatnonzero(world.problem.lanes.site == 0)[0])
    orders[0, lane, 0] = 100.0
    shipped = Serving(world, "worth").allocation(observe(simulation), orders)
    assert 0.0 < shipped[0, world.problem.fulfilment.site == 0].sum() <= world.problem.sites.handling[0, 0] - 100.0


def served_by_scenario(changes):
    world = world_from(DEPOTS | changes, "depots.yaml")
    simulation = Simulation(world.problem, 1)
    simulation.reset(np.zeros(1, dtype=int), np.zeros(1, dtype=int), np.zeros(1, dtype=int))
    flows = simulation.step(allocating_nothing(world).decide(observe(simulation)))
    return [flows.shipped[0, world.problem.fulfilment.channel == channel].sum() for channel in range(3)]


def test_serving_by_worth_earns_more_than_serving_by_priority_in_the_default_world():
    policy = {"policy": "dual_newsvendor", "parameters": {"expedite_factor": -0.3, "safety_factor": 0.8}}
    scores = []
    for fulfilment in ("priority", "worth"):
        world = load_scenario("three_warehouses", [f"fulfilment={fulfilment}"])
        scores.append(evaluate(build_rule(rule_config(policy, "rule"), world, "rule")[0], world, 60, seed=4).episodes["score"])
    gain = scores[1] - scores[0]
    assert gain.mean() > 3.0 * gain.std() / np.sqrt(len(gain)) > 0.0


def test_quotas_are_shares_of_each_depots_stock_that_may_be_borrowed():
    quotas = {"near": 40.0, "town": 40.0}
    assert shipped_by_channel("quota", quotas=quotas) == [10, 20, 10]  # 20 each of the 50, the rest for the far channel
    assert shipped_by_channel("quota_borrowing", quotas=quotas) == [10, 20, 20]


def test_the_nearest_centre_costs_what_always_taking_the_cheapest_does():
    world = load_scenario("two_centres")
    own, without = (
        evaluate(each, world, 500, seed=3).episodes["score"]
        for each in (allocating(world, "nearest"), allocating_nothing(world))
    )
    assert np.array_equal(own, without)


def allocating_nothing(world):
    content = {"policy": "constant_order", "parameters": {"quantity": 0}}
    return build_rule(rule_config(content, "rule.yaml"), world, "rule.yaml")[0]


def check_all_rules(world: RandomWorld, seed: int) -> None:
    methods = [*RULES, *BY_QUOTA, WORTH]
    method = methods[seed % len(methods)]
    channels = world.world.names.channels
    quotas = {"quotas": {name: 100.0 / len(channels) for name in channels}} if method in BY_QUOTA else {}
    policy, simulation = allocating(world.world, method, **quotas), Simulation(world.problem, 2)
    simulation.reset(np.arange(2), np.array([seed, seed + 1]), np.zeros(2, dtype=int))
    luck = world.problem.fulfilment.accept.min(initial=1.0) < 1.0 or world.problem.sites.shrinkage.any()
    for _ in range(world.problem.clock.length):
        observation = observe(simulation)
        decision = policy.decide(observation)
        flows = simulation.step(decision)
        assert decision.allocation.min(initial=0.0) >= 0.0
        if world.whole:
            assert (decision.allocation == np.floor(decision.allocation)).all()
        if luck:
            continue
        assert flows.allocation_executed == pytest.approx(decision.allocation, abs=1e-6)
        assert {REASONS[code] for code in np.unique(flows.allocation_reason)} <= {""}


@holds_in_random_worlds(decisions=ORDERS_AND_ALLOCATION, sequence=["receive", "demand", "decide", "fulfil", "expire", "charge"])
def test_what_a_rule_allocates_can_be_shipped(world: RandomWorld, seed):
    check_all_rules(world, seed)


@holds_in_random_worlds(decisions=ORDERS_AND_ALLOCATION, sequence=["receive", "decide", "demand", "fulfil", "expire", "charge"])
def test_what_a_rule_allocates_before_demand_is_seen_can_be_reserved(world: RandomWorld, seed):
    check_all_rules(world, seed)


def test_a_policy_that_allocates_can_be_kept_and_asked(tmp_path):
    world = world_from(DEPOTS, "depots.yaml")
    policy = allocating(world, "quota", quotas={"near": 40.0})
    save_bundle(policy, tmp_path / "bundle")
    again = load_bundle(tmp_path / "bundle")
    snapshot = {
        "period": 0,
        "stock": {"west": {"pallet": 10}, "east": {"pallet": 0}},
        "open_demand": [{"channel": "near", "sku": "pallet", "units": 9}, {"channel": "town", "sku": "pallet", "units": 9}],
    }
    shipped = [(each.source, each.to, each.units) for each in again.recommend(snapshot).shipments]
    assert shipped == [("west", "near", 4.0), ("west", "town", 6.0)]


LITTLEWOOD = {
    "decisions": ["orders", "protection"],
    "sequence": ["receive", "decide", "demand", "fulfil", "charge"],
    "units": "continuous",
    "channels": [{"name": "near", "priority": 1, "price": 100}, {"name": "town", "priority": 2, "price": 60}],
    "demand": [
        {"channel": "near", "process": {"distribution": "normal", "mean": 400, "standard_deviation": 100}},
        {"channel": "town", "process": {"distribution": "normal", "mean": 200, "standard_deviation": 50}},
    ],
    **ONE_DEPOT,
}


def test_protection_levels_may_come_from_littlewoods_rule(tmp_path):
    world = world_from(DEPOTS | LITTLEWOOD, "depots.yaml")
    content = {"policy": "constant_order", "parameters": {"quantity": 0}, "protection": "emsr_b"}
    policy, _ = build_rule(rule_config(content, "rule.yaml"), world, "rule.yaml")
    assert policy.protected.ravel() == pytest.approx([374.67, 0.0], abs=0.01)  # 400 ± 100 at fare 100 against 60
    given, _ = build_rule(rule_config({**content, "protection": {1: 3}}, "rule.yaml"), world, "rule.yaml")
    save_bundle(given, tmp_path / "bundle")
    assert load_bundle(tmp_path / "bundle").protected.tolist() == [[[3.0], [0.0]]]


@pytest.mark.parametrize(
    ("changes", "config", "message"),
    [
        ({}, {"allocation": "fairshare"}, r"allocation: unknown allocation rule 'fairshare'; did you mean 'fair_share'\?"),
        ({}, {"allocation": "quota"}, "allocation: quotas belong to quota and quota_borrowing, which need them"),
        ({}, {"allocation": "nearest", "quotas": {"near": 1.0}}, "allocation: quotas belong to quota and quota_borrowing"),
        ({}, {"quotas": {"near": 1.0}}, r"rule.yaml: quotas need a rule that goes by them"),
        ({}, {"allocation": "quota", "quotas": {"nera": 1.0}}, r"quotas: nothing is called 'nera'; did you mean 'near'\?"),
        ({}, {"allocation": "quota", "quotas": {"near": 101.0}}, "quotas must be >= 0 and sum to at most 100 percent, not 101"),
        ({"decisions": ["orders"]}, {"allocation": "nearest"}, "allocation: depots leaves no allocation to policies"),
        (LITTLEWOOD | {"objective": "cost"}, {"protection": "emsr_b"}, "protection: west, pallet: fares must be positive"),
    ],
)
def test_an_allocation_that_does_not_fit_says_why(changes, config, message):
    world = world_from(DEPOTS | changes, "depots.yaml")
    content = {"policy": "constant_order", "parameters": {"quantity": 0}, **config}
    with pytest.raises(ScenarioError, match=message):
        build_rule(rule_config(content, "rule.yaml"), world, "rule.yaml")


def test_an_allocating_rule_is_evaluated_like_any_other():
    world = load_scenario("two_centres")
    scores = allotment.evaluate(allocating(world, "optimal"), world, 50, seed=0)["score"]
    assert scores.mean() < 0.0
