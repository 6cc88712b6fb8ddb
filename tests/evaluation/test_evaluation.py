"""What is measured of a policy, on worlds that are the same for all policies."""

import numpy as np
import pytest

import allotment
from allotment.engine import randomness
from allotment.evaluation.metric_kinds import PerPeriod, Share
from allotment.evaluation.metrics import units_of
from allotment.evaluation.testing import evaluate, mean_measures
from allotment.policies.config_file import rule_config
from allotment.policies.rule_config import build_rule
from allotment.scenario.loader import world_from
from allotment.scenario.problem import INCOME
from allotment.scenario.streams import derived_seed
from small_worlds import shipped_world, two_shops

# Demand for tins is 4, 6, 2, 5, the first period is the warm-up. Stock begins at 5; 4 are ordered, and 4 arrive, every period.
TINS = {
    "name": "tins",
    "horizon": {"kind": "window", "warm_up": 1, "periods": 3, "discount": 0.5},
    "skus": [{"name": "tin", "unit_cost": 2, "price": 10}],
    "suppliers": [{"name": "mill"}],
    "sites": [{"name": "store", "initial_stock": 5, "holding_cost": 1}],
    "channels": [{"name": "counter", "unmet": "lost", "shortage_cost": 3}],
    "supply_lanes": [{"from": "mill", "to": "store", "lead_time": 1}],
    "fulfilment_lanes": [{"from": "store", "to": "counter"}],
    "demand": [{"process": {"distribution": "deterministic", "mean": 1, "season": {"period": 4, "profile": [4, 6, 2, 5]}}}],
}


def rule(world, policy="constant_order", **parameters):
    return build_rule(rule_config({"policy": policy, "parameters": parameters}, "rule"), world, "rule")[0]


def measured(**sections):
    """Return the measures of one episode of ordering 4 tins every period."""
    world = world_from({**TINS, **sections}, "tins")
    return evaluate(rule(world, quantity=4), world, episodes=1, seed=0).episodes.iloc[0]


def test_money_counts_in_the_measured_periods():
    row = measured()
    # Stock on hand is 0, 2, 1 in the end; 5, 2 and 5 are shipped and 1 is lost. Stock at cost falls by 2, rises by 4, falls.
    earned = [50 - 8 - 2 - 0 - 3, 20 - 8 + 4 - 2, 50 - 8 - 2 - 1]
    assert row["score"] == pytest.approx(sum(earned) / 3) == 30
    assert row["discounted_return"] == earned[0] + 0.5 * earned[1] + 0.25 * earned[2]
    terms = {name: value for name, value in row.items() if name.startswith("money/") and value}
    assert terms == {"money/revenue": 40, "money/purchase": 8, "money/holding": 1, "money/lost_sale": 1}


def test_units_and_service_count_in_the_measured_periods():
    row = measured()
    units = {"demand": 13 / 3, "shipped": 4, "lost": 1 / 3, "open_demand": 0, "on_hand": 1, "in_transit": 4}
    assert row[list(units)].to_dict() == pytest.approx(units)
    assert row["fill_rate"] == pytest.approx(12 / 13)
    assert row["cycle_service_level"] == pytest.approx(2 / 3)
    assert row["stock_turns"] == pytest.approx(12 * 2 / (1 * 2))  # cost of goods sold over the mean value of stock


def test_what_is_measured_of_an_episode_doubles_with_its_periods_and_all_else_stays():
    short, long = (measured(horizon={"kind": "window", "warm_up": 8, "periods": periods}, period="week") for periods in (4, 8))
    units = units_of(world_from({**TINS, "period": "week"}, "tins"))
    assert set(units) == set(mean_measures(short.to_frame().T.infer_objects()))
    assert [name for name, unit in units.items() if unit.endswith("/episode")] == ["discounted_return", "stock_turns", "gmroi"]
    for name, unit in units.items():
        assert unit
        assert long[name] == pytest.approx(short[name] * (2 if unit.endswith("/episode") else 1)), name
    assert short["stock_turns"] > 0


def test_a_metric_of_ones_own_may_state_its_unit():
    class Days:
        name, about = "days", "periods"

    own = [
        PerPeriod("most", "the most", abs),
        PerPeriod("boxes", "boxes", abs, unit="boxes"),
        Share("part", "part", abs, abs),
        Days(),
    ]
    units = units_of(two_shops(), own)
    assert [units[metric.name] for metric in own] == ["per period", "boxes", "share", ""]


def test_units_served_late_are_not_served_on_time():
    row = measured(channels=[{"name": "counter", "unmet": "backorder", "backorder_cost": 3}])
    # 1 of 6 waits for a period; it is served first in the next.
    assert row["open_demand"] == pytest.approx(1 / 3)
    assert row["shipped"] == pytest.approx(13 / 3)
    assert row["fill_rate"] == pytest.approx(12 / 13)
    assert row["cycle_service_level"] == pytest.approx(2 / 3)
    assert row["money/backorder"] == pytest.approx(1)


def test_while_a_backlog_grows_nothing_is_on_time():
    row = measured(
        channels=[{"name": "counter", "unmet": "backorder"}],
        sites=[{"name": "store"}],
        supply_lanes=[{"from": "mill", "to": "store", "lead_time": 3}],
    )
    # Owed after the four periods: 4, 10, 12, 13; the first 4 tins arrive in the last and serve the oldest orders.
    assert row["open_demand"] == pytest.approx((10 + 12 + 13) / 3)
    assert row["fill_rate"] == row["cycle_service_level"] == 0


def test_periods_without_demand_do_not_count_as_service():
    quiet = [{"process": {"distribution": "deterministic", "mean": 1, "season": {"period": 4, "profile": [4, 6, 0, 0]}}}]
    row = measured(demand=quiet)
    assert row["cycle_service_level"] == 0
    assert row["fill_rate"] == pytest.approx(5 / 6)
    silent = measured(demand=[{"process": {"distribution": "deterministic", "mean": 0}}])
    assert silent["fill_rate"] == silent["cycle_service_level"] == 1


def test_without_stock_turns_are_unknown():
    row = measured(sites=[{"name": "store"}], supply_lanes=[{"from": "mill", "to": "store", "lead_time": 4}])
    assert np.isnan(row["stock_turns"])


def test_the_objective_cost_leaves_out_revenue():
    assert measured(objective="cost")["score"] == pytest.approx(-(8 + 1 + 1))


def test_there_is_one_row_for_each_episode():
    world = two_shops()
    rows = evaluate(rule(world, quantity=4), world, episodes=7, seed=3).episodes
    assert rows["episode"].tolist() == list(range(7))
    assert rows["seed"].tolist() == [derived_seed("test", 3) + episode for episode in range(7)]
    assert set(rows["policy"]) == {"constant_order"}
    assert set(rows["kind"]) == {"rule-based"}
    assert set(rows["periods"]) == {4}
    assert rows["demand"].nunique() > 1


def test_every_policy_meets_the_same_demand():
    world = shipped_world("three_warehouses")
    few, many = (evaluate(rule(world, quantity=quantity), world, episodes=5, seed=0).episodes for quantity in (1, 9))
    assert few["demand"].tolist() == many["demand"].tolist()
    assert (few["money/purchase"] < many["money/purchase"]).all()


def test_an_episode_is_the_same_whatever_is_played_at_once(monkeypatch):
    world = shipped_world("three_warehouses")
    policy = rule(world, "newsvendor", safety_factor=1)
    together = evaluate(policy, world, episodes=5, seed=0)
    sizes = []
    monkeypatch.setattr(
        "allotment.evaluation.testing.CELLS_AT_ONCE", 2 * world.problem.lanes.allowed.size * world.problem.lanes.slots
    )
    in_parts = evaluate(policy, world, episodes=5, seed=0, progress=sizes.append)
    assert sizes == [number * world.problem.clock.length for number in (2, 2, 1)]
    assert in_parts.episodes.equals(together.episodes)
    assert np.array_equal(in_parts.score_by_sku, together.score_by_sku)
    assert np.array_equal(in_parts.breakdown.amounts, together.breakdown.amounts, equal_nan=True)
    fewer = evaluate(policy, world, episodes=2, seed=0).episodes
    assert fewer.equals(together.episodes.iloc[:2])


def test_progress_counts_every_period_of_every_episode():
    world = two_shops()
    done = []
    evaluate(rule(world, quantity=4), world, episodes=6, seed=0, progress=done.append)
    assert sum(done) == 6 * 4


def test_the_scores_of_all_skus_add_up_to_the_score():
    world = shipped_world("three_warehouses")
    result = evaluate(rule(world, "newsvendor", safety_factor=1), world, episodes=4, seed=0)
    assert result.score_by_sku.shape == (4, 10)
    assert result.score_by_sku.sum(axis=1) == pytest.approx(result.episodes["score"].to_numpy(), rel=1e-12)
    assert (result.score_by_sku != 0).all()


def test_the_terms_of_money_add_up_to_the_score():
    world = shipped_world("three_warehouses")
    rows = evaluate(rule(world, "newsvendor", safety_factor=1), world, episodes=4, seed=0).episodes
    money = rows.filter(like="money/")
    income = money[[f"money/{term}" for term in INCOME]].sum(axis=1)
    assert (money["money/stock_change"] != 0.0).all()
    assert (2 * income - money.sum(axis=1)).tolist() == pytest.approx(rows["score"].tolist())


PURPOSES = ["train", "tune", "validate", "test"]
WORLDS = 1_000_000  # far more than anybody plays


def test_training_tuning_validation_and_test_worlds_never_meet():
    firsts = sorted(derived_seed(purpose, seed) for purpose in PURPOSES for seed in range(200))
    assert min(np.diff(firsts)) > WORLDS
    assert firsts[0] > WORLDS  # which leaves small seeds to users
    assert firsts[-1] + WORLDS < 2**63


def test_worlds_of_different_purposes_have_different_demand():
    world, first = shipped_world("three_warehouses"), np.zeros(3, dtype=np.int64)
    streams = np.unique(world.problem.demand.stream)
    drawn = [
        randomness.uniforms(streams, derived_seed(purpose, seed) + np.arange(3), first, first).tobytes()
        for purpose in PURPOSES
        for seed in range(5)
    ]
    assert len(set(drawn)) == len(PURPOSES) * 5


def test_the_first_episodes_may_be_left_out():
    world = two_shops()
    whole, rest = (evaluate(rule(world, quantity=4), world, episodes=5, seed=0, start=start) for start in (0, 3))
    assert rest.episodes.equals(whole.episodes.iloc[3:].reset_index(drop=True))
    assert np.array_equal(rest.score_by_sku, whole.score_by_sku[3:])
    assert np.array_equal(rest.breakdown.amounts, whole.breakdown.amounts[3:], equal_nan=True)
    with pytest.raises(ValueError, match="episodes must be at least 6, not 5"):
        evaluate(rule(world, quantity=4), world, episodes=5, seed=0, start=5)


@pytest.mark.parametrize("episodes", [0, -3])
def test_no_episodes_are_refused(episodes):
    world = two_shops()
    with pytest.raises(ValueError, match=rf"episodes must be at least 1, not {episodes}"):
        evaluate(rule(world, quantity=4), world, episodes, seed=0)


def test_the_public_function_plays_the_worlds_that_the_scenario_keeps_for_tests():
    test = {"demand": [{"process": {"distribution": "poisson", "mean": 0}}]}
    world = two_shops(test=test)
    rows = allotment.evaluate(rule(world, quantity=4), world, episodes=3, seed=0)
    assert rows["demand"].tolist() == [0, 0, 0]
    assert evaluate(rule(world, quantity=4), world, 3, 0).episodes["demand"].min() > 0


def test_the_means_leave_out_what_is_no_measure():
    world = two_shops()
    rows = evaluate(rule(world, quantity=4), world, episodes=3, seed=0).episodes
    means = mean_measures(rows)
    assert means["score"] == pytest.approx(rows["score"].mean())
    assert not {"episode", "seed", "periods", "policy", "kind"} & set(means)
