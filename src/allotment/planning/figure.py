"""A plan as a picture: on the left what each channel asks for and who serves it, on the right where the stock goes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from allotment.allocation.day import ROUNDING, total_by
from allotment.environments.figure_text import plain_text, settings_for
from allotment.planning.outcome import Plan
from allotment.planning.summary import Summary, summary
from allotment.report.palette import NEUTRAL, series_colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CHANNELS = 3  # the colour at which channels start, so that few warehouses and few channels share none
MOST_SERIES = 7  # warehouses or channels with a colour each; the others are one more


def save(plan: Plan, file: Path) -> None:
    """Draw a plan into a file."""
    with plain_text(_names(plan, summary(plan))):
        draw(plan).savefig(file, dpi=150)


def _names(plan: Plan, sums: Summary) -> list[str]:
    """Return the names that the figure of a plan has."""
    return [*sums.titles, *plan.book.warehouses, *plan.book.channels]


def draw(plan: Plan) -> Figure:
    """Return the figure of a plan."""
    from matplotlib import rc_context

    sums = summary(plan)
    with rc_context(settings_for(_names(plan, sums))):
        return _drawn(plan, sums)


def _drawn(plan: Plan, sums: Summary) -> Figure:
    """Return the figure of a plan with both panels."""
    from matplotlib.figure import Figure

    bars = max(len(sums.titles), len(plan.book.warehouses))
    figure = Figure(figsize=(12, max(3.6, 1.8 + 0.36 * bars)), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[3, 2])
    demand_served(left, sums, plan.book.warehouses)
    stock_used(right, plan)
    return figure


def demand_served(ax: Axes, sums: Summary, warehouses: list[str]) -> Axes:
    """Draw what each group asks for as a bar: what each warehouse ships, what stays unmet, and a tick at what is committed."""
    rows = np.arange(len(sums.titles))
    shipped, names = _largest(sums.by_warehouse, warehouses)
    _stack(ax, rows, shipped, [f"from {name}" for name in names])
    _blank(ax, rows, sums.served, sums.wanted - sums.served, label="unmet", hatch="////")
    if sums.committed.any():
        promised = sums.committed > 0
        ax.plot(
            sums.committed[promised], rows[promised], "|", color="black", markersize=16, markeredgewidth=2, label="committed"
        )
    ax.set(title="Demand and who serves it", xlabel="units", yticks=rows, yticklabels=sums.titles)
    return _finish(ax)


def stock_used(ax: Axes, plan: Plan) -> Axes:
    """Draw the supply of each warehouse as a bar: what each channel gets of it, and what is left."""
    book, day = plan.book, plan.day
    rows = np.arange(len(book.warehouses))
    units = np.zeros((len(rows), len(book.channels)))
    np.add.at(units, (day.options.site, book.channel[day.options.claim]), plan.units)
    supply = total_by(day.pools.site, day.pools.supply.sum(axis=1), len(rows))
    shipped, names = _largest(units, [name or "all demand" for name in book.channels])
    _stack(ax, rows, shipped, [f"to {name}" for name in names], first=CHANNELS)
    _blank(ax, rows, units.sum(axis=1), supply - units.sum(axis=1), label="left")
    ax.set(title="Supply and where it goes", xlabel="units", yticks=rows, yticklabels=book.warehouses)
    return _finish(ax)


def _largest(units: np.ndarray, names: list[str]) -> tuple[np.ndarray, list[str]]:
    """Return the columns (rows, series) of the largest sums under their names, the rest summed up as one more."""
    if len(names) <= MOST_SERIES:
        return units, names
    order = np.argsort(-units.sum(axis=0), kind="stable")
    first, rest = np.sort(order[:MOST_SERIES]), order[MOST_SERIES:]
    return np.column_stack([units[:, first], units[:, rest].sum(axis=1)]), [*(names[place] for place in first), "others"]


def _stack(ax: Axes, rows: np.ndarray, units: np.ndarray, labels: list[str], first: int = 0) -> None:
    """Draw one bar a row, stacked by series, coloured from the `first` colour on."""
    start = np.zeros(len(rows))
    for place, label in enumerate(labels):
        colour = NEUTRAL if label.endswith(" others") else series_colour(first + place)
        ax.barh(rows, units[:, place], left=start, height=0.68, color=colour, edgecolor="white", linewidth=0.6, label=label)
        start = start + units[:, place]


def _blank(ax: Axes, rows: np.ndarray, start: np.ndarray, units: np.ndarray, **look: Any) -> None:
    """Draw what is missing, or left over, as an empty bar behind the others."""
    some = units > ROUNDING
    if some.any():
        ax.barh(rows[some], units[some], left=start[some], height=0.68, facecolor="white", edgecolor=NEUTRAL, **look)


def _finish(ax: Axes) -> Axes:
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    ax.margins(x=0.04)
    ax.invert_yaxis()
    ax.xaxis.set_major_locator(MaxNLocator(6))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="x", linewidth=0.4, alpha=0.5)
    ax.set_axisbelow(True)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), borderaxespad=4.2, ncols=4, frameon=False, fontsize=9)
    return ax
