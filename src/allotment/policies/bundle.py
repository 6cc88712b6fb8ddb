"""Policy bundles: a folder that holds a policy and its world, and from which nothing is ever unpickled.

`bundle.json` says what the policy is, `scenario.yaml` its world; a rule's parameters are JSON, a network's weights
safetensors. A residual policy holds the bundle of the rule that it corrects in `rule/`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from allotment.env.encoding import Residual
from allotment.policies.config_file import checked, rule_config
from allotment.policies.encoding_config import EncodingConfig, build_encoding
from allotment.policies.rule_config import RulePolicy, build_rule
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import World, read_yaml, world_from

SCHEMA = 1
KEYS = {"rule-based": ("name", "config"), "learned": ("name", "network", "encoding")}  # what bundle.json must say, by kind


def save_rule(policy: RulePolicy, folder: Path) -> None:
    """Write a rule-based policy's bundle."""
    with _whole(folder) as part:
        _save_rule(policy, part)


def _save_rule(policy: RulePolicy, folder: Path) -> None:
    values = {name: array.tolist() for name, array in policy.values.items()}
    _write(folder, policy.world, {"kind": policy.kind, "name": policy.name, "config": policy.config.model_dump()})
    (folder / "parameters.json").write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def save_learned(policy: Any, network: dict[str, Any], encoding: EncodingConfig, folder: Path) -> None:
    """Write a learned policy's bundle; `network` is its shape as plain values."""
    with _whole(folder) as part:
        _save_learned(policy, network, encoding, part)


def _save_learned(policy: Any, network: dict[str, Any], encoding: EncodingConfig, folder: Path) -> None:
    from safetensors.torch import save_file

    about = {"kind": policy.kind, "name": policy.name, "network": network}
    _write(folder, policy.world, {**about, "encoding": encoding.model_dump(exclude={"rule"})})
    save_file({name: tensor.contiguous() for name, tensor in policy.actor.state_dict().items()}, folder / "weights.safetensors")
    if isinstance(policy.encoding, Residual):
        save_rule(policy.encoding.rule, folder / "rule")  # type: ignore[arg-type]


@contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """Hand out an empty folder that takes the place of `folder` once it is written: a bundle is there whole or not at all."""
    part, old = folder.with_name(f"{folder.name}.part"), folder.with_name(f"{folder.name}.old")
    for left_over in (part, old):
        shutil.rmtree(left_over, ignore_errors=True)
    part.mkdir(parents=True)
    yield part
    if folder.exists():
        folder.rename(old)
    part.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def load_bundle(folder: Path, world: World | None = None) -> Any:
    """Return the policy of a bundle, in its own world or in another one with the same sites, SKUs and lanes.

    Raises `ScenarioError` where the folder holds no bundle, one of another schema, or one that lacks a part.
    """
    about = _read(folder)
    if world is None:
        scenario = _part(folder, "scenario.yaml")
        world = world_from(read_yaml(scenario), str(scenario))
    if about["kind"] == "rule-based":
        return _load_rule(folder, about, world)
    return _load_learned(folder, about, world)


def _load_rule(folder: Path, about: dict[str, Any], world: World) -> RulePolicy:
    values = _json(_part(folder, "parameters.json"))
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
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from allotment.env.flatten import Flattener
    from allotment.policies.learned import LearnedPolicy, build_actor
    from allotment.policies.networks import NetworkShape

    rule = load_bundle(folder / "rule", world) if (folder / "rule").is_dir() else None
    encoding = build_encoding(checked(EncodingConfig, about["encoding"], str(folder / "bundle.json")), world, rule)
    actor = build_actor(NetworkShape(**about["network"]), world, encoding)
    try:
        actor.load_state_dict(load_file(_part(folder, "weights.safetensors")))
    except SafetensorError as error:
        raise ScenarioError(f"{folder / 'weights.safetensors'}: not a safetensors file ({error})") from None
    except RuntimeError as error:
        first = str(error).splitlines()[1].strip()
        raise ScenarioError(f"{folder}: the weights do not fit {world.origin}: {first}") from None
    return LearnedPolicy(about["name"], world, encoding, actor.eval(), Flattener(world))


def is_bundle(folder: Path) -> bool:
    """Tell whether a folder holds a bundle."""
    return (folder / "bundle.json").is_file()


def _write(folder: Path, world: World, about: dict[str, Any]) -> None:
    text = yaml.safe_dump(world.content, sort_keys=False, allow_unicode=True)
    (folder / "scenario.yaml").write_text(text, encoding="utf-8")
    (folder / "bundle.json").write_text(json.dumps({"schema": SCHEMA, **about}, indent=1) + "\n", encoding="utf-8")


def _read(folder: Path) -> dict[str, Any]:
    about = _json(_part(folder, "bundle.json"))
    if about.get("schema") != SCHEMA:
        raise ScenarioError(f"{folder}: bundle of schema {about.get('schema')}; this version reads schema {SCHEMA}")
    if about.get("kind") not in KEYS:
        raise ScenarioError(f"{folder}: bundle of kind {about.get('kind')!r}; allowed: {', '.join(KEYS)}")
    missing = [key for key in KEYS[about["kind"]] if key not in about]
    if missing:
        raise ScenarioError(f"{folder / 'bundle.json'}: {missing[0]} is missing")
    return about


def _part(folder: Path, name: str) -> Path:
    if not (folder / name).is_file():
        raise ScenarioError(f"{folder}: not a whole policy bundle ({name} is missing)")
    return folder / name


def _json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ScenarioError(f"{file}: not JSON ({error})") from None
    if not isinstance(content, dict):
        raise ScenarioError(f"{file}: must hold an object, not {type(content).__name__}")
    return content
