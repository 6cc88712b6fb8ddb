"""Single values replaced from the command line: `horizon.periods=104`, `supply_lanes[0].lead_time=2`."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from typing import Any

import yaml

from allotment.scenario.errors import ScenarioError, nearest, shown
from allotment.scenario.schema import LISTS
from allotment.scenario.yaml_file import DEEPEST, parse_yaml, problem_of


def apply_overrides(content: dict[str, Any], overrides: Sequence[str], origin: str) -> dict[str, Any]:
    """Return the content with each `path=value` in place; the value is read as YAML.

    A list entry is named by its position (`skus[0]`) or, where entries have names, by name (`skus.sku-01`).
    """
    content = copy.deepcopy(content)
    for override in overrides:
        path, separator, text = override.partition("=")
        steps = [step for step in re.split(r"[.\[\]]+", path.strip()) if step]
        if not separator or not steps:
            raise ScenarioError(f"{origin}: the override {override!r} must read key=value, such as horizon.periods=104")
        if len(steps) > DEEPEST:
            raise ScenarioError(f"{origin}: the override of {shown(path)} leads {len(steps)} levels deep, more than {DEEPEST}")
        try:
            value = parse_yaml(text)
        except yaml.YAMLError as error:
            raise ScenarioError(
                f"{origin}: the override {override!r} has a value that is not YAML: {problem_of(error)}"
            ) from None
        _place(content, steps, value, f"{origin}: the override {override!r}")
    return content


def _place(content: Any, steps: list[str], value: Any, where: str) -> None:
    for step in steps[:-1]:
        content = _enter(content, step, where)
    if isinstance(content, list):
        content[_position(content, steps[-1], where)] = value
    elif isinstance(content, dict):
        content[steps[-1]] = value
    else:
        raise ScenarioError(f"{where} leads nowhere: {content!r} has no part {steps[-1]!r}")


def _enter(content: Any, step: str, where: str) -> Any:
    if isinstance(content, list):
        return content[_position(content, step, where)]
    if isinstance(content, dict):
        if step in LISTS and step not in content:
            raise ScenarioError(f"{where} changes an entry of {step}, of which the file lists none")
        return content.setdefault(step, {})
    raise ScenarioError(f"{where} leads nowhere: {content!r} has no part {step!r}")


def _position(entries: list[Any], step: str, where: str) -> int:
    names = [entry.get("name") if isinstance(entry, dict) else None for entry in entries]
    if step in names:
        return names.index(step)
    if re.fullmatch(r"\d{1,9}", step, re.ASCII) and int(step) < len(entries):
        return int(step)
    known = [name for name in names if name] or [str(position) for position in range(len(entries))]
    raise ScenarioError(f"{where} names no entry {step!r}; {nearest(step, known)}")
