"""Policies are compared in one world: what every run says of its world is the same, but for words that only describe it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from allotment.scenario.errors import ScenarioError, Steps, place
from allotment.scenario.loader import World, world_from
from allotment.scenario.yaml_file import read_yaml

DESCRIPTIVE = {"name", "purpose", "source", "known", "currency", "period"}


def common_world(folders: Sequence[Path]) -> World:
    """Return the world of the run folders; `ScenarioError` names the first difference to that of the first folder."""
    first = _world(folders[0])
    for folder in folders[1:]:
        if read_yaml(folder / "scenario.yaml") != first.content:
            _check_same(first, folders[0], _world(folder), folder)
    return first


def _world(folder: Path) -> World:
    file = folder / "scenario.yaml"
    return world_from(read_yaml(file), str(file))


def _check_same(one: World, one_folder: Path, other: World, other_folder: Path) -> None:
    found = first_difference(_said(one), _said(other))
    if found is not None:
        path, here, there = found
        raise ScenarioError(
            f"{other_folder}: made in another world than {one_folder}: {place(path)} is {there}, not {here}; "
            "policies are compared in one world"
        )


def _said(world: World) -> dict[str, Any]:
    """Return what a scenario says, defaults filled in, so that two ways to write the same world are equal."""
    return world.scenario.model_dump(by_alias=True, exclude=DESCRIPTIVE)


def first_difference(one: Any, other: Any, path: Steps = ()) -> tuple[Steps, str, str] | None:
    """Return where two nested values first differ, and what stands in each; none where they are equal."""
    if isinstance(one, dict) and isinstance(other, dict):
        steps: list[Any] = [*one, *(key for key in other if key not in one)]
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        steps = list(range(len(one)))
    else:
        return None if one == other else (path, _short(one), _short(other))
    for step in steps:
        here, there = _at(one, step), _at(other, step)
        found = first_difference(here, there, (*path, step))
        if found is not None:
            return found
    return None


def _at(value: Any, step: Any) -> Any:
    return value.get(step) if isinstance(value, dict) else value[step]


def _short(value: Any) -> str:
    """Write a value, cut to a few words; of a list or a mapping, how long it is."""
    if isinstance(value, list | tuple | dict):
        return f"{'a mapping' if isinstance(value, dict) else 'a list'} of {len(value)}"
    return repr(value)
