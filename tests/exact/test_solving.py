"""Published optima, policies valued by their Markov chain, and what is refused; `test_known_values` has what worlds state."""

from __future__ import annotations

import numpy as np
import pytest

import allotment
from allotment.exact.solving import described, exact_value, solve
from allotment.policies.bundle import load_bundle, save_bundle
from allotment.policies.config_file import rule_config
from allotment.policies.rule_config import build_rule
from allotment.policies.tabular import optimal_policy
from allotment.scenario.errors import ScenarioError

SMALLER = ["supply_lanes.0.fixed_cost=5", "channels.0.backorder_cost=4"]


@pytest.mark.parametrize(
    ("env", "overrides", "value"),
    [
        ("s_s", [*SMALLER, "demand.0.process={distribution: poisson, mean: 6}"], 8.0341),  # Zheng and Federgruen (1991)
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


POISSON = "demand.0.process={distribution: poisson, mean: %s, maximum: %s}"


def test_serving_waiting_customers_early_changes_nothing_but_the_number_of_states(monkeypatch):
    worlds = [
        allotment.load_scenario("transshipment", [POISSON % (1, 2), "supply_lanes.3.freight=3", "channels.1.backorder_cost=3"]),
        allotment.load_scenario("dual_sourcing"),
        allotment.load_scenario("s_s", [POISSON % (3, 6), "supply_lanes.0.lead_time=1"]),
    ]
    early = [solve(world).value for world in worlds]
    monkeypatch.setattr("allotment.exact.solving.may_serve_at_once", lambda problem: False)
    late = [solve(world).value for world in worlds]
    assert [value.value for value in early] == pytest.approx([value.value for value in late], abs=1e-6)
    assert all(value.states < other.states for value, other in zip(early, late, strict=True))


def test_the_best_policy_of_two_shops_is_worth_what_was_found_where_customers_are_served_in_their_turn():
    solution = solve(allotment.load_scenario("transshipment", [POISSON % (2, 5)]))
    assert "only what their own customers leave" in described(solution)[-1]
    found = exact_value(solution.world, optimal_policy(solution))
    assert found.value == pytest.approx(solution.value.value, abs=1e-5)
    assert found.states > solution.value.states


def test_policies_that_leave_shipping_to_the_scenario_are_valued_where_policies_may_ship():
    found = exact_value(*rule("two_centres", "constant_order", quantity=0)).value
    assert 12.0 * found == pytest.approx(22.45632, abs=1e-5)


def test_a_larger_tail_is_less_exact_and_has_fewer_states():
    exactly, coarsely = (exact_value(*rule("lost_sales", "base_stock", level=25), tail=tail) for tail in (1e-10, 1e-3))
    assert coarsely.states < exactly.states
    assert 1e-6 < abs(coarsely.value - exactly.value) < 0.05


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
