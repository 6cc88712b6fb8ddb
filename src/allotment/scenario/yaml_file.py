"""Reading a YAML file strictly: one mapping, no key twice, and a message that names file and line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from allotment.scenario.errors import ScenarioError, shown


class _StrictLoader(yaml.SafeLoader):
    """Reads YAML and refuses a key that stands twice in one mapping, where YAML would keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {shown(key.value)} stands twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_yaml(file: Path) -> dict[str, Any]:
    """Return a YAML file's mapping."""
    name = short_name(file)
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), _StrictLoader)
    except FileNotFoundError:
        raise ScenarioError(f"{name}: no such file") from None
    except RecursionError:
        raise ScenarioError(f"{name}: not valid YAML: too deeply nested") from None
    except (yaml.YAMLError, ValueError) as error:  # a ValueError: not UTF-8, or a date that is none
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise ScenarioError(f"{name}{line}: not valid YAML: {getattr(error, 'problem', error)}") from None
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
