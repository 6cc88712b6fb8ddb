"""A checkpoint holds everything that a training goes on from, between two rollouts."""

import warnings

import numpy as np
import pytest
import torch
from small_trainings import small, world_for
from stable_baselines3 import PPO

import allotment
from allotment.fitting.sb3 import trainer
from allotment.fitting.sb3.checkpoint import Checkpoints, resumed
from allotment.fitting.sb3.training_state import captured
from allotment.runs.run_folder import RunFolder
from small_worlds import two_shops


def model_of(seed):
    return PPO("MlpPolicy", allotment.make_sb3(two_shops(), 4), n_steps=8, batch_size=16, n_epochs=1, seed=seed, device="cpu")


def weights_of(model):
    return {name: value.clone() for name, value in model.policy.state_dict().items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


PROGRESS = {
    "measures": ["steps", "score"],
    "curve": np.array([[0.0, -1.5]]),
    "best": {"score": -1.5, "steps": 0},
    "series": {"train/loss": ((0.5, 8, 1.25), (0.5, 16, 2.5)), "train/value": None},
}


def test_a_training_in_a_captured_state_goes_on_as_the_captured_one(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    model_of(3).learn(32, callback=Checkpoints(run, 32, lambda: PROGRESS, None))
    first = model_of(3)
    first.learn(64)
    second = model_of(4)  # other weights, other worlds
    start = resumed(second, run)
    assert start.steps == second.num_timesteps == 32
    assert start.progress.pop("curve").tolist() == [[0.0, -1.5]]
    assert start.progress == {name: value for name, value in PROGRESS.items() if name != "curve"}
    assert not same(weights_of(first), weights_of(second))
    second.learn(32, callback=Checkpoints(run, 10_000, dict, start), reset_num_timesteps=False)
    assert second.num_timesteps == first.num_timesteps == 64
    assert same(weights_of(first), weights_of(second))
    np.testing.assert_array_equal(first._last_obs, second._last_obs)


@pytest.mark.parametrize(("every", "steps"), [(1, [0, 32, 64, 96]), (64, [0, 64, 96]), (1000, [0, 96])])
def test_a_checkpoint_is_written_every_so_many_steps_and_at_the_end(every, steps, tmp_path, monkeypatch):
    run, written = RunFolder(tmp_path / "run"), []
    run.path.mkdir()
    callback = Checkpoints(run, every, dict, None)
    monkeypatch.setattr(callback, "progress", lambda: written.append(callback.num_timesteps))
    model_of(0).learn(96, callback=callback)
    assert written == steps


def test_a_replay_buffer_is_kept_as_far_as_it_is_filled(tmp_path, monkeypatch):
    kept = []

    class Keeping(Checkpoints):
        def _on_training_end(self):
            kept.append(self.model)

    monkeypatch.setattr(trainer, "Checkpoints", Keeping)
    allotment.train(world_for("sac"), "sac", seed=1, out=tmp_path, overrides=small("sac", steps=120))
    content = captured(kept[0])["replay"]
    assert not content["full"]
    assert {len(array) for array in content["arrays"].values()} == {content["pos"]} == {30}


def test_an_environment_that_cannot_be_saved_costs_a_warning_not_the_training(tmp_path, monkeypatch):
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    model = model_of(0)

    def refuse():
        raise TypeError("an open file cannot be pickled")

    monkeypatch.setattr(model.get_env(), "get_state", refuse)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model.learn(96, callback=Checkpoints(run, 1, dict, None))
    assert model.num_timesteps == 96
    assert [str(each.message) for each in told if "resumed" in str(each.message)] == [
        "training cannot be resumed once interrupted: its state cannot be kept (an open file cannot be pickled)"
    ]
    assert not run.can_go_on
    assert resumed(model, run) is None
