"""Turns what is wrong in a file into one sentence a line: what was seen, where, and what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

Steps = tuple[str | int, ...]  # keys and positions that lead to a value
RENAMED = {  # keys of earlier versions
    "open_orders": "open_demand",
    "outstanding": "in_transit",
    "under_way": "in_transit",
    "seed": "parameters.seed",  # of the random rule
}


class ScenarioError(ValueError):
    """A scenario, policy or study file that cannot be used; the message names file, key and what is allowed."""


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Return "did you mean …?" for a close name, else the list of what is allowed."""
    names = [str(candidate) for candidate in allowed]
    close = _closest(name, names)
    return f"did you mean {close!r}?" if close else f"allowed: {', '.join(sorted(names))}"


def _closest(name: str, names: list[str]) -> str | None:
    return next(iter(difflib.get_close_matches(str(name), names, n=1, cutoff=0.6)), None)


def place(path: Sequence[str | int]) -> str:
    """Write a path of keys and positions as `supply_lanes[3].lead_time`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


class _Fault(NamedTuple):
    """One of pydantic's findings, and the path through the content that leads to it."""

    path: Steps
    kind: str  # pydantic's name of the rule that is broken
    seen: Any
    details: dict[str, Any]
    sentence: str  # pydantic's own
    parts: list[type[BaseModel]]  # which models may stand at the path, of a key those that may hold it

    @property
    def allowed(self) -> list[str]:
        """Return the keys that may stand beside the fault's."""
        return sorted({field.alias or name for part in self.parts for name, field in part.model_fields.items()})


def explain(
    error: ValidationError, content: Any, model: type[BaseModel], origin: str, written: Callable[[Steps], Steps] = tuple
) -> str:
    """Return one line for each distinct fault that pydantic found in `content`, read from the file `origin`.

    `written` says where the file itself states what stands at a path of the content.
    """
    by_path: dict[Steps, list[_Fault]] = {}
    for found in error.errors():
        fault = _fault(found, content, model)
        by_path.setdefault(fault.path, []).append(fault)
    meant = {(*path[:-1], _closest(str(path[-1]), faults[0].allowed)) for path, faults in by_path.items() if _unknown(faults)}
    telling = [path for path in by_path if path not in meant and not any(_inside(other, path) for other in by_path)]
    return "\n".join(dict.fromkeys(f"{origin}: {_line(written(path), by_path[path])}" for path in telling))


def _unknown(faults: list[_Fault]) -> bool:
    return faults[0].kind == "extra_forbidden"


def _inside(other: Steps, path: Steps) -> bool:
    return len(other) > len(path) and other[: len(path)] == path


def _fault(found: Any, content: Any, model: type[BaseModel]) -> _Fault:
    """Keep the steps that lead through the content, to a missing key at the end; pydantic adds names of union members."""
    location, path = found["loc"], []
    for step in location:
        if (isinstance(content, dict) and step in content) or (isinstance(content, list) and step in range(len(content))):
            content = content[step]
            path.append(step)
    if found["type"] == "missing":
        path.append(location[-1])
    holders = location[:-1] if found["type"] == "extra_forbidden" else location
    return _Fault(tuple(path), found["type"], found["input"], found.get("ctx", {}), found["msg"], _models_at(model, holders))


def _line(path: Steps, faults: list[_Fault]) -> str:
    telling = [fault for fault in faults if not _wrong_branch(fault)] or faults
    fault, where = telling[0], place(path)
    if fault.kind == "extra_forbidden":
        return f"unknown key {where!r}; {_instead(str(path[-1]), fault.allowed)}"
    if fault.kind == "missing":
        return f"{where} is missing"
    if fault.kind in ("union_tag_not_found", "union_tag_invalid"):
        tags = [tag for part in fault.parts if (tag := _tag_of(part))]
        key = fault.details["discriminator"].strip("'")
        if fault.kind == "union_tag_not_found":
            return f"{where}.{key} is missing; allowed: {', '.join(sorted(tags))}"
        return f"{where}: unknown {key} {fault.details['tag']!r}; {nearest(fault.details['tag'], tags)}"
    if fault.kind == "value_error":
        return f"{where}: {_rule(telling)}" if where else _rule(telling)
    return f"{where} {_rule(telling)}, not {_short(fault.seen)}".lstrip()


def _instead(key: str, allowed: list[str]) -> str:
    """Return what may be said instead of an unknown key."""
    new = RENAMED.get(key, "")
    return f"it is called {new!r} now" if new.split(".")[0] in allowed else nearest(key, allowed)


_OF_NUMBERS = ("float_type", "int_type", "none_required")
_OF_MAPPINGS = ("dict_type", "model_type", "model_attributes_type", "dict_attributes_type")


def _wrong_branch(fault: _Fault) -> bool:
    """Tell whether the fault only says that the value belongs to another member of a union."""
    if isinstance(fault.seen, dict):
        return fault.kind in _OF_NUMBERS
    return isinstance(fault.seen, int | float) and fault.kind in _OF_MAPPINGS


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
    **dict.fromkeys(_OF_MAPPINGS, "must be a mapping"),
    "finite_number": "must be finite",
    "literal_error": "must be {expected}",
    "too_short": "must list at least {min_length:g}",
}


def _rule(faults: list[_Fault]) -> str:
    rules = []
    for fault in faults:
        template = _RULES.get(fault.kind)
        rules.append(template.format(**fault.details) if template else fault.sentence.removeprefix("Value error, "))
    return " or ".join(rule if place == 0 else rule.removeprefix("must be ") for place, rule in enumerate(dict.fromkeys(rules)))


def _short(value: Any) -> str:
    """Write a value as a file would, cut to a few words."""
    text = {"None": "null", "True": "true", "False": "false", "[]": "an empty list"}.get(repr(value), repr(value))
    return text if len(text) <= 60 else text[:57] + "..."


def _models_at(model: type[BaseModel], location: Steps) -> list[type[BaseModel]]:
    """Return the models that may stand at a location, found by walking the fields from `model`."""
    found = {model}
    for step in location:
        found = {member for candidate in found for member in _members(candidate, step)} or found
    return list(found)


def _members(model: type[BaseModel], step: str | int) -> list[type[BaseModel]]:
    """Return the models that a step from `model` may reach: through a field, a list, or a union member's name."""
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    if step in fields:
        return _models_in(fields[str(step)].annotation)
    return [model] if _tag_of(model) == step or model.__name__ == step else []


def _tag_of(model: type[BaseModel]) -> str | None:
    field = model.model_fields.get("distribution")
    return field.annotation.__args__[0] if field is not None else None  # type: ignore[union-attr]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in getattr(annotation, "__args__", ()) for model in _models_in(argument)]
