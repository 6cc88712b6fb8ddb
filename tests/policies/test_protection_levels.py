"""Critical levels between classes of customers are parameters: given, computed, found by tuning, kept, and played compiled."""

import numpy as np
import pytest

from allotment.evaluation.metrics import EpisodeMeasures
from allotment.evaluation.rollout import played, started
from allotment.evaluation.testing import evaluate, measured
from allotment.fitting.tuning import tune
from allotment.policies.bundle import load_bundle, save_bundle
from allotment.policies.config_file import read_config, rule_config
from allotment.policies.rule_config import build_rule
from allotment.scenario.loader import load_scenario
from small_worlds import two_shops

OPTIMUM = 1.63941  # of demand_classes (Ha 1997), per event: base-stock level 2, and 1 unit for the first class
GRID = {"level": {"low": 0, "high": 5}, "protection.1": {"low": 0, "high": 3}}
THREE_CLASSES = {
    "decisions": ["orders", "protection"],
    "channels": [{"name": name, "priority": place} for place, name in enumerate(("walkers", "callers", "writers"), start=1)],
    "fulfilment_lanes": [{"from": "*", "to": "*"}],
    "demand": [{"process": {"distribution": "poisson", "mean": 3}}],
}


def classes(*overrides):
    return load_scenario("demand_classes", ["horizon.warm_up=50", "horizon.periods=400", *overrides])


def build(world, **content):
    return build_rule(rule_config({"policy": "base_stock", **content}, "rule"), world, "rule")


@pytest.mark.parametrize("tuning", [{"search": "exhaustive", "worlds": 800, "ranges": GRID}, {"worlds": 400, "rounds": 6}])
def test_a_level_and_a_critical_level_are_found_that_are_known_to_be_optimal(tuning):
    policy, open_parameters = build(classes(), protection={1: "tuned"}, tuning=tuning)
    assert open_parameters == ["level", "protection.1"]
    found = tune(policy, open_parameters, seed=0).policy
    assert found.as_config() == {"parameters": {"level": 2}, "protection": {1: 1}}
    costs = -evaluate(found, classes(), 1000, seed=1).episodes["score"]
    assert abs(costs.mean() - OPTIMUM) <= 3 * costs.std() / 1000**0.5


def test_the_shipped_config_tunes_it_and_the_word_alone_tunes_all_classes_but_the_last():
    name, content = read_config("critical_levels")
    assert build_rule(rule_config(content, name), classes(), name)[1] == ["level", "protection.1"]
    world = two_shops(**THREE_CLASSES)
    assert build(world, parameters={"level": 9}, protection="tuned")[1] == ["protection.1", "protection.2"]
    assert build(world, parameters={"level": 9}, protection={2: "tuned", 1: 3})[1] == ["protection.2"]


def test_what_was_tuned_is_kept_and_knows_nothing_of_coming_demand(tmp_path):
    world = classes("horizon.periods=50")
    policy, open_parameters = build(world, parameters={"level": 4}, protection={1: "tuned"}, tuning={"worlds": 64, "rounds": 4})
    found = tune(policy, open_parameters, seed=0).policy
    assert found.protected.ravel()[0] > 0
    assert not found.informed
    save_bundle(found, tmp_path / "bundle")
    again = load_bundle(tmp_path / "bundle")
    assert np.array_equal(again.protected, found.protected)
    assert again.as_config() == found.as_config()


@pytest.mark.parametrize("world", [classes("horizon.periods=60"), two_shops(**THREE_CLASSES)])
def test_levels_that_stay_are_played_in_compiled_code_as_they_are_period_by_period(world):
    levels = {1: 2, 2: 1} if len(world.names.channels) == 3 else {1: 1}
    policy, _ = build(world, parameters={"level": 4}, protection=levels)
    unprotected, _ = build(world, parameters={"level": 4})
    seeds = np.arange(20)
    assert policy.ordering() is not None
    simulation = started(world, seeds)
    measures = EpisodeMeasures(world, simulation)
    for period, flows in played(simulation, policy):
        measures.add(period, flows)
    compiled = measured(policy, world, seeds).measures()
    for name, values in measures.measures().items():
        np.testing.assert_array_equal(compiled[name], values, err_msg=name)
    assert (measured(unprotected, world, seeds).measures()["shipped"] != compiled["shipped"]).any()
