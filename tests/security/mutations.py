"""Contents of files with one to three values changed: other kinds, extremes, taken away, doubled, or in another's place."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

TEXTS = [
    "",
    " ",
    "x" * 3000,
    "a\nb",
    "a\0b",
    "\ud800",
    "*",
    "[",
    "{1..3}",
    "s-{001..100000}",
    "../../x",
    "tuned",
    "kernel",
    "item",
]
NUMBERS = [
    *(0, 1, -1, 2, 3, 7, 1000, 10_000, 10**6, 10**9, 2**31, 2**63 - 1, 2**63, 2**70, 10**100, -(2**63)),
    *(0.0, -0.0, 0.5, 1.5, 1e-300, 5e-324, 1e-9, 1e6, 1e9, 1e12, 1e15, 1e308, -1e308),
    *(float("nan"), float("inf"), -float("inf")),
]
OTHERS = [None, True, False, [], {}, [[]], [None], {"x": 1}, {"uniform": [0, 1e12]}, {"uniform": [1, 0]}, {"table": "x.csv"}]
LISTS = [[0], [1.0, 2.0], [1] * 97, [1e12, 0], list(range(1000))]
Path = list[str | int]


def paths(content: Any, start: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the path to every value of a content."""
    steps: list[tuple[Any, Any]] = []
    if isinstance(content, dict):
        steps = list(content.items())
    elif isinstance(content, list):
        steps = list(enumerate(content))
    return [path for key, value in steps for path in ((*start, key), *paths(value, (*start, key)))]


def chosen(draws: np.random.Generator, among: list[Any]) -> Any:
    """Return one of several values."""
    return among[int(draws.integers(len(among)))]


def another_value(draws: np.random.Generator, old: Any, everywhere: list[Any]) -> Any:
    """Return a value that may stand in an old one's place."""
    kind = draws.random()
    if isinstance(old, int | float) and not isinstance(old, bool):
        if kind < 0.3:
            return chosen(
                draws, [old * 2, old * 10, old * 1000, old * 10**6, -old, old + 0.5, old + 1, str(old), [old], {"*": old}]
            )
        kind *= 0.75
    pools = [(0.45, NUMBERS), (0.6, TEXTS), (0.75, OTHERS), (0.85, LISTS), (1.0, everywhere)]
    return copy.deepcopy(chosen(draws, next(pool for most, pool in pools if kind < most and pool)))


def mutated(draws: np.random.Generator, content: dict[str, Any]) -> dict[str, Any]:
    """Return a content in which one to three values are others, are missing, or stand twice."""
    content = copy.deepcopy(content)
    for _ in range(int(draws.integers(1, 4))):
        known = paths(content)
        if known:
            _change(draws, content, chosen(draws, known), [_at(content, path) for path in known])
    return content


def _at(content: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        content = content[step]
    return content


def _change(draws: np.random.Generator, content: Any, path: tuple[str | int, ...], everywhere: list[Any]) -> None:
    part, last, what = _at(content, path[:-1]), path[-1], draws.random()
    if what < 0.7:
        part[last] = another_value(draws, part[last], everywhere)
    elif what < 0.85:
        del part[last]
    elif isinstance(part, list):
        part.insert(int(draws.integers(len(part) + 1)), copy.deepcopy(part[int(last)]))
    else:
        part[chosen(draws, [f"{last}x", *TEXTS, *(path[-1] for path in paths(content))])] = copy.deepcopy(part[last])
