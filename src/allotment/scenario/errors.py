"""Turns what is wrong in a file into one sentence a line: what was seen, where, and what is allowed.

Whatever a file or a request holds, a message stays short and is found in time proportional to the content: the first faults are
told and the others counted, a name is compared with so many others only, and what was sent is repeated up to a few words.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

Steps = tuple[str | int, ...]  # keys and positions that lead to a value
MOST_FAULTS = 10  # told one by one
MOST_COMPARED = 1000  # names among which a close one is looked for
MOST_LISTED = 50  # names in a list of what is allowed
LONGEST_VALUE, LONGEST_NAME, LONGEST_LINE = 60, 100, 1000  # characters
DEEPEST = 4  # lists and mappings of a value that are shown one in another
MOST_BITS = 10_000  # of a number that is written out
RENAMED = {  # keys of earlier versions
    "open_orders": "open_demand",
    "outstanding": "in_transit",
    "under_way": "in_transit",
    "seed": "parameters.seed",  # of the random rule
}


class ScenarioError(ValueError):
    """A scenario, policy or study file that cannot be used; the message names file, key and what is allowed.

    A line of the message that is longer than `LONGEST_LINE` is cut, and what a terminal would not print is escaped.
    """

    def __init__(self, message: str) -> None:
        super().__init__("\n".join(_printable(_cut(line, LONGEST_LINE)) for line in message.splitlines()))


def _printable(line: str) -> str:
    """Return a line in which signs that move a terminal's cursor, or that it cannot show, are written out."""
    if line.isprintable():
        return line
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in line)


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Return "did you mean …?" for a close name, else the list of what is allowed; of many names the first only."""
    names = [str(candidate) for candidate in allowed]
    close = _closest(str(name), names)
    if close:
        return f"did you mean {close!r}?"
    left = len(names) - MOST_LISTED
    return f"allowed: {', '.join(sorted(names)[:MOST_LISTED])}{f' and {left} more' if left > 0 else ''}"


def _closest(name: str, names: list[str]) -> str | None:
    if len(name) > LONGEST_NAME:
        return None
    compared = [each for each in names[:MOST_COMPARED] if len(each) <= LONGEST_NAME]
    return next(iter(difflib.get_close_matches(name, compared, n=1, cutoff=0.6)), None)


def place(path: Sequence[str | int]) -> str:
    """Write a path of keys and positions as `supply_lanes[3].lead_time`; a long key is cut."""
    text = ""
    for step in path:
        text += (
            f"[{step}]"
            if isinstance(step, int)
            else f"{'.' if text else ''}{_cut(_printable(str(step)[: LONGEST_NAME + 1]), LONGEST_NAME)}"
        )
    return text


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 3] + "..."


class _Fault(NamedTuple):
    """One of pydantic's findings, and the path through the content that leads to it."""

    path: Steps
    found: Any  # pydantic's account of it
    model: type[BaseModel]  # which the whole content should be

    @property
    def kind(self) -> str:
        """Return pydantic's name of the rule that is broken."""
        return str(self.found["type"])

    @property
    def seen(self) -> Any:
        """Return what stands at the path."""
        return self.found["input"]

    @property
    def details(self) -> dict[str, Any]:
        """Return the numbers and words of the rule."""
        return self.found.get("ctx", {})

    @property
    def parts(self) -> list[type[BaseModel]]:
        """Return which models may stand at the path, of an unknown key those that may hold it."""
        location = self.found["loc"]
        return _models_at(self.model, location[:-1] if self.kind == "extra_forbidden" else location)

    @property
    def allowed(self) -> list[str]:
        """Return the keys that may stand beside the fault's."""
        return sorted({field.alias or name for part in self.parts for name, field in part.model_fields.items()})


def explain(
    error: ValidationError, content: Any, model: type[BaseModel], origin: str, written: Callable[[Steps], Steps] = tuple
) -> str:
    """Return one line for each of the first faults that pydantic found in `content`, read from the file `origin`.

    A last line counts the others. `written` says where the file itself states what stands at a path of the content.
    """
    by_path: dict[Steps, list[_Fault]] = {}
    for found in error.errors(include_url=False):
        path = _path(found, content)
        by_path.setdefault(path, []).append(_Fault(path, found, model))
    around = {path[:length] for path in by_path for length in range(len(path))} | _meant(by_path)
    telling: dict[Steps, Steps] = {}
    for path in by_path:
        if path not in around:
            telling.setdefault(written(path), path)
    lines = [_line(where, by_path[path]) for where, path in islice(telling.items(), MOST_FAULTS)]
    left = len(telling) - MOST_FAULTS
    lines += [f"{left} more faults"] if left > 0 else []
    return "\n".join(f"{origin}: {line}" for line in dict.fromkeys(lines))


def _meant(by_path: dict[Steps, list[_Fault]]) -> set[Steps]:
    """Return the paths of missing keys that unknown ones beside them, of the first there are, probably stand for."""
    lacking = {path[:-1] for path, faults in by_path.items() if faults[0].kind == "missing"}
    unknown = (faults[0] for path, faults in by_path.items() if faults[0].kind == "extra_forbidden" and path[:-1] in lacking)
    first = islice(unknown, MOST_FAULTS**2)
    return {(*fault.path[:-1], _closest(str(fault.path[-1]), fault.allowed) or "") for fault in first}


def _path(found: Any, content: Any) -> Steps:
    """Keep the steps that lead through the content, to a missing key at the end; pydantic adds names of union members."""
    path: list[str | int] = []
    for step in found["loc"]:
        if (isinstance(content, dict) and step in content) or (isinstance(content, list) and step in range(len(content))):
            content = content[step]
            path.append(step)
    if found["type"] == "missing":
        path.append(found["loc"][-1])
    return tuple(path)


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
        return f"{where}: unknown {key} {shown(fault.details['tag'])}; {nearest(fault.details['tag'], tags)}"
    if fault.kind == "value_error":
        return f"{where}: {_rule(telling)}" if where else _rule(telling)
    return f"{where} {_rule(telling)}, not {shown(fault.seen)}".lstrip()


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
    "invalid_key": "must be text",
    "list_type": "must be a list",
    "bool_type": "must be true or false",
    **dict.fromkeys(_OF_MAPPINGS, "must be a mapping"),
    "finite_number": "must be finite",
    "literal_error": "must be {expected}",
    "too_short": "must list at least {min_length:g}",
    "too_long": "must list at most {max_length:g}",
}


def _rule(faults: list[_Fault]) -> str:
    rules = []
    for fault in faults:
        template = _RULES.get(fault.kind)
        rules.append(template.format(**fault.details) if template else fault.found["msg"].removeprefix("Value error, "))
    return " or ".join(rule if place == 0 else rule.removeprefix("must be ") for place, rule in enumerate(dict.fromkeys(rules)))


def shown(value: Any) -> str:
    """Write a value as a file would, on one line, cut to a few words."""
    text = _cut(" ".join(repr(_beginning(value)).split()), LONGEST_VALUE)
    return {"None": "null", "True": "true", "False": "false", "[]": "an empty list"}.get(text, text)


def _beginning(value: Any, deep: int = 0) -> Any:
    """Return as much of a value as can be seen of it in a few words."""
    if isinstance(value, str | bytes):
        return value[:LONGEST_VALUE]
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        return _Unquoted(f"a number of {value.bit_length()} bits")
    if isinstance(value, list | tuple | dict) and deep == DEEPEST:
        return ...
    if isinstance(value, list | tuple):
        return type(value)([_beginning(entry, deep + 1) for entry in value[: LONGEST_VALUE >> 2 * deep]])
    if isinstance(value, dict):
        first = islice(value.items(), LONGEST_VALUE >> 2 * deep)
        return {_beginning(key): _beginning(entry, deep + 1) for key, entry in first}
    return value


class _Unquoted(str):
    """Words that stand for a value, rather than its text."""

    def __repr__(self) -> str:
        return str(self)


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
