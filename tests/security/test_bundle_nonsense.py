"""Nonsense that somebody sealed is refused by the name of its file and key, before it takes memory or time."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import attack_bundles
import attack_run_folders
import numpy as np
import pytest
from attacking import drawn, limited_here, tried
from sealing import change, seal

from allotment.policies.bundle import load_bundle
from allotment.policies.external import ExternalPolicy
from allotment.runs.run_folder import RunFolder
from allotment.scenario.errors import ScenarioError

pytestmark = pytest.mark.security
DEEP = "[" * 60 + "]" * 60


@pytest.fixture(scope="module", autouse=True)
def prepared():
    attack_bundles.prepare()
    attack_run_folders.prepare()


@pytest.fixture
def bundle(tmp_path):
    """Return a function that copies a bundle of a kind."""
    return lambda kind: Path(shutil.copytree(attack_bundles.MADE / kind, tmp_path / kind))


@pytest.mark.parametrize(
    ("kind", "entries", "told"),
    [
        ("rule", {"kind": []}, "bundle.json: bundle of kind an empty list; allowed: rule-based, learned"),
        ("rule", {"kind": "learned"}, "bundle.json: network is missing"),
        ("rule", {"files": None}, "bundle.json: files must be a mapping of at most 1000 names, not null"),
        ("rule", {"files": {"../x": "0" * 64}}, "bundle.json: files: '../x' is no name of a file in the bundle"),
        ("rule", {"files": {"x": 3}}, "bundle.json: files: x must have a digest of 64 signs, not 3"),
        ("rule", {"files": {}}, "not a whole policy bundle (scenario.yaml is missing)"),
        ("rule", {"name": 3}, "bundle.json: name must be text, not 3"),
        ("rule", {"name": "x" * 300}, "bundle.json: name: must have at most 100 characters"),
        ("rule", {"config": {"policy": ["random"]}}, "bundle.json: config.policy must be text"),
        ("rule", {"more": 1}, "bundle.json: unknown key 'more'"),
        ("rule", {"code": ["a"]}, "bundle.json: code must be a mapping"),
        ("lstm", {"memory": -3}, "bundle.json: network.memory must be >= 1, not -3"),
        ("lstm", {"hidden": [10**9, 10**9]}, "bundle.json: network.hidden[0] must be <= 1.04858e+06, not 1000000000"),
        (
            "network",
            {"hidden": [2**20, 2**20]},
            "size mismatch for 0.weight: [4, 24] in the file, [1048576, 24] in the network",
        ),
        ("network", {"hidden": [4] * 101}, "bundle.json: network.hidden must list at most 100"),
        ("network", {"hidden": None}, "bundle.json: network.hidden must be a list, not null"),
        ("network", {"activation": ["tanh"]}, "bundle.json: network.activation must be 'tanh'"),
        ("network", {"kind": []}, "bundle.json: network.kind must be text"),
        ("network", {"output": 3}, "bundle.json: network.output must be 'plain' or 'tanh'"),
        ("network", {"settings": 3}, "bundle.json: network.settings must be a mapping"),
        ("external", {"kind": "cells"}, "bundle.json: network kind cells needs a world"),
        ("external", {"kind": "mlpp"}, "bundle.json: network.kind: unknown network 'mlpp'; did you mean 'mlp'?"),
    ],
)
def test_what_bundle_json_says_is_checked(bundle, kind, entries, told):
    folder = bundle(kind)
    change(folder, lambda about: (about["network"] if kind != "rule" else about).update(entries))
    with pytest.raises(ScenarioError) as refused:
        load_bundle(folder)
    assert told in str(refused.value) and str(folder) in str(refused.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"level": NaN}', "not JSON (NaN is no number)"),
        ('{"level": 1e999}', "not JSON (1e999 is too large)"),
        ('{"level": -Infinity}', "not JSON (-Infinity is no number)"),
        ('{"level": 1e308}', "level must be >= 0 and <= 1e+15, not 1e+308"),
        ('{"level": ' + "9" * 5_000 + "}", "not JSON (a whole number of 5000 digits is too large)"),
        ('{"level": ' + "9" * 29 + "}", "level must be >= 0 and <= 1e+15"),
        ('{"level": [[true, 1], [1, 1]]}', "level must be rows of numbers of one length"),
        ('{"level": [["1", 1], [1, 1]]}', "level must be rows of numbers of one length"),
        ('{"level": ' + DEEP + "}", "must not be nested deeper than 50"),
        ("[" * 100_000, "nested too deeply"),
        ('{"level": "\\ud800"}', "must not hold the character U+D800"),
        ('{"a\\u001b": 1}', "must not hold the character U+001B"),
    ],
)
def test_the_parameters_of_a_rule_are_checked(bundle, text, told):
    folder = bundle("rule")
    (folder / "parameters.json").write_text(text)
    seal(folder, json.loads((folder / "bundle.json").read_text()))
    with pytest.raises(ScenarioError, match=r"parameters\.json") as refused:
        load_bundle(folder)
    assert told in str(refused.value)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_weights_are_finite(bundle, number):
    folder = bundle("network")
    file = folder / "weights.safetensors"
    file.write_bytes(file.read_bytes()[:-4] + np.float32(number).tobytes())
    change(folder, lambda about: None)
    with pytest.raises(ScenarioError, match=r"weights\.safetensors: 2\.weight must hold finite numbers"):
        load_bundle(folder)


def test_a_network_that_answers_with_no_number_is_told(bundle):
    folder = bundle("external")
    policy = load_bundle(folder)
    assert isinstance(policy, ExternalPolicy)
    with pytest.raises(ScenarioError, match="balancing: the network answers with what is no number"):
        policy.act(np.full((1, 4), np.nan))


def test_what_corrects_a_rule_holds_no_network_in_its_place(bundle):
    folder = bundle("residual")
    shutil.rmtree(folder / "rule")
    shutil.copytree(attack_bundles.MADE / "network", folder / "rule")
    about = json.loads((folder / "bundle.json").read_text())
    files = {name: digest for name, digest in about["files"].items() if (folder / name).is_file()}
    seal(folder, {**about, "files": files})
    with pytest.raises(ScenarioError, match=r"rule.bundle\.json: kind must be rule-based in a bundle of what corrects a rule"):
        load_bundle(folder)


def test_files_that_nothing_seals_are_not_read(bundle):
    folder = bundle("network")
    change(folder, lambda about: about["files"].pop("weights.safetensors"))
    with pytest.raises(ScenarioError, match=r"not a whole policy bundle \(weights\.safetensors is missing\)"):
        load_bundle(folder)


@pytest.mark.parametrize("file", ["evaluation.parquet", "breakdown.parquet", "score_by_sku.npy", "curve.parquet"])
@pytest.mark.parametrize(
    "content", [b"", b"PAR1PAR1", b"\x93NUMPY\x01\x00\x10\x00{'descr': '<f8'}  ", b"PK\x05\x06" + bytes(18)]
)
def test_damaged_tables_of_a_run_folder_are_refused_by_name(tmp_path, file, content):
    folder = Path(shutil.copytree(attack_run_folders.MADE / "learned", tmp_path / "run"))
    (folder / file).write_bytes(content)
    run = RunFolder.existing(folder)
    with pytest.raises(ScenarioError, match=rf"{file}: cannot be read"):
        (run.curve(), run.evaluation("one_shop"))


ATTACKS = [*attack_bundles.ATTACKS, *attack_run_folders.ATTACKS]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_the_first_inputs_of_each_attack_are_refused_or_right(attack):
    ends = [attack.judge(drawn(attack, 5, number)) for number in range(20 if attack.name != "run-folders" else 8)]
    assert {"accepted", "refused"} >= set(ends) - {"refused when it decides"} and "refused" in ends


@pytest.mark.skipif(not limited_here(), reason="this system does not tell a process's peak of memory")
def test_no_memory_is_taken_for_weights_that_a_file_does_not_hold(bundle):
    folder = bundle("network")
    change(folder, lambda about: about["network"].update(hidden=[2**17, 2**10]))  # half a gibibyte

    def judge(_):
        with pytest.raises(ScenarioError, match="size mismatch"):
            load_bundle(folder)
        return "refused"

    result = tried(attack_bundles.Attack("large", lambda draws: None, judge, memory=256), 1)
    assert not result.failures and result.worst_memory[0] < 32
