"""The rooms of the package and who imports whom, read from the source: a picture, and a table for readers of text."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

from matplotlib.figure import Figure

import allotment

PACKAGE = Path(allotment.__file__).parent
Imports = dict[tuple[str, str], int]  # (room, imported room) -> how many modules of the one import the other


def room_of(module: Path, package: Path = PACKAGE) -> str | None:
    """Return the room a module belongs to; none for what stands outside of rooms."""
    parts = module.relative_to(package).parts
    return parts[0] if len(parts) > 1 else None


def imports(package: Path = PACKAGE) -> Imports:
    """Return how many modules of each room import each other room, wherever the import stands."""
    rooms = {path.parent.name for path in package.glob("*/__init__.py")}
    counted: Counter[tuple[str, str]] = Counter()
    for module in sorted(package.rglob("*.py")):
        room = room_of(module, package)
        named = {name.split(".")[1] for name in imported(module.read_text(encoding="utf-8")) if name.startswith("allotment.")}
        if room in rooms:
            counted.update((room, other) for other in named & rooms - {room})
    return dict(counted)


def imported(text: str) -> list[str]:
    """Return the full names that a module imports, but not what it imports for type checkers alone."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = [ast.Pass()]
    nodes = list(ast.walk(tree))
    plain = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    return plain + [f"{node.module}." for node in nodes if isinstance(node, ast.ImportFrom) and node.module]


def reach(graph: Imports) -> dict[str, set[str]]:
    """Return what each room imports, be it through others."""
    rooms = {room for pair in graph for room in pair}
    reached = {room: {other for one, other in graph if one == room} for room in rooms}
    for _ in rooms:
        for room in rooms:
            reached[room] |= set().union(*(reached[other] for other in reached[room]))
    return reached


def levels(graph: Imports) -> dict[str, int]:
    """Return how far above the ground each room stands: above all it imports, right below the lowest that imports it.

    Rooms that import each other stand alike, and one that nobody imports as low as it can.
    """
    reached = reach(graph)
    level = dict.fromkeys(sorted(reached), 0)
    for _ in level:
        for room in level:
            below = [level[other] + (room not in reached[other]) for other in reached[room] - {room}]
            level[room] = max(below, default=0)
    for room in sorted(level, key=lambda room: -level[room]):
        above = [level[one] - 1 for one, other in graph if other == room and one not in reached[room]]
        apart = room not in reached[room]
        level[room] = max(level[room], min(above, default=0)) if apart else level[room]
    return level


def order(graph: Imports) -> list[str]:
    """Return the rooms from the ground up."""
    level = levels(graph)
    return sorted(level, key=lambda room: (level[room], room))


def direct(graph: Imports) -> list[tuple[str, str]]:
    """Return the imports that no chain of other imports stands for."""
    reached = reach(graph)
    return [
        (one, other)
        for one, other in graph
        if one in reached[other]
        or not any(other in reached[via] for start, via in graph if start == one and via != other and one not in reached[via])
    ]


def picture(graph: Imports) -> Figure:
    """Draw the rooms from the ground up, with an arrow to each room that is imported and not already below another one."""
    level = levels(graph)
    where = _places(level)
    figure = Figure(figsize=(8.5, 0.72 * (max(level.values()) + 1) + 0.4), layout="constrained")
    ax = figure.subplots()
    box = {"boxstyle": "round,pad=0.35", "fc": "#E8F0F8", "ec": "#0072B2"}
    drawn = {room: ax.text(*at, room, ha="center", va="center", fontsize=10, bbox=box) for room, at in where.items()}
    for one, other in direct(graph):
        bend = 0.0 if level[one] - level[other] == 1 else 0.18
        ends = {"patchA": drawn[one].get_bbox_patch(), "patchB": drawn[other].get_bbox_patch(), "shrinkA": 1, "shrinkB": 2}
        style = {"arrowstyle": "-|>", "color": "#7F7F7F", "lw": 1.0, "connectionstyle": f"arc3,rad={bend}"}
        ax.annotate("", where[other], where[one], arrowprops={**style, **ends})
    reach_of_row = max(abs(x) for x, _ in where.values()) + 0.6
    ax.set(xlim=(-reach_of_row, reach_of_row), ylim=(-0.5, max(level.values()) + 0.5))
    ax.axis("off")
    return figure


def _places(level: dict[str, int]) -> dict[str, tuple[float, float]]:
    """Return where each room stands: rooms of one level side by side, in the middle."""
    rows = {number: [room for room in level if level[room] == number] for number in set(level.values())}
    return {room: (0.5 + place - len(row) / 2, float(number)) for number, row in rows.items() for place, room in enumerate(row)}


def table(graph: Imports) -> str:
    """Return a row for each room, from the ground up: what it imports."""
    lines = ["| room | imports |", "|---|---|"]
    for room in order(graph):
        others = [other for other in order(graph) if (room, other) in graph]
        lines.append(f"| `{room}` | {', '.join(f'`{other}`' for other in others) or 'no other room'} |")
    return "\n".join(lines)
