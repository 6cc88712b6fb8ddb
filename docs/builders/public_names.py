"""The public functions, as the package lists them, for the page of the API."""

from __future__ import annotations

import inspect

import allotment


def functions() -> list[str]:
    """Return the names that the package offers and that are functions of that name, in its own order."""
    names = [name for name in allotment.__all__ if not name.startswith("__")]
    return [name for name in names if inspect.isfunction(getattr(allotment, name)) and _is_its_own(name)]


def _is_its_own(name: str) -> bool:
    return getattr(allotment, name).__name__ == name


def table() -> str:
    """Return a row for each public function: a link, and the first sentence of what it says of itself."""
    lines = ["| function | does |", "|---|---|"]
    for name in functions():
        first = (inspect.getdoc(getattr(allotment, name)) or "").split("\n\n")[0].replace("\n", " ")
        if not first:
            raise LookupError(f"allotment.{name} has no docstring")
        lines.append(f"| [`{name}`](#{getattr(allotment, name).__module__}.{name}) | {first} |")
    return "\n".join(lines)


def reference() -> str:
    """Return what mkdocstrings is asked to show of each public function."""
    return "\n\n".join(f"::: {getattr(allotment, name).__module__}.{name}" for name in functions())
