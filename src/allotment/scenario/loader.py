"""From a file to a world: YAML, `extends`, overrides, defaults and data sources, then the compiled arrays.

A world is named by a path or by the stem of a shipped file (`lost_sales`).
"""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from allotment import extensions
from allotment.resources import lies_at, shipped, shipped_folder
from allotment.scenario.amounts import LONGEST_NAME
from allotment.scenario.compile import compile_scenario
from allotment.scenario.errors import ScenarioError, Steps, explain, nearest, shown
from allotment.scenario.overrides import apply_overrides
from allotment.scenario.problem import Names, Problem
from allotment.scenario.schema import LISTS, DataSource, Scenario
from allotment.scenario.short_lists import with_names_written_out, with_tables
from allotment.scenario.sizes import check_numbers
from allotment.scenario.source_data import History, SourceData
from allotment.scenario.yaml_file import read_yaml, short_name


@dataclass(frozen=True)
class World:
    """A loaded scenario: what its file says, and the arrays and names the engine and the policies read."""

    scenario: Scenario
    problem: Problem
    names: Names
    origin: str  # the file, for messages
    content: dict[str, Any] = field(repr=False)  # the file with `extends` and overrides resolved

    @property
    def name(self) -> str:
        """Return the scenario's name."""
        return self.scenario.name

    def for_test(self) -> World:
        """Return the world in which policies are tested: this one, or with the file's `test` sections in place."""
        if not self.scenario.test:
            return self
        replaced = {**copy.deepcopy(self.content), **copy.deepcopy(self.scenario.test)}
        return world_from({key: value for key, value in replaced.items() if key != "test"}, f"{self.origin} (test)")


def load_scenario(given: str | Path | Mapping[str, Any], overrides: Sequence[str] = ()) -> World:
    """Load a world from a scenario file, the name of a shipped one, or what such a file would say.

    `overrides` are texts `a.b=c` that replace single values. Raises `ScenarioError`, naming file, key and what is
    allowed, where the file is missing, malformed or inconsistent. A mapping may extend a shipped file; other files that it
    names lie in the working folder.
    """
    file, written = _content_of(given)
    content = with_tables(_extended(written, file), file)
    origin = short_name(file)
    return world_from(apply_overrides(content, overrides, origin if isinstance(given, Mapping) else str(given)), origin)


def _content_of(given: str | Path | Mapping[str, Any]) -> tuple[Path, dict[str, Any]]:
    """Return the file of a scenario and what it says; of a mapping, a name that stands for the file in messages."""
    if isinstance(given, Mapping):
        name = given.get("name")
        told = isinstance(name, str) and 0 < len(name) <= LONGEST_NAME and name.isprintable()
        return Path(str(name) if told else "world"), dict(given)
    try:
        file = shipped("envs", given)
    except FileNotFoundError as error:
        raise ScenarioError(str(error)) from None
    return file, read_yaml(file)


def world_from(content: dict[str, Any], origin: str) -> World:
    """Build a world from a scenario's content; `origin` stands for the file in messages."""
    content = copy.deepcopy(content)
    sections = {key: value for key, value in content.items() if key != "defaults"}
    source = _source(sections, origin)
    named = with_names_written_out(_with_source(sections, source), origin)
    filled = _with_defaults(named, content.get("defaults", {}), origin)
    try:
        scenario = Scenario.model_validate(filled)
    except ValidationError as error:
        raise ScenarioError(explain(error, filled, Scenario, origin, lambda path: _as_written(path, content))) from None
    for section in scenario.test:
        if section not in Scenario.model_fields:
            raise ScenarioError(f"{origin}: unknown key 'test.{section}'; {nearest(section, Scenario.model_fields)}")
    try:
        problem, names = compile_scenario(scenario, {**source.histories, **_own_histories(scenario)})
    except ScenarioError as error:
        raise ScenarioError(f"{origin}: {error}") from None
    _warn_of_late_receipts(scenario, origin)
    return World(scenario, problem, names, origin, content)


def _warn_of_late_receipts(scenario: Scenario, origin: str) -> None:
    """Warn where goods arrive behind the period's service: each lead time is then one period longer than in the literature."""
    order = {phase: place for place, phase in enumerate(scenario.sequence)}
    if order["receive"] > order["fulfil"]:
        warnings.warn(
            f"{origin}: sequence lists receive after fulfil; an order with lead time L serves demand from the period L + 1 "
            "after it, one later than usual",
            stacklevel=4,
        )


def _own_histories(scenario: Scenario) -> dict[str, History]:
    """Return the histories that the scenario states itself; what they leave out was not demanded."""
    channels, skus = [part.name for part in scenario.channels], [part.name for part in scenario.skus]
    histories = {}
    for position, record in enumerate(scenario.histories):
        by_sku = [(set(row), skus, "SKU") for row in record.units.values()]
        for names, known, what in [(set(record.units), channels, "channel"), *by_sku]:
            for name in sorted(names):
                if name not in known:
                    raise ScenarioError(f"histories[{position}].units: no {what} is called {name!r}; {nearest(name, known)}")
        length = len(next(iter(next(iter(record.units.values())).values())))
        axes = {"periods": length, "channels": len(channels), "SKUs": len(skus)}
        check_numbers(f"histories[{position}]", axes)
        nothing = [0.0] * length
        units = [[record.units.get(channel, {}).get(sku, nothing) for sku in skus] for channel in channels]
        histories[record.name] = History(channels, skus, np.moveaxis(np.array(units, dtype=float), -1, 0))
    return histories


def _extended(content: dict[str, Any], file: Path) -> dict[str, Any]:
    """Lay a file over the one it extends, one level: mappings merge, everything else is replaced."""
    if "extends" not in content:
        return content
    name, extended = short_name(file), str(content["extends"])
    folders = [file.parent] if lies_at(file) else [Path("."), shipped_folder("envs")]
    found = next((folder / extended for folder in folders if lies_at(folder / extended)), None)
    if found is None:
        raise ScenarioError(f"{name}: extends {shown(extended)}, which does not lie beside it")
    base = read_yaml(found)
    if "extends" in base:
        raise ScenarioError(f"{name}: extends {shown(extended)}, which extends another file; one level is allowed")
    return _merged(base, {key: value for key, value in content.items() if key != "extends"})


def _merged(base: Any, top: Any) -> Any:
    if isinstance(base, dict) and isinstance(top, dict):
        return {**base, **{key: _merged(base.get(key), value) for key, value in top.items()}}
    return top


def _source(content: dict[str, Any], origin: str) -> SourceData:
    """Read the files a scenario's `data` section names."""
    if content.get("data") is None:
        return SourceData({}, {})
    try:
        declared = DataSource.model_validate(content["data"])
    except ValidationError as error:
        raise ScenarioError(explain(error, content["data"], DataSource, origin, lambda path: ("data", *path))) from None
    read = extensions.find("dataset", declared.reader, {}, f"{origin}: data.reader")
    try:
        found: SourceData = read(Path(os.path.expandvars(declared.folder)), dict(declared.options))
        return found
    except ScenarioError as error:
        raise ScenarioError(f"{origin}: data: {error}") from None


def _with_source(content: dict[str, Any], source: SourceData) -> dict[str, Any]:
    """Put the file's own entries behind the source's; entries of one name merge, the file's values winning."""
    filled = dict(content)
    for section, entries in source.sections.items():
        own = filled.get(section)
        filled[section] = _joined(entries, own or []) if isinstance(entries, list) else _merged(entries, own or {})
    return filled


def _joined(entries: list[dict[str, Any]], own: list[dict[str, Any]]) -> list[dict[str, Any]]:
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
        if not isinstance(attributes, dict):
            raise ScenarioError(f"{origin}: defaults.{section} must be a mapping, not {attributes!r}")
        entries = filled.get(section, [])
        if isinstance(entries, list):
            filled[section] = [{**attributes, **entry} if isinstance(entry, dict) else entry for entry in entries]
    return filled


def _as_written(path: Steps, content: dict[str, Any]) -> Steps:
    """Return where the file itself states what stands at a path: an entry's own key, or the default that fills it."""
    if len(path) < 3 or path[2] not in content.get("defaults", {}).get(path[0], {}):
        return path
    own = content.get(str(path[0]))
    entry = own[int(path[1])] if isinstance(own, list) and int(path[1]) < len(own) else {}
    return path if path[2] in entry else ("defaults", path[0], *path[2:])
