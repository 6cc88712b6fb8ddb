"""Levels that are computed: published ones of serial systems, bounds, and critical quantiles."""

import numpy as np
import pytest
from scipy import stats

from allotment.evaluation.testing import evaluate
from allotment.policies.config_file import read_config, rule_config
from allotment.policies.echelon_levels import clark_scarf, shang_song, shang_song_lower, shang_song_upper
from allotment.policies.newsvendor_levels import newsvendor_level, safety_stock_level
from allotment.policies.rule_config import build_rule
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import load_scenario
from small_worlds import two_shops

LATER = "supply_lanes.2={from: stage-2, to: stage-1, lead_time: 1, in_transit_cost: 4}"
IN_UNITS = ("units=integer", "demand.0.process={distribution: poisson, mean: 5}")


@pytest.mark.parametrize(("overrides", "published"), [((), [22.70, 12.02, 6.49]), ((LATER,), [27.86, 17.34, 12.11])])
def test_the_levels_of_a_serial_system_are_the_published_ones(overrides, published):
    assert clark_scarf(load_scenario("serial", overrides)).ravel() == pytest.approx(published, abs=0.01)


@pytest.mark.parametrize("overrides", [(), (LATER,), IN_UNITS])
def test_the_bounds_of_shang_and_song_hold(overrides):
    world = load_scenario("serial", overrides)
    lower, upper, best = shang_song_lower(world), shang_song_upper(world), clark_scarf(world)
    slack = 1.0 if overrides == IN_UNITS else 0.005  # steps in which levels are sought
    assert (lower - slack <= best).all() and (best <= upper + slack).all() and (lower < upper).any()
    assert shang_song(world) == pytest.approx(0.5 * (lower + upper))


def test_a_last_stage_has_the_critical_quantile_in_which_stages_above_count_as_cost_of_shortage():
    best = clark_scarf(load_scenario("serial"))
    assert best[2, 0] == pytest.approx(stats.norm(5, 1).ppf((37.12 + 4) / (37.12 + 7)), abs=1e-3)


@pytest.mark.parametrize("overrides", [(), IN_UNITS])
def test_a_serial_system_costs_the_same_whatever_the_rationing_as_nobody_shares(overrides):
    name, content = read_config("clark_scarf")
    costs = []
    for rationing in ("proportional", "priority", "balanced", "min_shortage"):
        world = load_scenario("serial", [f"rationing={rationing}", "horizon.periods=200", *overrides])
        policy, _ = build_rule(rule_config(content, name), world, name)
        costs.append(-evaluate(policy, world, 100, seed=0).episodes["score"].to_numpy())
    assert np.array(costs) == pytest.approx(np.broadcast_to(costs[0], (4, 100)), rel=1e-9)
    if not overrides:  # the optimum that Clark and Scarf's levels have, as `envs/serial.yaml` cites it
        assert costs[0].mean() == pytest.approx(27.660, abs=3.0 * costs[0].std(ddof=1) / np.sqrt(100))


@pytest.mark.parametrize(("lead", "periods"), [(0, 1), (3, 4)])
def test_a_single_stage_has_the_newsvendors_level(lead, periods):
    world = load_scenario("s_s", [f"supply_lanes.0.lead_time={lead}", "supply_lanes.0.fixed_cost=0"])
    quantile = stats.poisson(10 * periods).ppf(0.9)
    assert newsvendor_level(world).item() == quantile
    assert clark_scarf(world).item() == pytest.approx(quantile, abs=0.5)


def test_an_order_after_the_periods_demand_covers_its_lead_time_alone():
    later = "sequence=[receive, demand, decide, fulfil, charge]"
    world = load_scenario("s_s", ["supply_lanes.0.lead_time=3", "supply_lanes.0.fixed_cost=0", later, "horizon.periods=300"])
    level = newsvendor_level(world).item()
    assert level == stats.poisson(10 * 3).ppf(0.9)

    def scores(units: float) -> np.ndarray:
        config = rule_config({"policy": "base_stock", "parameters": {"level": units}}, "rule")
        return evaluate(build_rule(config, world, "rule")[0], world, 40, seed=0).episodes["score"].to_numpy()

    for other in (level - 3, level + 3, stats.poisson(10 * 4).ppf(0.9)):
        less = scores(level) - scores(other)
        assert less.mean() > 3.0 * less.std(ddof=1) / np.sqrt(40)


def test_the_newsvendors_level_lies_between_the_steps_of_its_grid():
    assert newsvendor_level(load_scenario("newsvendor")).item() == pytest.approx(56.604, abs=5e-4)


def test_a_safety_stock_counts_the_lead_times_variance():
    world = load_scenario("random_lead_time")  # mean 2, variance 2; Poisson demand of mean 5
    expected = 15 + stats.norm.ppf(0.9) * np.sqrt(15 + 2 * 25)
    assert safety_stock_level(world).item() == pytest.approx(expected)


def test_whole_units_get_whole_levels():
    name, content = read_config("shang_song")
    policy, _ = build_rule(rule_config(content, name), load_scenario("serial", IN_UNITS), name)
    assert (policy.values["level"] == np.floor(policy.values["level"])).all()


@pytest.mark.parametrize(
    ("world", "reason"),
    [
        (two_shops(), "some demand is lost"),
        (load_scenario("one_warehouse_backorder"), "sites do not form one line"),
        (load_scenario("random_lead_time"), "a lead time is random"),
        (load_scenario("s_s"), "orders have fixed costs"),
    ],
)
def test_a_world_that_is_not_serial_has_no_such_levels(world, reason):
    name, content = read_config("clark_scarf")
    with pytest.raises(ScenarioError, match=f"level: clark_scarf does not apply in {world.name}: .*: {reason}"):
        build_rule(rule_config(content, name), world, name)


def test_a_random_lead_time_has_no_newsvendor_level():
    config = rule_config({"policy": "base_stock", "parameters": {"level": "newsvendor"}}, "rule")
    with pytest.raises(ScenarioError, match="level: newsvendor does not apply in random_lead_time: a lead time is random"):
        build_rule(config, load_scenario("random_lead_time"), "rule")
