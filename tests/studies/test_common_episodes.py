"""Every policy plays the same test worlds, and what a run folder holds of them is not played again."""

import os

import numpy as np
import pandas as pd
import pytest
from priced_shops import priced

from allotment.evaluation import place
from allotment.evaluation.testing import Evaluation, evaluate
from allotment.policies.bundle import load_bundle
from allotment.runs.run_folder import RunFolder
from allotment.scenario.errors import ScenarioError
from allotment.scenario.streams import derived_seed
from allotment.studies.common_episodes import CommonEpisodes

WORLD = priced()


@pytest.fixture
def played(monkeypatch):
    """Return a list of what is played from now on: (first episode, episodes)."""
    calls = []

    def counted(policy, world, episodes, seed, purpose, progress, start, metrics):
        calls.append((start, episodes))
        return evaluate(policy, world, episodes, seed, purpose, progress, start, metrics)

    monkeypatch.setattr(place, "evaluate", counted)
    return calls


def test_a_run_that_was_never_evaluated_is_played_once_and_keeps_it(runs, played):
    first = CommonEpisodes(WORLD, episodes=6, seed=2).episodes_of(RunFolder(runs["few-0"]))
    again = CommonEpisodes(WORLD, episodes=6, seed=2).episodes_of(RunFolder(runs["few-0"]))
    assert played == [(0, 6)]
    assert first.episodes["seed"].tolist() == (derived_seed("test", 2) + np.arange(6)).tolist()
    pd.testing.assert_frame_equal(first.episodes, again.episodes)


def test_fewer_worlds_are_the_first_of_more(runs, played):
    many = CommonEpisodes(WORLD, episodes=6, seed=2).episodes_of(RunFolder(runs["few-0"]))
    few = CommonEpisodes(WORLD, episodes=4, seed=2).episodes_of(RunFolder(runs["few-0"]))
    assert played == [(0, 6)]
    pd.testing.assert_frame_equal(few.episodes, many.episodes.iloc[:4])


def test_of_more_worlds_only_those_that_are_new_are_played(runs, played):
    CommonEpisodes(WORLD, episodes=4, seed=2).episodes_of(RunFolder(runs["few-0"]))
    many = CommonEpisodes(WORLD, episodes=6, seed=2).episodes_of(RunFolder(runs["few-0"])).episodes
    assert played == [(0, 4), (4, 6)]
    at_once = evaluate(load_bundle(runs["few-0"] / "best"), WORLD, 6, 2).episodes
    pd.testing.assert_frame_equal(many, at_once)


def test_worlds_of_another_seed_are_played_and_leave_the_folder_alone(runs, played):
    CommonEpisodes(WORLD, episodes=4, seed=2).episodes_of(RunFolder(runs["few-0"]))
    kept = (runs["few-0"] / "evaluation.parquet").read_bytes()
    other = CommonEpisodes(WORLD, episodes=4, seed=3).episodes_of(RunFolder(runs["few-0"]))
    assert played == [(0, 4), (0, 4)]
    assert other.episodes["seed"].iloc[0] == derived_seed("test", 3)
    assert (runs["few-0"] / "evaluation.parquet").read_bytes() == kept


def test_an_evaluation_older_than_the_policy_does_not_count(runs, played):
    CommonEpisodes(WORLD, episodes=4, seed=2).episodes_of(RunFolder(runs["few-0"]))
    later = (runs["few-0"] / "evaluation.parquet").stat().st_mtime + 10
    os.utime(runs["few-0"] / "best" / "bundle.json", (later, later))
    CommonEpisodes(WORLD, episodes=4, seed=2).episodes_of(RunFolder(runs["few-0"]))
    assert played == [(0, 4), (0, 4)]


def test_an_evaluation_in_a_world_of_another_name_does_not_count(runs, played):
    rows = evaluate(load_bundle(runs["few-0"] / "best"), WORLD, 4, 2).episodes
    RunFolder(runs["few-0"]).keep_evaluation(Evaluation(rows, np.empty((4, 0))), "elsewhere", 2)
    CommonEpisodes(WORLD, episodes=4, seed=2).episodes_of(RunFolder(runs["few-0"]))
    assert played == [(0, 4)]


def test_an_evaluation_that_lacks_a_term_of_money_does_not_count(runs, played):
    rows = evaluate(load_bundle(runs["few-0"] / "best"), WORLD, 4, 2).episodes
    kept = Evaluation(rows.drop(columns="money/holding"), np.empty((4, 0)))
    RunFolder(runs["few-0"]).keep_evaluation(kept, "two_shops", 2)
    CommonEpisodes(WORLD, episodes=4, seed=2).episodes_of(RunFolder(runs["few-0"]))
    assert played == [(0, 4)]


def test_for_intervals_over_items_the_scores_of_each_must_be_there(runs, played):
    by_item = CommonEpisodes(WORLD, episodes=4, seed=2, by_item=True)
    assert by_item.episodes_of(RunFolder(runs["few-0"])).score_by_sku.shape == (4, 2)
    assert by_item.episodes_of(RunFolder(runs["few-0"])).score_by_sku.shape == (4, 2)
    assert played == [(0, 4)]
    np.save(runs["few-0"] / "score_by_sku.npy", np.ones((4, 2)))  # of something else
    result = by_item.episodes_of(RunFolder(runs["few-0"]))
    assert played == [(0, 4), (0, 4)]
    assert result.score_by_sku.sum(axis=1) == pytest.approx(result.episodes["score"].to_numpy())


def test_a_file_that_cannot_be_read_is_named(runs):
    (runs["few-0"] / "evaluation.parquet").write_text("half a fi")
    with pytest.raises(ScenarioError, match=r"few-0/evaluation.parquet: cannot be read"):
        CommonEpisodes(WORLD, episodes=4, seed=2).episodes_of(RunFolder(runs["few-0"]))


def test_progress_counts_the_periods_that_are_played(runs):
    CommonEpisodes(WORLD, episodes=2, seed=2).episodes_of(RunFolder(runs["few-0"]))
    seen = []
    CommonEpisodes(WORLD, episodes=5, seed=2).episodes_of(RunFolder(runs["few-0"]), lambda *done: seen.append(done))
    assert seen[-1] == (3 * 4, 3 * 4)
