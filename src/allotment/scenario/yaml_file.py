"""Reading YAML strictly: no key twice, no number that YAML reads otherwise than people, and messages with file and line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from allotment.scenario.errors import ScenarioError, shown

BASE_60 = re.compile(r"[-+]?\d+(:\d+)+(\.\d*)?")
BASE_8 = re.compile(r"[-+]?0\d[\d_]*")


class _StrictLoader(yaml.SafeLoader):
    """Reads YAML and refuses what it would silently change: a key that stands twice, numbers to the base of 8 and 60."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {shown(key.value)} stands twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_number(self, node: yaml.ScalarNode) -> int | float:
        """Return a number, unless it means another one to YAML than to its reader."""
        text = str(node.value)
        for pattern, base in ((BASE_60, 60), (BASE_8, 8)):
            if pattern.fullmatch(text):
                value = self.construct_yaml_int(node) if "." not in text else self.construct_yaml_float(node)
                hint = f"{text} would be read as {value:g}, to the base of {base}; write it in quotes, or as a plain number"
                raise yaml.constructor.ConstructorError(None, None, hint, node.start_mark)
        return self.construct_yaml_int(node) if node.tag.endswith(":int") else self.construct_yaml_float(node)


_StrictLoader.add_constructor("tag:yaml.org,2002:int", _StrictLoader.construct_number)
_StrictLoader.add_constructor("tag:yaml.org,2002:float", _StrictLoader.construct_number)


def parse_yaml(text: str) -> Any:
    """Return what a YAML text says; `yaml.YAMLError` where it is none, or may be understood otherwise than it is read."""
    return yaml.load(text, _StrictLoader)


def problem_of(error: Exception) -> str:
    """Return what is wrong with a YAML text, in words."""
    return str(getattr(error, "problem", None) or error).replace("\n", " ")


def read_yaml(file: Path) -> dict[str, Any]:
    """Return a YAML file's mapping."""
    name = short_name(file)
    try:
        content = parse_yaml(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ScenarioError(f"{name}: no such file") from None
    except RecursionError:
        raise ScenarioError(f"{name}: not valid YAML: too deeply nested") from None
    except (yaml.YAMLError, ValueError) as error:  # a ValueError: not UTF-8, or a date that is none
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise ScenarioError(f"{name}{line}: not valid YAML: {problem_of(error)}") from None
    if not isinstance(content, dict):
        seen = "nothing" if content is None else f"a {type(content).__name__}"
        raise ScenarioError(f"{name}: must hold a mapping of keys to values, not {seen}")
    return content


def short_name(file: Path) -> str:
    """Return a file's path as a user would write it."""
    try:
        return str(file.relative_to(Path.cwd()))
    except ValueError:
        return str(file)
