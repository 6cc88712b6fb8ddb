"""How rules divide a budget: two items in one season, a shop worked by hand, a depot that buys for its shops."""

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from allotment import evaluate
from allotment.decisions.allocation_actions import AllocationActions
from allotment.decisions.encodings import Residual
from allotment.evaluation.rollout import compiled_ordering, rollout
from allotment.policies.answers import lane_answers, with_allocation
from allotment.policies.bundle import load_bundle, save_bundle
from allotment.policies.capital import equal_marginal_return
from allotment.policies.encoding_config import EncodingConfig, build_encoding
from allotment.policies.rule_parameters import RuleParameters
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import load_scenario, world_from
from small_policies import rule
from small_worlds import seen, two_shops

LEVELS = {"*": {"jacket": 949.33, "shirt": 1500}}
NORMAL = {"distribution": "normal", "mean": 10, "standard_deviation": 3}
SHOPS = {
    "name": "shops",
    "units": "continuous",
    "period": "week",
    "horizon": {"periods": 8, "stock_value": "none"},
    "decisions": ["orders", "budget"],
    "skus": [
        {"name": "tea", "unit_cost": 5, "price": 9, "group": "hot"},
        {"name": "ice", "unit_cost": 2, "price": 6, "group": "cold"},
    ],
    "suppliers": [{"name": "mill"}],
    "sites": [
        {"name": "east", "holding_cost": 0.25, "region": "east"},
        {"name": "west", "holding_cost": 0.25, "region": "west"},
    ],
    "channels": [{"name": "street", "region": "east"}, {"name": "market", "region": "west"}],
    "supply_lanes": [{"from": "mill", "to": "*", "lead_time": 2}],
    "fulfilment_lanes": [{"from": "east", "to": "street"}, {"from": "west", "to": "market"}],
    "demand": [{"channel": "street", "process": NORMAL}, {"channel": "market", "process": {**NORMAL, "mean": 30}}],
    "treasury": {"cash": 10_000, "budget": {"per": 4, "by": ["group", "region"], "total": 800}},
}
ORDER = {"policy": "base_stock", "parameters": {"level": 50}}


def shops(total=800, **changed):
    treasury = {"cash": 10_000, "budget": {"per": 4, "by": ["group", "region"], "total": total}}
    return world_from({**SHOPS, "treasury": treasury, **changed}, "shops.yaml")


def divided(world, method, on_hand=0):
    """Return a budget period's division, (Q,) money, by the budgets' names."""
    budget = rule(world, {**ORDER, "budget": method}).decide(seen(world, on_hand, period=4)).budget
    return dict(zip(world.names.budgets, budget[0], strict=True))


@pytest.mark.parametrize("total", [20_000, 50_000, 60_000])
def test_two_items_in_a_season_get_what_equal_marginal_returns_say(total):
    world = load_scenario("budgeted_newsvendor", [f"treasury.budget.total={total}"])
    policy = rule(world, {"policy": "base_stock", "parameters": {"level": LEVELS}, "budget": "equal_marginal_return"})
    spent = next(rollout(world, policy, np.arange(1)))[1].spent[0]
    quantities, _ = equal_marginal_return((50, 40), (30, 20), (1000, 1500), (200, 400), total)
    assert spent == pytest.approx(quantities * (30, 20), abs=2.0)


def test_pro_rata_goes_by_expected_purchases_whatever_is_in_stock():
    for stock in (0, 400):
        found = divided(shops(), "pro_rata", stock)
        expected = {"hot, east": 50, "cold, east": 20, "hot, west": 150, "cold, west": 60}
        assert found == pytest.approx({name: 800 * cost / 280 for name, cost in expected.items()}, rel=2e-3)


def test_with_money_enough_each_cell_asks_for_its_quantile_less_what_it_has():
    needed = {}
    for (group, price, cost), (region, mean) in [
        (g, r) for g in (("hot", 9, 5), ("cold", 6, 2)) for r in (("east", 10), ("west", 30))
    ]:
        factor = ndtri((price - cost) / (price - cost + 0.25 * 4))  # left over: held for another budget period
        needed[f"{group}, {region}"] = cost * (
            6 * mean + factor * np.sqrt(6) * 3 - 12
        )  # four weeks' orders and two of lead time
    for total in (700, 5000):
        found = divided(shops(total), "unconstrained", 12)
        assert found == pytest.approx({name: total * cost / sum(needed.values()) for name, cost in needed.items()}, rel=2e-3)
    assert divided(shops(5000), "equal_marginal_return", 12) == pytest.approx(found)


def test_scarce_money_returns_equally_much_in_every_cell_that_gets_some():
    found = divided(shops(1600), "equal_marginal_return")
    assert sum(found.values()) == pytest.approx(1600)
    returns = []
    for name, (margin, cost, mean) in {
        "hot, east": (4, 5, 60),
        "cold, east": (4, 2, 60),
        "hot, west": (4, 5, 180),
        "cold, west": (4, 2, 180),
    }.items():
        covered = ndtr((found[name] / cost - mean) / (np.sqrt(6) * 3))
        returns.append((margin - covered * (margin + 1)) / cost)  # of the last unit of money: a unit left over costs 1
    assert returns == pytest.approx([returns[0]] * 4, rel=0.02) and 0.0 < returns[0] < 0.8
    poor = divided(shops(400), "equal_marginal_return")
    assert poor["hot, east"] + poor["hot, west"] < 1.0  # the first units of money return 0.8 there, and 2 in what is cold


def test_a_depot_buys_for_the_shops_that_it_supplies():
    lanes = [{"from": "mill", "to": "east", "lead_time": 2}, {"from": "east", "to": "west", "lead_time": 1}]
    world = shops(supply_lanes=lanes)
    found = divided(world, "pro_rata")
    assert found == pytest.approx({"hot, east": 800 * 5 / 7, "cold, east": 800 * 2 / 7}, rel=2e-3)
    stocked = divided(world, "unconstrained", [[0, 0], [200, 0]])
    empty = divided(world, "unconstrained", 0)
    assert stocked["hot, east"] < empty["hot, east"]  # what the shop in the west has need not be bought


def test_only_cells_that_buy_answer_for_a_budget():
    lanes = [{"from": "mill", "to": "east", "lead_time": 2}, {"from": "east", "to": "west", "lead_time": 1}]
    world = shops(supply_lanes=lanes)
    of_lanes = lane_answers(world, np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), np.arange(4))
    answers = with_allocation(of_lanes, world, AllocationActions(world))
    assert np.bincount(answers.groups).tolist() == [1] * 6  # four orders, and a budget of each item in the east


def test_a_budget_is_divided_where_its_period_begins_and_alike_where_nothing_is_needed():
    world = shops()
    policy = rule(world, {**ORDER, "budget": "equal_marginal_return"})
    assert [policy.decide(seen(world, 0, period=period)).budget is None for period in range(5)] == [
        False,
        True,
        True,
        True,
        False,
    ]
    assert set(divided(world, "equal_marginal_return", 9000).values()) == {200.0}


def test_in_the_last_budget_period_of_a_season_what_is_left_over_is_sold_off_and_later_demand_does_not_count():
    world = shops(5000, horizon={"kind": "season", "periods": 8})
    policy = rule(world, {**ORDER, "budget": "unconstrained"})
    first, last = (policy.decide(seen(world, 0, period=period)).budget[0] for period in (0, 4))

    def asked(weeks, end):
        cells = [(9, 5, 10), (9, 5, 30), (6, 2, 10), (6, 2, 30)]
        factors = [ndtri((price - cost) / (price - cost + 1.0 + end * cost)) for price, cost, _ in cells]
        needs = [c * (weeks * mean + z * np.sqrt(weeks) * 3) for (_, c, mean), z in zip(cells, factors, strict=True)]
        return 5000 * np.array(needs) / sum(needs)

    assert first == pytest.approx(asked(6, 0), rel=2e-3) and last == pytest.approx(asked(4, 1), rel=2e-3)


def test_each_budget_period_has_its_own_total():
    world = shops([800, 400])
    policy = rule(world, {**ORDER, "budget": "pro_rata"})
    assert [policy.decide(seen(world, 0, period=period)).budget.sum() for period in (0, 4, 8)] == pytest.approx([800, 400, 800])


def test_a_rule_that_divides_is_asked_each_period_and_no_compiled_code_plays_in_its_place():
    world = shops(600, horizon={"periods": 40})
    order = {"policy": "newsvendor", "parameters": {"safety_factor": "from_costs"}}
    alike, policy = rule(world, order), rule(world, {**order, "budget": "equal_marginal_return"})
    assert compiled_ordering(policy, world) is None and compiled_ordering(alike, world) is not None
    scores = [evaluate(each, world, episodes=20)["score"].mean() for each in (alike, policy)]
    assert scores[1] > scores[0]


def test_a_division_is_kept_in_a_bundle_and_makes_a_rule_informed(tmp_path):
    world = shops()
    policy = rule(world, {**ORDER, "budget": "pro_rata"})
    assert policy.informed and not rule(world, ORDER).informed
    save_bundle(policy, tmp_path / "kept")
    again = load_bundle(tmp_path / "kept", world)
    assert again.decide(seen(world, 0, period=0)).budget.tolist() == policy.decide(seen(world, 0, period=0)).budget.tolist()


def test_a_division_goes_by_the_forecast_of_its_rule():
    world = shops(observation={"demand_history": 2})
    policy = rule(world, {**ORDER, "budget": "pro_rata", "forecast": {"method": "exponential_smoothing", "smoothing": 0.5}})
    first = seen(world, 0, period=0)
    assert policy.decide(first).budget.tolist() == [[200.0] * 4] and not policy.informed  # nothing is known yet
    late = seen(world, 0, period=4)
    late.history[:] = [[6, 0], [2, 0]]
    assert policy.decide(late).budget.tolist() == [[600.0, 200.0, 0.0, 0.0]]
    with pytest.raises(ScenarioError, match="the rule uses no forecast"):
        rule(world, {**ORDER, "forecast": {"method": "exponential_smoothing"}})


def test_a_world_that_leaves_no_budget_to_policies_refuses_a_division():
    with pytest.raises(ScenarioError, match="budget: two_shops leaves no budget to policies; its decisions must name it"):
        rule(two_shops(), {**ORDER, "budget": "pro_rata"})


@pytest.mark.parametrize("make", [Residual, RuleParameters])
def test_a_learner_starts_at_the_division_of_its_rule_and_moves_parts_by_as_much_as_if_all_were_alike(make):
    world = shops()
    policy, observation = rule(world, {**ORDER, "budget": "pro_rata"}), seen(world, 0, period=4)
    own = policy.decide(observation).budget
    alone = make(world, policy)
    encoding = build_encoding(EncodingConfig(name=alone.name, also_corrects=["budget"]), world, policy)
    assert alone.decision(np.zeros((1, alone.size)), observation).budget.tolist() == own.tolist()
    actions = np.zeros((1, encoding.size))
    actions[0, -4:] = [0.0, 0.5, -1.0, 1.0]
    assert encoding.decision(actions, observation).budget[0] == pytest.approx(np.maximum(own[0] + [0, 100, -200, 200], 0.0))
