"""Optima of shipped worlds as published, policies valued by their Markov chain, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import yaml

import allotment
from allotment.exact.solving import exact_value, solve
from allotment.policies.bundle import load_bundle, save_bundle
from allotment.policies.config_file import rule_config
from allotment.policies.rule_config import build_rule
from allotment.policies.tabular import optimal_policy
from allotment.resources import shipped
from allotment.scenario.errors import ScenarioError


def known(env):
    """Return the exact optima that a shipped world's file states: the changes of the world, and the value."""
    stated = yaml.safe_load(shipped("envs", env).read_text(encoding="utf-8"))["known"]
    return [(each["policy"], each["value"]) for each in stated if each["policy"].startswith("optimal")]


def changed(env, policy):
    """Return a shipped world with what the text of an optimum says after its comma, such as `optimal, issue: fifo`."""
    content = dict(allotment.load_scenario(env).content)
    if "," in policy:
        content["skus"] = [{**content["skus"][0], **yaml.safe_load(policy.partition(",")[2])}]
    return allotment.load_scenario(content)


SMALLER = ["supply_lanes.0.fixed_cost=5", "channels.0.backorder_cost=4"]
ENVS = ["lost_sales", "dual_sourcing", "perishable", "two_retailers", "two_centres"]


@pytest.mark.parametrize(("env", "policy", "value"), [(env, *each) for env in ENVS for each in known(env)])
def test_the_optima_that_worlds_state_come_out(env, policy, value):
    found = solve(changed(env, policy)).value
    assert found.upper - found.lower <= 1e-5 * value
    assert found.value == pytest.approx(value, abs=5e-5 if value < 100 else 1e-4)


@pytest.mark.parametrize(
    ("env", "overrides", "value"),
    [
        ("s_s", [], 35.0216),  # Zheng and Federgruen (1991): what (6, 40) costs is the optimum
        ("s_s", [*SMALLER, "demand.0.process={distribution: poisson, mean: 6}"], 8.0341),
        ("demand_classes", [], 2.95094 / 1.8),  # Ha (1997)
        ("lost_sales", ["demand.0.process={distribution: geometric, mean: 5}", "supply_lanes.0.lead_time=2"], 10.2402),
        ("random_lead_time", ["supply_lanes.0.lead_time=2"], 7.1230),  # base-stock is optimal there
    ],
)
def test_published_optima_come_out_of_worlds_that_state_none(env, overrides, value):
    found = solve(allotment.load_scenario(env, overrides)).value.value
    assert found == pytest.approx(value, abs=5e-5)


def rule(env, policy, overrides=(), **parameters):
    world = allotment.load_scenario(env, overrides)
    return world, build_rule(rule_config({"policy": policy, "parameters": parameters}, policy), world, policy)[0]


@pytest.mark.parametrize(
    ("env", "policy", "parameters", "value"),
    [
        ("lost_sales", "base_stock", {"level": 25}, 5.1977),
        ("lost_sales", "base_stock", {"level": 26, "cap": 5}, 4.7978),
        ("dual_sourcing", "dual_index", {"expedite_level": 4, "level": 8}, 220.1253),
        ("dual_sourcing", "single_index", {"expedite_level": 6, "gap": 2}, 222.0),
        ("s_s", "s_S", {"reorder_point": 6, "gap": 34}, 35.0216),
        ("two_retailers", "echelon_base_stock", {"level": {"warehouse": 9, "*": 4}}, 5.40751),
    ],
)
def test_policies_are_worth_what_is_published(env, policy, parameters, value):
    assert exact_value(*rule(env, policy, **parameters)).value == pytest.approx(value, abs=1e-4)


def test_stock_that_can_grow_for_ever_is_followed_as_far_as_it_matters():
    found = exact_value(*rule("dual_sourcing", "tailored_base_surge", expedite_level=4, quantity=1))
    assert found.value == pytest.approx(221.903, abs=1e-3)  # a constant order meets falling demand: stock has no bound


def test_the_optimal_policy_is_kept_and_recommends_like_any_other(tmp_path):
    solution = solve(allotment.load_scenario("dual_sourcing"))
    save_bundle(optimal_policy(solution), tmp_path / "best")
    policy = load_bundle(tmp_path / "best")
    assert policy.kind == "optimal"
    assert exact_value(policy.world, policy).value == pytest.approx(solution.value.value, abs=1e-4)
    scores = allotment.evaluate(policy, episodes=100, seed=2)["score"]
    assert abs(-scores.mean() - solution.value.value) <= 4.0 * scores.std() / np.sqrt(100)
    plan = policy.recommend({"period": 3, "stock": {"warehouse": {"item": 0}}})
    assert sum(order.units for order in plan.orders) >= 4


@pytest.mark.parametrize(
    ("env", "overrides", "told"),
    [
        ("three_warehouses", [], "too many to list"),
        ("random_lead_time_in_order", [], "may not overtake arrive is not seen by a policy"),
        ("random_lead_time_kaplan", [], "is not seen by a policy"),
    ],
)
def test_what_cannot_be_solved_is_refused_by_name(env, overrides, told):
    with pytest.raises(ScenarioError, match=told):
        solve(allotment.load_scenario(env, overrides))


def test_too_many_states_are_refused_with_their_number():
    with pytest.raises(ScenarioError, match="more than 1,000 states: too many to enumerate"):
        solve(allotment.load_scenario("lost_sales"), limit=1000)
