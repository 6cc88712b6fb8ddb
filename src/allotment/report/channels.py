"""Who got what was scarce: the share of each channel's demand that was there when due, policy by policy."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure

from allotment.quantities import Floats
from allotment.report.breakdown_cells import beside_each_other, channels_shown
from allotment.report.money import Money
from allotment.report.numbers import decimals, number, percentage
from allotment.report.palette import SCARCE, SERVED

NAME_WIDTH = 28  # characters of a line beside the cells
HEADER_WIDTH = 11  # and above them
LEAST_SERVED = 0.5  # a share that is as dark as any below it


def served_by_channel(means: Mapping[str, pd.DataFrame], reference: str, money: Money) -> Figure:
    """Return a figure with a cell for each policy and channel: the share served when due, and the units short below it.

    `means` is as `Breakdown.means` for each policy, the best first; of many policies these are the best, and the reference.
    The darker a cell, the smaller the share.
    """
    shown = beside_each_other(means, reference)
    names = channels_shown(shown)
    shares, short = (np.array([_of(each, names, measure) for each in shown.values()]) for measure in ("fill_rate", "short"))
    width, height = 2.6 + 0.95 * len(names), 1.5 + 0.6 * len(shown)
    figure = Figure(figsize=(max(width, 6.0), height), layout="constrained")
    ax = figure.subplots()
    ax.imshow(1.0 - shares, cmap=_colours(), vmin=0.0, vmax=1.0 - LEAST_SERVED, aspect="auto")
    places = decimals(np.nanmax(short), digits=3)
    for row, column in np.ndindex(shares.shape):
        share, units = float(shares[row, column]), float(short[row, column])
        text, dark = f"{percentage(share)}\n{number(units, places)}", 1.0 - share > 0.6 * (1.0 - LEAST_SERVED)
        ax.text(column, row, text, ha="center", va="center", fontsize=8.5, color="white" if dark else "#222222")
    _named(ax, [wrapped(name, HEADER_WIDTH) for name in names], [wrapped(name, NAME_WIDTH) for name in shown])
    title = f"Share of demand served when due, by channel; below it units short per {money.period}"
    ax.set_title(title, loc="left", fontsize=11)
    return figure


def wrapped(name: str, width: int) -> str:
    """Return a name in lines of at most so many characters, three of them."""
    return textwrap.fill(name, width, max_lines=3, placeholder="…")


def _of(means: pd.DataFrame, names: list[str], measure: str) -> Floats:
    """Return a measure of channels, not a number where a channel has none."""
    own = means[(means["axis"] == "channel") & (means["measure"] == measure)].set_index("name")["mean"]
    return own.reindex(names).to_numpy(dtype=float)


def _colours() -> Colormap:
    return LinearSegmentedColormap.from_list("scarce", [SERVED, SCARCE])


def _named(ax: Any, columns: list[str], rows: list[str]) -> None:
    """Name rows and columns, these on top, and let thin white lines part the cells."""
    ax.set_xticks(np.arange(len(columns)), columns, fontsize=8.5)
    ax.set_yticks(np.arange(len(rows)), rows)
    ax.xaxis.tick_top()
    ax.set_xticks(np.arange(1, len(columns)) - 0.5, minor=True)
    ax.set_yticks(np.arange(1, len(rows)) - 0.5, minor=True)
    ax.grid(which="minor", color="white", linewidth=2)
    ax.tick_params(which="both", length=0)
    ax.spines[:].set_visible(False)
