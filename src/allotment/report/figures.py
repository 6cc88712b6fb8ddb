"""The report's figures: each draws on the axes it is given and returns them.

`comparison` is as `allotment.evaluation.comparison.compare` returns it; scores are rewards, so that higher is better.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, PercentFormatter, StrMethodFormatter

from allotment.evaluation.comparison import money_columns
from allotment.report.cells import chance_text, difference_texts, reference_policy, shown_name
from allotment.report.labels import Label, label_beside_points, label_in_margin
from allotment.report.numbers import decimals, number
from allotment.report.palette import NEUTRAL, kind_colour, series_colour, term_colour

INCOME = ("money/revenue", "money/salvage")
FAR = 6.0  # a baseline further below than so many times the height of the curves is left below the axis


def panel(draw: Callable[[Axes, Any], Axes], content: Any, rows: int | None = None) -> Figure:
    """Return a figure of one panel, drawn by one of the functions below; as high as so many rows of policies need."""
    figure = Figure(figsize=(9, 4.5 if rows is None else 1.4 + 0.55 * max(rows, 2)), layout="constrained")
    draw(figure.subplots(), content)
    return figure


def learning_curve(ax: Axes, curves: dict[str, pd.DataFrame], baselines: dict[str, float]) -> Axes:
    """Draw the score of each learned policy against training steps, and rule-based policies as dashed lines.

    A curve has the columns `steps` and `score`; where steps repeat (several seeds), it is their mean, with a band from
    the lowest seed to the highest. The axis leaves out the bad scores at the start of training that would flatten the rest.
    """
    labels = []
    for position, (policy, curve) in enumerate(curves.items()):
        scores = curve.groupby("steps")["score"].agg(["mean", "min", "max"])
        ax.fill_between(scores.index, scores["min"], scores["max"], color=series_colour(position), alpha=0.15, linewidth=0)
        ax.plot(scores.index, scores["mean"], color=series_colour(position), linewidth=1.8)
        labels.append(Label(policy, scores.index[-1], scores["mean"].iloc[-1], series_colour(position)))
    end = max((label.x for label in labels), default=0) or 1
    low, high = _score_limits(curves, baselines)
    for policy, score in baselines.items():
        ax.axhline(score, color=NEUTRAL, linestyle="--", linewidth=1)
        beyond = f" ({number(score, decimals(score, digits=4))}, below)" if score < low else ""
        labels.append(Label(f"{policy}{beyond}", end, max(score, low), NEUTRAL))
    ax.set(
        title="Score during training (dashed: rule-based policies)",
        xlabel="training steps (periods played)",
        xlim=(0, end),
        ylim=(low, high),
    )
    ax.set_ylabel("score (money per period, higher is better)")
    ax.xaxis.set_major_formatter(FuncFormatter(_short_count))
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    return label_in_margin(_tidy(ax), labels)


def cost_terms(ax: Axes, comparison: pd.DataFrame) -> Axes:
    """Draw each policy's costs per period as a bar stacked by term, best policy on top; income is left out."""
    terms = [term for term in money_columns(comparison) if term not in INCOME and comparison[term].max() > 0]
    rows, total = np.arange(len(comparison)), np.zeros(len(comparison))
    for term in terms:
        name = term.removeprefix("money/")
        ax.barh(
            rows,
            comparison[term],
            left=total,
            height=0.68,
            color=term_colour(name),
            edgecolor="white",
            linewidth=0.6,
            label=name.replace("_", " "),
        )
        total = total + comparison[term].to_numpy()
    places = decimals(total.max(), digits=3)
    for row, cost in zip(rows, total, strict=True):
        ax.annotate(number(cost, places), (cost, row), (4, 0), textcoords="offset points", va="center", fontsize=9)
    _policies_down(ax, comparison)
    ax.set(title="Costs by term", xlabel="cost (money per period)", xlim=(0, total.max() * 1.12 or 1))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=9)
    return _tidy(ax, grid="x")


def service_against_stock(ax: Axes, comparison: pd.DataFrame) -> Axes:
    """Draw each policy's fill rate against the stock it keeps: up and to the left is better."""
    labels = []
    for _, row in comparison.iterrows():
        colour = kind_colour(row["kind"])
        ax.plot(row["on_hand"], row["fill_rate"], _marker(row["kind"]), color=colour, markersize=7)
        labels.append(Label(shown_name(row), row["on_hand"], row["fill_rate"], colour))
    ax.margins(0.12)
    ax.set(title="Service against stock", xlabel="mean stock on hand (units)", ylabel="fill rate (share of units)")
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    _kind_legend(ax, comparison)
    return label_beside_points(_tidy(ax), labels)


def paired_differences(ax: Axes, comparison: pd.DataFrame) -> Axes:
    """Draw each policy's difference in score to the reference with its 95 % interval: right of zero is better.

    A policy far beyond the others becomes an arrow at the edge, so that the intervals near zero stay readable.
    """
    reach = _reach(comparison)
    ax.axvline(0, color=NEUTRAL, linewidth=1)
    texts = difference_texts(comparison, "profit")
    for position, (_, row) in enumerate(comparison.iterrows()):
        colour, side = kind_colour(row["kind"]), np.sign(row["difference"])
        beyond = abs(row["difference"]) > reach
        marker = {1: ">", -1: "<"}[side] if beyond else _marker(row["kind"])
        ax.plot([row["difference_low"], row["difference_high"]], [position, position], color=colour, linewidth=2)
        ax.plot(side * reach if beyond else row["difference"], position, marker, color=colour, markersize=6)
        ax.annotate(texts[position], (1.02, position), xycoords=("axes fraction", "data"), va="center", fontsize=9)
    _policies_down(ax, comparison)
    low, high = comparison["difference_low"].min(), comparison["difference_high"].max()
    ax.set_xlim(max(low, -reach) - 0.06 * reach, min(high, reach) + 0.06 * reach)
    ax.set_title("Paired differences on common episodes, with 95 % intervals")
    ax.set_xlabel(f"score less that of {reference_policy(comparison)} (money per period, right is better)")
    ax.xaxis.set_major_formatter(FuncFormatter(_signed))
    _kind_legend(ax, comparison)
    return _tidy(ax, grid="x")


def chances(ax: Axes, comparison: pd.DataFrame) -> Axes:
    """Draw each policy's chance to beat the reference in a world drawn at random, with its 95 % interval."""
    ax.axvline(0.5, color=NEUTRAL, linewidth=1)
    for position, (_, row) in enumerate(comparison.iterrows()):
        colour = kind_colour(row["kind"])
        ax.plot([row["improvement_low"], row["improvement_high"]], [position, position], color=colour, linewidth=2)
        ax.plot(row["improvement"], position, _marker(row["kind"]), color=colour, markersize=6)
        text = "reference" if row["reference"] else chance_text(row)
        ax.annotate(text, (1.02, position), xycoords=("axes fraction", "data"), va="center", fontsize=9)
    _policies_down(ax, comparison)
    ax.set(xlim=(-0.02, 1.02), title=f"Chance to beat {reference_policy(comparison)}, with 95 % intervals")
    ax.set_xlabel("share of worlds with the higher score (right of one half is better)")
    ax.xaxis.set_major_formatter(PercentFormatter(1))
    return _tidy(ax, grid="x")


def _reach(comparison: pd.DataFrame) -> float:
    """Return how far from zero the axis of differences reaches: to the furthest policy, or four times that in the middle."""
    others = comparison[~comparison["reference"]]
    reaches = sorted(others[["difference_low", "difference_high"]].abs().max(axis=1))
    return float(min(reaches[-1], 4 * reaches[(len(reaches) - 1) // 2])) if reaches and reaches[-1] > 0 else 1.0


def _score_limits(curves: dict[str, pd.DataFrame], baselines: dict[str, float]) -> tuple[float, float]:
    """Return the limits that show the later three quarters of each curve, and every baseline that is not far below."""
    later = [curve.loc[curve["steps"] >= curve["steps"].max() / 4, "score"] for curve in curves.values()]
    high = np.max([*baselines.values(), *(curve["score"].max() for curve in curves.values())])
    low = np.min([*(scores.min() for scores in later), *([max(baselines.values())] if baselines else [])])
    reach = FAR * (high - low)
    low = np.min([low, *(score for score in baselines.values() if score >= high - reach)])
    room = 0.06 * ((high - low) or abs(high) or 1)
    return low - room, high + room


def _policies_down(ax: Axes, comparison: pd.DataFrame) -> None:
    """Name the rows of the axes after the policies, the first on top."""
    ax.set_yticks(range(len(comparison)), [shown_name(row) for _, row in comparison.iterrows()])
    ax.set_ylim(len(comparison) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)


def _marker(kind: str) -> str:
    """Return the marker of a policy's kind."""
    return "o" if kind == "learned" else "s"


def _kind_legend(ax: Axes, comparison: pd.DataFrame) -> None:
    """Explain the colours and markers of the kinds of policies."""
    handles = [
        Line2D([], [], color=kind_colour(kind), marker=_marker(kind), linestyle="", label=kind)
        for kind in sorted(comparison["kind"].unique())
    ]
    ax.legend(handles=handles, frameon=False, fontsize=9, loc="best")


def _short_count(value: float, _position: int) -> str:
    """Return a count of steps like 250k or 1.5M."""
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if abs(value) >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def _signed(value: float, _position: int) -> str:
    """Return a difference with its sign, zero without."""
    return f"{value:+,g}" if value else "0"


def _tidy(ax: Axes, grid: Literal["both", "x"] = "both") -> Axes:
    """Take away the frame's top and right, and put a light grid behind the rest."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis=grid, color="#E6E6E6", linewidth=0.7)
    ax.set_axisbelow(True)
    return ax
