"""Policies with published parameters cost what was published, and tuning finds them or their equals.

Sources: Zipkin (2008), Operations Research 56(5), Tables 3-4; Veeraraghavan and Scheller-Wolf (2008) and Gijsbrechts et al.
(2022), M&SOM; Snyder and Shen, Fundamentals of Supply Chain Theory, Example 4.3; Zheng and Federgruen (1991), Operations
Research 39(4). Networks, perishables, random lead times, classes and fulfilment: the sources that the shipped worlds name.
The sequence of events is that of the shipped worlds.
"""

from functools import cache

import numpy as np
import pytest

import allotment
from allotment.evaluation.testing import evaluate
from allotment.fitting.replications import Replications
from allotment.fitting.tuning import tune
from allotment.policies.config_file import read_config, rule_config
from allotment.policies.rule_config import build_rule
from small_worlds import seen

world = cache(allotment.load_scenario)
SHORT = ("horizon.periods=150", "horizon.warm_up=50")  # many short episodes simulate faster than a few long ones

ZIPKIN, VEERARAGHAVAN, SNYDER, ZHENG = "lost_sales", "dual_sourcing", "newsvendor", "s_s"


def rule(env, policy, overrides=(), config=(), **parameters):
    """Return a policy, with every parameter set, in a shipped world."""
    content = {"policy": policy, "parameters": parameters, **dict(config)}
    built, open_parameters = build_rule(rule_config(content, policy), world(env, overrides), policy)
    assert not open_parameters
    return built


def cost(policy, episodes):
    """Return the mean cost per period and its standard error."""
    costs = -evaluate(policy, policy.world, episodes, seed=1).episodes["score"]
    return costs.mean(), costs.std() / np.sqrt(episodes)


@pytest.mark.parametrize(
    ("env", "policy", "parameters", "published", "episodes"),
    [
        (ZIPKIN, "base_stock", {"level": 25}, 5.1977, 1800),
        (ZIPKIN, "base_stock", {"level": 26, "cap": 5}, 4.7978, 1800),
        (VEERARAGHAVAN, "dual_index", {"expedite_level": 4, "level": 8}, 220.1253, 500),
        (VEERARAGHAVAN, "dual_index", {"expedite_level": 4, "level": 8, "cap": 2}, 219.7994, 500),
        (VEERARAGHAVAN, "single_index", {"expedite_level": 6, "gap": 2}, 222.00, 500),
        (SNYDER, "base_stock", {"level": 56.604}, 1.99760, 800_000),
        (SNYDER, "newsvendor", {"safety_factor": "from_costs"}, 1.99760, 800_000),
        (ZHENG, "s_S", {"reorder_point": 6, "gap": 34}, 35.0216, 100),
    ],
)
def test_a_simulated_cost_agrees_with_the_published_one(env, policy, parameters, published, episodes):
    mean, standard_error = cost(rule(env, policy, **parameters), episodes)
    assert standard_error <= 0.001 * published
    assert abs(mean - published) <= 3 * standard_error


NINE = ("channels.0.shortage_cost=9",)
GEOMETRIC = ("demand.0.process={distribution: geometric, mean: 5}", "supply_lanes.0.lead_time=2")
IN_PROPORTION = ("rationing=proportional", "remainder=none")
STAGES = {"stage-3": 22.70, "stage-2": 12.02, "stage-1": 6.49}
LAST_STAGE_LATER = ("supply_lanes.2={from: stage-2, to: stage-1, lead_time: 1, in_transit_cost: 4}",)
STAGES_LATER = {"stage-3": 27.86, "stage-2": 17.34, "stage-1": 12.11}
FREELY = {"transfers": {"pull_below": 0, "give_above": 0}}  # whatever the other shop lacks
PER_EVENT = 1 / 1.8  # of the published cost per unit of time: rates 0.4, 0.4 and 1 are played event by event
PER_PERIOD = 1 / 12  # of the published cost of a season


def s_s_costs(mean, fixed, penalty):
    process = f"demand.0.process={{distribution: poisson, mean: {mean}}}"
    return process, f"supply_lanes.0.fixed_cost={fixed}", f"channels.0.backorder_cost={penalty}"


@pytest.mark.parametrize(
    ("env", "overrides", "policy", "config", "parameters", "published", "episodes"),
    [
        ("lost_sales", NINE, "base_stock", {}, {"level": 28}, 7.2710, 3000),
        ("lost_sales", NINE, "base_stock", {}, {"level": 29, "cap": 5}, 6.9123, 3000),
        ("lost_sales", GEOMETRIC, "base_stock", {}, {"level": 15}, 10.7050, 2500),
        ("lost_sales", GEOMETRIC, "base_stock", {}, {"level": 17, "cap": 4}, 10.3215, 2500),
        ("dual_sourcing", (), "tailored_base_surge", {}, {"expedite_level": 4, "quantity": 1}, 221.903, 600),
        ("s_s", s_s_costs(25, 64, 9), "s_S", {}, {"reorder_point": 19, "gap": 37}, 54.2622, 100),
        ("s_s", s_s_costs(65, 64, 9), "s_S", {}, {"reorder_point": 56, "gap": 19}, 78.5182, 100),
        ("s_s", s_s_costs(6, 5, 4), "s_S", {}, {"reorder_point": 4, "gap": 6}, 8.0341, 300),
        ("serial", (), "echelon_base_stock", {}, {"level": STAGES}, 27.660, 1000),
        ("serial", LAST_STAGE_LATER, "echelon_base_stock", {}, {"level": STAGES_LATER}, 51.186, 1000),
        ("random_lead_time", (), "base_stock", {}, {"level": 23}, 11.1111, 2000),
        ("random_lead_time_kaplan", (), "base_stock", {}, {"level": 21}, 12.6256, 2200),
        ("random_lead_time", ("supply_lanes.0.lead_time=2",), "base_stock", {}, {"level": 20}, 7.1230, 2500),
        ("two_retailers", (), "echelon_base_stock", {}, {"level": {"warehouse": 9, "*": 4}}, 5.40751, 1000),
        ("two_retailers", IN_PROPORTION, "echelon_base_stock", {}, {"level": {"warehouse": 10, "*": 4}}, 5.67760, 1000),
        ("transshipment", (), "base_stock", {}, {"level": 13}, 9.22473, 400),
        ("transshipment", (), "base_stock", FREELY, {"level": 12}, 6.72512, 800),
        ("demand_classes", (), "base_stock", {}, {"level": 3}, 3.30136 * PER_EVENT, 3500),
        ("demand_classes", (), "base_stock", {"protection": {1: 1}}, {"level": 2}, 2.95094 * PER_EVENT, 4000),
        ("two_centres", (), "constant_order", {}, {"quantity": 0}, 22.45632 * PER_PERIOD, 150_000),
    ],
)
def test_the_published_cost_of_other_problems_comes_out_too(env, overrides, policy, config, parameters, published, episodes):
    mean, standard_error = cost(rule(env, policy, overrides, config.items(), **parameters), episodes)
    assert standard_error <= 0.001 * published
    assert abs(mean - published) <= 3 * standard_error


def test_orders_that_wait_for_earlier_ones_cost_what_was_simulated_to_three_decimals():
    mean, standard_error = cost(rule("random_lead_time_in_order", "base_stock", level=27), 2000)
    assert standard_error <= 0.001 * 12.353
    assert abs(mean - 12.353) <= 3 * standard_error + 0.0005


@pytest.mark.parametrize(("issue", "best"), [("lifo", 5), ("fifo", 7)])
def test_the_best_level_for_goods_that_perish_is_the_published_one(issue, best):
    def cost_of(level):
        return cost(rule("perishable", "base_stock", (f"skus.0.issue={issue}",), level=level), 1000)[0]

    costs = {level: cost_of(level) for level in range(best - 2, best + 3)}  # on common worlds
    assert min(costs, key=costs.get) == best


@pytest.mark.parametrize(("issue", "optimum"), [("lifo", 1552.99), ("fifo", 1457.28)])
def test_a_base_stock_level_for_goods_that_perish_costs_a_little_more_than_the_optimum(issue, optimum):
    level = {"lifo": 5, "fifo": 7}[issue]
    mean, standard_error = cost(rule("perishable", "base_stock", (f"skus.0.issue={issue}",), level=level), 1000)
    periods = (1 - 0.99**365) / (1 - 0.99)  # discounted
    assert optimum < (mean + 3 * standard_error) * periods < 1.03 * optimum


def test_echelon_levels_cost_less_than_those_of_single_sites_where_one_warehouse_supplies_many_retailers():
    for name in ("one_warehouse_lost", "one_warehouse_backorder", "one_warehouse_emergency"):
        costs = {}
        for policy in ("base_stock", "echelon_base_stock"):
            short = ("horizon.periods=100", "horizon.warm_up=30")
            built, open_parameters = build_rule(
                rule_config({"policy": policy, "tuning": {"worlds": 32, "rounds": 4}}, policy), world(name, short), policy
            )
            costs[policy] = cost(tune(built, open_parameters, 0).policy, 200)[0]
        assert costs["echelon_base_stock"] < costs["base_stock"]


def test_the_best_constant_order_agrees_with_the_two_decimals_that_zipkin_prints():
    mean, standard_error = cost(rule(ZIPKIN, "constant_order", quantity=4), 1800)
    assert standard_error <= 0.001 * 5.27
    assert abs(mean - 5.27) <= 3 * standard_error + 0.005


def test_policies_rank_as_published():
    base_stock = cost(rule(ZIPKIN, "base_stock", level=25), 300)[0]
    capped = cost(rule(ZIPKIN, "base_stock", level=26, cap=5), 300)[0]
    assert 4.7285 < capped < base_stock < cost(rule(ZIPKIN, "constant_order", quantity=4), 300)[0]


def test_the_costs_of_the_newsvendor_give_its_order():
    policy = rule(SNYDER, "newsvendor", safety_factor="from_costs")
    assert policy.decide(seen(policy.world, on_hand=0)).orders.item() == pytest.approx(56.604, abs=5e-4)


def tuned(env, config, *overrides, seed=0):
    """Return a shipped config's policy, tuned in a shipped world with short episodes."""
    name, content = read_config(config, overrides)
    short = world(env, () if env == SNYDER else SHORT)
    policy, open_parameters = build_rule(rule_config(content, name), short, name)
    return tune(policy, open_parameters, seed)


def test_tuning_finds_the_best_base_stock_level():
    found = tuned(ZIPKIN, "base_stock", "tuning.worlds=200")
    assert abs(found.policy.values["level"].item() - 25) <= 1


def test_tuning_finds_a_reorder_point_and_a_level_that_cost_within_half_a_percent_of_the_best():
    found = tuned(ZHENG, "s_S", "tuning.worlds=200").policy
    mean, standard_error = cost(found, 500)
    assert mean <= 1.005 * 35.0216 + 3 * standard_error
    assert abs(found.values["reorder_point"].item() - 6) <= 2


def test_tuning_finds_the_best_single_index():
    found = tuned(VEERARAGHAVAN, "single_index", "tuning.worlds=200").policy
    assert {name: values.item() for name, values in found.values.items()} == {"expedite_level": 6, "gap": 2}


def test_tuning_finds_the_critical_quantile():
    found = tuned(SNYDER, "newsvendor", "tuning.worlds=20000").policy
    assert found.values["safety_factor"].item() == pytest.approx(0.8255, abs=0.06)


def test_a_tuned_policy_scores_as_it_says_and_no_worse_than_its_guess():
    name, content = read_config("base_stock", ["tuning.worlds=8", "tuning.rounds=2"])
    initial, open_parameters = build_rule(rule_config(content, name), world(ZIPKIN, SHORT), name)
    told = []
    found = tune(initial, open_parameters, seed=5, progress=lambda done, rounds, score: told.append((done, rounds, score)))
    again = tune(initial, open_parameters, seed=5)
    assert found.policy.values["level"] == again.policy.values["level"]
    from allotment.scenario.streams import derived_seed

    seeds = derived_seed("tune", 5) + np.arange(8)
    played = Replications(world(ZIPKIN, SHORT), seeds)
    assert found.score == pytest.approx(played.by_sku(found.policy).sum(), rel=1e-12)
    assert found.score >= played.by_sku(initial).sum()
    assert [(done, rounds) for done, rounds, _ in told] == [(1, 2), (2, 2)]


def test_whole_units_are_searched_in_whole_steps():
    config = rule_config({"policy": "constant_order", "tuning": {"worlds": 50}}, "rule")
    policy, _ = build_rule(config, world(ZIPKIN, SHORT), "rule")
    start = policy.with_values({"quantity": np.array([[1.0]])})
    found = tune(start, ["quantity"], seed=0)
    assert found.policy.values["quantity"].item() == 4
