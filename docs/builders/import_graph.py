"""The packages inside the project and who imports whom, read from the source: a picture, and a table for readers of text."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import allotment

WIDTH, ROW = 8.5, 0.72  # inches of the picture, and of a level
BENDS = (0.0, 0.18, -0.18, 0.3, -0.3, 0.42, -0.42, 0.55, -0.55)  # of arrows, the best first
PACKAGE = Path(allotment.__file__).parent
Imports = dict[tuple[str, str], int]  # (package, imported package) -> how many modules of the one import the other


def package_of(module: Path, root: Path = PACKAGE) -> str | None:
    """Return the package a module belongs to; none for a module outside of packages."""
    parts = module.relative_to(root).parts
    return parts[0] if len(parts) > 1 else None


def imports(root: Path = PACKAGE) -> Imports:
    """Return how many modules of each package import each other package, wherever the import stands."""
    packages = {path.parent.name for path in root.glob("*/__init__.py")}
    counted: Counter[tuple[str, str]] = Counter()
    for module in sorted(root.rglob("*.py")):
        package = package_of(module, root)
        named = {name.split(".")[1] for name in imported(module.read_text(encoding="utf-8")) if name.startswith("allotment.")}
        if package in packages:
            counted.update((package, other) for other in named & packages - {package})
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
    """Return what each package imports, be it through others."""
    packages = {package for pair in graph for package in pair}
    reached = {package: {other for one, other in graph if one == package} for package in packages}
    for _ in packages:
        for package in packages:
            reached[package] |= set().union(*(reached[other] for other in reached[package]))
    return reached


def levels(graph: Imports) -> dict[str, int]:
    """Return the level of each package, from 0: above all it imports, right below the lowest that imports it.

    Packages that import each other share a level, and one that nobody imports is as low as possible.
    """
    reached = reach(graph)
    level = dict.fromkeys(sorted(reached), 0)
    for _ in level:
        for package in level:
            below = [level[other] + (package not in reached[other]) for other in reached[package] - {package}]
            level[package] = max(below, default=0)
    for package in sorted(level, key=lambda package: -level[package]):
        above = [level[one] - 1 for one, other in graph if other == package and one not in reached[package]]
        apart = package not in reached[package]
        level[package] = max(level[package], min(above, default=0)) if apart else level[package]
    return level


def order(graph: Imports) -> list[str]:
    """Return the packages from the lowest level up."""
    level = levels(graph)
    return sorted(level, key=lambda package: (level[package], package))


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
    """Draw the packages from the lowest level up, with arrows for the direct imports."""
    level = levels(graph)
    where = _places(graph, level)
    figure = Figure(figsize=(WIDTH, ROW * (max(level.values()) + 1) + 0.4), layout="constrained")
    ax = figure.subplots()
    box = {"boxstyle": "round,pad=0.35", "fc": "#E8F0F8", "ec": "#0072B2"}
    drawn = {package: ax.text(*at, package, ha="center", va="center", fontsize=10, bbox=box) for package, at in where.items()}
    reach_of_row = max(abs(x) for x, _ in where.values()) + 0.6
    inches = {package: (x * WIDTH / (2 * reach_of_row), y * ROW) for package, (x, y) in where.items()}
    for one, other in direct(graph):
        bend = min(BENDS, key=lambda bend: _crossed(bend, one, other, inches))
        ends = {"patchA": drawn[one].get_bbox_patch(), "patchB": drawn[other].get_bbox_patch(), "shrinkA": 1, "shrinkB": 2}
        style = {"arrowstyle": "-|>", "color": "#7F7F7F", "lw": 1.0, "connectionstyle": f"arc3,rad={bend}"}
        ax.annotate("", where[other], where[one], arrowprops={**style, **ends})
    ax.set(xlim=(-reach_of_row, reach_of_row), ylim=(-0.5, max(level.values()) + 0.5))
    ax.axis("off")
    return figure


def _crossed(bend: float, one: str, other: str, inches: dict[str, tuple[float, float]]) -> int:
    """Return how many points of an arrow's curve lie on names that it passes by."""
    start, end = np.array(inches[one]), np.array(inches[other])
    across, down = end - start
    control = (start + end) / 2 + bend * np.array([down, -across])
    along = np.linspace(0.0, 1.0, 60)[:, None]
    curve = (1 - along) ** 2 * start + 2 * along * (1 - along) * control + along**2 * end
    passed = [(name, place) for name, place in inches.items() if name not in (one, other)]
    return sum(int((np.abs(curve - place) < [0.15 + 0.05 * len(name), 0.2]).all(axis=1).sum()) for name, place in passed)


def _places(graph: Imports, level: dict[str, int]) -> dict[str, tuple[float, float]]:
    """Return where each package stands: those of a level in the middle, those of them that nobody imports at the left."""
    needed = {other for _, other in graph}
    places = {}
    for number in set(level.values()):
        row = [package for package in level if level[package] == number]
        middle = [package for package in row if package in needed] or row
        for place, package in enumerate([*middle, *(each for each in row if each not in middle)]):
            at = place if package in middle else len(middle) - 1 - place
            places[package] = (0.5 + at - len(middle) / 2, float(number))
    return places


def table(graph: Imports) -> str:
    """Return a row for each package, from the lowest level up: what it imports."""
    lines = ["| package | imports |", "|---|---|"]
    for package in order(graph):
        others = [other for other in order(graph) if (package, other) in graph]
        lines.append(f"| `{package}` | {', '.join(f'`{other}`' for other in others) or 'no other package'} |")
    return "\n".join(lines)
