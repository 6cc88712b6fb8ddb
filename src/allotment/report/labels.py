"""Names on figures, placed so that none covers another: in the right margin, or beside their points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

FONT_SIZE = 9  # points
LINE = 1.3 * FONT_SIZE  # points from one label to the next
AROUND = [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1)]  # directions to try, in this order
DISTANCES = (8, 16, 26)  # points from a point to its label


@dataclass(frozen=True)
class Label:
    """A name for the point (x, y), in data units."""

    text: str
    x: float
    y: float
    colour: str


def label_in_margin(ax: Axes, labels: Sequence[Label]) -> Axes:
    """Write each label right of the axes, with a thin line to its point; call it once the limits are final."""
    to_height = ax.transData + ax.transAxes.inverted()
    heights = [to_height.transform((label.x, label.y))[1] for label in labels]
    spacing = LINE / (ax.get_window_extent().height * 72 / ax.figure.dpi)
    for label, height in zip(labels, spread(heights, spacing), strict=True):
        line = {"arrowstyle": "-", "color": label.colour, "linewidth": 0.6, "alpha": 0.6, "shrinkA": 1, "shrinkB": 2}
        ax.annotate(
            label.text,
            xy=(label.x, label.y),
            xytext=(1.03, height),
            textcoords="axes fraction",
            color=label.colour,
            fontsize=FONT_SIZE,
            verticalalignment="center",
            arrowprops=line,
        )
    return ax


def spread(heights: Sequence[float], spacing: float) -> NDArray[np.float64]:
    """Return heights at least `spacing` apart, in the same order from low to high and close to the wanted ones.

    Heights that would touch form a group, which stands evenly around the mean of what its members wanted.
    """
    wanted = np.asarray(heights, dtype=np.float64)
    groups: list[list[int]] = []
    for index in np.argsort(wanted, kind="stable"):
        groups.append([int(index)])
        while len(groups) > 1 and _lowest(groups[-1], wanted, spacing) < _highest(groups[-2], wanted, spacing) + spacing:
            groups[-2:] = [groups[-2] + groups[-1]]
    placed = np.empty_like(wanted)
    for group in groups:
        placed[group] = _lowest(group, wanted, spacing) + spacing * np.arange(len(group))
    return placed


def label_beside_points(ax: Axes, labels: Sequence[Label]) -> Axes:
    """Write each label where it is free of the points, the legend and the labels before it; call it last.

    Where no place is free, the one that covers least is taken.
    """
    figure, legend = ax.get_figure(root=True), ax.get_legend()
    if figure is not None:
        figure.draw_without_rendering()  # settles the layout, which the places depend on
    points = ax.transData.transform([(label.x, label.y) for label in labels])
    taken = [Bbox.from_bounds(x - 5, y - 5, 10, 10) for x, y in points]
    if legend is not None:
        taken.append(legend.get_window_extent())
    places = [(distance * dx, distance * dy) for distance in DISTANCES for dx, dy in AROUND]
    for label in labels:
        covered = [_covered(ax, label, place, taken) for place in places]
        free = places[int(np.argmin(covered))]
        taken.append(_write_beside(ax, label, free).get_window_extent())
    return ax


def _covered(ax: Axes, label: Label, place: tuple[int, int], taken: list[Bbox]) -> float:
    """Return the area, in square pixels, of what a label would cover at a place, or of what would leave the axes."""
    trial = _write_beside(ax, label, place)
    box = trial.get_window_extent()
    trial.remove()
    outside = _area(box) - _shared(box, ax.get_window_extent())
    return outside + sum(_shared(box, other) for other in taken)


def _write_beside(ax: Axes, label: Label, place: tuple[int, int]) -> Annotation:
    """Write a label at an offset in points from its point, on the side of it that the offset says."""
    right, up = np.sign(place)
    return ax.annotate(
        label.text,
        (label.x, label.y),
        place,
        textcoords="offset points",
        color=label.colour,
        fontsize=FONT_SIZE,
        horizontalalignment={1: "left", 0: "center", -1: "right"}[int(right)],
        verticalalignment={1: "bottom", 0: "center", -1: "top"}[int(up)],
    )


def _shared(one: Bbox, other: Bbox) -> float:
    """Return the area that two boxes share."""
    shared = Bbox.intersection(one, other)
    return 0.0 if shared is None else _area(shared)


def _area(box: Bbox) -> float:
    """Return the area of a box."""
    return float(box.width * box.height)


def _lowest(group: list[int], wanted: NDArray[np.float64], spacing: float) -> float:
    """Return the height of a group's lowest member."""
    return float(wanted[group].mean() - spacing * (len(group) - 1) / 2)


def _highest(group: list[int], wanted: NDArray[np.float64], spacing: float) -> float:
    """Return the height of a group's highest member."""
    return float(wanted[group].mean() + spacing * (len(group) - 1) / 2)
