"""An environment of another package may stand in the place of a world."""

import re

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

    monkeypatch.setattr("allotment.fitting.learning_curve.SECONDS_BETWEEN_REPORTS", -1.0)
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
    assert "ppo in Pendulum_v1: 3 test episodes" in " ".join(shown.output.split())
    assert re.search(r"length +│ steps/episode +│ +200\.0000", shown.output)
    assert re.search(r"score +│ return/episode +│ +-", shown.output)


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
    with pytest.raises(ScenarioError, match="relative_to_rule needs a world of this project"):
        allotment.train("CartPole-v1", "ppo", out=tmp_path, overrides=["encoding.name=residual", "relative_to_rule=true"])
    with pytest.raises(ScenarioError, match="kind cells needs a world of this project, not CartPole-v1"):
        allotment.train("CartPole-v1", "ppo", out=tmp_path, overrides=["network.kind=cells"])
    assert not list(tmp_path.iterdir())
    with pytest.raises(ScenarioError, match=r"CartPole-v1: cannot be made with {'lengthh': 3}"):
        external_environment("CartPole-v1", {"lengthh": 3}).make()


class Told(gym.Env):
    """Keeps the actions that it is told; five steps an episode, and the higher the action the better."""

    told = []

    def __init__(self, decided):
        self.observation_space = gym.spaces.Dict(count=gym.spaces.Box(0, 5, (), np.int8), always=gym.spaces.Discrete(2))
        self.action_space = SPACES[decided]
        self.count = 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.count = 0
        return self._seen(), {}

    def step(self, action):
        assert self.action_space.contains(action)
        assert action.dtype == self.action_space.dtype
        self.told.append(action)
        self.count += 1
        return self._seen(), float(np.sum(action)), self.count == 5, False, {}

    def _seen(self):
        return {"count": np.array(self.count, np.int8), "always": 1}


@pytest.fixture
def told():
    gym.register("Told-v0", entry_point=Told)
    Told.told = []
    yield lambda decided: external_environment("Told-v0", {"decided": decided})
    del gym.registry["Told-v0"]


SPACES = {
    "whole numbers": gym.spaces.Box(0, 20, (3,), np.int64),
    "one choice": gym.spaces.Discrete(4, start=-2, dtype=np.int16),
    "several choices": gym.spaces.MultiDiscrete([[2, 3], [4, 5]], start=[[1, 1], [2, -2]]),
    "flags": gym.spaces.MultiBinary((2, 2)),
    "as many other choices": gym.spaces.MultiDiscrete([7, 7]),
    "as many quantities": gym.spaces.Box(0, 9, (14,), np.int8),
}
EITHER = ["ppo", "a2c", "trpo", "recurrent_ppo"]
ABLE = {
    "whole numbers": [*EITHER, "sac", "tqc", "crossq", "td3", "ddpg"],
    "one choice": [*EITHER, "dqn"],
    "several choices": EITHER,
    "flags": ["ppo"],
}


def fast(algorithm):
    return small(algorithm, steps=256, **{"validation.every": 1000, "checkpoint.every": 1000})


@pytest.mark.parametrize(("decided", "algorithm"), [(space, each) for space, able in ABLE.items() for each in able])
def test_an_algorithm_acts_with_values_of_the_environments_own_space(decided, algorithm, told, tmp_path):
    environment = told(decided)
    run = allotment.train(environment, algorithm, out=tmp_path, overrides=fast(algorithm))
    policy, counted = allotment.load_policy(run), len(Told.told)
    rows = allotment.evaluate(policy, environment, 2)
    assert rows["score"].tolist() == [float(np.sum(Told.told[first + counted :: 2])) for first in range(2)]
    if decided != "whole numbers":
        vectors = np.array([[step, 0.0, 1.0] for step in range(5)])
        assert policy.act(vectors)[0].shape == (5, len(environment.choices))


def test_training_tries_every_whole_number_of_a_range(told, tmp_path):
    allotment.train(told("whole numbers"), "ppo", out=tmp_path, overrides=small("ppo"))
    for numbers in np.array(Told.told).T:
        assert np.unique(numbers).tolist() == list(range(21))


def test_choices_at_once_are_learned(told, tmp_path):
    more = {"steps": 1280, "checkpoint.every": 5000, "settings.n_steps": 16, "settings.learning_rate": 0.05}
    environment = told("several choices")
    run = allotment.train(environment, "ppo", out=tmp_path, overrides=small("ppo", **more))
    assert allotment.evaluate(allotment.load_policy(run), environment, 2)["score"].tolist() == [5.0 * (2 + 3 + 5 + 2)] * 2


@pytest.mark.parametrize(
    ("decided", "algorithm", "message"),
    [
        (
            "one choice",
            "sac",
            r"sac cannot decide on one choice from a list \(Discrete\); it takes quantities \(Box\); what can: ppo",
        ),
        ("flags", "td3", r"td3 cannot decide on several choices at once \(MultiDiscrete, MultiBinary\); it takes quantities"),
        ("several choices", "dqn", r"dqn cannot decide on several choices at once .*; it takes one choice from a list"),
        ("whole numbers", "dqn", r"dqn cannot decide on quantities \(Box\); it takes one choice .*; what can: ppo, .*, ddpg"),
    ],
)
def test_an_algorithm_that_cannot_decide_so_is_refused_before_anything_is_written(decided, algorithm, message, told, tmp_path):
    with pytest.raises(ScenarioError, match=message):
        allotment.train(told(decided), algorithm, out=tmp_path)
    assert not list(tmp_path.iterdir())


class Endless(gym.Env):
    observation_space = gym.spaces.Box(0.0, 1.0, (2,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        return np.zeros(2, np.float32), {}

    def step(self, action):
        return np.zeros(2, np.float32), 1.0, False, False, {}


@pytest.fixture
def endless(monkeypatch):
    monkeypatch.setattr("allotment.evaluation.external.LONGEST_EPISODE", 300)
    gym.register("Endless-v0", entry_point=Endless)
    yield external_environment
    del gym.registry["Endless-v0"]


def test_an_episode_without_an_end_is_an_error_that_says_what_to_do(endless, tmp_path):
    message = "Endless-v0: an episode has not ended after 300 steps; set max_episode_steps .*gymnasium.wrappers.TimeLimit"
    with pytest.raises(ScenarioError, match=message):
        allotment.train("Endless-v0", "ppo", out=tmp_path, overrides=fast("ppo"))


def test_an_environment_may_say_how_long_its_episodes_are(endless, tmp_path):
    limited = endless("Endless-v0", {"max_episode_steps": 400})  # more than an endless one is played
    run = allotment.train(limited, "ppo", out=tmp_path, overrides=[*fast("ppo"), "validation.episodes=2"])
    assert allotment.evaluate(allotment.load_policy(run), limited, 2)["length"].tolist() == [400.0] * 2


def test_a_policy_does_not_act_where_other_things_are_decided(told, tmp_path, monkeypatch):
    run = allotment.train(told("several choices"), "ppo", out=tmp_path, overrides=fast("ppo"))
    expected = "for observations of 3 numbers and actions of choices of 2, 3, 4, 5; Told-v0 has .* choices of 7, 7"
    with pytest.raises(ScenarioError, match=expected):
        allotment.load_policy(run, told("as many other choices"))
    policy = allotment.load_policy(run)
    monkeypatch.setitem(SPACES, "several choices", SPACES["as many quantities"])
    with pytest.raises(ScenarioError, match=r"Told-v0: has .* actions of 14 quantities now; expected .* choices of 2, 3, 4, 5"):
        allotment.evaluate(policy, policy.world, 1)
