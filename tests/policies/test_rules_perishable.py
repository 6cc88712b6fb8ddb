"""The rule for goods that perish: what it expects to expire, and what that is worth."""

import pytest

from allotment.exact.solving import exact_value
from allotment.policies.config_file import read_config, rule_config
from allotment.policies.rule_config import build_rule
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import load_scenario
from small_worlds import one_shop, seen

EXPIRING = ["receive", "decide", "demand", "fulfil", "expire", "charge"]


def up_to(policy, level, world):
    return build_rule(rule_config({"policy": policy, "parameters": {"level": level}}, "rule"), world, "rule")[0]


@pytest.mark.parametrize(("issue", "level"), [("lifo", 5), ("fifo", 7)])
def test_counting_waste_costs_less_than_the_best_base_stock_level(issue, level):
    world = load_scenario("perishable", [f"skus.0.issue={issue}"])
    costs = [exact_value(world, up_to(policy, level, world)).value for policy in ("estimated_waste", "base_stock")]
    assert costs[0] < costs[1] - 1e-3


@pytest.mark.parametrize(
    ("issue", "stock", "waste"),
    [
        ("fifo", [5, 0, 0], 2),  # the oldest, of which three are sold
        ("fifo", [5, 4, 0], 2 + 1),  # three more of the next are sold in the second period
        ("fifo", [0, 0, 9], 0),  # nothing is old enough
        ("lifo", [5, 0, 1], 3),  # one of the freshest and two of the oldest are sold
        ("lifo", [2, 2, 6], 2 + 2),
    ],
)
def test_what_is_expected_to_expire_before_an_order_arrives(issue, stock, waste):
    world = one_shop(
        skus=[{"name": "apple", "price": 0, "shelf_life": 3, "issue": issue}],
        sequence=EXPIRING,
        supply_lanes=[{"from": "farm", "to": "shop", "lead_time": 2}],
        demand=[{"process": {"distribution": "deterministic", "mean": 3}}],
    )
    observation = seen(world, 0)
    observation.by_life[0, 0, 0] = stock
    policy = up_to("estimated_waste", 20, world)
    assert policy.rule.waste(observation).item() == waste
    assert policy.decide(observation).orders.item() == 20 + waste  # the position by hand is 0


def test_a_rule_for_goods_that_perish_is_refused_where_none_do():
    with pytest.raises(ScenarioError, match="estimated_waste counts what expires, but in one_shop nothing perishes"):
        up_to("estimated_waste", 5, one_shop())


def test_the_shipped_critical_level_is_optimal_between_two_classes():
    name, content = read_config("critical_levels", ["parameters.level=2", "protection.1=1"])
    world = load_scenario("demand_classes")
    policy = build_rule(rule_config(content, name), world, name)[0]
    assert exact_value(world, policy).value == pytest.approx(1.639413, abs=1e-6)
