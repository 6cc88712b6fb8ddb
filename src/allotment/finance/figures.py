"""Figures of stock as money: each draws on the axes it is given and returns them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import ConciseDateFormatter
from matplotlib.ticker import StrMethodFormatter

from allotment.finance.calendar import Books
from allotment.report.palette import LEARNED, NEUTRAL, RULE_BASED, series_colour

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
    shown = days.astype("int64") - 719_163 if books.dated else days
    x = shown.astype("datetime64[D]") if books.dated else shown
    colours = [series_colour(position) for position in range(table.shape[1])]
    ax.stackplot(x, values.T, labels=list(table.columns), colors=colours, step="post", alpha=0.85)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, reverse=True)
    ax.set_ylabel(f"stock at cost, {currency}")
    if books.dated:
        ax.xaxis.set_major_formatter(ConciseDateFormatter(ax.xaxis.get_major_locator()))
    else:
        ax.set_xlabel("period")
    return _plain(ax)


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
