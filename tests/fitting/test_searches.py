"""Searches find known optima, repeat, refuse what they cannot search, and say how far their own worlds flattered them."""

import itertools
import json
import sys

import numpy as np
import pytest

import allotment
from allotment.evaluation.place import WorldPlace
from allotment.evaluation.testing import evaluate, measured
from allotment.fitting.grid_search import _worlds_by_round
from allotment.fitting.replications import Replications, search_worlds
from allotment.fitting.search import Space
from allotment.fitting.tuning import RuleTuning, tune
from allotment.policies.config_file import rule_config
from allotment.policies.rule_config import build_rule, parameters_of
from allotment.scenario.errors import ScenarioError
from small_worlds import one_shop, shipped_world, two_shops

LEVELS = {"level": {"low": 18, "high": 33}}


def ready(world, policy="base_stock", parameters=None, **tuning):
    """Return a policy that is to be tuned, and the names of its open parameters."""
    config = rule_config({"policy": policy, "parameters": parameters or {}, "tuning": tuning}, policy)
    return build_rule(config, world, policy, policy)


def tuned(world, policy="base_stock", seed=0, parameters=None, **tuning):
    built, open_parameters = ready(world, policy, parameters, **tuning)
    return tune(built, open_parameters, seed)


@pytest.mark.parametrize("search", ["exhaustive", "narrowing"])
def test_a_grid_search_finds_the_base_stock_level_that_zipkin_prints_and_its_cost_in_fresh_worlds(search, tmp_path):
    content = {"policy": "base_stock", "tuning": {"search": search, "worlds": 400, "ranges": LEVELS}}
    short = ["horizon.periods=300"]
    run = allotment.train("lost_sales", content, seed=1, out=tmp_path, env_overrides=short, progress=lambda *news: None)
    assert allotment.load_policy(run).values["level"].item() == 25
    about = json.loads((run / "metadata.json").read_text())
    assert about["validation"]["episodes"] == 400
    assert abs(about["validation"]["score"] + 5.1977) <= 3 * about["validation"]["standard_error"]
    assert about["search"]["score"] != about["validation"]["score"]
    assert about["search"]["standard_error"] == pytest.approx(about["validation"]["standard_error"], rel=0.2)
    assert {name: about["search"][name] for name in ("method", "worlds", "candidates")} == {
        "method": search,
        "worlds": 400,
        "candidates": 16,
    }


def test_bounds_may_differ_by_site_and_sku_and_no_step_goes_beyond_them():
    low, high = ({"north": 2, "south": {"apple": 5, "pear": 3}}, {"north": 2, "south": {"apple": 9, "pear": 4}})
    policy, left = ready(two_shops(), search="exhaustive", ranges={"level": {"low": low, "high": high, "step": 2}})
    grid = Space(policy, [parameters_of(policy.config, policy.world)[name] for name in left]).grid()
    candidates = [grid.space.candidate(grid.numbers(np.full(2, place))).values["level"].tolist() for place in range(grid.size)]
    assert candidates == [[[2, 2], [5, 3]], [[2, 2], [7, 3]], [[2, 2], [9, 3]]]


def test_narrowing_plays_a_fraction_of_what_an_exhaustive_search_plays(monkeypatch):
    played = []
    original = Replications.by_world
    monkeypatch.setattr(Replications, "by_world", lambda self, policy: played.append(len(self.seeds)) or original(self, policy))
    assert _worlds_by_round(16, 128) == [16, 32, 64, 128]
    found = tuned(one_shop(), search="narrowing", worlds=128, ranges={"level": {"low": 0, "high": 15}})
    # In the worlds that are new in a round: 16 candidates in 16, 8 in 16, 4 in 32, 2 in 64, and the one that is left in all.
    assert played == [16] * 16 + [16] * 8 + [32] * 4 + [64] * 2 + [128]
    assert (
        found.policy.values["level"]
        == tuned(one_shop(), search="exhaustive", worlds=128, ranges={"level": {"low": 0, "high": 15}}).policy.values["level"]
    )


def test_an_exhaustive_search_finds_the_best_of_every_sku_in_the_simulations_of_one():
    world = two_shops(
        objective="cost",
        horizon={"kind": "window", "periods": 20},
        sites=[{"name": name, "kind": "store", "initial_stock": 9, "holding_cost": 1} for name in ("north", "south")],
        channels=[
            {"name": "walkers", "unmet": "lost", "shortage_cost": 9},
            {"name": "callers", "unmet": "backorder", "backorder_cost": 5},
        ],
    )
    values = [1.0, 4.0, 8.0]
    found = tuned(world, "constant_order", search="exhaustive", worlds=20, ranges={"quantity": {"values": values}})
    policy = found.policy
    played = Replications(world, search_worlds(policy, 0))
    every = [
        played.by_sku(policy.with_values({"quantity": np.reshape(numbers, (2, 2))})).sum()
        for numbers in itertools.product(values, repeat=4)
    ]
    assert found.candidates <= len(values) ** 2 + 1
    assert found.score == pytest.approx(max(every), rel=1e-12)
    assert not (policy.values["quantity"] == policy.values["quantity"][:, :1]).all()  # the SKUs' best differ


@pytest.mark.parametrize("policy", ["base_stock", "random"])
def test_a_candidate_scores_the_same_whatever_was_played_before_it(policy):
    world = shipped_world("three_warehouses")
    first, _ = ready(world, policy)
    other, _ = ready(world, "newsvendor", {"safety_factor": 1})
    seeds = search_worlds(first, 3)[:5]
    played = Replications(world, seeds)
    before = played.by_world(first)
    played.by_world(other)
    assert np.array_equal(played.by_world(first), before)
    assert np.array_equal(before, measured(first, world, seeds).score_by_sku())


@pytest.mark.parametrize(
    ("sampler", "ranges"),
    [
        ("tpe", {"level": {"low": 0, "high": 15}, "cap": {"values": [2, 4, 8]}}),
        ("cmaes", {"level": {"low": 0, "high": 15}, "cap": {"low": 1, "high": 9}}),
    ],
)
def test_a_sampler_repeats_and_comes_near_the_best(sampler, ranges):
    pytest.importorskip("optuna")
    pytest.importorskip("cmaes")
    shop = {"world": one_shop(), "parameters": {"cap": "tuned"}, "worlds": 16, "ranges": ranges}
    best = tuned(search="exhaustive", **shop)
    found, again = (tuned(sampler=sampler, trials=30, **shop) for _ in "ab")
    assert found.score == again.score
    assert found.candidates == 30
    assert best.score * 1.02 <= found.score <= best.score  # costs, so the score is negative


def test_a_sampler_searches_numbers_between_those_of_a_grid():
    pytest.importorskip("optuna")
    world = one_shop(units="continuous")
    found = tuned(world, sampler="tpe", trials=25, worlds=16, ranges={"level": {"low": 4.5, "high": 12.5}}).policy
    level = found.values["level"].item()
    assert 4.5 <= level <= 12.5
    assert level != round(level, 1)


def test_the_score_of_a_search_flatters_what_it_found_and_fresh_worlds_do_not():
    world = one_shop()
    searched, fresh = [], []
    for seed in range(25):
        found = tuned(world, seed=seed, search="exhaustive", worlds=2, ranges={"level": {"low": 0, "high": 20}})
        searched.append(found.score)
        fresh.append(evaluate(found.policy, world, 64, seed, "validate").episodes["score"].mean())
    luck = np.array(searched) - fresh
    assert (luck != 0).all()
    assert luck.mean() > 3 * luck.std(ddof=1) / len(luck) ** 0.5


STEPS = {"low": 0, "high": 20, "step": 0.001}


@pytest.mark.parametrize(
    ("tuning", "message"),
    [
        ({"search": "exhaustiv"}, "rule: tuning.search must be 'pattern', 'exhaustive' or 'narrowing', not 'exhaustiv'"),
        ({"sampler": "gp"}, "rule: tuning.sampler must be 'tpe' or 'cmaes', not 'gp'"),
        ({"search": "narrowing", "sampler": "tpe"}, "rule: tuning: search: narrowing and sampler: tpe exclude each other"),
        ({"ranges": LEVELS}, "rule: tuning: ranges belong to search: exhaustive or narrowing, or to a sampler"),
        ({"search": "exhaustive", "trials": 9}, "rule: tuning: trials belong to a sampler"),
        ({"search": "exhaustive"}, "rule: tuning.ranges.level is missing: exhaustive needs low and high, or values"),
        ({"search": "exhaustive", "ranges": {"gap": {"values": [1]}}}, "rule: tuning.ranges.gap: is not tuned; allowed: level"),
        ({"search": "exhaustive", "ranges": {"level": {"low": 1}}}, "rule: tuning.ranges.level: must say low and high"),
        ({"search": "exhaustive", "ranges": {"level": {"low": 3, "high": 1}}}, "rule: tuning.ranges.level.high must be >= low"),
        ({"search": "exhaustive", "ranges": {"level": STEPS | {"step": 0}}}, "rule: tuning.ranges.level.step must be > 0"),
        ({"search": "exhaustive", "ranges": {"level": {"values": [-1]}}}, "rule: tuning.ranges.level.values must be >= 0"),
        (
            {"search": "narrowing", "ranges": {"level": {"low": 1, "high": 400}}},
            r"160,000 candidates \(400 × 400\) are more than 100,000",
        ),
        ({"search": "narrowing", "ranges": {"level": STEPS | {"high": 900}}}, "level: 900,001 values are more than 100,000"),
    ],
)
def test_what_cannot_be_searched_is_refused_in_one_line(tuning, message):
    with pytest.raises(ScenarioError, match=message) as refused:
        RuleTuning().check(WorldPlace(two_shops()), {"policy": "base_stock", "tuning": tuning}, "rule")
    assert "\n" not in str(refused.value)


def test_a_range_of_any_number_needs_a_sampler():
    ranges = {"safety_factor": {"low": 0, "high": 2}}
    content = {
        "policy": "newsvendor",
        "parameters": {"safety_factor": "tuned"},
        "tuning": {"search": "exhaustive", "ranges": ranges},
    }
    with pytest.raises(ScenarioError, match="safety_factor needs a step, or values, for search: exhaustive"):
        RuleTuning().check(WorldPlace(two_shops()), content, "rule")


@pytest.mark.parametrize(("sampler", "package"), [("tpe", "optuna"), ("cmaes", "cmaes")])
def test_a_sampler_without_its_package_says_how_to_install_it(sampler, package, monkeypatch):
    if package != "optuna":
        pytest.importorskip("optuna")
    monkeypatch.setitem(sys.modules, package, None)
    built, open_parameters = ready(one_shop(), sampler=sampler, ranges=LEVELS)
    with pytest.raises(ScenarioError, match=rf"{package} is not installed; pip install 'allotment\[tuning\]'"):
        tune(built, open_parameters, 0)


def test_one_number_alone_is_not_for_cmaes():
    pytest.importorskip("optuna")
    pytest.importorskip("cmaes")
    built, open_parameters = ready(one_shop(), sampler="cmaes", ranges=LEVELS)
    with pytest.raises(ScenarioError, match="cmaes needs two numbers to search, or more; tpe takes one"):
        tune(built, open_parameters, 0)
