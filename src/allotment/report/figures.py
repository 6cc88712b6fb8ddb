"""The report's figures: each draws on the axes it is given and returns them.

`comparison` is as `allotment.evaluation.comparison.compare` returns it; money is shown with the same sign as in the tables, so
that in a cost world less is better.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, PercentFormatter, StrMethodFormatter

from allotment.evaluation.comparison import money_columns
from allotment.quantities import Floats
from allotment.report.cells import (
    chance_text,
    difference_texts,
    gap_text,
    reference_policy,
    rope_width,
    score_decimals,
    shown_name,
)
from allotment.report.knowledge import GROUPS, begins, groups_of
from allotment.report.labels import Label, label_beside_points, label_in_margin
from allotment.report.money import Money
from allotment.report.numbers import decimals, number
from allotment.report.palette import NEUTRAL, ROPE, kind_colour, series_colour, term_colour
from allotment.scenario.problem import INCOME

FAR = 6.0  # a rule further from the curves than so many times their height is told beside the axis, not drawn
LEAST = 0.02  # of a score: the least height of the axis of learning curves, so that what is small looks small
NAME_WIDTH = 28  # characters of a line beside the axes
TITLE = 0.8  # rows that the title of a group of policies takes
NUMBERS = StrMethodFormatter("{x:,.10g}")


def panel(draw: Callable[..., Axes], *content: Any, rows: float | None = None) -> Figure:
    """Return a figure of one panel, drawn by one of the functions below; as high as so many rows of policies need."""
    figure = Figure(figsize=(9, 4.5 if rows is None else 1.6 + 0.55 * max(rows, 2)), layout="constrained")
    draw(figure.subplots(), *content)
    if figure.legends:
        figure.draw_without_rendering()  # settles the layout, which a legend below the axes takes two passes for
    return figure


def learning_curve(ax: Axes, curves: dict[str, pd.DataFrame], rules: dict[str, float], money: Money) -> Axes:
    """Draw profit or cost of each learned policy against training steps, and rule-based policies as dashed lines.

    A curve has the columns `steps` and `score`; where steps repeat (several seeds), it is their mean, with a band from
    the lowest seed to the highest; `rules` have their scores. The axis leaves out the bad scores at the start of training that
    would flatten the rest, and rules that are far off.
    """
    labels = []
    for position, (policy, curve) in enumerate(curves.items()):
        amounts = (money.sign * curve["score"]).groupby(curve["steps"]).agg(["mean", "min", "max"])
        ax.fill_between(amounts.index, amounts["min"], amounts["max"], color=series_colour(position), alpha=0.15, linewidth=0)
        ax.plot(amounts.index, amounts["mean"], color=series_colour(position), linewidth=1.8)
        labels.append(Label(policy, amounts.index[-1], amounts["mean"].iloc[-1], series_colour(position)))
    end = max((label.x for label in labels), default=0) or 1
    low, high = sorted(money.sign * limit for limit in _score_limits(curves, rules))
    for policy, score in rules.items():
        amount = money.sign * score
        ax.axhline(amount, color=NEUTRAL, linestyle="--", linewidth=1)
        beyond = "" if low <= amount <= high else f" ({number(amount, decimals(amount, digits=4))}, off the axis)"
        labels.append(Label(f"{policy}{beyond}", end, float(np.clip(amount, low, high)), NEUTRAL))
    ax.set(
        title=f"{money.objective.capitalize()} during training (dashed: rule-based policies)",
        xlabel=f"training steps ({money.period}s played)",
        xlim=(0, end),
        ylim=(low, high),
    )
    ax.set_ylabel(f"{money.objective} ({money.rate}, {money.better} is better)")
    ax.xaxis.set_major_formatter(FuncFormatter(_short_count))
    ax.yaxis.set_major_formatter(NUMBERS)
    return label_in_margin(_tidy(ax), labels)


def cost_terms(ax: Axes, comparison: pd.DataFrame, money: Money) -> Axes:
    """Draw each policy's costs per period as a bar stacked by term, best policy on top; income is left out."""
    terms = [term for term in money_columns(comparison) if not _is_income(term) and comparison[term].max() > 0]
    rows = _rows(comparison)
    total = _stacked(ax, rows, np.zeros(len(comparison)), {term: comparison[term].to_numpy() for term in terms})
    places = decimals(total.max(), digits=3)
    for row, cost in zip(rows, total, strict=True):
        ax.annotate(number(cost, places), (cost, row), (4, 0), textcoords="offset points", va="center", fontsize=9)
    _policies_down(ax, comparison)
    ax.set(title="Costs by term", xlabel=f"cost ({money.rate})", xlim=(0, total.max() * 1.12 or 1))
    return _finish_terms(ax)


def term_differences(ax: Axes, comparison: pd.DataFrame, money: Money) -> Axes:
    """Draw what each term of money adds to each policy's difference to the reference, and what it takes from it.

    Terms that add to the shown difference stack to the right of zero, those that lower it to the left; the diamond is their
    sum, which stands beside the bar too. A bar far longer than the others ends in an arrow at the edge.
    """
    reference = comparison[comparison["reference"]].iloc[0]
    parts = {term: _added(comparison, reference, term, money) for term in money_columns(comparison)}
    parts = {term: amounts for term, amounts in parts.items() if np.abs(amounts).max() > 0}
    rows, zero = _rows(comparison), np.zeros(len(comparison))
    right = _stacked(ax, rows, zero, {term: np.clip(amounts, 0, None) for term, amounts in parts.items()})
    left = _stacked(ax, rows, zero, {term: np.clip(amounts, None, 0) for term, amounts in parts.items()}, named=False)
    reach = _reach(np.maximum(right, -left))
    totals, places = sum(parts.values(), zero), score_decimals(comparison)
    ax.axvline(0, color=NEUTRAL, linewidth=1)
    shown = np.abs(totals) <= reach
    ax.plot(totals[shown], rows[shown], "D", color="white", markeredgecolor="black", markersize=6)
    for ends, edge, marker in ((right, reach, ">"), (-left, -reach, "<")):
        ax.plot(np.full((ends > reach).sum(), 1.03 * edge), rows[ends > reach], marker, color="white", markeredgecolor="black")
    for row, total, reference in zip(rows, totals, comparison["reference"], strict=True):
        _beside(ax, "reference" if reference else number(total, places, signed=True), row)
    _policies_down(ax, comparison)
    ax.set_xlim(max(left.min(), -reach) - 0.06 * reach, min(right.max(), reach) + 0.06 * reach)
    ax.set_title(f"Where the differences to {reference_policy(comparison)} come from")
    ax.set_xlabel(f"added to the difference in {money.objective} ({money.rate}, {money.side} is better)")
    ax.xaxis.set_major_formatter(FuncFormatter(_signed))
    return _finish_terms(ax)


def service_against_stock(ax: Axes, comparison: pd.DataFrame) -> Axes:
    """Draw each policy's fill rate against the stock it keeps: up and to the left is better; uninformed ones are hollow."""
    labels = []
    for _, row in comparison.iterrows():
        colour = kind_colour(row["kind"])
        inside = colour if row["informed"] else "white"
        ax.plot(row["on_hand"], row["fill_rate"], _marker(row["kind"]), color=colour, markerfacecolor=inside, markersize=7)
        labels.append(Label(shown_name(row), row["on_hand"], row["fill_rate"], colour))
    ax.margins(0.12)
    ax.set(title="Service against stock", xlabel="mean stock on hand (units)", ylabel="fill rate (share of units)")
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    ax.xaxis.set_major_formatter(NUMBERS)
    _kind_legend(ax, comparison, [_hollow()] if not comparison["informed"].all() else [])
    return label_beside_points(_tidy(ax), labels)


def paired_differences(ax: Axes, comparison: pd.DataFrame, money: Money) -> Axes:
    """Draw each policy's difference to the reference with its 95 % interval, over the region that is equal in practice.

    A policy far beyond the others becomes an arrow at the edge, so that the intervals near zero stay readable.
    """
    found = money.sign * comparison["difference"].to_numpy()
    ends = money.sign * comparison[["difference_low", "difference_high"]].to_numpy()
    reach, width = _reach(np.abs(ends[~comparison["reference"]]).max(axis=1, initial=0)), rope_width(comparison)
    if width > 0:
        ax.axvspan(-width, width, color=ROPE, linewidth=0, label="equal in practice")
    ax.axvline(0, color=NEUTRAL, linewidth=1)
    texts, heights = difference_texts(comparison, money), _rows(comparison)
    for height, value, both, text, kind in zip(heights, found, ends, texts, comparison["kind"], strict=True):
        colour, side, beyond = kind_colour(kind), int(np.sign(value)), abs(value) > reach
        marker = {1: ">", -1: "<"}[side] if beyond else _marker(kind)
        ax.plot(both, [height, height], color=colour, linewidth=2)
        ax.plot(side * reach if beyond else value, height, marker, color=colour, markersize=6)
        _beside(ax, text, height)
    _policies_down(ax, comparison)
    ax.set_xlim(max(ends.min(), -reach) - 0.06 * reach, min(ends.max(), reach) + 0.06 * reach)
    ax.set_title("Paired differences on common episodes, with 95 % intervals")
    ax.set_xlabel(f"{money.objective} less that of {reference_policy(comparison)} ({money.rate}, {money.side} is better)")
    ax.xaxis.set_major_formatter(FuncFormatter(_signed))
    _kind_legend(ax, comparison)
    return _tidy(ax, grid="x")


def chances(ax: Axes, comparison: pd.DataFrame) -> Axes:
    """Draw each policy's chance to beat the reference in a world drawn at random, with its 95 % interval."""
    ax.axvline(0.5, color=NEUTRAL, linewidth=1)
    for height, (_, row) in zip(_rows(comparison), comparison.iterrows(), strict=True):
        colour = kind_colour(row["kind"])
        ax.plot([row["improvement_low"], row["improvement_high"]], [height, height], color=colour, linewidth=2)
        ax.plot(row["improvement"], height, _marker(row["kind"]), color=colour, markersize=6)
        _beside(ax, "reference" if row["reference"] else chance_text(row), height)
    _policies_down(ax, comparison)
    ax.set(xlim=(-0.02, 1.02), title=f"Chance to beat {reference_policy(comparison)}, with 95 % intervals")
    ax.set_xlabel("share of worlds with the higher score (right of one half is better)")
    ax.xaxis.set_major_formatter(PercentFormatter(1))
    return _tidy(ax, grid="x")


def gaps_closed(ax: Axes, comparison: pd.DataFrame, money: Money) -> Axes:
    """Draw which share of what perfect foresight adds to the reference each policy closes, with 95 % intervals."""
    shares, errors = comparison["gap_closed"].to_numpy(), 1.96 * comparison["gap_closed_standard_error"].to_numpy()
    reach = _reach(np.abs(shares[~comparison["reference"]]) + errors[~comparison["reference"]])
    ax.axvline(0, color=NEUTRAL, linewidth=1)
    rows = zip(_rows(comparison), shares, errors, comparison.iterrows(), strict=True)
    for height, share, error, (_, row) in rows:
        colour, beyond = kind_colour(row["kind"]), abs(share) > reach
        marker = ("<" if share < 0 else ">") if beyond else _marker(row["kind"])
        ax.plot(np.clip([share - error, share + error], -reach, reach), [height, height], color=colour, linewidth=2)
        ax.plot(np.clip(share, -reach, reach), height, marker, color=colour, markersize=6)
        _beside(ax, "reference" if row["reference"] else gap_text(row), height)
    _policies_down(ax, comparison)
    ends = np.clip([*(shares - errors), *(shares + errors)], -reach, reach)
    ax.set_xlim(min(ends.min(), 0.0) - 0.06 * reach, max(ends.max(), 0.0) + 0.06 * reach)
    ax.set_title(f"Share closed of the gap between {reference_policy(comparison)} and perfect foresight")
    ax.set_xlabel(f"share of the gap in {money.objective} (right is better)")
    ax.xaxis.set_major_formatter(PercentFormatter(1))
    _kind_legend(ax, comparison)
    return _tidy(ax, grid="x")


def _added(comparison: pd.DataFrame, reference: pd.Series, term: str, money: Money) -> Floats:
    """Return what a term adds to the shown difference of each policy."""
    sign = money.sign if _is_income(term) else -money.sign
    return sign * (comparison[term] - reference[term]).to_numpy()


def _is_income(column: str) -> bool:
    return column.removeprefix("money/") in INCOME


def _stacked(ax: Axes, rows: Floats, start: Floats, parts: dict[str, Floats], named: bool = True) -> Floats:
    """Draw one bar a row, stacked by term, each term in its own colour; returns where the bars end."""
    for term, amounts in parts.items():
        name = term.removeprefix("money/")
        label, colour = name.replace("_", " ") if named else None, term_colour(name)
        ax.barh(rows, amounts, left=start, height=0.68, color=colour, edgecolor="white", linewidth=0.6, label=label)
        start = start + amounts
    return start


def _finish_terms(ax: Axes) -> Axes:
    if ax.containers:
        _legend_below(ax, *ax.get_legend_handles_labels(), columns=6)
    return _tidy(ax, grid="x")


def _beside(ax: Axes, text: str, row: float) -> None:
    """Write a text to the right of a row."""
    ax.annotate(text, (1.02, row), xycoords=("axes fraction", "data"), va="center", fontsize=9)


def _reach(ends: Floats) -> float:
    """Return how far from zero an axis of differences reaches: to the furthest end, or four times that in the middle.

    `ends` are how far each policy's own bar or interval reaches; what is nothing has no part in it.
    """
    reaches = np.sort(ends[ends > 0])
    return float(min(reaches[-1], 4 * reaches[(len(reaches) - 1) // 2])) if len(reaches) else 1.0


def _score_limits(curves: dict[str, pd.DataFrame], rules: dict[str, float]) -> tuple[float, float]:
    """Return the limits that show the later three quarters of each curve, and every rule that is not far off."""
    later = [curve.loc[curve["steps"] >= curve["steps"].max() / 4, "score"] for curve in curves.values()]
    best = [max(rules.values())] if rules else []
    high = np.max([*best, *(curve["score"].max() for curve in curves.values())])
    low = np.min([*best, *(scores.min() for scores in later)])
    reach = FAR * max(high - low, LEAST / 2 * abs(high))
    low = np.min([low, *(score for score in rules.values() if score >= high - reach)])
    room = max(0.06 * (high - low), (LEAST * abs(high) - (high - low)) / 2) or 0.06
    return low - room, high + room


def rows_of(comparison: pd.DataFrame) -> float:
    """Return how many rows of policies a figure has, with the titles of their groups."""
    return len(comparison) + TITLE * sum(begins(groups_of(comparison)))


def _rows(comparison: pd.DataFrame) -> Floats:
    """Return where each policy's row stands: one below the other, with room for a title before each group."""
    return np.arange(len(comparison)) + TITLE * np.cumsum(begins(groups_of(comparison)))


def _policies_down(ax: Axes, comparison: pd.DataFrame) -> None:
    """Name the rows of the axes after the policies, the first on top, and each group of them by its title."""
    rows, groups = _rows(comparison), groups_of(comparison)
    for row, group, first in zip(rows, groups, begins(groups), strict=True):
        if first:
            place = (0.01, row - 0.5)
            ax.annotate(group, place, xycoords=("axes fraction", "data"), color=NEUTRAL, style="italic", fontsize=9)
    names = [textwrap.fill(shown_name(row), NAME_WIDTH, max_lines=3, placeholder="…") for _, row in comparison.iterrows()]
    ax.set_yticks(rows, names)
    ax.set_ylim(rows[-1] + 0.6, TITLE - 1.1)
    ax.tick_params(axis="y", length=0)


def _marker(kind: str) -> str:
    """Return the marker of a policy's kind."""
    return "o" if kind == "learned" else "s"


def _hollow() -> Line2D:
    """Return what explains hollow markers."""
    label = f"{GROUPS[False]} (hollow)"
    return Line2D([], [], color=NEUTRAL, marker="o", linestyle="", markerfacecolor="white", label=label)


def _kind_legend(ax: Axes, comparison: pd.DataFrame, more: Sequence[Line2D] = ()) -> None:
    """Explain the colours and markers of the kinds of policies, and what else has a name, below the axes."""
    handles: list[Any] = [
        Line2D([], [], color=kind_colour(kind), marker=_marker(kind), linestyle="", label=kind)
        for kind in sorted(comparison["kind"].unique())
    ]
    handles += [*more, *ax.get_legend_handles_labels()[0]]
    _legend_below(ax, handles, [str(handle.get_label()) for handle in handles], columns=4)


def _legend_below(ax: Axes, handles: list[Any], labels: list[str], columns: int) -> None:
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False, fontsize=9)


def _short_count(value: float, _position: int) -> str:
    """Return a count of steps like 250k or 1.5M."""
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if abs(value) >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def _signed(value: float, _position: int) -> str:
    """Return a difference with its sign, zero without."""
    return f"{value:+,.10g}" if value else "0"


def _tidy(ax: Axes, grid: Literal["both", "x"] = "both") -> Axes:
    """Take away the frame's top and right, and put a light grid behind the rest."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis=grid, color="#E6E6E6", linewidth=0.7)
    ax.set_axisbelow(True)
    return ax
