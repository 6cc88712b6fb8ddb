"""A forecast as a picture: cash by day above, headroom and debt below."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from allotment.finance.cash.forecast import Forecast
from allotment.finance.cash.path import Close
from allotment.report.palette import LEARNED, NEUTRAL, RULE_BASED, SCARCE, SERIES
from allotment.whole_file import whole_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def save(made: Forecast, file: Path) -> None:
    """Draw a forecast into a file."""
    with whole_file(file) as part:
        draw(made).savefig(part, dpi=150, format=file.suffix.lower().removeprefix("."))


def draw(made: Forecast) -> Figure:
    """Return the figure of a forecast with both panels."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 7), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    cash_by_day(upper, made)
    headroom_by_day(lower, made)
    start = made.outlook.start
    lower.set_xlabel("day" if start is None else f"day (day 0 is {start})")
    return figure


def cash_by_day(ax: Axes, made: Forecast) -> Axes:
    """Draw cash before the line of credit, with the line, and, where it differs, without any discount; and the floor."""
    days = [close.day for close in made.decided]
    if made.without_discounts != made.decided:
        without = [float(close.operating) for close in made.without_discounts]
        ax.step(days, without, where="post", color=NEUTRAL, linestyle=":", linewidth=1.6, label="no discount taken")
    if made.outlook.credit_line:
        ax.step(days, _cash(made.decided), where="post", color=RULE_BASED, linewidth=1.4, label="with the credit line")
    operating = [float(close.operating) for close in made.decided]
    ax.step(days, operating, where="post", color=LEARNED, linewidth=2, label="as decided, before any credit")
    _lowest(ax, made.lowest, days[-1])
    ax.axhline(float(made.outlook.floor), color=NEUTRAL, linestyle="--", linewidth=1, label="floor")
    return _finish(ax, "Cash at the end of each day", made)


def headroom_by_day(ax: Axes, made: Forecast) -> Axes:
    """Draw headroom (cash above the floor and what may still be drawn), what is lacking, and the debt."""
    days = [close.day for close in made.decided]
    room = [float(close.headroom) for close in made.decided]
    ax.fill_between(days, [max(amount, 0.0) for amount in room], step="post", color=SERIES[2], alpha=0.25, linewidth=0)
    if min(room) < 0:
        lacking = [min(amount, 0.0) for amount in room]
        ax.fill_between(days, lacking, step="post", color=SCARCE, alpha=0.7, linewidth=0, label="lacking")
    ax.step(days, room, where="post", color=SERIES[2], linewidth=1.8, label="headroom")
    if made.outlook.credit_line:
        debt = [float(close.debt) for close in made.decided]
        ax.step(days, debt, where="post", color=RULE_BASED, linewidth=1.6, label="debt")
    ax.axhline(0, color=NEUTRAL, linewidth=0.8)
    return _finish(ax, "Headroom: cash above the floor and what may still be drawn", made)


def _cash(closes: list[Close]) -> list[float]:
    return [float(close.cash) for close in closes]


def _lowest(ax: Axes, lowest: Close, last: int) -> None:
    """Mark the lowest cash with its amount, on the side where there is room."""
    amount, left = float(lowest.operating), lowest.day > 0.7 * last
    ax.plot([lowest.day], [amount], "o", color=LEARNED, markersize=6)
    text, place = f"lowest {lowest.operating:,.0f} on day {lowest.day}", (-10 if left else 10, -4)
    ax.annotate(text, (lowest.day, amount), place, textcoords="offset points", ha="right" if left else "left", va="top")


def _finish(ax: Axes, title: str, made: Forecast) -> Axes:
    from matplotlib.ticker import StrMethodFormatter

    ax.set_title(title, loc="left", pad=26)
    ax.set_ylabel(made.outlook.currency or "amount")
    ax.set_xlim(0, made.outlook.days)
    ax.margins(y=0.12)
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", linewidth=0.4, alpha=0.5)
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2, ncols=4, frameon=False, fontsize=9)
    return ax
