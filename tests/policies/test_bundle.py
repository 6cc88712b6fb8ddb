"""A policy that is saved and loaded decides as before, and a bundle that cannot be used says why."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml

import allotment
from allotment.env.flatten import Flattener
from allotment.env.simulation import Simulation
from allotment.policies.bundle import load_bundle, save_learned, save_rule
from allotment.policies.config_file import rule_config
from allotment.policies.encoding_config import EncodingConfig, build_encoding
from allotment.policies.learned import LearnedPolicy, build_actor
from allotment.policies.networks import NetworkShape
from allotment.policies.rule_config import KINDS, build_rule
from allotment.scenario.errors import ScenarioError
from small_worlds import RESIDUAL, TWO_SHOPS, seen, shipped_world, two_shops

ANYWHERE = {"policy": "base_stock", "parameters": {"level": 20}, "transfers": {"pull_below": 1, "give_above": 2}}


def rule(config=ANYWHERE, world=None):
    return build_rule(rule_config(config, "rule.yaml"), world or two_shops(), "rule.yaml")[0]


def learned(shape, encoding, world=None):
    """Return an untrained policy with weights that matter, and the config of its encoding."""
    world = world or two_shops()
    config = EncodingConfig(**{key: value for key, value in encoding.items() if key != "rule"})
    chosen = build_encoding(config, world, rule() if encoding["name"] == "residual" else None)
    torch.manual_seed(0)
    actor = build_actor(shape, world, chosen)
    for weights in actor.parameters():
        torch.nn.init.normal_(weights)
    return LearnedPolicy("taught", world, chosen, actor.eval(), Flattener(world)), config


def save_taught(folder, shape, encoding, world=None):
    policy, config = learned(shape, encoding, world)
    save_learned(policy, shape.as_dict(), config, folder)
    return policy


def decisions(policy, worlds=4, periods=6):
    """Return what a policy orders over an episode in a few worlds, (periods, worlds, lanes, SKUs)."""
    simulation = Simulation(policy.world.problem, worlds)
    simulation.reset(np.arange(worlds), np.arange(worlds), np.zeros(worlds, dtype=int))
    orders = []
    for _ in range(periods):
        orders.append(policy.decide(simulation.observation()).orders)
        simulation.step(orders[-1])
    return np.array(orders)


@pytest.mark.parametrize("kind", KINDS)
def test_a_rule_that_is_saved_and_loaded_decides_as_before(kind, tmp_path):
    policy = rule({"policy": kind, "source": "market", "transfers": {}})
    save_rule(policy, tmp_path)
    again = load_bundle(tmp_path)
    assert (again.name, again.kind) == (kind, "rule-based")
    assert np.array_equal(decisions(again), decisions(rule({"policy": kind, "source": "market", "transfers": {}})))
    assert decisions(again).any()


@pytest.mark.parametrize(
    ("shape", "encoding"),
    [
        (NetworkShape("mlp", [8, 8], "tanh"), {"name": "quantity", "periods": 2.0}),
        (NetworkShape("mlp", [8], "relu"), {"name": "order_up_to"}),
        (NetworkShape("mlp", [8], "silu"), RESIDUAL),
        (NetworkShape("cells", [8], "elu"), {"name": "quantity"}),
        (NetworkShape("cells", [8, 8], "tanh"), {**RESIDUAL, "by": "lane", "periods": 0.5}),
    ],
    ids=["mlp-quantity", "mlp-order_up_to", "mlp-residual", "cells-quantity", "cells-residual"],
)
def test_a_network_that_is_saved_and_loaded_decides_as_before(shape, encoding, tmp_path):
    policy = save_taught(tmp_path, shape, encoding)
    again = load_bundle(tmp_path)
    assert (again.name, again.kind) == ("taught", "learned")
    assert np.array_equal(decisions(again), decisions(policy))
    assert len(np.unique(decisions(again))) > 4


def test_a_network_over_a_list_of_quantities_is_loaded_too(tmp_path):
    policy = save_taught(tmp_path, NetworkShape("mlp", [8]), {"name": "discrete"}, shipped_world("lost_sales"))
    assert np.array_equal(decisions(load_bundle(tmp_path)), decisions(policy))


def test_a_policy_goes_on_in_another_world_with_the_same_parts(tmp_path):
    save_rule(rule(), tmp_path / "rule")
    policy = save_taught(tmp_path / "taught", NetworkShape("mlp", [8]), {"name": "quantity"})
    longer = two_shops(
        horizon={"kind": "window", "periods": 9}, sites=[{"name": "north", "initial_stock": 3}, {"name": "south"}]
    )
    assert load_bundle(tmp_path / "rule", longer).world is longer
    assert np.array_equal(decisions(load_bundle(tmp_path / "taught", longer)), decisions(replace(policy, world=longer)))


def test_a_run_folder_stands_for_its_best_policy(tmp_path):
    save_rule(rule(), tmp_path / "best")
    assert np.array_equal(decisions(allotment.load_policy(tmp_path)), decisions(rule()))
    assert np.array_equal(decisions(allotment.load_policy(tmp_path / "best")), decisions(rule()))
    with pytest.raises(ScenarioError, match=r"holds no policy; expected a run folder with best/, or a bundle"):
        allotment.load_policy(tmp_path / "elsewhere")


@pytest.fixture
def bundles(tmp_path):
    """A rule's bundle and a network's, to be damaged."""
    save_rule(rule(), tmp_path / "rule")
    save_taught(tmp_path / "taught", NetworkShape("mlp", [8]), {"name": "quantity"})
    return tmp_path


@pytest.mark.parametrize(
    ("kind", "file"),
    [
        ("rule", "bundle.json"),
        ("rule", "scenario.yaml"),
        ("rule", "parameters.json"),
        ("taught", "bundle.json"),
        ("taught", "scenario.yaml"),
        ("taught", "weights.safetensors"),
    ],
)
def test_a_bundle_that_lacks_a_file_names_it(bundles, kind, file):
    (bundles / kind / file).unlink()
    with pytest.raises(ScenarioError, match=rf"{kind}: not a whole policy bundle \({file} is missing\)"):
        load_bundle(bundles / kind)


def test_a_residual_without_its_rule_says_so(tmp_path):
    save_taught(tmp_path, NetworkShape("mlp", [8]), RESIDUAL)
    shutil.rmtree(tmp_path / "rule")
    with pytest.raises(ScenarioError, match="residual needs the rule-based policy that it corrects"):
        load_bundle(tmp_path)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"schema": 2}, "bundle of schema 2; this version reads schema 1"),
        ({"schema": None}, "bundle of schema None; this version reads schema 1"),
        ({"kind": "oracle"}, "bundle of kind 'oracle'; allowed: rule-based, learned"),
        ({"encoding": {"name": "quantity", "period": 3}}, r"bundle.json: unknown key 'period'; did you mean 'periods'\?"),
    ],
)
def test_a_bundle_that_says_something_unknown_is_refused(bundles, entries, message):
    file = bundles / "taught" / "bundle.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **entries}))
    with pytest.raises(ScenarioError, match=message):
        load_bundle(bundles / "taught")


def test_a_bundle_that_leaves_something_out_is_refused(bundles):
    file = bundles / "taught" / "bundle.json"
    about = json.loads(file.read_text())
    del about["network"]
    file.write_text(json.dumps(about))
    with pytest.raises(ScenarioError, match=r"bundle.json: network is missing"):
        load_bundle(bundles / "taught")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"parameters.json: not JSON"),
        ("[1]", r"parameters.json: must hold an object, not list"),
        ("{}", r"parameters.json: has no values for level, pull_below, give_above"),
        ('{"level": [[1]], "pull_below": [1, 1], "give_above": [1, 1]}', r"level has shape \(1, 1\), the world needs \(2, 2\)"),
        ('{"levl": 3}', r"parameters: unknown key 'levl'"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(bundles, text, message):
    (bundles / "rule" / "parameters.json").write_text(text)
    with pytest.raises(ScenarioError, match=message):
        load_bundle(bundles / "rule")


def test_weights_for_another_world_do_not_fit_and_the_message_says_which(bundles):
    skus = [*TWO_SHOPS["skus"], {"name": "plum"}]
    demand = [{"process": {"distribution": "poisson", "mean": 4}}]
    with pytest.raises(ScenarioError, match=r"the weights do not fit two_shops.yaml: size mismatch for 0.weight"):
        load_bundle(bundles / "taught", two_shops(skus=skus, demand=demand))


def test_weights_that_are_no_weights_are_refused_and_nothing_is_unpickled(bundles):
    file = bundles / "taught" / "weights.safetensors"
    torch.save({"0.weight": torch.zeros(1)}, file)
    with pytest.raises(ScenarioError, match=r"weights.safetensors: not a safetensors file"):
        load_bundle(bundles / "taught")


def test_the_scenario_in_a_bundle_is_the_policys_own(bundles):
    assert yaml.safe_load((bundles / "rule" / "scenario.yaml").read_text()) == two_shops().content
    assert load_bundle(bundles / "rule").decide(seen(two_shops(), 6)).orders.any()
