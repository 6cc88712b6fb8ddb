"""What each rule orders, from observations made by hand in the world of two shops (lanes in the order of `small_worlds`).

Mean demand is 4 apples and 1 pear near the north, 9 apples and 4 pears near the south, all Poisson. The farm takes three
periods and is cheap; the market, which serves the north only, takes one.
"""

import math

import numpy as np
import pytest

from allotment.policies.bundle import load_bundle, save_bundle
from allotment.policies.config_file import is_rule, rule_config
from allotment.policies.critical_ratios import critical_safety_factor
from allotment.policies.rule_config import build_rule
from allotment.policies.sources import lead_time_moments, source_lanes
from allotment.scenario.errors import ScenarioError
from small_worlds import APPLE, FARM_NORTH, MARKET_NORTH, NORTH, SOUTH, SOUTH_NORTH, TWO_SHOPS, seen, two_shops

WITHOUT_TRANSFERS = TWO_SHOPS["supply_lanes"][:SOUTH_NORTH]


def rule(world=None, **config):
    """Return a policy whose config sets every parameter."""
    policy, open_parameters = build_rule(rule_config(config, "rule.yaml"), world or two_shops(), "rule.yaml")
    assert not open_parameters
    return policy


def orders_of(policy, on_hand, **more):
    """Return a policy's orders in one world, (lanes, SKUs)."""
    return policy.decide(seen(policy.world, on_hand, **more)).orders[0]


def test_base_stock_raises_every_position_to_its_level_from_the_cheapest_supplier():
    policy = rule(policy="base_stock", parameters={"level": {"north": 20, "south": {"apple": 40, "pear": 10}}})
    orders = orders_of(policy, [[6, 3], [30, 12]], in_transit=[(1, FARM_NORTH, APPLE, 5), (1, MARKET_NORTH, APPLE, 2)])
    assert orders.tolist() == [[20 - 6 - 7, 17], [10, 0], [0, 0], [0, 0]]


def test_base_stock_orders_at_most_its_cap():
    orders = orders_of(rule(policy="base_stock", parameters={"level": 20, "cap": 5}), [[6, 18], [30, 20]])
    assert orders.tolist() == [[5, 2], [0, 0], [0, 0], [0, 0]]


def test_base_stock_counts_what_waiting_customers_are_owed():
    orders = orders_of(rule(policy="base_stock", parameters={"level": 20}), 20, open_demand=[[0, 0], [3, 0]])
    assert orders.tolist() == [[0, 0], [3, 0], [0, 0], [0, 0]]


def test_a_site_of_its_own_wins_over_a_pattern_wherever_it_stands():
    policy = rule(policy="base_stock", parameters={"level": {"north": 20, "*": 10}})
    assert policy.values["level"].tolist() == [[20, 20], [10, 10]]


SOUTH_SUPPLIES_NORTH = two_shops(supply_lanes=[TWO_SHOPS["supply_lanes"][1], TWO_SHOPS["supply_lanes"][SOUTH_NORTH]])


def test_an_echelon_counts_what_is_anywhere_downstream():
    policy = rule(SOUTH_SUPPLIES_NORTH, policy="echelon_base_stock", parameters={"level": {"south": 50, "north": 12}})
    orders = orders_of(policy, [[4, 12], [10, 30]], in_transit=[(1, 1, APPLE, 3)])
    assert orders[1].tolist() == [12 - 4 - 3, 0]  # from the south to the north
    assert orders[0].tolist() == [50 - (10 + 4 + 3), 50 - (30 + 12)]


def test_an_echelons_forecast_is_of_all_demand_downstream_until_what_is_ordered_is_sold():
    policy = rule(SOUTH_SUPPLIES_NORTH, policy="echelon_newsvendor", parameters={"safety_factor": 1})
    levels = policy.rule.levels(seen(SOUTH_SUPPLIES_NORTH, 0))[0]
    south, north = (9 + 4) * (3 + 1 + 1), 4 * (1 + 1)
    assert levels[:, APPLE] == pytest.approx([north + np.sqrt(north), south + np.sqrt(south)])
    orders = orders_of(policy, [[4, 12], [10, 30]])
    assert orders[0, APPLE] == pytest.approx(levels[SOUTH, APPLE] - 14) and orders[1, APPLE] == pytest.approx(
        levels[NORTH, APPLE] - 4
    )


SEEN_FIRST = ["receive", "demand", "decide", "fulfil", "expire", "charge"]


@pytest.mark.parametrize("policy", ["echelon_newsvendor", "newsvendor"])
def test_what_is_ordered_after_the_periods_demand_covers_a_period_less(policy):
    lanes = SOUTH_SUPPLIES_NORTH.content["supply_lanes"]
    world = two_shops(supply_lanes=lanes, sequence=SEEN_FIRST)
    orders = orders_of(rule(world, policy=policy, parameters={"safety_factor": 0}), 0)
    south = 9 * 3 if policy == "newsvendor" else (9 + 4) * (3 + 1)
    assert orders[:, APPLE] == pytest.approx([south, 4])


MARKET_SOUTH = {"from": "market", "to": "south", "lead_time": 1, "unit_cost": 3}


def test_an_echelon_of_two_sources_expedites_by_what_is_near_of_all_demand_downstream():
    world = two_shops(supply_lanes=[*SOUTH_SUPPLIES_NORTH.content["supply_lanes"], MARKET_SOUTH])
    config = {"policy": "echelon_dual_newsvendor", "parameters": {"expedite_factor": 0, "safety_factor": 1}}
    orders = orders_of(rule(world, **config), [[4, 9], [10, 30]], in_transit=[(1, 0, APPLE, 6), (2, 0, APPLE, 5)])
    near, level = (
        (9 + 4) * (1 + 1 + 1),
        (9 + 4) * (3 + 1 + 1),
    )  # apples; the older order arrives as soon
    assert orders[2, APPLE] == pytest.approx(near - (4 + 10 + 5))
    assert orders[0, APPLE] == pytest.approx(level + np.sqrt(level) - (4 + 10 + 5 + 6) - orders[2, APPLE])
    assert orders[1, APPLE] == pytest.approx(8 + np.sqrt(8) - 4)


@pytest.mark.parametrize(
    ("on_hand", "keep", "waiting", "sent"), [(30, 0, 0, 25), (30, 0, 8, 22), (30, 1, 8, 13), (10, 1, 8, 0)]
)
def test_what_a_site_keeps_back_is_open_demand_near_it_and_periods_of_demand(on_hand, keep, waiting, sent):
    world = SOUTH_SUPPLIES_NORTH
    policy = rule(world, policy="base_stock", parameters={"level": {"north": 25, "south": 0}}, keep_back=keep)
    open_demand = [[0, 0], [waiting, 0]]
    orders = orders_of(policy, [[0, 25], [on_hand, 30]], open_demand=open_demand)
    assert orders[1].tolist() == [sent, 0]  # from the south, where nine apples a period are asked for
    assert policy.as_config()["keep_back"] == keep and policy.ordering() is None


def test_a_bundle_keeps_what_a_rule_keeps_back(tmp_path):
    policy = rule(SOUTH_SUPPLIES_NORTH, policy="base_stock", parameters={"level": 25}, keep_back={"apple": 2, "pear": 0.5})
    save_bundle(policy, tmp_path)
    again = load_bundle(tmp_path, policy.world)
    assert again.as_config() == policy.as_config() and again.as_config()["keep_back"] == {"apple": 2, "pear": 0.5}
    assert orders_of(again, 20).tolist() == orders_of(policy, 20).tolist()


def test_what_is_not_kept_back_is_shared_in_proportion():
    third = {"name": "east", "kind": "store"}
    lanes = [*SOUTH_SUPPLIES_NORTH.content["supply_lanes"], {"from": "south", "to": "east", "lead_time": 1}]
    world = two_shops(supply_lanes=lanes, sites=[*TWO_SHOPS["sites"], third])
    policy = rule(world, policy="base_stock", parameters={"level": {"north": 30, "east": 10, "south": 0}}, keep_back=1)
    assert orders_of(policy, [[0, 30], [29, 99], [0, 10]])[1:, APPLE].tolist() == [15, 5]
    assert orders_of(policy, [[0, 30], [99, 99], [0, 10]])[1:, APPLE].tolist() == [30, 10]


def test_nothing_is_kept_back_where_no_site_supplies_another():
    with pytest.raises(ScenarioError, match=r"rule.yaml: keep_back: no site of two_shops supplies another"):
        rule(two_shops(supply_lanes=WITHOUT_TRANSFERS), policy="base_stock", parameters={"level": 9}, keep_back=1)


def test_an_echelons_forecast_follows_the_season():
    season = {"period": 4, "amplitude": 0.5, "peak": 0}
    demand = [{"channel": "*", "process": {"distribution": "poisson", "mean": 8, "season": season}}]
    world = two_shops(supply_lanes=SOUTH_SUPPLIES_NORTH.content["supply_lanes"], demand=demand)
    policy = rule(world, policy="echelon_newsvendor", parameters={"safety_factor": 0})
    levels = [policy.rule.levels(seen(world, 0, period=period))[0, NORTH, APPLE] for period in range(4)]
    assert levels == pytest.approx([12 + 8, 8 + 4, 4 + 8, 8 + 12])


def test_the_first_guess_of_an_echelon_covers_demand_until_what_is_ordered_can_be_sold():
    policy, _ = build_rule(rule_config({"policy": "echelon_base_stock"}, "rule.yaml"), SOUTH_SUPPLIES_NORTH, "rule.yaml")
    south, north = (9 + 4) * (3 + 1 + 1), 4 * (1 + 1)  # apples; the north is one period farther
    assert policy.values["level"][SOUTH, APPLE] == pytest.approx(south + np.sqrt(south), abs=0.5)
    assert policy.values["level"][NORTH, APPLE] == pytest.approx(north + np.sqrt(north), abs=0.5)


def test_lanes_by_which_a_site_is_supplied_are_no_transfers():
    config = rule_config({"policy": "base_stock", "transfers": {}}, "rule.yaml")
    _, open_parameters = build_rule(config, SOUTH_SUPPLIES_NORTH, "rule.yaml")
    assert open_parameters == ["level"]


def test_a_tailored_base_surge_goes_on_at_its_quantity_and_expedites_by_what_is_near():
    config = {"policy": "tailored_base_surge", "parameters": {"expedite_level": 10, "quantity": 6}}
    orders = orders_of(rule(**config), [[5, 20], [2, 20]], in_transit=ON_ITS_WAY)
    near = 5 + 3  # what the farm brings later does not count
    assert orders.tolist() == [[6, 6], [6, 6], [10 - near, 0], [0, 0]]


TWO_CLASSES = two_shops(
    decisions=["orders", "protection"],
    channels=[{"name": "walkers", "priority": 1}, {"name": "callers", "priority": 5}],
    fulfilment_lanes=[{"from": "*", "to": "*"}],
)


def test_a_protection_level_keeps_stock_from_the_classes_below():
    policy = rule(TWO_CLASSES, policy="constant_order", parameters={"quantity": 0}, protection={1: {"north": 3, "*": 1}})
    protection = policy.decide(seen(TWO_CLASSES, 10)).protection
    assert protection[0].tolist() == [[[3, 3], [0, 0]], [[1, 1], [0, 0]]]  # by site, class and SKU


@pytest.mark.parametrize(
    ("world", "protection", "message"),
    [
        (TWO_CLASSES, {2: 3}, r"rule.yaml: protection: no channel has priority 2; allowed: 1, 5"),
        (TWO_CLASSES, {1: -3}, r"rule.yaml: protection.1 must be >= 0 and <= 1e\+15, not -3"),
        (two_shops(), {1: 3}, r"rule.yaml: protection: two_shops leaves no protection to policies; its decisions must name it"),
    ],
)
def test_a_protection_level_that_does_not_fit_says_why(world, protection, message):
    with pytest.raises(ScenarioError, match=message):
        rule(world, policy="constant_order", parameters={"quantity": 0}, protection=protection)


def test_a_reorder_point_policy_waits_until_the_position_has_fallen_to_the_point():
    policy = rule(policy="s_S", parameters={"reorder_point": 6, "gap": 34})
    assert orders_of(policy, [[7, 6], [5, 40]]).tolist() == [[0, 34], [35, 0], [0, 0], [0, 0]]


@pytest.mark.parametrize(("batches", "orders"), [({}, [15, 10]), ({"batches": 1}, [5, 5])])
def test_batches_bring_the_position_above_the_reorder_point(batches, orders):
    policy = rule(policy="s_nQ", parameters={"reorder_point": 10, "quantity": 5, **batches})
    assert orders_of(policy, [[0, 1], [10, 11]]).tolist() == [orders, [5, 0], [0, 0], [0, 0]]


def test_a_rule_of_two_sources_is_refused_where_there_is_one():
    with pytest.raises(ScenarioError, match="dual_index orders from a cheaper and a faster source, but in two_shops no site"):
        rule(SOUTH_SUPPLIES_NORTH, **DUAL)


def test_a_constant_order_is_the_same_whatever_the_stock():
    policy = rule(policy="constant_order", parameters={"quantity": {"north": 4, "south": 9}})
    assert orders_of(policy, 0).tolist() == orders_of(policy, 99).tolist() == [[4, 4], [9, 9], [0, 0], [0, 0]]


@pytest.mark.parametrize(
    ("position", "farm", "market"),
    [(7, 6, 3), (10, 6, 0), (12, 4, 0), (16, 0, 0), (20, 0, 0)],
)
def test_a_single_index_expedites_to_the_lower_level_and_orders_the_rest_at_the_usual_pace(position, farm, market):
    policy = rule(policy="single_index", parameters={"expedite_level": 10, "gap": 6})
    orders = orders_of(policy, position)
    assert orders[MARKET_NORTH].tolist() == [market, market]
    assert orders[FARM_NORTH].tolist() == [farm, farm]


def test_a_single_index_with_one_source_orders_up_to_the_higher_level():
    policy = rule(policy="single_index", parameters={"expedite_level": 10, "gap": 6})
    assert orders_of(policy, [[16, 16], [12, 7]]).tolist() == [[0, 0], [4, 9], [0, 0], [0, 0]]


DUAL = {"policy": "dual_index", "parameters": {"expedite_level": 10, "level": 20}}
ON_ITS_WAY = [(1, FARM_NORTH, APPLE, 4), (2, FARM_NORTH, APPLE, 3)]  # the older order arrives as soon as one from the market


def test_a_dual_index_expedites_by_what_is_there_when_an_expedited_order_would_arrive():
    orders = orders_of(rule(**DUAL), [[5, 20], [20, 20]], in_transit=ON_ITS_WAY)
    near, position = 5 + 3, 5 + 3 + 4
    assert orders[MARKET_NORTH, APPLE] == 10 - near
    assert orders[FARM_NORTH, APPLE] == 20 - position - (10 - near)
    assert orders[:, 1].tolist() == [0, 0, 0, 0]


def test_a_dual_index_caps_what_it_orders_from_the_cheap_source():
    orders = orders_of(
        rule(**{**DUAL, "parameters": {**DUAL["parameters"], "cap": 4}}), [[5, 20], [20, 20]], in_transit=ON_ITS_WAY
    )
    assert orders[[FARM_NORTH, MARKET_NORTH], APPLE].tolist() == [4, 2]


def test_a_dual_index_with_one_source_is_a_base_stock_policy():
    assert orders_of(rule(**DUAL), [[20, 20], [5, 12]]).tolist() == [[0, 0], [15, 8], [0, 0], [0, 0]]


def test_the_newsvendor_orders_up_to_a_quantile_of_the_forecast_over_lead_time_and_review():
    policy = rule(policy="newsvendor", parameters={"safety_factor": {"north": 1, "south": -0.5}})
    orders = orders_of(policy, 0)
    # Four periods: 16 ± 4 apples and 4 ± 2 pears in the north, 36 ± 6 and 16 ± 4 in the south.
    assert orders[:2] == pytest.approx(np.array([[20, 6], [33, 14]]))
    assert not orders[2:].any()


def test_the_newsvendor_orders_for_the_spread_of_random_lead_times():
    lanes = [
        {"from": "farm", "to": "*", "lead_time": {"distribution": "categorical", "values": [1, 3], "probabilities": [0.5, 0.5]}}
    ]
    policy = rule(two_shops(supply_lanes=lanes), policy="newsvendor", parameters={"safety_factor": 1})
    mean, variance = lead_time_moments(policy.world.problem)
    assert (mean[0], variance[0]) == pytest.approx((2, 1))
    assert orders_of(policy, 0)[NORTH, APPLE] == pytest.approx(3 * 4 + math.sqrt(3 * 4 + 1 * 4**2))


def test_the_newsvendor_looks_ahead_in_the_season():
    season = {"distribution": "deterministic", "mean": 1, "season": {"period": 5, "profile": [1, 2, 3, 4, 5]}}
    policy = rule(two_shops(demand=[{"process": season}]), policy="newsvendor", parameters={"safety_factor": 0})
    assert orders_of(policy, 0, period=8)[FARM_NORTH, APPLE] == pytest.approx(4 + 5 + 1 + 2)


def test_the_dual_newsvendor_has_a_forecast_level_for_each_source():
    policy = rule(policy="dual_newsvendor", parameters={"expedite_factor": 0.5, "safety_factor": 1})
    orders = orders_of(policy, [[5, 99], [30, 99]], in_transit=ON_ITS_WAY)
    near = 8 + 0.5 * math.sqrt(8)  # two periods' apples in the north
    assert orders[MARKET_NORTH, APPLE] == pytest.approx(near - (5 + 3))
    assert orders[FARM_NORTH, APPLE] == pytest.approx(20 - 12 - (near - 8))
    assert orders[SOUTH, APPLE] == pytest.approx(42 - 30)


def test_random_orders_lie_between_nothing_and_twice_the_mean_and_repeat_with_seed_and_stock():
    first, again, other = (rule(policy="random", parameters={"seed": seed}) for seed in (1, 1, 2))
    drawn = [orders_of(first, stock) for stock in range(50)]
    assert np.array_equal(drawn[0], orders_of(first, 0))
    assert np.array_equal(drawn[0], orders_of(again, 0))
    assert not np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], orders_of(other, 0))
    assert (np.max(drawn, axis=0) <= [[8, 2], [18, 8], [0, 0], [0, 0]]).all()
    assert np.mean(drawn, axis=0)[:2] == pytest.approx(np.array([[4, 1], [9, 4]]), rel=0.3)


def transferring(pull_below, give_above):
    return rule(policy="base_stock", parameters={"level": 0}, transfers={"pull_below": pull_below, "give_above": give_above})


@pytest.mark.parametrize(
    ("north", "south", "coming", "moved"),
    [
        (1, 25, 0, 3),  # the north wants one period's 4 apples, the south keeps two periods' 18
        (1, 20, 0, 2),  # so much only can be spared
        (1, 18, 0, 0),
        (4, 25, 0, 0),
        (1, 25, 2, 1),  # 2 are in transit already
    ],
)
def test_a_shop_that_runs_short_draws_on_one_that_has_plenty(north, south, coming, moved):
    in_transit = [(0, SOUTH_NORTH, APPLE, coming)]
    orders = orders_of(transferring(1, 2), [[north, 9], [south, 9]], in_transit=in_transit)
    assert orders.tolist() == [[0, 0], [0, 0], [0, 0], [moved, 0]]


def test_what_is_moved_counts_when_suppliers_are_asked():
    policy = rule(policy="base_stock", parameters={"level": 30}, transfers={"pull_below": 1, "give_above": 2})
    orders = orders_of(policy, [[1, 30], [25, 30]])
    assert orders[:, APPLE].tolist() == [30 - (1 + 3), 30 - (25 - 3), 0, 3]


def test_units_that_customers_wait_for_are_not_given_away():
    orders = orders_of(transferring(1, 2), [[0, 9], [25, 9]], open_demand=[[0, 0], [5, 0]])
    assert orders[SOUTH_NORTH, APPLE] == 25 - 5 - 18


@pytest.mark.parametrize(
    ("source", "lanes"),
    [
        ("cheapest", [FARM_NORTH, SOUTH]),
        ("fastest", [MARKET_NORTH, SOUTH]),
        ("market", [MARKET_NORTH, SOUTH]),  # the south has the farm only
        ("farm", [FARM_NORTH, SOUTH]),
    ],
)
def test_a_source_is_the_cheapest_the_fastest_or_a_named_supplier(source, lanes):
    assert source_lanes(two_shops(), source)[:, APPLE].tolist() == lanes


def test_a_source_that_does_not_exist_names_the_nearest():
    with pytest.raises(ScenarioError, match=r"unknown source 'markt'; did you mean 'market'\?"):
        source_lanes(two_shops(), "markt")


def test_a_site_without_a_supplier_orders_from_another_site():
    lanes = [*WITHOUT_TRANSFERS[1:2], {"from": "south", "to": "north", "lead_time": 1}]
    policy = rule(two_shops(supply_lanes=lanes), policy="base_stock", parameters={"level": 20})
    assert orders_of(policy, [[6, 6], [15, 15]]).tolist() == [[5, 5], [14, 14]]


def test_the_critical_ratio_weighs_a_lost_sale_against_holding():
    channels = [
        {"name": "walkers", "unmet": "lost", "shortage_cost": 7},
        {"name": "callers", "unmet": "backorder", "backorder_cost": 3},
    ]
    sites = [{"name": name, "holding_cost": 1} for name in ("north", "south")]
    world = two_shops(channels=channels, sites=sites, objective="cost")
    assert critical_safety_factor(world)[NORTH] == pytest.approx([1.15035, 1.15035], abs=1e-5)  # the 7/8 quantile
    assert critical_safety_factor(world)[SOUTH] == pytest.approx([0.67449, 0.67449], abs=1e-5)  # the 3/4 quantile


def build(**config):
    return build_rule(rule_config(config, "rule.yaml"), two_shops(), "rule.yaml")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"policy": "base_stok"}, r"rule.yaml: unknown policy 'base_stok'; did you mean 'base_stock'\?"),
        ({"policy": "random", "seed": 3}, r"rule.yaml: unknown key 'seed'; it is called 'parameters.seed' now"),
        ({"policy": "base_stock", "parametres": {}}, r"rule.yaml: unknown key 'parametres'; did you mean 'parameters'\?"),
        (
            {"policy": "base_stock", "parameters": {"levl": 3}},
            r"rule.yaml: parameters: unknown key 'levl'; did you mean 'level'\?",
        ),
        ({"policy": "base_stock", "transfers": {"pull": 3}}, r"rule.yaml: transfers: unknown key 'pull'"),
        ({"policy": "base_stock", "parameters": {"level": -1}}, r"rule.yaml: level must be >= 0 and <= 1e\+15, not -1"),
        ({"policy": "base_stock", "parameters": {"level": math.nan}}, r"level must be >= 0 and <= 1e\+15, not nan"),
        (
            {"policy": "newsvendor", "parameters": {"safety_factor": math.inf}},
            r"safety_factor must be between -1e\+15 and 1e\+15, not inf",
        ),
        ({"policy": "base_stock", "parameters": {"level": [1, 2]}}, r"level has shape \(2,\), the world needs \(2, 2\)"),
        ({"policy": "base_stock", "parameters": {"level": [[1, 2], [3]]}}, r"level must be rows of numbers of one length"),
        ({"policy": "base_stock", "parameters": {"level": [[1, "x"], [3, 4]]}}, r"level must be rows of numbers"),
        ({"policy": "base_stock", "parameters": {"level": "much"}}, r"level must be a number, a mapping .* not 'much'"),
        ({"policy": "base_stock", "parameters": {"level": True}}, r"level must be a number, a mapping .* not true"),
        ({"policy": "base_stock", "parameters": {"level": "from_costs"}}, r"level must be a number"),
        ({"policy": "base_stock", "parameters": {"level": {"north": 1}}}, r"level: no value for site 'south'"),
        (
            {"policy": "base_stock", "parameters": {"level": {"nort": 1}}},
            r"level: nothing is called 'nort'; did you mean 'north'\?",
        ),
        ({"policy": "base_stock", "parameters": {"level": {"*": {"apple": 1}}}}, r"level\.\*.* 'pear'"),
        (
            {"policy": "base_stock", "parameters": {"level": {"*": {"apple": "x"}}}},
            r"level\.\*\.apple must be a number, not 'x'",
        ),
        ({"policy": "base_stock", "parameters": {"level": {"*": "x"}}}, r"level\.\*\.\* must be a number, not 'x'"),
        (
            {"policy": "base_stock", "transfers": {"pull_below": {"apple": True}}},
            r"pull_below\.apple must be a number, not true",
        ),
        ({"policy": "base_stock", "source": "frm"}, r"unknown source 'frm'; did you mean 'farm'\?"),
        ({"policy": "base_stock", "tuning": {"worlds": 1}}, r"rule.yaml: tuning.worlds must be >= 2, not 1"),
    ],
)
def test_a_config_that_does_not_fit_says_what_is_wrong(config, message):
    with pytest.raises(ScenarioError, match=message):
        build(**config)


def test_what_is_not_given_is_left_to_tuning_and_starts_from_a_guess():
    policy, open_parameters = build(policy="base_stock", parameters={"level": "tuned"}, transfers={})
    assert open_parameters == ["level", "pull_below", "give_above"]
    # Mean and one standard deviation of demand over the farm's lead time and a period: 16 + 4 apples in the north.
    assert policy.values["level"] == pytest.approx(np.array([[20, 6], [42, 20]]))


def test_transfers_have_no_parameters_where_no_lane_joins_sites():
    config = rule_config({"policy": "constant_order", "transfers": {"pull_below": 1, "give_above": 2}}, "rule.yaml")
    policy, open_parameters = build_rule(config, two_shops(supply_lanes=WITHOUT_TRANSFERS), "rule.yaml")
    assert open_parameters == ["quantity"]
    assert list(policy.values) == ["quantity"]


@pytest.mark.parametrize("content", [{}, {"policy": "random", "algorithm": "ppo"}])
def test_a_config_is_either_a_rule_or_learns(content):
    with pytest.raises(ScenarioError, match=r"mixed.yaml: must say either policy .* or algorithm"):
        is_rule(content, "mixed.yaml")
