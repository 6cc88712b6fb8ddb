"""Figures of stock as money: each draws on the axes it is given and returns them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import ConciseDateFormatter
from matplotlib.ticker import StrMethodFormatter

from allotment.finance.calendar import Books
from allotment.finance.cash.path import Close
from allotment.report.palette import LEARNED, NEUTRAL, RULE_BASED, SCARCE, SERIES, series_colour

MOST_SERIES = 7  # places by name; the others are one
NUMBERS = StrMethodFormatter("{x:,.10g}")


def named(table: pd.DataFrame) -> list[str]:
    """Return the columns of most value, the most first: those that figures tell apart."""
    order = table.abs().mean().sort_values(ascending=False).index
    return list(order[: MOST_SERIES if len(order) > MOST_SERIES + 1 else None])


def fewer(table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return the columns of these names in their order, and all others as one."""
    found = table.reindex(columns=list(names), fill_value=0.0)
    rest = [name for name in table if name not in names]
    return found.assign(others=table[rest].sum(axis=1)) if rest else found


def stock_value(ax: Axes, table: pd.DataFrame, books: Books, currency: str) -> Axes:
    """Draw what stock is worth over time, one place upon another."""
    days = np.append(table.index.to_numpy(), table.index[-1] + 1)
    values = np.vstack([table.to_numpy(), table.to_numpy()[-1:]])
    colours = [series_colour(position) for position in range(table.shape[1])]
    labels = list(table.columns)
    ax.stackplot(_times(days, books), values.T, labels=labels, colors=colours, step="post", alpha=0.85)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, reverse=True)
    ax.set_ylabel(f"stock at cost, {currency}")
    return _plain(_over_time(ax, books))


def cash(ax: Axes, closes: Sequence[Close], floor: float, line: bool, books: Books, currency: str) -> Axes:
    """Draw cash and headroom at the end of each day, the floor, and the debt where there is a line of credit."""
    times = _times(np.array([close.day for close in closes]), books)
    room = np.array([float(close.headroom) for close in closes])
    series = {
        "cash": (LEARNED, [close.cash for close in closes]),
        "headroom": (SERIES[2], [close.headroom for close in closes]),
    }
    series |= {"debt": (RULE_BASED, [close.debt for close in closes])} if line else {}
    for label, (colour, amounts) in series.items():
        ax.step(times, [float(amount) for amount in amounts], where="post", color=colour, linewidth=1.8, label=label)
    if (room < 0).any():
        ax.fill_between(times, np.minimum(room, 0.0), step="post", color=SCARCE, alpha=0.5, linewidth=0, label="lacking")
    ax.axhline(floor, color=NEUTRAL, linestyle="--", linewidth=1, label="floor")
    ax.axhline(0.0, color=NEUTRAL, linewidth=0.8)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False)
    ax.set_ylabel(currency)
    return _plain(_over_time(ax, books))


def cash_cycle(ax: Axes, table: pd.DataFrame, books: Books) -> Axes:
    """Draw the days of each period's end (the index): of inventory, receivable and, taken off, payable, and their cycle."""
    times = _times(table.index.to_numpy(), books)
    for position, (name, days) in enumerate(table.items()):
        is_cycle = name == "cash_conversion_cycle"
        colour, width = ("#000000", 2.4) if is_cycle else (SERIES[position], 1.4)
        ax.plot(times, days, color=colour, linewidth=width, marker="o", markersize=4, label=str(name).replace("_", " "))
    ax.axhline(0.0, color=NEUTRAL, linewidth=0.8)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False)
    ax.set_ylabel("days")
    return _plain(_over_time(ax, books))


def _times(days: Any, books: Books) -> Any:
    """Return days of the books as dates, or as periods."""
    return (days.astype("int64") - 719_163).astype("datetime64[D]") if books.dated else days


def _over_time(ax: Axes, books: Books) -> Axes:
    if books.dated:
        ax.xaxis.set_major_formatter(ConciseDateFormatter(ax.xaxis.get_major_locator()))
    else:
        ax.set_xlabel("period")
    return ax


def aging(ax: Axes, table: pd.DataFrame, currency: str) -> Axes:
    """Draw stock by age, a bar an age (the index), one place upon another."""
    bottom = np.zeros(len(table))
    for position, name in enumerate(table):
        ax.bar(table.index, table[name], bottom=bottom, width=0.7, color=series_colour(position), label=str(name))
        bottom += table[name].to_numpy()
    for at, total in enumerate(bottom):
        ax.annotate(f"{total:,.0f}", (at, total), ha="center", va="bottom", fontsize=9)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, reverse=True)
    ax.set_ylabel(f"stock at cost, {currency}")
    return _plain(ax)


def waterfall(ax: Axes, parts: Mapping[str, float], currency: str) -> Axes:
    """Draw how revenue and what is taken off it become profit."""
    names, amounts = [*parts, "profit"], list(parts.values())
    total, level = sum(amounts), 0.0
    for at, (name, amount) in enumerate(zip(names, [*amounts, total], strict=True)):
        bottom = 0.0 if name == "profit" else level
        colour = NEUTRAL if name == "profit" else LEARNED if amount >= 0 else RULE_BASED
        ax.bar(at, amount, bottom=bottom, width=0.65, color=colour)
        ax.annotate(f"{amount:,.0f}", (at, max(bottom, bottom + amount)), ha="center", va="bottom", fontsize=9)
        level = level + amount
    ax.set_xticks(range(len(names)), [name.replace("_", " ") for name in names], rotation=20, ha="right")
    ax.axhline(0.0, color=NEUTRAL, linewidth=0.8)
    ax.set_ylabel(currency)
    return _plain(ax)


def _plain(ax: Axes) -> Axes:
    ax.yaxis.set_major_formatter(NUMBERS)
    ax.spines[["top", "right"]].set_visible(False)
    ax.margins(y=0.08)
    return ax
