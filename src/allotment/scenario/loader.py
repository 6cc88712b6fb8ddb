"""From a file to a world: YAML, `extends`, overrides, defaults and data sources, then the compiled arrays.

A world is named by a path or by the stem of a shipped file (`lost_sales`).
"""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from allotment.resources import shipped
from allotment.scenario.compile import compile_scenario
from allotment.scenario.errors import ScenarioError, explain, nearest
from allotment.scenario.overrides import apply_overrides
from allotment.scenario.problem import Names, Problem
from allotment.scenario.schema import Scenario
from allotment.scenario.source_data import SourceData

LISTS = ("skus", "suppliers", "sites", "channels", "supply_lanes", "fulfilment_lanes", "demand")


@dataclass(frozen=True)
class World:
    """A loaded scenario: what its file says, and the arrays and names the engine and the policies read."""

    scenario: Scenario
    problem: Problem
    names: Names
    origin: str  # the file, for messages
    content: dict[str, Any] = field(repr=False)  # the file with `extends` and overrides resolved

    def for_test(self) -> World:
        """Return the world in which policies are tested: this one, or with the file's `test` sections in place."""
        if not self.scenario.test:
            return self
        replaced = {**copy.deepcopy(self.content), **copy.deepcopy(self.scenario.test)}
        return world_from({key: value for key, value in replaced.items() if key != "test"}, f"{self.origin} (test)")


def load_scenario(path: str | Path, overrides: Sequence[str] = ()) -> World:
    """Load a world from a scenario file or the name of a shipped one.

    `overrides` are texts `a.b=c` that replace single values. Raises `ScenarioError`, naming file, key and what is
    allowed, where the file is missing, malformed or inconsistent.
    """
    file = shipped("envs", path)
    content = _extended(read_yaml(file), file)
    return world_from(apply_overrides(content, overrides, str(path)), _short_name(file))


def world_from(content: dict[str, Any], origin: str) -> World:
    """Build a world from a scenario's content; `origin` stands for the file in messages."""
    content = copy.deepcopy(content)
    sections = {key: value for key, value in content.items() if key != "defaults"}
    source = _source(sections, origin)
    filled = _with_defaults(_with_source(sections, source), content.get("defaults", {}), origin)
    try:
        scenario = Scenario.model_validate(filled)
    except ValidationError as error:
        raise ScenarioError(explain(error, filled, Scenario, origin)) from None
    try:
        problem, names = compile_scenario(scenario, source.histories)
    except ScenarioError as error:
        raise ScenarioError(f"{origin}: {error}") from None
    return World(scenario, problem, names, origin, content)


def read_yaml(file: Path) -> dict[str, Any]:
    """Return a YAML file's mapping."""
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ScenarioError(f"{file}: no such file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise ScenarioError(f"{file}{line}: not YAML ({getattr(error, 'problem', error)})") from None
    if not isinstance(content, dict):
        raise ScenarioError(f"{file}: must hold a mapping, not {type(content).__name__}")
    return content


def _extended(content: dict[str, Any], file: Path) -> dict[str, Any]:
    """Lay a file over the one it extends, one level: mappings merge, everything else is replaced."""
    if "extends" not in content:
        return content
    base = read_yaml(file.parent / str(content["extends"]))
    if "extends" in base:
        raise ScenarioError(f"{file}: extends {content['extends']!r}, which extends another file; one level is allowed")
    return _merged(base, {key: value for key, value in content.items() if key != "extends"})


def _merged(base: Any, top: Any) -> Any:
    if isinstance(base, dict) and isinstance(top, dict):
        return {**base, **{key: _merged(base.get(key), value) for key, value in top.items()}}
    return top


def _source(content: dict[str, Any], origin: str) -> SourceData:
    """Read the files a scenario's `data` section names."""
    declared = content.get("data")
    if not isinstance(declared, dict) or "folder" not in declared or "reader" not in declared:
        return SourceData({}, {})
    if declared["reader"] != "iowa_liquor":
        raise ScenarioError(f"{origin}: data.reader: unknown reader {declared['reader']!r}; allowed: iowa_liquor")
    from allotment.scenario import iowa_liquor

    try:
        return iowa_liquor.read(Path(os.path.expandvars(declared["folder"])), dict(declared.get("options", {})))
    except ScenarioError as error:
        raise ScenarioError(f"{origin}: data.folder: {error}") from None


def _with_source(content: dict[str, Any], source: SourceData) -> dict[str, Any]:
    """Put the file's own entries behind the source's; entries of one name merge, the file's values winning."""
    filled = dict(content)
    for section, entries in source.sections.items():
        own = filled.get(section)
        filled[section] = _joined(entries, own or []) if isinstance(entries, list) else _merged(entries, own or {})
    return filled


def _joined(entries: list[dict], own: list[dict]) -> list[dict]:
    by_name = {entry.get("name"): dict(entry) for entry in own if isinstance(entry, dict) and "name" in entry}
    joined = [{**entry, **by_name.pop(entry["name"], {})} if "name" in entry else entry for entry in entries]
    return joined + [entry for entry in own if not isinstance(entry, dict) or entry.get("name") in {None, *by_name}]


def _with_defaults(content: dict[str, Any], defaults: Any, origin: str) -> dict[str, Any]:
    """Give every entry of a list the attributes that `defaults` states for that list."""
    if not isinstance(defaults, dict):
        raise ScenarioError(f"{origin}: defaults must be a mapping of list names, not {defaults!r}")
    filled = dict(content)
    for section, attributes in defaults.items():
        if section not in LISTS:
            raise ScenarioError(f"{origin}: unknown key 'defaults.{section}'; {nearest(section, LISTS)}")
        entries = filled.get(section, [])
        if isinstance(entries, list) and isinstance(attributes, dict):
            filled[section] = [{**attributes, **entry} if isinstance(entry, dict) else entry for entry in entries]
    return filled


def _short_name(file: Path) -> str:
    try:
        return str(file.relative_to(Path.cwd()))
    except ValueError:
        return str(file)
