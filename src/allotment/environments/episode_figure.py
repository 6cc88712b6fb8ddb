"""One episode as a picture: the stock, what is in transit, demand against shipments, and the service that came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from allotment.environments.figure_text import settings_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Units = NDArray[np.float64]

COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D1F"]  # safe for colour-blind readers
BLACK, GREY = "#000000", "#B0B0B0"


class EpisodeRecord(Protocol):
    """What happened in an episode, period by period."""

    @property
    def title(self) -> str: ...
    @property
    def sites(self) -> list[str]: ...
    @property
    def channels(self) -> list[str]: ...
    @property
    def on_hand(self) -> Units: ...  # (periods, sites, skus)
    @property
    def in_transit(self) -> Units: ...  # (periods, supply lanes, skus)
    @property
    def demand(self) -> Units: ...  # (periods, channels, skus)
    @property
    def on_time(self) -> Units: ...  # (periods, channels, skus): units served when they were due
    @property
    def open_demand(self) -> Units: ...  # (periods, channels, skus)
    @property
    def lost(self) -> Units: ...  # (periods, channels, skus)
    @property
    def shipped(self) -> Units: ...  # (periods, fulfilment lanes, skus)
    @property
    def reward(self) -> NDArray[np.float64]: ...  # (periods,)


def draw_episode(record: EpisodeRecord, figure: Figure | None = None, period: str = "period") -> Figure:
    """Return a figure of four panels over the episode's periods, drawn anew on `figure` where one is given.

    `period` is what the world calls a period. The figure belongs to no window and no global state; attach a canvas to show it
    or to read its pixels.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    if figure is None:
        figure = Figure(figsize=(10, 9), layout="constrained")
    figure.clear()
    with rc_context(settings_for([*names_of(record), period])):
        return _drawn(record, figure, period)


def names_of(record: EpisodeRecord) -> list[str]:
    """Return the names that the picture of an episode has."""
    return [record.title, *record.sites, *record.channels]


def _drawn(record: EpisodeRecord, figure: Figure, period: str) -> Figure:
    """Return the figure with the panels drawn on it."""
    from matplotlib.ticker import MaxNLocator

    panels = figure.subplots(4, 1, sharex=True)
    for draw, ax in zip((_stock, _in_transit, _demand, _service), panels, strict=True):
        draw(ax, record)
        _tidy(ax)
    panels[2].set_ylabel(f"units/{period}")
    figure.align_ylabels(panels)
    if not len(record.reward):
        return _blank(figure, record.title, period)
    panels[-1].set(xlabel=period, xlim=(0.5, len(record.reward) + 0.5))
    panels[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.suptitle(f"{record.title}: mean reward {np.mean(record.reward):,.1f} per {period}")
    return figure


def _blank(figure: Figure, title: str, period: str) -> Figure:
    """Take away the scales and legends, which say nothing before the first period."""
    for ax in figure.axes:
        ax.set(xticks=[], yticks=[])
        legend = ax.get_legend()
        if legend is not None:
            legend.remove()
    figure.suptitle(f"{title}: before the first {period}")
    return figure


def _stock(ax: Axes, record: EpisodeRecord) -> None:
    """Draw the stock on hand of each site."""
    ax.set(title="Stock on hand, by site", ylabel="units")
    _lines(ax, dict(zip(record.sites, record.on_hand.sum(axis=2).T, strict=True)))


def _in_transit(ax: Axes, record: EpisodeRecord) -> None:
    """Draw the units ordered and not yet received."""
    units = record.in_transit.sum(axis=(1, 2))
    ax.set(title="In transit, all supply lanes", ylabel="units")
    ax.bar(_periods(units), units, width=1, color=COLOURS[5])


def _demand(ax: Axes, record: EpisodeRecord) -> None:
    """Draw demand against units shipped, with what was lost and what stayed open."""
    demand, lost = record.demand.sum(axis=(1, 2)), record.lost.sum(axis=(1, 2))
    shipped, waiting = record.shipped.sum(axis=(1, 2)), record.open_demand.sum(axis=(1, 2))
    periods = _periods(demand)
    ax.set(title="Demand against units shipped")
    ax.bar(periods, shipped, width=1, color=GREY, label="shipped")
    ax.stairs(demand, np.arange(len(demand) + 1) + 0.5, color=BLACK, linewidth=1.2, label="demand")
    if lost.any():
        ax.bar(periods, lost, width=1, bottom=shipped, color=COLOURS[1], alpha=0.8, label="lost")
    if waiting.any():
        ax.plot(periods, waiting, color=COLOURS[3], linewidth=2, linestyle=":", label="open demand (units)")
    _legend(ax)


def _service(ax: Axes, record: EpisodeRecord) -> None:
    """Draw the share of demand served on time, by channel and in all; a period without demand leaves a gap."""
    from matplotlib.ticker import PercentFormatter

    demand, on_time = record.demand.sum(axis=2), record.on_time.sum(axis=2)
    ax.set(title="Service: units on time as a share of demand", ylabel="on-time share", ylim=(0, 1.08))
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    if 1 < len(record.channels) <= len(COLOURS):
        _lines(ax, dict(zip(record.channels, _share(on_time, demand).T, strict=True)), linewidth=1)
    ax.plot(_periods(demand), _share(on_time.sum(axis=1), demand.sum(axis=1)), color=BLACK, marker=".", label="all channels")
    _legend(ax)


def _lines(ax: Axes, series: dict[str, Units], linewidth: float = 1.5) -> None:
    """Draw named series over periods; beyond the palette, the mean of the smallest is one line."""
    largest = sorted(series, key=lambda name: -np.nansum(series[name]))
    named = largest if len(largest) <= len(COLOURS) else largest[: len(COLOURS) - 1]
    for position, name in enumerate(name for name in series if name in named):
        ax.plot(_periods(series[name]), series[name], color=COLOURS[position], linewidth=linewidth, label=name)
    rest = [series[name] for name in largest[len(named) :]]
    if rest:
        ax.plot(_periods(rest[0]), np.mean(rest, axis=0), color=BLACK, linestyle="--", label=f"mean of {len(rest)} others")
    _legend(ax)


def _share(part: Units, whole: Units) -> Units:
    """Return part / whole, and not-a-number where there is no whole."""
    return np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)


def _periods(series: Units) -> NDArray[np.int64]:
    """Return the numbers of the periods, from 1."""
    return np.arange(1, len(series) + 1)


def _legend(ax: Axes) -> None:
    """Name the series to the right of the axes."""
    ax.legend(loc="upper left", bbox_to_anchor=(1.005, 1), frameon=False, fontsize=8)


def _tidy(ax: Axes) -> None:
    """Put the title left, start the axis at zero, take away the frame's top and right, and draw a light grid."""
    ax.set_title(ax.get_title(), loc="left", fontsize=10)
    ax.set_title("")
    ax.use_sticky_edges = False  # a bar that ends at the highest value would take the margin above it
    ax.set_ylim(bottom=0)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(color="#E6E6E6", linewidth=0.7)
    ax.set_axisbelow(True)
