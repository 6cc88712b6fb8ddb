"""A policy that is saved and loaded decides as before, and a bundle that cannot be used says why."""

import hashlib
import json
import os
import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

import allotment
from allotment.decisions.observation import observe
from allotment.policies.bundle import load_bundle, save_bundle
from allotment.policies.encoding_config import EncodingConfig, build_encoding
from allotment.policies.networks import NetworkShape
from allotment.policies.rules import RULES
from allotment.policies.sealed_folder import version_of
from allotment.scenario.errors import ScenarioError
from allotment.simulation.simulation import Simulation
from small_policies import network, rule
from small_worlds import RESIDUAL, TWO_SHOPS, one_shop, seen, shipped_world, two_shops


def learned(shape, encoding, world=None):
    """Return an untrained policy."""
    world = world or two_shops()
    config = EncodingConfig(**{key: value for key, value in encoding.items() if key != "rule"})
    return network(world, shape, build_encoding(config, world, rule(world) if encoding["name"] == "residual" else None))


def save_taught(folder, shape, encoding, world=None):
    policy = learned(shape, encoding, world)
    save_bundle(policy, folder)
    return policy


def decisions(policy, worlds=4, periods=6):
    """Return what a policy orders over an episode in a few worlds, (periods, worlds, lanes, SKUs)."""
    simulation = Simulation(policy.world.problem, worlds)
    simulation.reset(np.arange(worlds), np.arange(worlds), np.zeros(worlds, dtype=int))
    orders = []
    for _ in range(periods):
        orders.append(policy.decide(observe(simulation)).orders)
        simulation.step(orders[-1])
    return np.array(orders)


def perishing():
    skus = [{"name": "apple", "price": 0, "shelf_life": 4}, {"name": "pear", "price": 0}]
    return two_shops(skus=skus, sequence=["receive", "decide", "demand", "fulfil", "expire", "charge"])


PLANS = {"rolling_horizon": one_shop, "two_stage": one_shop}  # nothing is worth a plan in two shops, where all is free
APPLIES_IN = {"estimated_waste": perishing, "myopic": one_shop, "vector_base_stock": one_shop, **PLANS}


@pytest.mark.parametrize("kind", RULES)
def test_a_rule_that_is_saved_and_loaded_decides_as_before(kind, tmp_path):
    world, config = APPLIES_IN.get(kind, two_shops)(), {"policy": kind, "source": "farm", "transfers": {}}
    policy = rule(world, config)
    save_bundle(policy, tmp_path)
    again = load_bundle(tmp_path)
    assert (again.name, again.kind) == (kind, "rule-based")
    assert np.array_equal(decisions(again), decisions(rule(world, config)))
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
    save_bundle(rule(two_shops()), tmp_path / "rule")
    policy = save_taught(tmp_path / "taught", NetworkShape("mlp", [8]), {"name": "quantity"})
    longer = two_shops(
        horizon={"kind": "window", "periods": 9}, sites=[{"name": "north", "initial_stock": 3}, {"name": "south"}]
    )
    assert load_bundle(tmp_path / "rule", longer).world is longer
    assert np.array_equal(decisions(load_bundle(tmp_path / "taught", longer)), decisions(replace(policy, world=longer)))


def test_a_run_folder_stands_for_its_best_policy(tmp_path):
    save_bundle(rule(two_shops()), tmp_path / "best")
    assert np.array_equal(decisions(allotment.load_policy(tmp_path)), decisions(rule(two_shops())))
    assert np.array_equal(decisions(allotment.load_policy(tmp_path / "best")), decisions(rule(two_shops())))
    with pytest.raises(ScenarioError, match=r"holds no policy; expected a run folder with best/, or a bundle"):
        allotment.load_policy(tmp_path / "elsewhere")


@pytest.fixture
def bundles(tmp_path):
    """A rule's bundle and a network's, to be damaged."""
    save_bundle(rule(two_shops()), tmp_path / "rule")
    save_taught(tmp_path / "taught", NetworkShape("mlp", [8]), {"name": "quantity"})
    return tmp_path


def sealed_again(folder, **entries):
    """Seal a bundle whose files were changed on purpose, as if it had been written so; None takes an entry away."""
    about = json.loads((folder / "bundle.json").read_text())
    files = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in about["files"] if (folder / name).is_file()
    }
    content = {
        key: value for key, value in {**about, "files": files, **entries}.items() if key != "version" and value is not None
    }
    (folder / "bundle.json").write_text(json.dumps({**content, "version": version_of(content)}))


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


@pytest.mark.parametrize(
    ("kind", "file"), [("rule", "parameters.json"), ("rule", "scenario.yaml"), ("taught", "weights.safetensors")]
)
@pytest.mark.parametrize("damage", [lambda content: content[:-1], lambda content: content.replace(b"0", b"1", 1)])
def test_an_altered_or_truncated_file_is_refused_by_name(bundles, kind, file, damage):
    path = bundles / kind / file
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ScenarioError, match=rf"{kind}/{file}: is not the file that was written; altered or cut off"):
        load_bundle(bundles / kind)


def test_what_a_bundle_says_of_itself_cannot_be_altered_unnoticed(bundles):
    file = bundles / "taught" / "bundle.json"
    file.write_text(file.read_text().replace('"periods": 3.0', '"periods": 9.0'))
    with pytest.raises(ScenarioError, match=r"bundle.json: was altered; it does not have the version '\w+' that it states"):
        load_bundle(bundles / "taught")


def test_equal_policies_have_one_version_and_others_another(tmp_path):
    for name, level in (("a", 20), ("b", 20), ("c", 21)):
        save_bundle(rule(two_shops(), {"policy": "base_stock", "parameters": {"level": level}}), tmp_path / name)
    a, b, c = (load_bundle(tmp_path / name).version for name in "abc")
    assert a == b != c


def test_a_bundle_survives_a_process_that_died_while_it_was_replaced(tmp_path):
    folder = tmp_path / "best"
    save_bundle(rule(two_shops()), folder)
    folder.rename(tmp_path / ".best.former")  # the new one was not put in its place yet
    (tmp_path / ".best.writing").mkdir()
    (tmp_path / ".best.writing" / "unfinished").touch()
    assert np.array_equal(decisions(load_bundle(folder)), decisions(rule(two_shops())))
    save_bundle(rule(two_shops()), folder)
    assert [path.name for path in tmp_path.iterdir()] == ["best"]


class Killed(BaseException):
    """What ends a process between two calls of the system."""


def test_a_process_may_die_at_any_moment_of_a_replacement(tmp_path, monkeypatch):
    """Every removal and renaming is the last of some process; the next one finds a bundle, and replaces it."""
    first, second = (rule(two_shops(), {"policy": "base_stock", "parameters": {"level": level}}) for level in (20, 21))
    versions, folder, moments = set(), tmp_path / "best", 0
    save_bundle(first, folder)
    for last in range(1000):
        calls = 0

        def dies(original, last=last):
            def call(*args, **kwargs):
                nonlocal calls
                calls += 1
                if calls > last:
                    raise Killed
                return original(*args, **kwargs)

            return call

        with monkeypatch.context() as patched, suppress(Killed):
            for owner, name in ((Path, "rename"), (os, "unlink"), (os, "rmdir"), (Path, "touch"), (Path, "mkdir")):
                patched.setattr(owner, name, dies(getattr(owner, name)))
            save_bundle(second, folder)
        versions.add(load_bundle(folder).version)
        moments += calls > last
        if calls <= last:
            break
        save_bundle(first, folder)
        assert [path.name for path in tmp_path.iterdir()] == ["best"]
    assert len(versions) == 2 and moments > 5


def test_a_residual_without_its_rule_says_so(tmp_path):
    save_taught(tmp_path, NetworkShape("mlp", [8]), RESIDUAL)
    shutil.rmtree(tmp_path / "rule")
    sealed_again(tmp_path)
    with pytest.raises(ScenarioError, match="residual needs the rule-based policy that it starts from"):
        load_bundle(tmp_path)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"schema": 1}, "bundle of schema 1; this version reads schema 3"),
        ({"schema": None}, "bundle of schema null; this version reads schema 3"),
        ({"kind": "oracle"}, "bundle of kind 'oracle'; allowed: learned, optimal, rule-based"),
        (
            {"encoding": {"name": "quantity", "period": 3}},
            r"bundle.json: unknown key 'encoding.period'; did you mean 'periods'\?",
        ),
    ],
)
def test_a_bundle_that_says_something_unknown_is_refused(bundles, entries, message):
    sealed_again(bundles / "taught", **entries)
    with pytest.raises(ScenarioError, match=message):
        load_bundle(bundles / "taught")


def test_a_bundle_that_leaves_something_out_is_refused(bundles):
    sealed_again(bundles / "taught", network=None)
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
    sealed_again(bundles / "rule")
    with pytest.raises(ScenarioError, match=message):
        load_bundle(bundles / "rule")


def test_weights_for_another_world_do_not_fit_and_the_message_says_which(bundles):
    skus = [*TWO_SHOPS["skus"], {"name": "plum", "price": 0}]
    demand = [{"process": {"distribution": "poisson", "mean": 4}}]
    with pytest.raises(ScenarioError, match=r"the weights do not fit two_shops.yaml: size mismatch for 0.weight"):
        load_bundle(bundles / "taught", two_shops(skus=skus, demand=demand))


def test_weights_that_are_no_weights_are_refused_and_nothing_is_unpickled(bundles):
    file = bundles / "taught" / "weights.safetensors"
    torch.save({"0.weight": torch.zeros(1)}, file)
    sealed_again(bundles / "taught")
    with pytest.raises(ScenarioError, match=r"weights.safetensors: not a safetensors file"):
        load_bundle(bundles / "taught")


def test_the_scenario_in_a_bundle_is_the_policys_own(bundles):
    assert yaml.safe_load((bundles / "rule" / "scenario.yaml").read_text()) == two_shops().content
    assert load_bundle(bundles / "rule").decide(seen(two_shops(), 6)).orders.any()
