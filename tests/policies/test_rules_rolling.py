"""Plans at every decision: they agree with theory where there is one, and see nothing but what is observed."""

import numpy as np
import pytest
from scipy.stats import gamma, norm

from allotment.decisions.observation import observe
from allotment.evaluation.rollout import started
from allotment.evaluation.testing import evaluate
from allotment.policies.config_file import rule_config
from allotment.policies.rule_config import build_rule
from allotment.programs.horizon import ENDS, Uncertainty, _saved, replacement_cost
from allotment.programs.outlook import Outlook, opening_of
from allotment.programs.world_program import draft_of
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import load_scenario
from small_worlds import APPLE, CALLERS, SOUTH_NORTH, one_shop, seen, two_shops

NORMAL = [{"process": {"distribution": "normal", "mean": 100, "standard_deviation": 10}}]
WAITS = {"units": "continuous", "channels": [{"name": "walkers", "unmet": "backorder", "backorder_cost": 9}], "demand": NORMAL}


def plans(world, policy="rolling_horizon", **config):
    return build_rule(rule_config({"policy": policy, **config}, "rule.yaml"), world, "rule.yaml")[0]


def order(world, observation, **config):
    return plans(world, **config).decide(observation).orders[0]


@pytest.mark.parametrize("lead_time", [0, 1, 3])
def test_with_backorders_a_plan_raises_the_position_to_the_newsvendors_level(lead_time):
    world = one_shop(**WAITS, supply_lanes=[{"from": "farm", "to": "shop", "lead_time": lead_time}])
    factor = (
        1.2  # tiers end at every fifth of a deviation: between them an order saves 0.101 to 0.130 of 10, and holding costs 1
    )
    level = 100 * (lead_time + 1) + factor * 10 * np.sqrt(lead_time + 1)
    on_its_way = [(1, 0, 0, 40.0)] if lead_time > 1 else []
    observation = seen(world, 60.0, on_its_way)
    assert order(world, observation, parameters={"hedge": 1})[0, 0] == pytest.approx(
        level - observation.inventory_position[0, 0, 0], abs=1e-6
    )


def test_without_a_hedge_a_plan_orders_what_is_expected_to_be_asked_for_and_no_more():
    world = one_shop(**WAITS)  # an order of now is there in the next period
    assert order(world, seen(world, 60.0), parameters={"hedge": 0})[0, 0] == pytest.approx(2 * 100 - 60)


def test_a_season_is_planned_to_its_end_and_nothing_is_ordered_that_comes_after_it():
    season = one_shop(**WAITS, horizon={"kind": "season", "periods": 12})
    assert order(season, seen(season, 60.0, period=11))[0, 0] == 0.0
    window = one_shop(**WAITS)
    assert order(window, seen(window, 60.0, period=4))[0, 0] == order(window, seen(window, 60.0, period=0))[0, 0]


def test_the_first_stage_of_a_newsvendor_is_the_quantile_of_its_sample():
    world = one_shop(
        units="continuous",
        channels=[{"name": "walkers", "unmet": "lost", "shortage_cost": 3.5}],
        demand=NORMAL,
        supply_lanes=[{"from": "farm", "to": "shop", "lead_time": 0}],
    )
    units = order(world, seen(world, 0.0), policy="two_stage", parameters={"scenarios": 10, "periods": 2})[0, 0]
    low, high = gamma.ppf(
        [0.7, 0.8], 100, scale=1
    )  # of mean 100 and deviation 10; 3.5 / 4.5 = 0.78: the eighth of ten futures, one in each tenth
    assert low < units < high


def test_a_plan_uses_what_the_network_has():
    world = two_shops(
        sites=[{"name": "north", "kind": "store"}, {"name": "south", "kind": "store"}],
        channels=[{"name": "walkers", "unmet": "lost", "shortage_cost": 50}, {"name": "callers", "unmet": "backorder"}],
        objective="cost",
    )
    orders = order(world, seen(world, [[0, 0], [40, 40]]), parameters={"hedge": 0})
    assert orders[SOUTH_NORTH, APPLE] == 4  # there in a period, as the market's are, and paid for already
    late = order(world, seen(world, [[0, 0], [0, 0]]), parameters={"hedge": 0})
    assert late[SOUTH_NORTH].tolist() == [0, 0]


@pytest.mark.parametrize("policy", ["rolling_horizon", "two_stage"])
def test_what_is_decided_for_a_world_does_not_depend_on_those_beside_it(policy):
    world = load_scenario("transshipment")
    together, decided = started(world, np.arange(3)), plans(world, policy)
    for _ in range(2):
        orders = decided.decide(observe(together)).orders
        together.step(orders)
    for place in range(3):
        alone = started(world, np.arange(place, place + 1))
        for _ in range(2):
            mine = decided.decide(observe(alone)).orders
            alone.step(mine)
        assert mine[0].tolist() == orders[place].tolist()


def test_a_policy_that_may_allocate_carries_out_what_its_plan_ships():
    channels = [
        {"name": "walkers", "unmet": "lost", "shortage_cost": 5},
        {"name": "callers", "unmet": "backorder", "backorder_cost": 1},
    ]
    world = two_shops(decisions=["orders", "allocation"], objective="cost", channels=channels)
    observation = seen(world, [[10, 10], [3, 3]], open_demand=[[2, 0], [9, 1]])
    decision = plans(world).decide(observation)
    assert decision.allocation.shape == (1, 2, 2)
    assert decision.allocation[0, CALLERS].tolist() == [3, 3 if not world.problem.clock.demand_first else 1]


def test_orders_in_transit_arrive_when_those_of_their_age_do():
    lead_time = {"distribution": "categorical", "values": [2, 4], "probabilities": [0.5, 0.5]}
    world = one_shop(supply_lanes=[{"from": "farm", "to": "shop", "lead_time": lead_time}])
    path = Outlook(world.problem, 3).expected(0, np.zeros((3, 1, 1)))
    ages = [4, 3, 2, 1]
    remaining = path.arrival[: len(ages), 0, 0].tolist()
    assert remaining[1:] == [1, 2, 2]  # after 3 or 2 periods it takes 4, after 1 it takes 3 on average
    assert path.arrival[len(ages) :, 0, 0].tolist() == [3, 4, 5]


def test_what_is_left_counts_what_it_takes_to_bring_it_there():
    def cost(world):
        path = Outlook(world.problem, 3).expected(0, np.zeros((3, world.problem.shape.channels, world.problem.shape.skus)))
        return replacement_cost(draft_of(world.problem, path, opening_of(seen(world, 0), 0), np.ones(3)))

    assert cost(two_shops()).tolist() == [[2, 2], [2, 2]]
    farm = {"from": "farm", "to": "south", "lead_time": 3, "unit_cost": 2}
    north = two_shops(supply_lanes=[farm, {"from": "south", "to": "north", "lead_time": 1, "freight": 0.5}])
    assert cost(north).tolist() == [[2.5, 2.5], [2, 2]]
    np.testing.assert_allclose(cost(pressed("none")).ravel(), [2.2, 2.2 / 0.5])
    np.testing.assert_allclose(cost(pressed("cost")).ravel(), [2.2 - 2, 2.2 / 0.5 - 2])  # the change of stock counts the rest


def pressed(stock_value):
    """Return a shop whose goods are pressed out of twice as many, which cost 2 and are paid when they arrive."""
    lanes = [
        {"from": "farm", "to": "press", "lead_time": 1, "charged": "on_receipt", "freight": 0.2},
        {"from": "press", "to": "shop", "lead_time": 1},
    ]
    return one_shop(
        **WAITS | {"channels": [{"name": "walkers", "unmet": "lost", "shortage_cost": 9}]},
        horizon={"periods": 5, "stock_value": stock_value},
        skus=[{"name": "item", "unit_cost": 2}],
        sites=[{"name": "press", "kind": "plant", "yield": 0.5, "initial_stock": 90}, {"name": "shop", "holding_cost": 1}],
        supply_lanes=lanes,
        fulfilment_lanes=[{"from": "shop", "to": "walkers"}],
    )


@pytest.mark.parametrize("policy", ["rolling_horizon", "two_stage"])
def test_a_plan_is_the_same_whether_the_change_of_stock_counts_or_not(policy):
    orders = [order(world, observe(started(world, [0])), policy=policy) for world in map(pressed, ("cost", "none"))]
    np.testing.assert_allclose(*orders, rtol=1e-6)
    assert orders[0].min() > 0.0


def test_a_hedge_against_backorders_saves_the_whole_expected_shortage_and_one_against_lost_sales_what_a_period_adds():
    one, far = np.ones((1, 1)), np.full((1, 1), 1e9)
    alone = Uncertainty(one[None], one[None], 2.0 * one[None])
    begun = Uncertainty(far[None], one[None], 2.0 * one[None])  # with so much demand in a period nothing was short before it
    widths = 2.0 * np.diff(ENDS)
    waiting, lost = _saved(alone, 0, one, 0.0 * one), _saved(begun, 0, 0.0 * one, one)
    whole = 2.0 * (norm.pdf(0.0) - norm.pdf(3.0) + 3.0 * norm.sf(3.0))
    assert (waiting * widths).sum() == pytest.approx(whole)
    assert (lost * widths).sum() == pytest.approx(whole)
    assert (_saved(alone, 0, 0.0 * one, one) < waiting).all()


def test_a_plan_is_informed_if_its_forecast_is():
    world = one_shop(observation={"demand_history": 1})
    assert plans(world).informed
    assert not plans(world, forecast={"method": "exponential_smoothing"}).informed


def test_a_plan_that_would_be_too_large_is_refused_with_its_size():
    with pytest.raises(ScenarioError, match=r"about [\d,]+ variables .* more than 1,000,000; plan fewer"):
        plans(load_scenario("three_warehouses"), "two_stage", parameters={"scenarios": 1000})


def test_a_hedged_plan_beats_certainty_equivalence_where_demand_is_lost():
    world = load_scenario("one_warehouse_lost", ["horizon.periods=24", "horizon.warm_up=6"])
    hedged, certain = (plans(world, parameters={"hedge": hedge}) for hedge in (0.5, 0))
    gain = evaluate(hedged, world, 4, 0).episodes["score"] - evaluate(certain, world, 4, 0).episodes["score"]
    assert gain.mean() > 3 * gain.std(ddof=1) / 2


@pytest.mark.parametrize(("fixed_cost", "ordered"), [(0, 1), (30, 0)])
def test_small_shipments_price_themselves_out_where_each_costs_a_fixed_sum(fixed_cost, ordered):
    world = one_shop(
        units="continuous",
        suppliers=[{"name": "farm", "capacity": 9}, {"name": "market"}],
        supply_lanes=[
            {"from": "farm", "to": "shop", "lead_time": 1, "unit_cost": 1},
            {"from": "market", "to": "shop", "lead_time": 1, "unit_cost": 2, "fixed_cost": fixed_cost},
        ],
        demand=[{"process": {"distribution": "normal", "mean": 10, "standard_deviation": 1}}],
    )
    orders = order(world, seen(world, 10.0), parameters={"hedge": 0})
    assert orders[:, 0] == pytest.approx([9, ordered])  # a unit more saves 4, and brings its 30 with it


def test_a_rule_for_transfers_beside_a_plan_is_refused():
    with pytest.raises(ScenarioError, match=r"rule.yaml: rolling_horizon plans transfers itself; leave `transfers` out"):
        plans(two_shops(), transfers={"pull_below": 1, "give_above": 2})


def test_a_plan_looks_as_far_as_what_is_ordered_now_takes_to_its_customers():
    farm = {"from": "farm", "to": "south", "lead_time": 3}
    world = two_shops(supply_lanes=[farm, {"from": "south", "to": "north", "lead_time": 2}])
    assert plans(world).rule.outlook.periods == 3 + 2 + 4
    assert plans(world, parameters={"periods": 7}).rule.outlook.periods == 7


def test_a_plan_on_smoothed_demand_does_not_know_the_season():
    season = {"period": 4, "amplitude": 0.9, "peak": 0}
    demand = [
        {"channel": "walkers", "process": {"distribution": "poisson", "mean": 8, "season": season}},
        {"channel": "callers", "process": {"distribution": "poisson", "mean": 8}},
    ]
    lanes = [{"from": "*", "to": "*"}]
    world = two_shops(demand=demand, observation={"demand_history": 1}, fulfilment_lanes=lanes)
    plan = plans(world, forecast={"method": "exponential_smoothing"}).rule
    near = np.full((plan.outlook.periods, 2, 2), 10.0)
    by_period = [plan.by_channel(seen(world, 0, period=period), 0, near, near)[0][1] for period in range(4)]
    assert all(np.array_equal(each, by_period[0]) for each in by_period)
