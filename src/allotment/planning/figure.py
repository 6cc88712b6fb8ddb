"""A plan as a picture: on the left what each channel asks for and who serves it, on the right where the stock goes.

Where there are many, the largest have a bar each and the others one together.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from allotment.allocation.day import ROUNDING, total_by
from allotment.environments.figure_text import plain_text, settings_for
from allotment.planning.outcome import Plan
from allotment.planning.summary import Summary, summary
from allotment.report.palette import NEUTRAL, series_colour
from allotment.scenario.errors import ScenarioError
from allotment.whole_file import whole_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CHANNELS = 3  # the colour at which channels start, so that few warehouses and few channels share none
MOST_BARS = 16
LONGEST = 28  # characters of a name beside a bar
MOST_SERIES = 7  # warehouses or channels with a colour each; the others are one more


def save(plan: Plan, file: Path) -> None:
    """Draw a plan into a file."""
    with plain_text(_names(plan, summary(plan, MOST_BARS))), whole_file(file) as part:
        draw(plan).savefig(part, dpi=150, format=file.suffix.lower().removeprefix("."))


def _names(plan: Plan, sums: Summary) -> list[str]:
    """Return the names that the figure of a plan has."""
    return [*sums.titles, *plan.book.warehouses, *plan.book.channels]


def draw(plan: Plan) -> Figure:
    """Return the figure of a plan."""
    from matplotlib import rc_context

    sums = summary(plan, MOST_BARS)
    with rc_context(settings_for(_names(plan, sums))):
        return _drawn(plan, sums)


def _drawn(plan: Plan, sums: Summary) -> Figure:
    """Return the figure of a plan with both panels."""
    from matplotlib.figure import Figure

    bars = max(len(sums.titles), min(len(plan.book.warehouses), MOST_BARS))
    figure = Figure(figsize=(12, max(3.6, 1.8 + 0.36 * bars)), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[3, 2])
    demand_served(left, sums, plan.book.warehouses)
    stock_used(right, plan)
    return figure


def demand_served(ax: Axes, sums: Summary, warehouses: list[str]) -> Axes:
    """Draw what each group asks for as a bar: what each warehouse ships, what stays unmet, and a tick at what is committed."""
    rows, bars = np.arange(len(sums.titles)), slice(None, -1 if sums.others else None)
    shipped, names = _largest(sums.by_warehouse[bars], warehouses)
    _stack(ax, rows[bars], shipped, [f"from {name}" for name in names])
    _blank(ax, rows[bars], sums.served[bars], (sums.wanted - sums.served)[bars], label="unmet", hatch="////")
    if sums.committed[bars].any():
        promised = np.flatnonzero(sums.committed[bars] > 0)
        ax.plot(
            sums.committed[promised], rows[promised], "|", color="black", markersize=16, markeredgewidth=2, label="committed"
        )
    _number(ax, sums.served, sums.wanted, sums.others)
    ax.set(title="Demand and who serves it", xlabel="units", yticks=rows, yticklabels=map(_short, sums.titles))
    return _finish(ax)


def stock_used(ax: Axes, plan: Plan) -> Axes:
    """Draw the supply of each warehouse as a bar: what each channel gets of it, and what is left."""
    book, day = plan.book, plan.day
    units = np.zeros((len(book.warehouses), len(book.channels)))
    np.add.at(units, (day.options.site, book.channel[day.options.claim]), plan.units)
    supply = total_by(day.pools.site, day.pools.supply.sum(axis=1), len(book.warehouses))
    titles, units, supply = _largest_sites(book.warehouses, units, supply)
    others = len(titles) < len(book.warehouses)
    rows, bars, used = np.arange(len(titles)), slice(None, -1 if others else None), units.sum(axis=1)
    shipped, names = _largest(units[bars], [name or "demand" for name in book.channels])
    _stack(ax, rows[bars], shipped, [f"to {name}" for name in names], first=CHANNELS)
    _blank(ax, rows[bars], used[bars], (supply - used)[bars], label="left")
    _number(ax, used, supply, others)
    ax.set(title="Supply and where it goes", xlabel="units", yticks=rows, yticklabels=map(_short, titles))
    return _finish(ax)


def check_picture(path: Path) -> None:
    """Refuse a file that is no picture: `ScenarioError`."""
    from matplotlib.backend_bases import FigureCanvasBase

    allowed = FigureCanvasBase.get_supported_filetypes()
    if path.suffix.lower().removeprefix(".") not in allowed:
        raise ScenarioError(f"--figure {path}: must end in one of .{', .'.join(sorted(allowed))}")


def _largest_sites(names: list[str], units: np.ndarray, supply: np.ndarray) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return the names, shipments and supply of the largest warehouses, the others as one more."""
    if len(names) <= MOST_BARS:
        return names, units, supply
    order = np.argsort(-supply, kind="stable")
    first, rest = np.sort(order[: MOST_BARS - 1]), order[MOST_BARS - 1 :]
    titles = [*(names[place] for place in first), f"{len(rest):,} other warehouses"]
    return titles, np.vstack([units[first], units[rest].sum(axis=0)]), np.append(supply[first], supply[rest].sum())


def _number(ax: Axes, parts: np.ndarray, wholes: np.ndarray, others: bool) -> None:
    """Write the numbers behind each bar, and alone for the others, whose bar would dwarf them; leave room for them."""
    for row, (part, whole) in enumerate(zip(parts, wholes, strict=True)):
        end = 0.0 if others and row == len(wholes) - 1 else whole
        text = f"{_units(part)} of {_units(whole)}"
        ax.annotate(text, (end, row), (4, 0), textcoords="offset points", va="center", fontsize=8, color="dimgrey")
    longest = float(wholes[: len(wholes) - others].max(initial=0.0))
    ax.set_xlim(0.0, 1.3 * longest or 1.0)
    ax.set_ylim(len(wholes) - 0.4, -0.6)


def _units(units: float) -> str:
    return f"{units:,.0f}" if float(units).is_integer() else f"{units:,.1f}"


def _short(title: str) -> str:
    return title if len(title) <= LONGEST else f"{title[: LONGEST - 1]}…"


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

    ax.xaxis.set_major_locator(MaxNLocator(6))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="x", linewidth=0.4, alpha=0.5)
    ax.set_axisbelow(True)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), borderaxespad=4.2, ncols=4, frameon=False, fontsize=9)
    return ax
