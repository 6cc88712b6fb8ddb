"""Training: it learns, it leaves everything in its run folder, and it refuses what it cannot use."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from safetensors.torch import load_file
from stable_baselines3 import PPO

import allotment
from allotment.decisions.observation import observe
from allotment.evaluation.testing import evaluate
from allotment.fitting.learning_curve import LearningCurve
from allotment.fitting.sb3.config import LearnedConfig, check_learned
from allotment.fitting.sb3.schedules import scheduled
from allotment.fitting.sb3.validation import Validation, spacing
from allotment.policies.bundle import load_bundle
from allotment.policies.config_file import checked, read_config, rule_config
from allotment.policies.rule_config import build_rule
from allotment.scenario.errors import ScenarioError
from allotment.scenario.streams import derived_seed
from allotment.simulation.simulation import Simulation
from small_worlds import two_shops

QUICK = {  # 10 rollouts of 4 worlds x 8 steps, measured every second one
    "steps": 320,
    "environments": 4,
    "settings.n_steps": 8,
    "settings.batch_size": 16,
    "settings.n_epochs": 1,
    "network.hidden": [8],
    "validation.every": 64,
    "validation.episodes": 4,
}


def overrides(*more, **settings):
    return [f"{key}={json.dumps(value)}" for key, value in {**QUICK, **settings}.items()] + list(more)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A short training in the world of two shops, to look at."""
    return allotment.train(two_shops(), "ppo", seed=3, out=tmp_path_factory.mktemp("runs"), overrides=overrides(), name="small")


def rule(world, quantity):
    config = rule_config({"policy": "constant_order", "parameters": {"quantity": quantity}}, "rule")
    return build_rule(config, world, "rule")[0]


def cost(folder, env, episodes):
    """Return the mean cost per period, in test worlds, of the policy that training left last."""
    return -allotment.evaluate(load_bundle(folder / "final"), env, episodes, seed=1)["score"].mean()


def test_ppo_finds_the_newsvendors_order(tmp_path):
    # Snyder and Shen, Example 4.3: the best order costs 1.99760. Where a season is one period, short rollouts do.
    small = ["steps=16000", "environments=64", "network.initial_deviation=0.1", "validation.every=8000"]
    often = ["settings.n_steps=8", "settings.batch_size=128", "settings.n_epochs=10"]
    folder = allotment.train("newsvendor", "ppo", seed=0, out=tmp_path, overrides=small + often)
    assert cost(folder, "newsvendor", 200_000) <= 1.03 * 1.99760


def test_a2c_learns_to_order_with_lost_sales(tmp_path):
    # Zipkin (2008): the optimum costs 4.7285, the best base-stock policy 5.1977.
    short = ["steps=120000", "environments=16", "settings.learning_rate=0.002", "validation.every=60000"]
    folder = allotment.train("lost_sales", "a2c", seed=0, out=tmp_path, overrides=short)
    assert cost(folder, "lost_sales", 200) <= 1.10 * 4.7285
    curve = pd.read_parquet(folder / "curve.parquet")
    assert curve["steps"].tolist() == [0, 60_416, 120_320]
    assert curve["score"].iloc[0] < -20
    assert curve["score"].iloc[-1] > -5.2


def test_a_run_folder_holds_everything_that_made_the_policy(run):
    assert run.name == "small"
    files = {str(file.relative_to(run)) for file in run.rglob("*") if file.is_file() and file.parent.name != "tb"}
    bundle = {"bundle.json", "scenario.yaml", "weights.safetensors"}
    assert files == {
        *("config.yaml", "scenario.yaml", "metadata.json", "curve.parquet", "checkpoints/training.safetensors"),
        *(f"{kept}/{file}" for kept in ("best", "final") for file in bundle),
    }
    assert list((run / "tb").glob("events.out.tfevents.*"))
    assert yaml.safe_load((run / "config.yaml").read_text()) == read_config("ppo", overrides())[1]
    assert yaml.safe_load((run / "scenario.yaml").read_text()) == two_shops().content


def test_metadata_tell_the_circumstances_and_that_training_finished(run):
    metadata = json.loads((run / "metadata.json").read_text())
    assert metadata["seed"] == 3
    assert metadata["finished"] is True
    assert metadata["environment_steps"] == 320
    assert {"git_commit", "python", "threads", "cores", "host", "started", "return_statistics"} <= metadata.keys()
    assert {"allotment", "torch", "stable-baselines3", "gymnasium", "numpy"} <= metadata["packages"].keys()


def test_the_best_policy_is_the_one_that_scored_highest_on_validation_worlds(run):
    curve = pd.read_parquet(run / "curve.parquet")
    assert curve["steps"].tolist() == [0, 64, 128, 192, 256, 320]
    assert {"score", "fill_rate", "money/revenue"} <= set(curve.columns)
    for policy, score in (("best", curve["score"].max()), ("final", curve["score"].iloc[-1])):
        again = evaluate(load_bundle(run / policy), two_shops(), 4, 3, purpose="validate").episodes["score"].mean()
        assert again == pytest.approx(score, rel=1e-12)


@pytest.mark.parametrize(
    ("steps", "rollout", "every"), [(1000, 32, 96), (64, 32, 32), (100_000, 1024, 10_240), (10, 512, 512), (320, 16, 32)]
)
def test_about_ten_points_are_measured_whatever_the_length(steps, rollout, every):
    model = PPO("MlpPolicy", allotment.make_sb3(two_shops(), 4), n_steps=rollout // 4, batch_size=4, device="cpu")
    assert spacing(steps, model) == every


def test_a_learning_curve_has_about_ten_points_unless_a_config_says_otherwise(tmp_path):
    settings = {key: value for key, value in QUICK.items() if key != "validation.every"}
    given = [f"{key}={json.dumps(value)}" for key, value in settings.items()]
    folder = allotment.train(two_shops(), "ppo", out=tmp_path, overrides=[*given, "steps=640"])
    assert pd.read_parquet(folder / "curve.parquet")["steps"].tolist() == list(range(0, 641, 64))


def test_a_policy_is_kept_only_where_it_scores_better_than_all_before():
    world, kept = two_shops(), []
    written: list[int] = []
    rules = {quantity: rule(world, quantity) for quantity in (9, 4, 0, 5)}  # without prices, what is bought only costs
    candidates = iter(rules.values())
    curve = LearningCurve(
        lambda policy: evaluate(policy, world, 2, 0, purpose="validate").episodes,
        kept.append,
        lambda measures, step: written.append(step),
        None,
    )
    validation = Validation(curve, lambda model: next(candidates), 1)
    validation.model = None  # which only finds the next candidate
    for steps in range(4):
        validation.num_timesteps = steps
        validation.measure()
    assert kept == [rules[9], rules[4], rules[0]]
    assert [row["steps"] for row in curve.points] == written == [0, 1, 2, 3]


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(run, tmp_path):
    again, other = (allotment.train(two_shops(), "ppo", seed=seed, out=tmp_path, overrides=overrides()) for seed in (3, 4))
    weights, same, different = (load_file(folder / "final" / "weights.safetensors") for folder in (run, again, other))
    assert weights.keys() == same.keys()
    assert all(torch.equal(weights[name], same[name]) for name in weights)
    assert not torch.equal(weights["0.weight"], different["0.weight"])


def test_runs_of_one_name_do_not_overwrite_each_other(tmp_path):
    folders = [allotment.train(two_shops(), "random", seed=0, out=tmp_path) for _ in range(3)]
    assert [folder.name for folder in folders] == [f"two_shops-random-seed0{suffix}" for suffix in ("", "-1", "-2")]


@pytest.fixture
def played(monkeypatch):
    """The seeds of all worlds that are played from here on."""
    seen = set()
    reset = Simulation.reset

    def noted(simulation, worlds, seeds, episodes):
        seen.update(seeds.tolist())
        reset(simulation, worlds, seeds, episodes)

    monkeypatch.setattr(Simulation, "reset", noted)
    return seen


def worlds(purpose, seed, count):
    return {derived_seed(purpose, seed) + place for place in range(count)}


def test_training_and_validation_play_worlds_of_their_own(tmp_path, played):
    allotment.train(two_shops(), "ppo", seed=3, out=tmp_path, overrides=overrides())
    assert played == worlds("train", 3, 4) | worlds("validate", 3, 4)


def test_tuning_plays_worlds_of_its_own_and_leaves_a_run_folder(tmp_path, played):
    told = []
    small = ["tuning.worlds=4", "tuning.rounds=2"]
    folder = allotment.train(
        two_shops(), "base_stock", seed=3, out=tmp_path, overrides=small, progress=lambda *news: told.append(news[:3])
    )
    assert played == worlds("tune", 3, 4) | worlds("validate", 3, 64)
    assert told == [("tuning base_stock", 1, 2), ("tuning base_stock", 2, 2)]
    files = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file() and file.parent.name != "tb"}
    bundle = {"bundle.json", "scenario.yaml", "parameters.json"}
    kept = {f"{kept}/{file}" for kept in ("best", "final") for file in bundle}
    assert files == {"config.yaml", "scenario.yaml", "metadata.json", *kept}
    assert json.loads((folder / "metadata.json").read_text())["finished"] is True
    assert allotment.load_policy(folder).values["level"].shape == (2, 2)


@pytest.mark.parametrize(("config", "small"), [("ppo", overrides()), ("base_stock", ["tuning.worlds=4", "tuning.rounds=2"])])
def test_a_world_that_is_handed_over_is_not_compiled_again(tmp_path, config, small, monkeypatch):
    world, compiled = two_shops(), []
    monkeypatch.setattr("allotment.scenario.loader.compile_scenario", lambda scenario, _: compiled.append(scenario.name))
    allotment.train(world, config, out=tmp_path, overrides=small)
    assert compiled == []


@pytest.mark.parametrize("patience", [0, 150])
def test_an_interrupt_leaves_what_there_is_and_passes_on(tmp_path, patience, monkeypatch):
    monkeypatch.setattr("allotment.fitting.learning_curve.SECONDS_BETWEEN_REPORTS", -1.0)  # told after every rollout

    def interrupt(what, done, of, score):
        assert (what, of) == ("training cut", 320)
        if done >= patience:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        allotment.train(two_shops(), "ppo", seed=3, out=tmp_path, overrides=overrides(), name="cut", progress=interrupt)
    folder = tmp_path / "cut"
    metadata = json.loads((folder / "metadata.json").read_text())
    assert metadata["finished"] is False
    steps = pd.read_parquet(folder / "curve.parquet")["steps"].tolist()
    assert steps == ([0] if patience == 0 else [0, 64, 128])
    assert metadata["environment_steps"] == (0 if patience == 0 else 160)
    for kept in ("best", "final"):
        assert load_bundle(folder / kept).name == "cut"


def test_a_residual_is_kept_with_the_rule_that_it_corrects(tmp_path):
    rule = {"policy": "base_stock", "parameters": {"level": "tuned"}, "tuning": {"worlds": 4, "rounds": 1}}
    encoding = {"name": "residual", "rule": rule, "by": "lane"}
    told = []
    folder = allotment.train(
        two_shops(),
        "ppo",
        out=tmp_path,
        overrides=overrides(encoding=encoding, relative_to_rule=True, **{"network.kind": "cells"}),
        progress=lambda *news: told.append(news[0]),
    )
    assert told[0] == "tuning rule"
    assert told[-1] == "training ppo"
    policy = allotment.load_policy(folder)
    rule = load_bundle(folder / "best" / "rule")
    start = Simulation(policy.world.problem, 1)
    start.reset(np.zeros(1, dtype=int), np.zeros(1, dtype=int), np.zeros(1, dtype=int))
    corrected, ruled = (each.decide(observe(start)).orders for each in (policy, rule))
    assert np.abs(corrected - ruled).max() < 9  # one period's demand at most


def test_a_list_of_quantities_can_be_learned(tmp_path):
    world = allotment.load_scenario("lost_sales", ["horizon.periods=5", "horizon.warm_up=0"])
    folder = allotment.train(world, "ppo", out=tmp_path, overrides=overrides(encoding={"name": "discrete"}))
    policy = allotment.load_policy(folder)
    orders = policy.decide(observe(Simulation(world.problem, 3))).orders
    assert (orders == orders.round()).all()
    assert "log_std" not in load_file(folder / "best" / "weights.safetensors")


def test_schedules_run_from_the_first_to_the_last_value():
    settings = scheduled(
        {
            "n_steps": 8,
            "learning_rate": {"schedule": "linear", "initial": 0.4, "final": 0.2},
            "clip_range": {"schedule": "geometric", "initial": 0.4, "final": 0.1},
        }
    )
    assert settings["n_steps"] == 8
    assert [settings["learning_rate"](left) for left in (1, 0.5, 0)] == pytest.approx([0.4, 0.3, 0.2])
    assert [settings["clip_range"](left) for left in (1, 0.5, 0)] == pytest.approx([0.4, 0.2, 0.1])


RATE = {"schedule": "linear", "initial": 1e-3, "final": 1e-4}


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"algorithm": "pppo"}, r"mine: unknown algorithm 'pppo'; did you mean 'ppo'\?"),
        ({"step": 3}, r"mine: unknown key 'step'; did you mean 'steps'\?"),
        ({"steps": 0}, r"mine: steps must be >= 1, not 0"),
        (
            {"network": {"kind": "transformer"}},
            "mine: network.kind: unknown network 'transformer'; allowed: cells, levels,",
        ),
        ({"network": {"hidden": []}}, r"mine: network.hidden must .* at least 1"),
        ({"network": {"activation": "rleu"}}, r"mine: network.activation: unknown 'rleu'; did you mean 'relu'\?"),
        ({"encoding": {"name": "quantities"}}, r"mine: encoding.name must be .*'quantity'"),
        (
            {"settings": {"learning_rat": 1e-3}},
            r"mine: settings: unknown key 'learning_rat' for ppo; did you mean 'learning_rate'\?",
        ),
        ({"settings": {"seed": 3}}, r"mine: settings: unknown key 'seed' for ppo"),
        ({"settings": {"learning_rate": "1e-3"}}, r"mine: settings.learning_rate must be a number, not the text '1e-3'"),
        (
            {"settings": {"gamma": RATE}},
            r"mine: settings.gamma must be a single value; only learning_rate, .* may follow a schedule",
        ),
        (
            {"settings": {"learning_rate": {**RATE, "schedule": "liner"}}},
            r"learning_rate: unknown schedule 'liner'; did you mean 'linear'\?",
        ),
        (
            {"settings": {"learning_rate": {"initial": 1}}},
            r"learning_rate must be a number > 0, or have schedule, initial and final, not \['initial'\]",
        ),
        ({"settings": {"learning_rate": {**RATE, "final": 0}}}, r"learning_rate.final must be a number > 0, not 0"),
        (
            {"settings": {"learning_rate": {**RATE, "initial": "much"}}},
            r"learning_rate.initial must be a number > 0, not 'much'",
        ),
        ({"relative_to_rule": True}, r"mine: relative_to_rule needs encoding residual, not quantity"),
        ({"validation": {"episodes": 1}}, r"mine: validation.episodes must be >= 2, not 1"),
    ],
)
def test_a_config_that_cannot_be_used_says_what_is_wrong(entries, message):
    with pytest.raises(ScenarioError, match=message):
        check_learned(checked(LearnedConfig, {"algorithm": "ppo", "steps": 10, **entries}, "mine"), "mine")


def test_a_config_that_does_not_fit_the_world_says_so_before_it_trains(tmp_path):
    with pytest.raises(ValueError, match=r"encoding discrete needs a world with one decision"):
        allotment.train(two_shops(), "ppo", out=tmp_path, overrides=overrides(encoding={"name": "discrete"}))
    with pytest.raises(ScenarioError, match="residual needs the rule-based policy that it starts from"):
        allotment.train(two_shops(), "ppo", out=tmp_path, overrides=overrides(encoding={"name": "residual"}))
    with pytest.raises(ValueError, match="network kind cells works with encodings quantity, residual and rule_parameters"):
        allotment.train(
            two_shops(), "ppo", out=tmp_path, overrides=overrides(encoding={"name": "order_up_to"}, **{"network.kind": "cells"})
        )


def test_a_config_that_is_not_shipped_names_the_nearest():
    with pytest.raises(FileNotFoundError, match=r"ppo_residul: no such file in configs; did you mean 'ppo_residual'\?"):
        allotment.train(two_shops(), "ppo_residul")
