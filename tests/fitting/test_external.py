"""An environment of another package may stand in the place of a world."""

import gymnasium as gym
import numpy as np
import pytest
from small_trainings import small
from typer.testing import CliRunner

import allotment
from allotment.assembly import load_place
from allotment.cli import app
from allotment.environments.external import external_environment
from allotment.scenario.errors import ScenarioError


def returns_of(run, episodes=20):
    return allotment.evaluate(allotment.load_policy(run), "CartPole-v1", episodes)["score"]


def test_ppo_learns_to_balance_a_pole(tmp_path):
    settings = {"steps": 20_000, "environments": 8, "settings.n_steps": 64, "settings.batch_size": 128, "settings.n_epochs": 8}
    more = {"settings.learning_rate": 0.002, "validation.every": 5000, "network.hidden": [32], "normalise_observation": True}
    run = allotment.train("CartPole-v1", "ppo", out=tmp_path, overrides=small("ppo", **settings, **more))
    assert run.name.startswith("CartPole_v1-ppo-")
    assert returns_of(run).mean() > 150  # one that does not learn falls after about 20 steps


@pytest.mark.parametrize("algorithm", ["recurrent_ppo", "sac"])
def test_quantities_of_any_bounds_are_scaled_and_the_bundle_acts_as_the_policy(algorithm, tmp_path):
    settings = {"normalise_observation": True, "environments": 2, "steps": 300}
    run = allotment.train("Pendulum-v1", algorithm, out=tmp_path, overrides=small(algorithm, **settings))
    policy = allotment.load_policy(run)
    vectors = np.array([[1.0, 0.0, 3.0], [0.5, -0.8, -7.0]])
    actions, _ = policy.act(vectors)
    assert actions.shape == (2, 1)
    assert (np.abs(actions) <= 1.0).all()
    assert not np.array_equal(actions[0], actions[1])
    rows = allotment.evaluate(policy, "Pendulum-v1", 3)
    assert (rows["length"] == 200).all()
    assert (rows["score"] < 0).all()
    assert rows["seed"].nunique() == 3


def test_an_interrupted_training_goes_on_to_the_same_end(tmp_path, monkeypatch):
    from test_resuming import CutOff, same_end

    monkeypatch.setattr("allotment.fitting.sb3.validation.SECONDS_BETWEEN_REPORTS", -1.0)
    settings = small("ppo", normalise_observation=True)
    whole = allotment.train("CartPole-v1", "ppo", seed=2, out=tmp_path / "whole", overrides=settings)

    def fall(what, done, of, score):
        if done >= 300:
            raise CutOff

    with pytest.raises(CutOff):
        allotment.train("CartPole-v1", "ppo", seed=2, out=tmp_path / "cut", overrides=settings, progress=fall)
    (folder,) = (tmp_path / "cut").iterdir()
    allotment.resume(folder)
    same_end(whole, folder)


def test_the_command_line_takes_an_id_and_its_arguments(tmp_path):
    settings = [part for override in small("ppo") for part in ("--set", override)]
    given = ["train", "Pendulum-v1", "ppo", "--set-env", "g=5.0", "--out", str(tmp_path), *settings]
    result = CliRunner().invoke(app, given, catch_exceptions=False)
    assert result.exit_code == 0
    (run,) = tmp_path.iterdir()
    assert allotment.load_policy(run).world.arguments == {"g": 5.0}
    shown = CliRunner().invoke(app, ["evaluate", str(run), "--episodes", "3"], catch_exceptions=False)
    assert "ppo in Pendulum_v1: 3 test episodes, returns" in " ".join(shown.output.split())


def test_a_gymnasium_id_of_this_project_is_its_world():
    assert load_place("allotment/LostSales-v0").name == "lost_sales"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("CartPol-v1", r"CartPol-v1: no such Gymnasium environment; did you mean 'CartPole-v1'\?"),
        ("nowhere_at_all:Thing-v0", "the module 'nowhere_at_all' cannot be imported"),
        ("Zzz-v9", "no such Gymnasium environment; write module:Name-v0 where a module registers it"),
    ],
)
def test_an_unknown_id_names_what_there_is(name, message):
    with pytest.raises(ScenarioError, match=message):
        allotment.train(name, "ppo")


def test_what_does_not_fit_is_refused(tmp_path):
    with pytest.raises(ScenarioError, match="CartPole-v1: is no world of this project, which this needs"):
        allotment.train("CartPole-v1", "base_stock", out=tmp_path)
    with pytest.raises(ScenarioError, match="stock_at_cost needs a world of this project"):
        allotment.train("CartPole-v1", "ppo", out=tmp_path, overrides=["stock_at_cost=true"])
    with pytest.raises(ScenarioError, match="sac cannot decide on a list of choices"):
        allotment.train("CartPole-v1", "sac", out=tmp_path)
    with pytest.raises(ScenarioError, match=r"CartPole-v1: cannot be made with {'lengthh': 3}"):
        external_environment("CartPole-v1", {"lengthh": 3}).make()


class Odd(gym.Env):
    observation_space = gym.spaces.Box(0.0, 1.0, (2,), np.float32)
    action_space = gym.spaces.Box(0.0, np.inf, (2,), np.float32)


def test_actions_without_bounds_are_refused():
    gym.register("Odd-v0", entry_point=Odd)
    try:
        with pytest.raises(ScenarioError, match="Odd-v0: actions must have finite bounds"):
            external_environment("Odd-v0").make()
    finally:
        del gym.registry["Odd-v0"]
