"""One episode of several policies in the same world, side by side on shared scales."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from allotment.environments.episode_figure import EpisodeRecord, draw_episode

ABREAST = 3  # episodes in a row of the figure


def episodes_side_by_side(records: Sequence[EpisodeRecord], period: str = "period") -> Figure:
    """Return a figure with one column of panels for each record; the same panel has the same scale in all of them.

    More than three records stand in several rows. `period` is what the world calls a period.
    """
    columns = min(ABREAST, len(records))
    rows = ceil(len(records) / columns)
    figure = Figure(figsize=(6.5 * columns, 8 * rows), layout="constrained")
    places = figure.subfigures(rows, columns, squeeze=False).flat
    drawn = [draw_episode(record, place, period).axes for record, place in zip(records, places, strict=False)]
    for panels in zip(*drawn, strict=True):
        share_scale(panels)
    return figure


def share_scale(panels: Sequence[Axes]) -> None:
    """Give panels that show the same thing the widest limits that any of them has."""
    for limits, change in (("get_xlim", "set_xlim"), ("get_ylim", "set_ylim")):
        seen = [getattr(panel, limits)() for panel in panels]
        for panel in panels:
            getattr(panel, change)(min(low for low, _ in seen), max(high for _, high in seen))
