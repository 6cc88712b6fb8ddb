"""Names and name patterns: which skus, sites or channels a `*` stands for, and the number that applies to each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray

from allotment.scenario.errors import ScenarioError, nearest


def matching(pattern: str, names: Sequence[str], where: str) -> list[int]:
    """Return the positions of the names that match; a pattern that matches none is an error."""
    found = [position for position, name in enumerate(names) if name == pattern or fnmatchcase(name, pattern)]
    if not found:
        raise ScenarioError(f"{where}: nothing is called {pattern!r}; {nearest(pattern, names)}")
    return found


def spread(
    value: float | Mapping[str, float], names: Sequence[str], where: str, needed: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """Return one number for each name, from a single number or from a mapping of patterns to numbers.

    A name's own entry wins over a pattern, a longer pattern over a shorter one. A name without an entry is an error where
    it is `needed` (all are by default), else it gets 0.
    """
    if not isinstance(value, Mapping):
        return np.full(len(names), float(value))
    numbers = np.full(len(names), np.nan)
    for pattern in sorted(value, key=lambda key: (key in names, len(key))):
        numbers[matching(pattern, names, where)] = value[pattern]
    missing = np.isnan(numbers) if needed is None else np.isnan(numbers) & needed
    if missing.any():
        raise ScenarioError(f"{where} has no entry for {names[int(missing.argmax())]!r}")
    return np.nan_to_num(numbers)


def check_unique(names: Sequence[str], where: str) -> None:
    """Refuse two entries of one name."""
    for position, name in enumerate(names):
        if name in names[:position]:
            raise ScenarioError(f"{where}[{position}]: the name {name!r} is taken already")
