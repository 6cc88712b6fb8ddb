"""A comparison's numbers, from the episodes of its runs."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from priced_shops import priced

from allotment.evaluation.testing import evaluate, mean_measures
from allotment.policies.bundle import load_bundle
from allotment.report.cells import comparison_cells
from allotment.scenario.errors import ScenarioError
from allotment.studies.outcome import read_outcome
from allotment.studies.setup import setup_of_runs
from allotment.studies.study import EvaluationEntry

POLICIES = ["base_stock", "constant_order (parameters.quantity=2)", "constant_order (parameters.quantity=9)", "ppo"]


def outcome_of(runs, *names, **options):
    setup = setup_of_runs([runs[name] for name in names or runs], Path("runs"))
    return read_outcome(setup, **{"episodes": 8, "seed": 1, **options})


def test_every_policy_and_seed_plays_the_same_episodes(runs):
    rows = outcome_of(runs).episodes
    counts = rows.groupby(["policy", "training_seed"]).size()
    assert counts.to_dict() == {**dict.fromkeys([(name, 0) for name in POLICIES], 8), ("ppo", 1): 8}
    assert rows.groupby("episode")["seed"].nunique().tolist() == [1] * 8


def test_the_table_is_about_all_seeds_of_a_policy(runs):
    table = outcome_of(runs).comparison.set_index("policy")
    alone = [evaluate(load_bundle(runs[name] / "best"), priced(), 8, 1).episodes["score"].mean() for name in ("ppo-0", "ppo-1")]
    assert table.loc["ppo", "score"] == pytest.approx(sum(alone) / 2)
    assert table["seeds"].to_dict() == {**dict.fromkeys(POLICIES, 1), "ppo": 2}


def test_the_table_is_the_same_each_time(runs):
    pd.testing.assert_frame_equal(outcome_of(runs).comparison, outcome_of(runs).comparison)


def test_the_reference_may_be_named(runs):
    table = outcome_of(runs, reference="ppo").comparison
    assert table.loc[table["reference"], "policy"].tolist() == ["ppo"]
    with pytest.raises(ScenarioError, match=r"the reference 'pp0' is not among the policies; did you mean 'ppo'\?"):
        outcome_of(runs, reference="pp0")


def test_learning_curves_hold_every_seed(runs):
    curves = outcome_of(runs).curves
    assert list(curves) == ["ppo"]
    assert curves["ppo"].groupby("steps").size().tolist() == [2, 2, 2]
    assert outcome_of(runs).last_step == 64


def test_rules_are_measured_in_the_validation_worlds_of_every_training(runs):
    rules = outcome_of(runs, "ppo-0", "ppo-1", "level-0").rules
    policy = load_bundle(runs["level-0"] / "best")
    played = [evaluate(policy, priced(), 4, seed, purpose="validate").episodes for seed in (0, 1)]
    assert rules == {"base_stock": mean_measures(pd.concat(played))}


def test_without_anything_that_learned_there_are_no_curves(runs):
    outcome = outcome_of(runs, "few-0", "many-0")
    assert (outcome.curves, outcome.rules, outcome.last_step) == ({}, {}, 1)


def test_a_study_may_ask_for_intervals_over_items(runs):
    setup = setup_of_runs([runs["ppo-0"], runs["ppo-1"], runs["level-0"]], Path("runs"))
    by_item = replace(setup, evaluation=EvaluationEntry(episodes=8, interval="items"))
    table = read_outcome(by_item).comparison.set_index("policy")
    assert table["items"].tolist() == [2, 2]
    over_worlds = read_outcome(setup, episodes=8).comparison.set_index("policy")
    assert table.loc["ppo", "difference"] == pytest.approx(over_worlds.loc["ppo", "difference"])
    assert table.loc["ppo", "p_value"] != over_worlds.loc["ppo", "p_value"]


def test_policies_rank_by_their_scores(runs):
    outcome = outcome_of(runs)
    assert [policy.name for policy in outcome.ranking] == outcome.comparison["policy"].tolist()
    assert sorted(policy.name for policy in outcome.ranking) == POLICIES


def test_progress_names_whose_episodes_are_played(runs):
    seen = []
    outcome_of(runs, "ppo-0", "ppo-1", "few-0", progress=lambda *done: seen.append(done))
    assert list(dict.fromkeys(name for name, *_ in seen)) == ["constant_order", "ppo seed 0", "ppo seed 1"]
    assert seen[-1] == ("ppo seed 1", 8 * 4, 8 * 4)


def test_the_share_of_the_gap_to_foresight_is_shown_of_each_policy(runs):
    outcome = outcome_of(runs, "level-0", "few-0", "many-0", bound=3)
    table = outcome.comparison.set_index("policy")
    assert set(table["bound_episodes"]) == {3}
    assert (table["bound"].iloc[0] > outcome.episodes.query("episode < 3").groupby("policy")["score"].mean()).all()
    assert table.loc[table["reference"], "gap_closed"].item() == 0.0
    assert (table.loc[~table["reference"], "gap_closed"] < 1.0).all()
    cells = comparison_cells(outcome.comparison, outcome.money)
    assert cells.header[-1] == "gap closed" and "with the same opening and closing stock" in cells.note
