"""Run folders become policies, by name, config and seed."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from allotment.scenario.errors import ScenarioError
from allotment.studies.compared_policies import Run, compared_policies, read_run


def run(name="ppo", seed=0, folder=None, **config):
    return Run(Path(folder or f"{name} {seed} {config}"), name, "learned", seed, config)


def names(*runs):
    return [policy.name for policy in compared_policies(runs)]


def test_runs_that_differ_in_their_seed_are_one_policy():
    [ppo] = compared_policies([run(seed=2, steps=5), run(seed=0, steps=5)])
    assert ppo.name == "ppo"
    assert [each.seed for each in ppo.runs] == [0, 2]
    assert [ppo.title(each) for each in ppo.runs] == ["ppo seed 0", "ppo seed 2"]


def test_a_single_run_needs_no_seed_in_its_title():
    [ppo] = compared_policies([run(seed=7)])
    assert ppo.title(ppo.runs[0]) == "ppo"


def test_configs_that_share_a_name_are_told_apart_by_what_differs():
    small, large = run(steps=5, network={"hidden": 8, "kind": "mlp"}), run(steps=5, network={"hidden": 64, "kind": "mlp"})
    assert names(small, large, run("a2c")) == ["a2c", "ppo (network.hidden=64)", "ppo (network.hidden=8)"]
    assert names(run(steps=5), run(steps=5, gamma=0.9)) == ["ppo (gamma=0.9)", "ppo (gamma=unset)"]


def test_configs_that_differ_in_many_settings_are_told_apart_by_their_folders():
    one = run(a=1, b=1, c=1, folder="runs/one")
    assert names(one, run(a=2, b=2, c=2, folder="runs/two")) == ["ppo (runs/one)", "ppo (runs/two)"]


def test_names_are_never_alike():
    # Two configs that differ in the order of a value's parts only look the same when written out.
    assert len(set(names(run(a="[1, 2]", folder="one"), run(a=[1, 2], folder="two")))) == 2


def test_the_same_seed_twice_is_refused():
    with pytest.raises(ScenarioError, match="runs/b: the same policy with the same seed 3 as runs/a; leave out one of them"):
        compared_policies([run(seed=3, folder="runs/a"), run(seed=3, folder="runs/b")])


def test_a_folder_named_twice_counts_once(tmp_path):
    once = run(folder=tmp_path / "ppo")
    [ppo] = compared_policies([once, replace(once, folder=tmp_path / "elsewhere" / ".." / "ppo")])
    assert len(ppo.runs) == 1


def test_a_run_is_read_from_its_folder(runs):
    ppo, rule = read_run(runs["ppo-1"]), read_run(runs["few-0"])
    assert (ppo.name, ppo.kind, ppo.seed, ppo.config["steps"]) == ("ppo", "learned", 1, 64)
    assert (rule.name, rule.kind, rule.seed) == ("constant_order", "rule-based", 0)
    assert rule.config["parameters"] == {"quantity": 2}


def test_what_a_folder_lacks_is_named(runs):
    shutil.rmtree(runs["ppo-1"] / "best")
    with pytest.raises(ScenarioError, match=r"ppo-1: not a run folder with a policy; it lacks best/bundle.json"):
        read_run(runs["ppo-1"])
    (runs["few-0"] / "metadata.json").write_text('{"finished": true, "policy": "constant_order"}')
    with pytest.raises(ScenarioError, match=r"few-0/metadata.json: seed is missing"):
        read_run(runs["few-0"])
    (runs["few-0"] / "metadata.json").write_text("{")
    with pytest.raises(ScenarioError, match=r"few-0/metadata.json: not JSON"):
        read_run(runs["few-0"])


def test_a_run_in_another_packages_environment_is_not_compared(runs):
    about = {"id": "CartPole-v1", "arguments": {}, "inputs": 4, "outputs": 2, "choices": [2]}
    (runs["ppo-0"] / "environment.yaml").write_text(yaml.safe_dump(about))
    with pytest.raises(ScenarioError, match=r"ppo-0: made in another package's environment; only policies in worlds"):
        read_run(runs["ppo-0"])


def test_metadata_may_say_more_than_is_read(runs):
    file = runs["few-0"] / "metadata.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "colour": "blue"}))
    assert read_run(runs["few-0"]).run.metadata["colour"] == "blue"
