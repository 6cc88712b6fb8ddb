"""Policies with published parameters cost what was published, and tuning finds them or their equals.

Sources: Zipkin (2008), Operations Research 56(5), Tables 3-4; Veeraraghavan and Scheller-Wolf (2008) and Gijsbrechts et al.
(2022), M&SOM; Snyder and Shen, Fundamentals of Supply Chain Theory, Example 4.3; Zheng and Federgruen (1991), Operations
Research 39(4). The sequence of events is that of the shipped worlds.
"""

from functools import cache

import numpy as np
import pytest

import allotment
from allotment.evaluation.testing import evaluate
from allotment.policies.config_file import read_config, rule_config
from allotment.policies.rule_config import build_rule
from allotment.policies.tuning import sku_scores, tune
from small_worlds import seen

world = cache(allotment.load_scenario)
SHORT = ("horizon.periods=150", "horizon.warm_up=50")  # many short episodes simulate faster than a few long ones

ZIPKIN, VEERARAGHAVAN, SNYDER, ZHENG = "lost_sales", "dual_sourcing", "newsvendor", "s_s"


def rule(env, policy, **parameters):
    """Return a policy, with every parameter set, in a shipped world."""
    built, open_parameters = build_rule(rule_config({"policy": policy, "parameters": parameters}, policy), world(env), policy)
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
    guess, open_parameters = build_rule(rule_config(content, name), world(ZIPKIN, SHORT), name)
    told = []
    found = tune(guess, open_parameters, seed=5, progress=lambda done, rounds, score: told.append((done, rounds, score)))
    again = tune(guess, open_parameters, seed=5)
    assert found.policy.values["level"] == again.policy.values["level"]
    from allotment.scenario.streams import derived_seed

    seeds = derived_seed("tune", 5) + np.arange(8)
    assert found.score == pytest.approx(sku_scores(found.policy, world(ZIPKIN, SHORT), seeds).sum(), rel=1e-12)
    assert found.score >= sku_scores(guess, world(ZIPKIN, SHORT), seeds).sum()
    assert [(done, rounds) for done, rounds, _ in told] == [(1, 2), (2, 2)]


def test_whole_units_are_searched_in_whole_steps():
    config = rule_config({"policy": "constant_order", "tuning": {"worlds": 50}}, "rule")
    policy, _ = build_rule(config, world(ZIPKIN, SHORT), "rule")
    start = policy.with_values({"quantity": np.array([[1.0]])})
    found = tune(start, ["quantity"], seed=0)
    assert found.policy.values["quantity"].item() == 4
