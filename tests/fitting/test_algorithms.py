"""Every algorithm of the table trains, and the actor that is read out of it acts as the algorithm itself does."""

import numpy as np
import pytest
from small_trainings import SMALL, small, world_for
from stable_baselines3.common.callbacks import BaseCallback

import allotment
from allotment.decisions.encodings import Discrete
from allotment.decisions.observation import observe
from allotment.fitting.pathwise.config import PATHWISE, PathwiseConfig, check_pathwise
from allotment.fitting.sb3 import trainer
from allotment.fitting.sb3.algorithms import ALGORITHMS
from allotment.fitting.sb3.config import LearnedConfig, check_learned
from allotment.policies.config_file import checked, read_config
from allotment.policies.learned import answered, chosen_actions
from allotment.resources import shipped_names
from allotment.scenario.errors import ScenarioError
from allotment.simulation.simulation import Simulation

LEARNING = [name for name in shipped_names("configs") if "algorithm" in read_config(name)[1]]


def test_the_table_and_the_shipped_configs_cover_each_other():
    assert {read_config(name)[1]["algorithm"] for name in LEARNING} == {*ALGORITHMS, PATHWISE}
    assert set(SMALL) == set(ALGORITHMS)


@pytest.mark.parametrize("name", LEARNING)
def test_every_shipped_config_that_learns_is_valid(name):
    content = read_config(name)[1]
    if content["algorithm"] == PATHWISE:
        check_pathwise(checked(PathwiseConfig, content, name), name)
    else:
        assert check_learned(checked(LearnedConfig, content, name), name).steps > 0


@pytest.fixture
def models(monkeypatch):
    """The algorithms that are trained from here on, as Stable-Baselines3 leaves them."""
    kept = []

    class Keeper(BaseCallback):
        def _on_training_start(self):
            kept.append(self.model)

        def _on_step(self):
            return True

    monkeypatch.setattr(trainer, "Checkpoints", lambda *arguments: Keeper())
    return kept


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_actor_acts_as_the_algorithm_predicts(algorithm, tmp_path, models):
    folder = allotment.train(world_for(algorithm), algorithm, seed=1, out=tmp_path, overrides=small(algorithm))
    policy = allotment.load_policy(folder / "final")
    model = models[0]
    model.policy.set_training_mode(False)
    simulation = Simulation(policy.world.problem, 6)
    simulation.reset(np.arange(6), np.arange(6), np.zeros(6, dtype=int))
    memory, state, start = None, None, np.ones(6, dtype=bool)
    for _ in range(4):
        observation = observe(simulation, memory)
        vectors = policy.flattener(observation)
        predicted, state = model.predict(vectors, state, start, deterministic=True)
        start = np.zeros(6, dtype=bool)
        answers, _ = answered(policy.name, policy.actor, vectors, memory)
        actions = chosen_actions(answers, isinstance(policy.encoding, Discrete))
        assert actions == pytest.approx(predicted, abs=2e-6)
        decision = policy.decide(observation)
        memory = decision.memory
        simulation.step(decision.orders)
    assert (memory is not None) == (algorithm == "recurrent_ppo")


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"algorithm": "sac", "network": {"kind": "cells"}}, "mine: network.kind must be mlp for sac, not cells"),
        ({"algorithm": "recurrent_ppo"}, "mine: network.kind must be lstm for recurrent_ppo, not mlp"),
        (
            {"algorithm": "ppo", "network": {"kind": "lstm"}},
            "mine: network.kind must be mlp, cells or FILE.py:NAME for ppo, not lstm",
        ),
        ({"algorithm": "sac", "encoding": {"name": "discrete"}}, "mine: sac cannot choose from a list"),
        ({"algorithm": "dqn", "encoding": {"name": "quantity"}}, "mine: dqn needs encoding discrete, not quantity"),
        ({"algorithm": "ppo", "exploration_deviation": 0.1}, "mine: exploration_deviation: ppo explores by itself"),
        ({"algorithm": "sac", "settings": {"use_sde": True}}, "mine: settings: unknown key 'use_sde' for sac"),
        (
            {"algorithm": "sac", "settings": {"gamma": [0.9]}},
            r"mine: settings.gamma must be a number >= 0 and <= 1, not \[0.9\]",
        ),
    ],
)
def test_what_an_algorithm_cannot_do_is_refused_before_it_trains(entries, message):
    with pytest.raises(ScenarioError, match=message):
        check_learned(checked(LearnedConfig, {"steps": 10, **entries}, "mine"), "mine")


def test_replay_may_train_once_an_episode(tmp_path):
    settings = {"settings.train_freq": [1, "episode"], "environments": 1, "steps": 120}
    folder = allotment.train(world_for("sac"), "sac", out=tmp_path, overrides=small("sac", **settings))
    assert allotment.load_policy(folder).name == "sac"
