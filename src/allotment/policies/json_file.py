"""Reading JSON strictly: an object, of bounded size and depth, with numbers that can be had; messages name the file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NoReturn

from allotment.scenario.errors import ScenarioError

LARGEST = 64 * 2**20  # bytes
DEEPEST = 50  # objects and lists in one another
LONGEST_WHOLE = 30  # digits
CONTROL = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\ud800-\\udfff]")  # a tab and the end of a line are text


def read_json(file: Path, finite: bool = True) -> dict[str, Any]:
    """Return the object that a JSON file holds; `ScenarioError` where it holds none, or what no bundle and no run says.

    A number that is none, or infinite, is one of that unless `finite` is false.
    """
    numbers: dict[str, Any] = {"parse_constant": _not_finite, "parse_float": _finite} if finite else {}
    if file.stat().st_size > LARGEST:
        raise ScenarioError(f"{file}: must be at most {LARGEST // 2**20} MiB, not {file.stat().st_size / 2**20:,.0f}")
    try:
        text = file.read_text(encoding="utf-8")
        content = json.loads(text, parse_int=_whole, **numbers)
    except RecursionError:
        raise ScenarioError(f"{file}: not JSON (nested too deeply)") from None
    except ValueError as error:
        raise ScenarioError(f"{file}: not JSON ({error})") from None
    if not isinstance(content, dict):
        raise ScenarioError(f"{file}: must hold an object, not {type(content).__name__}")
    _check_contents(content, file)
    return content


def _not_finite(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{text[:LONGEST_WHOLE]} is too large")
    return number


def _whole(text: str) -> int:
    if len(text) > LONGEST_WHOLE:
        raise ValueError(f"a whole number of {len(text)} digits is too large")
    return int(text)


def _check_contents(content: dict[str, Any], file: Path) -> None:
    """Refuse what is nested too deeply, and texts that hold control characters or halves of characters."""
    depth, level = 0, list[Any]([content])
    while level := [inner for each in level if isinstance(each, dict | list) for inner in _parts(each)]:
        depth += 1
        if depth > DEEPEST:
            raise ScenarioError(f"{file}: must not be nested deeper than {DEEPEST}")
        found = next((sign for each in level if isinstance(each, str) and (sign := CONTROL.search(each))), None)
        if found:
            raise ScenarioError(f"{file}: a text must not hold the character U+{ord(found[0]):04X}")


def _parts(content: dict[str, Any] | list[Any]) -> list[Any]:
    return [*content, *content.values()] if isinstance(content, dict) else content
