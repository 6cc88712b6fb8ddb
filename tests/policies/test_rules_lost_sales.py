"""Rules for lost sales: published costs, computed exactly, and what they order in states that can be worked out by hand."""

import numpy as np
import pytest

from allotment.decisions.observation import Observation
from allotment.exact.solving import exact_value, solve
from allotment.policies.config_file import read_config, rule_config
from allotment.policies.rule_config import build_rule
from allotment.policies.stock_law import StockLaw
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import load_scenario
from small_worlds import one_shop, seen, two_shops


def shipped(config, world):
    name, content = read_config(config)
    return build_rule(rule_config(content, name), world, name)[0]


@pytest.mark.parametrize(("penalty", "published"), [(4, 4.8171), (9, 6.9196)])
def test_myopic_2_costs_exactly_what_zipkin_prints(penalty, published):
    world = load_scenario("lost_sales", [f"channels.0.shortage_cost={penalty}"])
    assert exact_value(world, shipped("myopic_2", world)).value == pytest.approx(published, abs=1e-4)


def test_a_longer_view_costs_less_and_the_optimum_the_least():
    world = load_scenario("lost_sales", ["supply_lanes.0.lead_time=2"])
    costs = [exact_value(world, shipped(name, world)).value for name in ("vector_base_stock", "myopic", "myopic_2")]
    assert costs[0] > costs[1] > costs[2] > solve(world).value.value


def test_a_vector_base_stock_never_orders_less_than_the_optimum():
    world = load_scenario("lost_sales", ["supply_lanes.0.lead_time=2"])
    best = solve(world)
    observation = Observation.of(world.problem, best.states)
    orders = shipped("vector_base_stock", world).decide(observation).orders
    assert (orders >= best.decision.orders).all() and (orders > best.decision.orders).any()


def test_a_vector_base_stock_leaves_room_for_the_demand_of_one_more_period_than_it_counts_orders():
    world = one_shop(supply_lanes=[{"from": "farm", "to": "shop", "lead_time": 2}])
    rule = shipped("vector_base_stock", world)  # 0.8 quantiles of Poisson demand of mean 3, 6 and 9: 4, 8 and 11
    assert rule.rule.levels.ravel().tolist() == [4, 8] and rule.rule.last_level.item() == 11
    orders = [
        rule.decide(seen(world, on_hand, [(1, 0, 0, recent)])).orders.item() for on_hand, recent in ((0, 0), (0, 7), (9, 1))
    ]
    assert orders == [4, 1, 1]


def enumerated(law, stock, arrivals):
    """Return the law of what is left after each period's demand, by following every path."""
    paths = {stock: 1.0}
    for arrived in (0, *arrivals):
        after = {}
        for units, chance in paths.items():
            for demand, probability in enumerate(law):
                left = max(units + arrived - demand, 0)
                after[left] = after.get(left, 0.0) + chance * probability
        paths = after
    return paths


def test_a_myopic_order_is_the_best_over_all_paths():
    law, holding, underage = np.array([0.3, 0.4, 0.2, 0.1]), 1.0, 4.0
    for stock, older, newer in [(0, 0, 0), (3, 1, 0), (1, 2, 3), (5, 0, 1)]:
        paths = enumerated(law, stock, (older, newer))

        def cost(order, paths=paths):
            return sum(
                chance * probability * (holding * max(units + order - demand, 0) + underage * max(demand - units - order, 0))
                for units, chance in paths.items()
                for demand, probability in enumerate(law)
            )

        found = StockLaw(law, 3, holding, underage).best_orders(np.array([[stock, newer, older]]), 1)
        assert found.item() == min(range(8), key=cost)


@pytest.mark.parametrize(
    ("world", "config", "reason"),
    [
        (two_shops(), "myopic", "myopic: myopic needs lost sales .* in two_shops some demand waits"),
        (one_shop(units="continuous"), "myopic", "in one_shop units are continuous"),
        (one_shop(supply_lanes=[{"from": "farm", "to": "shop", "lead_time": 0}]), "myopic_2", "an order arrives at once"),
        (load_scenario("random_lead_time"), "vector_base_stock", "in random_lead_time some demand waits"),
        (load_scenario("perishable"), "vector_base_stock", "in perishable goods perish"),
    ],
)
def test_rules_for_lost_sales_are_refused_by_name_elsewhere(world, config, reason):
    with pytest.raises(ScenarioError, match=reason):
        shipped(config, world)


def test_demand_that_changes_has_no_myopic_order():
    process = {"distribution": "poisson", "mean": 3, "season": {"period": 4, "amplitude": 0.5}}
    world = one_shop(demand=[{"process": process}])
    with pytest.raises(ScenarioError, match="myopic needs the law of demand; in one_shop, shop, apple: its demand changes"):
        shipped("myopic", world)
