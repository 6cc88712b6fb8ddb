"""Figures of stock as money: each draws on the axes it is given and returns them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import StrMethodFormatter

from allotment.finance.calendar import Books
from allotment.report.palette import LEARNED, NEUTRAL, RULE_BASED, series_colour

MOST_SERIES = 7  # places by name; the others are one
NUMBERS = StrMethodFormatter("{x:,.10g}")


def fewer(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with the columns of most value by name, and the others as one."""
    order = table.abs().mean().sort_values(ascending=False).index
    if len(order) <= MOST_SERIES + 1:
        return table[order]
    rest = table[order[MOST_SERIES:]].sum(axis=1).rename(f"{len(order) - MOST_SERIES} others")
    return pd.concat([table[order[:MOST_SERIES]], rest], axis=1)


def stock_value(ax: Axes, table: pd.DataFrame, books: Books, currency: str) -> Axes:
    """Draw what stock is worth over time, one place upon another."""
    table = fewer(table)
    days = np.append(table.index.to_numpy(), table.index[-1] + 1)
    values = np.vstack([table.to_numpy(), table.to_numpy()[-1:]])
    shown = days.astype("int64") - 719_163 if books.dated else days
    x = shown.astype("datetime64[D]") if books.dated else shown
    colours = [series_colour(position) for position in range(table.shape[1])]
    ax.stackplot(x, values.T, labels=list(table.columns), colors=colours, step="post", alpha=0.85)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, reverse=True)
    ax.set_ylabel(f"stock at cost, {currency}")
    ax.set_xlabel("" if books.dated else "period")
    return _plain(ax)


def aging(ax: Axes, table: pd.DataFrame, currency: str) -> Axes:
    """Draw stock by age, a bar an age (the index), one place upon another."""
    table, bottom = fewer(table), np.zeros(len(table))
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
