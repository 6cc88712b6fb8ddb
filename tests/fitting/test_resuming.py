"""An interrupted training goes on to the same end as an unbroken one, wherever it was cut off."""

import json
import multiprocessing
import os
import random
import signal
import time
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from small_trainings import SMALL, small, world_for
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import allotment
from allotment.runs.run_folder import RunFolder
from allotment.scenario.errors import ScenarioError
from small_worlds import two_shops

RESIDUAL = {
    "name": "residual",
    "rule": {"policy": "base_stock", "parameters": {"level": "tuned"}, "tuning": {"worlds": 2, "rounds": 1}},
}
FULLEST = {"encoding": RESIDUAL, "relative_to_rule": True}  # everything that may travel


def same_weights(one, other):
    for kept in ("best", "final"):
        weights, others = (load_file(folder / kept / "weights.safetensors") for folder in (one, other))
        assert weights.keys() == others.keys()
        assert all(torch.equal(weights[name], others[name]) for name in weights), kept


def same_end(one, other):
    """Check that two run folders tell the same story: weights, learning curve and statistics."""
    same_weights(one, other)
    curves = [pd.read_parquet(folder / "curve.parquet") for folder in (one, other)]
    pd.testing.assert_frame_equal(*curves, check_exact=True)
    told = [json.loads((folder / "metadata.json").read_text()) for folder in (one, other)]
    for entry in ("finished", "environment_steps", "seed", "return_statistics"):
        assert told[0].get(entry) == told[1].get(entry), entry
    assert all((folder / "checkpoints" / "training.safetensors").is_file() for folder in (one, other))


class CutOff(Exception):
    """Stands for the end of a process in mid-training."""


def interrupted(algorithm, out, after, **settings):
    """Train until so many steps have been played, then fall over; returns the run folder."""

    def fall(what, done, of, score):
        if what.startswith("training") and done >= after:
            raise CutOff

    with pytest.raises(CutOff):
        allotment.train(world_for(algorithm), algorithm, seed=5, out=out, overrides=small(algorithm, **settings), progress=fall)
    (folder,) = out.iterdir()
    return folder


@pytest.fixture(autouse=True)
def every_report(monkeypatch):
    """Progress is told after every rollout, so that a training can be cut off there."""
    monkeypatch.setattr("allotment.fitting.learning_curve.SECONDS_BETWEEN_REPORTS", -1.0)


@pytest.mark.parametrize("algorithm", SMALL)
def test_a_training_that_was_cut_off_goes_on_to_the_same_end(algorithm, tmp_path):
    whole = allotment.train(world_for(algorithm), algorithm, seed=5, out=tmp_path / "whole", overrides=small(algorithm))
    for after in (100, 300):
        folder = interrupted(algorithm, tmp_path / f"cut-{after}", after)
        assert (folder / "checkpoints" / "training.safetensors").is_file()
        np.random.seed(after)  # whatever happened in between
        torch.manual_seed(after)
        assert allotment.resume(folder) == folder
        same_end(whole, folder)


def test_a_residual_against_its_rule_goes_on_to_the_same_end(tmp_path):
    whole = allotment.train(two_shops(), "ppo", seed=5, out=tmp_path / "whole", overrides=small("ppo", **FULLEST))
    folder = interrupted("ppo", tmp_path / "cut", 200, **FULLEST)
    allotment.resume(folder)
    same_end(whole, folder)


def _train(algorithm, out):
    steps = {"ppo": 4000, "sac": 2000}[algorithm]
    allotment.train(world_for(algorithm), algorithm, seed=5, out=out, overrides=small(algorithm, steps=steps))


def _resume(folder):
    allotment.resume(folder)


def killed_after(seconds, function, *arguments):
    """Run a function in a process of its own and kill it with SIGKILL after so long; tell whether it was killed."""
    process = multiprocessing.get_context("fork").Process(target=function, args=arguments)
    process.start()
    process.join(seconds)
    if process.is_alive():
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


@pytest.mark.parametrize("algorithm", ["ppo", "sac"])
def test_a_process_killed_at_random_moments_is_resumed_to_the_same_end(algorithm, tmp_path):
    allotment.train(world_for(algorithm), algorithm, out=tmp_path / "compiled", overrides=small(algorithm))
    began = time.monotonic()
    _train(algorithm, tmp_path / "whole")
    seconds = time.monotonic() - began
    (whole,) = (tmp_path / "whole").iterdir()
    moments = random.Random(7)
    kills = killed_after(seconds * moments.uniform(0.3, 0.6), _train, algorithm, tmp_path / "killed")
    (folder,) = (tmp_path / "killed").glob("[!.]*")  # beside it lies the lock of what was killed
    for _ in range(4):
        kills += killed_after(seconds * moments.uniform(0.1, 0.4), _resume, folder)
    allotment.resume(folder)
    assert kills >= 2
    same_end(whole, folder)


def test_a_training_that_was_killed_before_its_first_checkpoint_starts_again(tmp_path):
    whole = allotment.train(two_shops(), "ppo", seed=5, out=tmp_path / "whole", overrides=small("ppo"))
    folder = interrupted("ppo", tmp_path / "cut", 0)
    allotment.resume(folder)
    same_end(whole, folder)


def test_tensorboard_shows_every_step_once(tmp_path):
    folder = interrupted("ppo", tmp_path, 300)
    allotment.resume(folder)
    events = EventAccumulator(str(folder / "tb")).Reload()
    steps = [event.step for event in events.Scalars("train/loss")]
    assert steps == sorted(set(steps))
    assert [event.step for event in events.Scalars("evaluation/score")] == [0, 128, 256, 384, 480]


def test_a_finished_run_stays_as_it_is(tmp_path):
    folder = allotment.train(two_shops(), "ppo", out=tmp_path, overrides=small("ppo"))
    files = {file: file.stat().st_mtime_ns for file in folder.rglob("*")}
    assert allotment.resume(folder) == folder
    assert {file: file.stat().st_mtime_ns for file in folder.rglob("*")} == files


def test_a_run_is_repeated_from_its_folder_alone(tmp_path):
    folder = allotment.train(two_shops(), "ppo", seed=5, out=tmp_path, overrides=small("ppo"))
    again = allotment.repeat(folder, tmp_path)
    assert again.name == f"{folder.name}-1"
    same_end(folder, again)
    assert (again / "config.yaml").read_text() == (folder / "config.yaml").read_text()


def test_a_rule_is_repeated_too(tmp_path):
    tuned = ["tuning.worlds=4", "tuning.rounds=2"]
    folder = allotment.train(two_shops(), "base_stock", seed=5, out=tmp_path, overrides=tuned)
    again = allotment.repeat(folder, tmp_path)
    assert (again / "best" / "bundle.json").read_text() == (folder / "best" / "bundle.json").read_text()


def test_what_is_no_run_folder_says_so(tmp_path):
    with pytest.raises(ScenarioError, match=r"not a run folder; expected metadata.json and config.yaml"):
        allotment.resume(tmp_path)


@pytest.mark.parametrize("algorithm", ["ppo", "sac"])
def test_a_finished_training_goes_on_as_one_that_was_begun_with_more_steps(algorithm, tmp_path):
    steady = {"settings.learning_rate": 0.001, "validation.every": 240}
    whole = allotment.train(
        world_for(algorithm), algorithm, seed=5, out=tmp_path / "whole", overrides=small(algorithm, **steady)
    )
    short = small(algorithm, **steady, steps=240)
    folder = allotment.train(world_for(algorithm), algorithm, seed=5, out=tmp_path / "short", overrides=short)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        allotment.resume(folder, ["steps=480"])
    assert RunFolder(folder).config["steps"] == 480
    same_end(whole, folder)
    events = EventAccumulator(str(folder / "tb")).Reload()
    steps = [event.step for event in events.Scalars("evaluation/score")]
    assert steps == sorted(set(steps))


def test_what_depends_on_the_length_of_a_training_is_said(tmp_path):
    folder = allotment.train(two_shops(), "ppo", out=tmp_path, overrides=small("ppo", steps=240))
    with pytest.warns(UserWarning, match=r"settings.learning_rate depends on the length .* begun with 300 steps"):
        allotment.resume(folder, ["steps=300"])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("steps=200", "steps must be > 480, which are done already, not 200"),
        ("steps=much", "steps must be a whole number, not 'much'"),
        ("settings.gamma=0.5", "only steps of a training can be changed when it goes on, not settings"),
    ],
)
def test_a_run_that_cannot_go_on_so_says_why_and_stays_as_it_is(override, message, tmp_path):
    folder = allotment.train(two_shops(), "ppo", out=tmp_path, overrides=small("ppo"))
    before = (folder / "config.yaml").read_text(), (folder / "metadata.json").read_text()
    with pytest.raises(ScenarioError, match=message):
        allotment.resume(folder, [override])
    assert ((folder / "config.yaml").read_text(), (folder / "metadata.json").read_text()) == before


def test_a_rule_does_not_go_on(tmp_path):
    folder = allotment.train(two_shops(), {"policy": "constant_order", "parameters": {"quantity": 2}}, out=tmp_path)
    with pytest.raises(ScenarioError, match="holds a rule, which does not learn"):
        allotment.resume(folder, ["steps=10"])
