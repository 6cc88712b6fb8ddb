"""Policy bundles: a folder that holds a policy and its world, and from which nothing is ever unpickled.

`bundle.json` says what the policy is and seals the other files; `scenario.yaml` is its world, or `environment.yaml` where it
acts in an environment of another package; a rule's parameters are JSON, a network's weights safetensors. A residual policy
holds the bundle of the rule that it corrects in `rule/`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from allotment.decisions.encodings import Residual
from allotment.environments.external import OutsideEnvironment, outside_environment
from allotment.policies.config_file import checked, rule_config
from allotment.policies.encoding_config import EncodingConfig, build_encoding, described
from allotment.policies.rule_config import RulePolicy, build_rule
from allotment.policies.sealed_folder import opened, part_of, read_json, sealed
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import World, read_yaml, world_from

KEYS = {"rule-based": ("name", "config"), "learned": ("name", "network")}  # what bundle.json must say, by kind


def save_bundle(policy: Any, folder: Path) -> None:
    """Write a policy's bundle, rule-based or learned, whole or not at all."""
    if isinstance(policy, RulePolicy):
        _save_rule(policy, folder)
    else:
        _save_learned(policy, folder)


def _save_rule(policy: RulePolicy, folder: Path) -> None:
    about = {"kind": policy.kind, "name": policy.name, "config": policy.config.model_dump()}
    with sealed(folder, about) as part:
        _write_world(policy.world, part)
        values = {name: array.tolist() for name, array in policy.values.items()}
        (part / "parameters.json").write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def _save_learned(policy: Any, folder: Path) -> None:
    from safetensors.torch import save_file

    about = {"kind": policy.kind, "name": policy.name, "network": policy.shape.as_dict()}
    outside = isinstance(policy.world, OutsideEnvironment)
    with sealed(folder, about if outside else {**about, "encoding": described(policy.encoding)}) as part:
        weights = {name: tensor.contiguous() for name, tensor in policy.actor.state_dict().items()}
        save_file(weights, part / "weights.safetensors")
        _write_world(policy.world, part)
        if not outside and isinstance(policy.encoding, Residual):
            save_bundle(policy.encoding.rule, part / "rule")


def _write_world(world: World | OutsideEnvironment, folder: Path) -> None:
    if isinstance(world, OutsideEnvironment):
        content: Any = {"id": world.id, "arguments": world.arguments}
        file = folder / "environment.yaml"
    else:
        content, file = world.content, folder / "scenario.yaml"
    file.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")


def load_bundle(folder: Path, world: World | OutsideEnvironment | None = None) -> Any:
    """Return the policy of a bundle, in its own world or in another one with the same sites, SKUs and lanes.

    Raises `ScenarioError` where the folder holds no bundle, one of another schema, one that lacks a part, or one whose files
    are not those that were written.
    """
    about = opened(folder)
    if about.get("kind") not in KEYS:
        raise ScenarioError(f"{folder}: bundle of kind {about.get('kind')!r}; allowed: {', '.join(KEYS)}")
    missing = [key for key in KEYS[about["kind"]] if key not in about]
    if missing:
        raise ScenarioError(f"{folder / 'bundle.json'}: {missing[0]} is missing")
    outside = "environment.yaml" in about["files"]
    if world is not None and outside != isinstance(world, OutsideEnvironment):
        raise ScenarioError(f"{folder}: the policy does not act in {world.name}, but in an environment of another kind")
    if outside:
        return _load_outside(folder, about, world)
    if world is None:
        scenario = part_of(folder, "scenario.yaml")
        world = world_from(read_yaml(scenario), str(scenario))
    assert isinstance(world, World)
    load = _load_rule if about["kind"] == "rule-based" else _load_learned
    return replace(load(folder, about, world), version=about["version"])


def _load_rule(folder: Path, about: dict[str, Any], world: World) -> RulePolicy:
    values = read_json(folder, "parameters.json")
    config = rule_config(about["config"], str(folder / "bundle.json"))
    transfers = None
    if config.transfers is not None:
        transfers = {name: values.pop(name) for name in ("pull_below", "give_above") if name in values}
    given = config.model_copy(update={"parameters": values, "transfers": transfers})
    policy, missing = build_rule(given, world, str(folder / "parameters.json"), about["name"])
    if missing:
        raise ScenarioError(f"{folder / 'parameters.json'}: has no values for {', '.join(missing)}")
    return policy


def _load_learned(folder: Path, about: dict[str, Any], world: World) -> Any:
    from allotment.decisions.flatten import Flattener
    from allotment.policies.learned import LearnedPolicy, build_actor
    from allotment.policies.networks import NetworkShape

    rule = load_bundle(folder / "rule", world) if (folder / "rule").is_dir() else None
    encoding = build_encoding(checked(EncodingConfig, about["encoding"], str(folder / "bundle.json")), world, rule)
    shape = NetworkShape(**about["network"])
    actor = _with_weights(build_actor(shape, world, encoding), folder, world.origin)
    return LearnedPolicy(about["name"], world, encoding, actor, Flattener(world), shape)


def _load_outside(folder: Path, about: dict[str, Any], given: World | OutsideEnvironment | None) -> Any:
    from allotment.policies.external import OutsidePolicy, build_outside_actor
    from allotment.policies.networks import NetworkShape

    content = read_yaml(part_of(folder, "environment.yaml"))
    own = outside_environment(content["id"], content["arguments"])
    environment = given if isinstance(given, OutsideEnvironment) else own
    shape = NetworkShape(**about["network"])
    actor = _with_weights(build_outside_actor(shape, environment), folder, environment.id)
    return OutsidePolicy(about["name"], environment, actor, environment.spaces[2], shape)


def _with_weights(actor: Any, folder: Path, place: str) -> Any:
    """Return an actor filled with a bundle's weights, ready to answer."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        actor.load_state_dict(load_file(part_of(folder, "weights.safetensors")))
    except SafetensorError as error:
        raise ScenarioError(f"{folder / 'weights.safetensors'}: not a safetensors file ({error})") from None
    except RuntimeError as error:
        first = str(error).splitlines()[1].strip()
        raise ScenarioError(f"{folder}: the weights do not fit {place}: {first}") from None
    return actor.eval()
