"""The benchmarks measure what they say, here on a small scale."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from allotment.scenario.loader import load_scenario, world_from
from small_policies import rule

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import batch, gradients, growth, machine, peers, periods, rule_based, serving, timing, training, tuning


def test_the_machine_is_described():
    described = dict(machine.describe())
    assert "cores" in described["processor"]
    assert "numba" in described["software"]


def test_a_spread_shows_the_median_between_the_lowest_and_the_highest():
    assert timing.spread([1.0, 5.0, 2.0]) == "2.00 (1.00 to 5.00)"


def test_every_rule_is_timed():
    for _, durations in rule_based.durations(episodes=2, repeats=2):
        assert len(durations) == 2
        assert all(each.cpu > 0 for each in durations)


def test_a_search_of_so_many_runs_is_timed():
    timed = list(tuning.durations(runs=2_000, periods=1, repeats=1))
    assert [candidates * worlds for candidates, worlds, _ in timed] == [2_000] * 3
    assert all(each.cpu > 0 for _, _, (each,) in timed)


def test_the_time_inside_the_environment_is_a_part_of_the_training():
    (time,) = training.training_times("lost_sales", steps=20_000, repeats=1)
    assert time.steps_per_second > 0
    assert 0.0 < time.environment_share < 1.0


def test_a_native_batch_steps_faster_than_copies():
    for _, native, copies in batch.steps_per_second(environments=32, steps=5, repeats=2):
        assert len(native) == len(copies) == 2
        assert max(native) > 2 * max(copies)


def test_bare_periods_are_counted_by_site_and_sku():
    rates = {name: values for name, _, values in periods.per_second(repeats=2)}
    assert all(value > 100_000 for values in rates.values() for value in values)


def test_growth_is_measured_at_ten_times_each_size():
    small = growth.Size(skus=3, sites=2, channels=2, lanes=1, lead_time=1, batch=2)
    rows = list(growth.growth(growth.Kind(True), small, repeats=1))
    assert [name for name, *_ in rows] == ["skus", "sites", "channels", "lanes", "lead_time", "batch"]
    assert all(before > 0.0 and after > 0.0 for _, _, before, after in rows)
    assert growth.exponent(2.0, 200.0) == 2.0


@pytest.mark.parametrize("binds", [False, True])
def test_a_world_of_limits_cuts_orders_and_one_without_does_not(binds):
    size = growth.Size(skus=3, sites=2, channels=2, lanes=1, lead_time=1, batch=2)
    problem = world_from(growth.content(size, growth.Kind(binds)), "growth.yaml").problem
    assert np.isfinite(problem.suppliers.capacity).all() == binds
    assert np.isfinite(problem.sites.handling).all() == np.isfinite(problem.lanes.capacity).all() == binds


def test_a_whole_step_takes_longer_than_its_simulation():
    whole, bare = periods.around(batch=64, steps=5, repeats=3)
    assert min(whole) > min(bare) > 0.0


def test_gradients_cost_more_than_the_periods_they_are_of():
    forward, both = gradients.episodes(batch=16, repeats=3)
    assert max(forward) > max(both) > 0.0


def test_a_step_here_takes_less_time_than_in_gym_invmgmt():
    for _, ours, theirs in peers.times(environments=8, episodes=2, repeats=2):
        assert max(ours) < min(theirs)


def test_a_rule_is_played_here_and_in_dynaplex():
    ours, theirs = peers.rule_rates(trajectories=8, repeats=1)
    assert min(ours) > 10_000
    assert min(theirs) > 10_000


def test_a_plan_is_feasible_until_it_ships_more_than_there_is():
    policy = rule(load_scenario("three_warehouses"), {"policy": "newsvendor", "parameters": {"safety_factor": 1.0}})
    snapshot = serving.met(policy)[7]
    plan = json.loads(policy.recommend(snapshot).model_dump_json(by_alias=True))
    assert serving.feasible(plan, snapshot, policy.world)
    plan["shipments"].append({"from": "warehouse-north", "to": "online-north", "sku": "sku-01", "units": 1e6})
    assert not serving.feasible(plan, snapshot, policy.world)
