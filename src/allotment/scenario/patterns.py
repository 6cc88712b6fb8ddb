"""Names and name patterns: which skus, sites or channels a `*` stands for, and the number that applies to each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray

from allotment.scenario.errors import ScenarioError, nearest


def matching(pattern: str, names: Sequence[str], where: str) -> list[int]:
    """Return the positions of the names that match; a pattern that matches none is an error."""
    found = [position for position, name in enumerate(names) if fnmatchcase(name, pattern)]
    if not found:
        raise ScenarioError(f"{where}: nothing is called {pattern!r}; {nearest(pattern, names)}")
    return found


def spread(value: float | Mapping[str, float], names: Sequence[str], where: str) -> NDArray[np.float64]:
    """Return one number for each name, from a single number or from a mapping of patterns to numbers.

    A name's own entry wins over a pattern, a longer pattern over a shorter one; a name without an entry is an error.
    """
    if not isinstance(value, Mapping):
        return np.full(len(names), float(value))
    numbers = np.full(len(names), np.nan)
    for pattern in sorted(value, key=lambda key: ("*" not in key, len(key))):
        numbers[matching(pattern, names, where)] = value[pattern]
    if np.isnan(numbers).any():
        raise ScenarioError(f"{where}: no value for {names[int(np.isnan(numbers).argmax())]!r}")
    return numbers


def check_unique(names: Sequence[str], where: str) -> None:
    """Refuse two entries of one name."""
    for position, name in enumerate(names):
        if name in names[:position]:
            raise ScenarioError(f"{where}[{position}]: the name {name!r} is taken already")
