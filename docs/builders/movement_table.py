"""The tables of what a log of movements holds, from the one place where its schema is declared."""

from __future__ import annotations

from allotment.exchange.movement_schema import ANYWHERE, COLUMNS, KINDS, NOWHERE, written_place


def columns() -> str:
    """Return a row for each column: its name, what its cells are, and what they mean."""
    lines = ["| column | cells | meaning |", "|---|---|---|"]
    for name, column in COLUMNS.items():
        lines.append(f"| `{name}`{' *' if column.needed else ''} | {column.holds} | {column.meaning} |")
    return "\n".join(lines)


def kinds() -> str:
    """Return a row for each kind of movement: from where to where it goes, and what it tells."""
    lines = ["| kind | from | to | tells that |", "|---|---|---|---|"]
    for name, kind in KINDS.items():
        ends = (_places(places) for places in (kind.start, kind.end))
        lines.append(f"| `{name}` | {' | '.join(ends)} | {kind.meaning}{'' if kind.moves else '; moves nothing'} |")
    return "\n".join(lines)


def _places(places: tuple[str, ...]) -> str:
    if places == ANYWHERE:
        return "any, or none"
    written = (written_place(place) for place in places)
    return ", ".join(f"`{place}`" if place not in ("a site", NOWHERE, "empty") else place for place in written)
