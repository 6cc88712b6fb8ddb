"""Policy bundles: a folder that holds a policy and its world, and from which nothing is ever unpickled or imported.

`bundle.json` says what the policy is and seals the other files; `scenario.yaml` is its world, or `environment.yaml` where it
acts in an environment of another package; a rule's parameters are JSON, a network's weights safetensors. A residual policy
holds the bundle of the rule that it corrects in `rule/`. Code of a user's own is named, never carried: it must be installed,
or the user must name its file.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import yaml

from allotment import extensions
from allotment.names import check_links
from allotment.policies.bundle_content import about_policy
from allotment.policies.config_file import checked, rule_config
from allotment.policies.encoding_config import EncodingConfig, build_encoding
from allotment.policies.forecast_config import with_forecast
from allotment.policies.json_file import read_json
from allotment.policies.keeping import KEEP_BACK
from allotment.policies.parameters import TUNED, declared_settings
from allotment.policies.protection import PROTECTION, whole_keys
from allotment.policies.rule_config import RuleConfig, RulePolicy, build_rule, parameters_of, rule_class
from allotment.policies.sealed_folder import ABOUT, is_bundle, part_of, sealed, standing
from allotment.scenario.errors import ScenarioError
from allotment.scenario.external import ExternalEnvironment, StoredEnvironment
from allotment.scenario.loader import World, world_from
from allotment.scenario.yaml_file import read_yaml, short_name

MOST_READ = 20  # times that a bundle is read which is replaced meanwhile
WORLD, EXTERNAL = "scenario.yaml", "environment.yaml"


class Kept(Protocol):
    """A policy that can be kept in a bundle."""

    @property
    def world(self) -> Any:
        """Return where it acts."""
        ...

    def write(self, folder: Path) -> dict[str, Any]:
        """Write what the policy is into a folder; returns what the bundle says of it."""
        ...


def save_bundle(policy: Kept, folder: Path) -> None:
    """Write a policy's bundle, whole or not at all."""
    with sealed(folder) as (part, about):
        about |= policy.write(part)
        about["code"] = extensions.digests(about)
        name = EXTERNAL if isinstance(policy.world, ExternalEnvironment) else WORLD
        content = yaml.safe_dump(policy.world.content, sort_keys=False, allow_unicode=True)
        (part / name).write_text(content, encoding="utf-8")


def bundle_of(folder: Path) -> Path:
    """Return a folder that is a bundle, or the bundle of a run folder's best policy; `ScenarioError` where there is none."""
    if is_bundle(folder):
        return folder
    if not is_bundle(folder / "best"):
        raise ScenarioError(f"{folder}: holds no policy; expected a run folder with best/, or a bundle with bundle.json")
    check_links(folder)
    return folder / "best"


def load_bundle(folder: Path, world: World | ExternalEnvironment | None = None) -> Any:
    """Return the policy of a bundle, in its own world or in another one with the same sites, SKUs and lanes.

    What belongs to no SKU serves other SKUs: a network of cells without tags, parameters that a config states or computes.

    Raises `ScenarioError` where the folder holds no bundle, one of another schema, one that lacks a part, or one whose files
    are not those that were written. One that is replaced meanwhile is read anew, so that its parts belong together.
    """
    for _ in range(MOST_READ):
        before = standing(folder)
        try:
            with _told_of(folder):
                policy = _loaded(folder, about_policy(folder), world)
        except (ScenarioError, OSError):
            if standing(folder) == before:
                raise
        else:
            if standing(folder) == before:
                return policy
    raise ScenarioError(f"{folder}: is replaced all the time; it cannot be read as a whole")


@contextmanager
def _told_of(folder: Path) -> Iterator[None]:
    """Let errors name the bundle that they come from."""
    try:
        yield
    except ValueError as error:
        if isinstance(error, ScenarioError) and any(str(place) in str(error) for place in (folder, short_name(folder))):
            raise
        raise ScenarioError(f"{folder / ABOUT}: {error}") from error


def _loaded(folder: Path, about: dict[str, Any], world: World | ExternalEnvironment | None) -> Any:
    _tell_changed_code(folder, about)
    external = EXTERNAL in about["files"]
    if world is not None and external != isinstance(world, ExternalEnvironment):
        raise ScenarioError(f"{folder}: the policy does not act in {world.name}, but in an environment of another kind")
    if external:
        return _load_external(folder, about, world)
    if world is None:
        world = _own_world(folder, about)
    assert isinstance(world, World)
    load = {"rule-based": _load_rule, "learned": _load_learned, "optimal": _load_optimal}[about["kind"]]
    return replace(load(folder, about, world), version=about["version"])


def _tell_changed_code(folder: Path, about: dict[str, Any]) -> None:
    """Warn where a file of the user's own is not what it was when the policy was kept."""
    now = extensions.digests(about)
    changed = [file for file, digest in about["code"].items() if now.get(file, digest) != digest]
    if changed:
        warnings.warn(f"{folder}: {', '.join(changed)} has changed since the policy was kept", stacklevel=5)


def _load_rule(folder: Path, about: dict[str, Any], world: World) -> RulePolicy:
    config = rule_config(about["config"], str(folder / "bundle.json"))
    values = _values_for(world, config, folder, about)
    transfers = None
    if config.transfers is not None:
        transfers = {name: values.pop(name) for name in ("pull_below", "give_above") if name in values}
    levels = {name: values.pop(name) for name in list(values) if name.startswith(PROTECTION)}
    protection = whole_keys({name.removeprefix(PROTECTION): units for name, units in levels.items()}) or config.protection
    settings = declared_settings(rule_class(config.policy, str(folder / "bundle.json")))
    kept = {name: value for name, value in config.parameters.items() if name in settings}
    keep_back = values.pop(KEEP_BACK, None)
    beside = {"transfers": transfers, "protection": protection, KEEP_BACK: keep_back}
    parts = {**beside, **with_forecast(config, kept, values)}
    given = config.model_copy(update=parts)
    policy, missing = build_rule(given, world, str(folder / "parameters.json"), about["name"])
    if missing:
        raise ScenarioError(f"{folder / 'parameters.json'}: has no values for {', '.join(missing)}")
    return replace(policy, config=config)


def _values_for(world: World, config: RuleConfig, folder: Path, about: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a rule's parameters in a world; where it has other SKUs, those that the config states or computes.

    `ScenarioError` where a parameter was tuned for other SKUs.
    """
    file = part_of(folder, "parameters.json", about)
    values = read_json(file)
    known = {name: each for name, each in parameters_of(config, world).items() if name in values}
    others = [name for name, each in known.items() if np.shape(values[name]) != each.shape(world)]
    own = _own_world(folder, about) if others else world
    stated = {**config.parameters, **(config.transfers or {}), KEEP_BACK: config.keep_back}
    for name in (name for name in others if np.shape(values[name]) == known[name].shape(own)):
        sizes = " and ".join(str(list(known[name].shape(each))) for each in (own, world))
        values[name] = stated.get(name, known[name].default)
        if values[name] == TUNED:
            told = f"{name} was tuned for other SKUs than {world.name} has (shapes {sizes})"
            raise ScenarioError(f"{file}: {told}; where it is a number or computed, a rule serves other SKUs")
    return values


def _own_world(folder: Path, about: dict[str, Any]) -> World:
    """Return the world that a bundle's policy was made in."""
    scenario = part_of(folder, WORLD, about)
    return world_from(read_yaml(scenario), str(scenario))


def _load_learned(folder: Path, about: dict[str, Any], world: World) -> Any:
    from allotment.decisions.flatten import Flattener
    from allotment.policies.learned import LearnedPolicy, build_actor
    from allotment.policies.networks import NetworkShape, check_told
    from allotment.policies.weights_file import WEIGHTS, with_weights

    given = checked(EncodingConfig, about["encoding"] or {}, f"{folder / ABOUT}: encoding")
    encoding = build_encoding(given, world, _corrected_rule(folder, about, world))
    shape = NetworkShape(**about["network"])

    def made() -> Any:
        actor = build_actor(shape, world, encoding)
        check_told(actor, about["told"], world.name)
        return actor

    actor = with_weights(made, part_of(folder, WEIGHTS, about), world.origin)
    return LearnedPolicy(about["name"], world, encoding, actor, Flattener(world), shape)


def _corrected_rule(folder: Path, about: dict[str, Any], world: World) -> RulePolicy | None:
    """Return the rule that a residual corrects, whose bundle lies in its own; none where there is none."""
    if f"rule/{ABOUT}" not in about["files"]:
        return None
    rule = load_bundle(folder / "rule", world) if about_policy(folder / "rule")["kind"] == "rule-based" else None
    if not isinstance(rule, RulePolicy):
        raise ScenarioError(f"{folder / 'rule' / ABOUT}: kind must be rule-based in a bundle of what corrects a rule")
    return rule


def _load_optimal(folder: Path, about: dict[str, Any], world: World) -> Any:
    from allotment.policies.tabular import TABLE, TabularPolicy, read_table

    return TabularPolicy(about["name"], world, read_table(part_of(folder, TABLE, about), world), about["step"])


def _load_external(folder: Path, about: dict[str, Any], given: World | ExternalEnvironment | None) -> Any:
    from allotment.policies.external import ExternalPolicy, build_external_actor
    from allotment.policies.networks import NetworkShape
    from allotment.policies.weights_file import WEIGHTS, with_weights

    if about["kind"] != "learned":
        raise ScenarioError(f"{folder / ABOUT}: kind must be learned in an environment of another package")
    own = read_external(folder)
    environment = given if isinstance(given, ExternalEnvironment) else own
    if environment.sizes != own.sizes:
        raise ScenarioError(f"{folder}: the policy was made for {own.sizes}; {environment.id} has {environment.sizes}")
    shape = NetworkShape(**about["network"])
    weights = part_of(folder, WEIGHTS, about)
    actor = with_weights(lambda: build_external_actor(shape, environment), weights, environment.id)
    return ExternalPolicy(about["name"], environment, actor, shape)


def read_external(folder: Path) -> ExternalEnvironment:
    """Return the environment that a run folder or a bundle names; nothing is imported."""
    file = part_of(folder, EXTERNAL)
    return ExternalEnvironment(**checked(StoredEnvironment, read_yaml(file), str(file)).model_dump())
