"""Turns what is wrong in a file into one sentence a line: what was seen, where, and what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError


class ScenarioError(ValueError):
    """A scenario, policy or study file that cannot be used; the message names file, key and what is allowed."""


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Return "did you mean …?" for a close name, else the list of what is allowed."""
    names = [str(candidate) for candidate in allowed]
    close = difflib.get_close_matches(str(name), names, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"allowed: {', '.join(sorted(names))}"


def place(path: Sequence[str | int]) -> str:
    """Write a path of keys and positions as `supply_lanes[3].lead_time`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def explain(error: ValidationError, content: Any, model: type[BaseModel], origin: str) -> str:
    """Return one line for each distinct fault that pydantic found in `content`, read from the file `origin`."""
    by_path: dict[tuple[str | int, ...], list[Any]] = {}
    for fault in allowed_keys(model, error.errors()):
        by_path.setdefault(_path_in(content, fault["loc"]), []).append(fault)
    deepest = [path for path in by_path if not any(_inside(other, path) for other in by_path)]
    return "\n".join(f"{origin}: {_line(path, by_path[path], content)}" for path in deepest)


def _inside(other: tuple[str | int, ...], path: tuple[str | int, ...]) -> bool:
    return len(other) > len(path) and other[: len(path)] == path


def _path_in(content: Any, location: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Keep the steps that lead through the content; pydantic adds the names of union members."""
    path: list[str | int] = []
    for position, step in enumerate(location):
        if (isinstance(content, dict) and step in content) or (
            isinstance(content, list) and isinstance(step, int) and step < len(content)
        ):
            content = content[step]
            path.append(step)
        elif isinstance(content, dict) and position == len(location) - 1:
            path.append(step)  # a missing key
    return tuple(path)


def _line(path: tuple[str | int, ...], faults: list[Any], content: Any) -> str:
    seen = faults[0]["input"]
    telling = [fault for fault in faults if not _wrong_branch(fault)] or faults
    fault = telling[0]
    if fault["type"] == "extra_forbidden":
        return f"unknown key {place(path)!r}; {nearest(str(path[-1]), fault['allowed'])}"
    if fault["type"] == "missing":
        return f"{place(path)} is missing"
    if fault["type"] == "union_tag_not_found":
        return f"{place(path)} must say {fault['ctx']['discriminator']}, seen {seen!r}"
    if fault["type"] == "union_tag_invalid":
        tags = fault["ctx"]["expected_tags"].replace("'", "").split(", ")
        return f"{place(path)}: unknown {fault['ctx']['discriminator']} {fault['ctx']['tag']!r}; " + nearest(
            fault["ctx"]["tag"], tags
        )
    return f"{place(path) or 'file'} {_rule(telling)}, not {_short(fault['input'])}"


def _wrong_branch(fault: Any) -> bool:
    """Tell whether the fault only says that the value belongs to another member of a union."""
    mapping = isinstance(fault["input"], dict)
    of_mapping = fault["type"] in ("dict_type", "model_type", "model_attributes_type", "dict_attributes_type")
    of_number = fault["type"] in ("float_type", "int_type", "none_required")
    return (of_number and mapping) or (of_mapping and not mapping)


_RULES = {
    "greater_than_equal": "must be >= {ge:g}",
    "greater_than": "must be > {gt:g}",
    "less_than_equal": "must be <= {le:g}",
    "less_than": "must be < {lt:g}",
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "string_type": "must be text",
    "list_type": "must be a list",
    "bool_type": "must be true or false",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "finite_number": "must be finite",
    "literal_error": "must be {expected}",
    "too_short": "must have at least {min_length} entries",
}


def _rule(faults: list[Any]) -> str:
    rules = []
    for fault in faults:
        template = _RULES.get(fault["type"])
        text = template.format(**fault.get("ctx", {})) if template else fault["msg"].removeprefix("Value error, ")
        rules.append(text)
    return " or ".join(dict.fromkeys(rules))


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def allowed_keys(model: type[BaseModel], faults: list[Any]) -> list[Any]:
    """Add to each unknown-key fault the keys that its own part allows, found by walking the model's fields."""
    for fault in faults:
        if fault["type"] == "extra_forbidden":
            fault["allowed"] = _fields_at(model, fault["loc"][:-1])
    return faults


def _fields_at(model: Any, location: tuple[str | int, ...]) -> list[str]:
    found = {model}
    for step in location:
        found = {member for candidate in found for member in _members(candidate, step)} or found
    names = [field.alias or name for part in found for name, field in part.model_fields.items()]
    return sorted(set(names))


def _members(model: Any, step: str | int) -> list[Any]:
    """Return the models that a step from `model` may reach: through a field, a list, or a union member's name."""
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    if step in fields:
        return _models_in(fields[str(step)].annotation, fields[str(step)].metadata)
    tagged = [model] if _tag_of(model) == step or model.__name__ == step else []
    return tagged


def _tag_of(model: Any) -> str | None:
    field = model.model_fields.get("distribution")
    return field.annotation.__args__[0] if field is not None else None


def _models_in(annotation: Any, metadata: Any = ()) -> list[Any]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in getattr(annotation, "__args__", ()) for model in _models_in(argument)]
