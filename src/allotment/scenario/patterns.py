"""Names and name patterns: which skus, sites or channels a `*` stands for."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from allotment.scenario.errors import ScenarioError, nearest


def matching(pattern: str, names: Sequence[str], where: str) -> list[int]:
    """Return the positions of the names that match; a pattern that matches none is an error."""
    if pattern == "*":
        return list(range(len(names)))
    found = [position for position, name in enumerate(names) if name == pattern or fnmatchcase(name, pattern)]
    if not found:
        raise ScenarioError(f"{where}: nothing is called {pattern!r}; {nearest(pattern, names)}")
    return found


def check_unique(names: Sequence[str], where: str) -> None:
    """Refuse two entries of one name."""
    seen: set[str] = set()
    for position, name in enumerate(names):
        if name in seen:
            raise ScenarioError(f"{where}[{position}]: the name {name!r} is taken already")
        seen.add(name)
