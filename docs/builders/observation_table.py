"""The table of what a network observes, from the one place where the groups are declared."""

from __future__ import annotations

from collections.abc import Sequence

from allotment.decisions.groups import KINDS, Kind


def table(kinds: Sequence[Kind] = KINDS) -> str:
    """Return a row for each group: its name, how it is chosen, what each axis counts, what it holds and its range."""
    lines = ["| group | kind | axes | holds | range |", "|---|---|---|---|---|"]
    for kind in kinds:
        if not kind.about:
            raise LookupError(f"the group {kind.kind} does not say what it holds")
        axes = " × ".join(axis.replace("_", " ") for axis in kind.axes)
        lines.append(f"| `{kind.name}` | `{kind.kind}` | {axes} | {kind.about} | {kind.low:g} to {kind.high:g} |")
    return "\n".join(lines)
