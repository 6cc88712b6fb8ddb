"""A training may begin with the weights of another run's policy."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file
from small_trainings import SMALL, small, world_for

import allotment
from allotment.fitting.fit import Interrupted
from allotment.policies.sealed_folder import opened
from allotment.scenario.errors import ScenarioError
from small_worlds import two_shops


def stop(*news):
    """End a training when it has measured what it begins with."""
    raise KeyboardInterrupt


@pytest.mark.parametrize("algorithm", SMALL)
def test_the_actor_begins_as_the_other_policy(algorithm, tmp_path):
    world = world_for(algorithm)
    first = allotment.train(world, algorithm, seed=1, out=tmp_path, overrides=small(algorithm, steps=80), name="first")
    settings = small(algorithm, **{"from": str(first)})
    with pytest.raises(Interrupted) as interrupt:
        allotment.train(world, algorithm, seed=2, out=tmp_path, overrides=settings, progress=stop)
    second = interrupt.value.run
    kept, begun = (load_file(folder / "weights.safetensors") for folder in (first / "best", second / "best"))
    assert kept.keys() == begun.keys()
    for name in kept:
        torch.testing.assert_close(begun[name], kept[name], atol=1e-5, rtol=1e-4)
    started = json.loads((second / "metadata.json").read_text())["started_from"]
    assert started == {"folder": str(first), "version": opened(first / "best")["version"]}


def test_another_algorithm_of_the_same_network_may_have_trained_it_and_the_run_is_repeated_without_it(tmp_path):
    first = allotment.train(two_shops(), "ppo", out=tmp_path, overrides=small("ppo", steps=80), name="first")
    settings = small("a2c", steps=80, **{"from": str(first / "final")})
    second = allotment.train(two_shops(), "a2c", out=tmp_path, overrides=settings, name="second")
    shutil.rmtree(first)
    third = allotment.repeat(second, tmp_path)
    one, other = ((folder / "final" / "bundle.json").read_text() for folder in (second, third))
    assert one == other


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return allotment.train(
        two_shops(), "ppo", out=tmp_path_factory.mktemp("runs"), overrides=small("ppo", steps=64), name="ppo"
    )


@pytest.mark.parametrize(
    ("algorithm", "settings", "message"),
    [
        ("ppo", {"network.hidden": [4]}, r"the network of .* is mlp \[8\] of tanh .*to be trained is mlp \[4\] of tanh"),
        ("ppo", {"network.kind": "cells"}, r"is mlp \[8\] of tanh .* is cells \[8\] of tanh"),
        ("sac", {"network.hidden": [8]}, r"is mlp \[8\] of tanh, .* is mlp \[8\] of relu, squashed by tanh"),
        ("ppo", {"from": "nowhere"}, "nowhere: holds no policy"),
    ],
)
def test_weights_that_do_not_fit_name_both_networks_and_leave_nothing(trained, algorithm, settings, message, tmp_path):
    given = small(algorithm, **{"from": str(trained), **settings})
    with pytest.raises(ScenarioError, match=message):
        allotment.train(two_shops(), algorithm, out=tmp_path, overrides=given)
    assert list(tmp_path.iterdir()) == []


def test_weights_for_another_world_are_told_by_their_size(trained, tmp_path):
    with pytest.raises(
        ScenarioError, match=r"mlp \[8\] of tanh \(0.weight \[8, \d+\]\).*mlp \[8\] of tanh \(0.weight \[8, \d+\]\)"
    ):
        allotment.train("lost_sales", "ppo", out=tmp_path, overrides=small("ppo", **{"from": str(trained)}))


def test_a_rule_has_no_weights(tmp_path):
    rule = allotment.train(two_shops(), {"policy": "constant_order", "parameters": {"quantity": 2}}, out=tmp_path)
    with pytest.raises(ScenarioError, match="holds a rule, constant_order, which has no weights"):
        allotment.train(two_shops(), "ppo", out=tmp_path, overrides=small("ppo", **{"from": str(rule)}))
