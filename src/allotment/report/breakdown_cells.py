"""Who is served and who is not, as tables: by channel, by site and by SKU, for one policy or for several side by side.

Long lists are cut to the names that matter most, and the rest is summed up in one row: for one policy those with the most units
short, for several those in which the policies differ most.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from allotment.evaluation.breakdown import AXES, KEYS
from allotment.report.cells import Cells, reference_policy, tables_of
from allotment.report.knowledge import GROUPS
from allotment.report.money import Money
from allotment.report.numbers import decimals, number, percentage

MOST = 12  # names of an axis that a table shows
MOST_SKUS = 5  # where policies stand side by side
ABREAST = 6  # policies that a table shows side by side
TITLES = {"channel": "channel", "site": "site", "sku": "SKU"}
ADDED = ["demand", "on_time", "short", "lost", "lost_margin", "shipped", "on_hand"]  # what sums over names
COMPARED = ("fill_rate", "short", "lost_margin")
NOTES = {
    "channel": (
        "Units short are lost or late: not there when due. Lost margin: units lost × (price − unit cost), or × the cost of a "
        "lost sale where there is no price."
    ),
    "site": "The service of a site is that of the channels nearest to it, whoever serves them.",
    "sku": "",
}


def breakdown_tables(means: pd.DataFrame, money: Money) -> list[Cells]:
    """Return one policy's tables, means ± standard errors; `means` is as `Breakdown.means` returns it."""
    if means.empty:
        return []
    return [_of_axis(axis, means[means["axis"] == axis], money) for axis in AXES]


def all_tables(comparison: pd.DataFrame, means: Mapping[str, pd.DataFrame], money: Money) -> list[Cells]:
    """Return the tables of a comparison in the order to read them, those of who is served last."""
    if len(means) == 1:
        return [*tables_of(comparison, money), *breakdown_tables(next(iter(means.values())), money)]
    beside = side_by_side(means, money, reference_policy(comparison))
    return [*tables_of(comparison, money), *(_told_apart(cells, comparison) for cells in beside)]


def _told_apart(cells: Cells, comparison: pd.DataFrame) -> Cells:
    """Return a table that has policies as columns with a note that says which of them are informed."""
    informed = set(comparison.loc[comparison["informed"], "policy"])
    shown = [name for name in cells.header[2:] if name in informed]
    named = f"{GROUPS[True].capitalize()}: {', '.join(shown) or 'none of these'}."
    return replace(cells, note=f"{cells.note} {named}".strip())


def side_by_side(means: Mapping[str, pd.DataFrame], money: Money, reference: str) -> list[Cells]:
    """Return tables of several policies, given by name and best first, a column each; see `breakdown_tables`.

    Of many policies these are the best, and the reference.
    """
    shown = beside_each_other(means, reference)
    return [_compared(axis, shown, len(means), money) for axis in AXES] if not means[reference].empty else []


def beside_each_other(means: Mapping[str, pd.DataFrame], reference: str) -> dict[str, pd.DataFrame]:
    """Return the policies that are shown side by side: of many the best, and the reference."""
    best = list(means)[: ABREAST if reference in list(means)[:ABREAST] else ABREAST - 1]
    return {policy: means[policy] for policy in means if policy in (*best, reference)}


def channels_shown(means: Mapping[str, pd.DataFrame]) -> list[str]:
    """Return the channels in the order of the world; of many, those in which policies differ most."""
    first = next(iter(means.values()))
    names = [str(name) for name in first.loc[first["axis"] == "channel", "name"].drop_duplicates()]
    return names if len(names) <= MOST else greatest("channel", means)


def greatest(axis: str, means: Mapping[str, pd.DataFrame]) -> list[str]:
    """Return the names of an axis in which policies differ most, in lost margin and then in units short, that first."""
    margin, short = (_spread(axis, means, measure) for measure in ("lost_margin", "short"))
    order = np.lexsort([-short.to_numpy(), -margin.to_numpy()])
    return _cut([str(name) for name in margin.index[order]], MOST_SKUS if axis == "sku" else MOST)


def _cut(names: list[str], most: int) -> list[str]:
    """Return the first of many names; one alone is not worth a row of the others."""
    return names if len(names) <= most + 1 else names[:most]


def _spread(axis: str, means: Mapping[str, pd.DataFrame], measure: str) -> pd.Series:
    """Return how far the policies lie apart in each name of an axis; of one policy, the amount itself."""
    table = pd.DataFrame({policy: _wide(axis, each)[measure] for policy, each in means.items()})
    return table.max(axis=1) - (table.min(axis=1) if len(means) > 1 else 0.0)


def _wide(axis: str, means: pd.DataFrame, column: str = "mean") -> pd.DataFrame:
    """Return a row for each name of an axis, in the order of the world, and a column for each measure."""
    own = means[means["axis"] == axis]
    wide = own.pivot(index="name", columns="measure", values=column).reindex(own["name"].drop_duplicates())
    return wide.reindex(columns=["fill_rate", *ADDED])


def _of_axis(axis: str, means: pd.DataFrame, money: Money) -> Cells:
    """Return one policy's table of one axis."""
    mean, error = _wide(axis, means), _wide(axis, means, "standard_error")
    names = _cut(list(mean.sort_values(["short", "demand"], ascending=False, kind="stable").index), MOST)
    columns = ["demand", "fill_rate", "short", "lost_margin", *(["shipped"] if axis == "site" else [])]
    columns += ["on_hand"] if axis != "channel" else []
    places = {column: max(decimals(mean[column].max(), 3), decimals(error[column].median(), 1)) for column in columns}
    rows = [[name, *(_with_error(mean.T[name], error.T[name], column, places) for column in columns)] for name in names]
    if len(mean) > len(names):
        rest = _summed(mean.drop(index=names))
        rows.append([_others(mean, names), *(_text(rest[column], column, places[column]) for column in columns)])
    header = [TITLES[axis], *(_title(column, money) for column in columns)]
    return Cells(f"By {TITLES[axis]}, per {money.period}, ± standard error", header, rows, [], NOTES[axis])


def _compared(axis: str, means: Mapping[str, pd.DataFrame], policies: int, money: Money) -> Cells:
    """Return the policies' table of one axis: three rows a name."""
    tables = {policy: _wide(axis, each) for policy, each in means.items()}
    first = next(iter(tables.values()))
    names, places = greatest(axis, means), {measure: _places(tables, measure) for measure in COMPARED}
    parts = [(name, {policy: table.T[name] for policy, table in tables.items()}) for name in names]
    if len(first) > len(names):
        parts += [(_others(first, names), {policy: _summed(table.drop(index=names)) for policy, table in tables.items()})]
    rows = [
        [name if measure == COMPARED[0] else "", _title(measure, money), *_across(amounts, measure, places[measure])]
        for name, amounts in parts
        for measure in COMPARED
    ]
    caption = f"By {TITLES[axis]}, per {money.period}" + (", greatest differences first" if len(first) > 1 else "")
    notes = [NOTES[axis]] if NOTES[axis] else []
    notes += [f"{len(means)} of {policies} policies: the best, and the reference."] if policies > len(means) else []
    return Cells(caption, [TITLES[axis], "measure", *tables], rows, [], " ".join(notes))


def _across(amounts: Mapping[str, pd.Series], measure: str, places: int) -> list[str]:
    return [_text(amount[measure], measure, places) for amount in amounts.values()]


def _places(tables: Mapping[str, pd.DataFrame], measure: str) -> int:
    return decimals(max(table[measure].abs().max() for table in tables.values()), digits=3)


def _summed(rest: pd.DataFrame) -> pd.Series:
    """Return what several names come to together; their fill rate is that of all their units."""
    sums = rest[ADDED].sum(min_count=1)
    sums["fill_rate"] = sums["on_time"] / sums["demand"] if sums["demand"] > 0.0 else np.nan
    return sums


def _others(table: pd.DataFrame, names: list[str]) -> str:
    """Return the name of the row that sums up the rest, which no name of the world can be taken for."""
    return f"({len(table) - len(names)} others)"


def _with_error(mean: pd.Series, error: pd.Series, column: str, places: dict[str, int]) -> str:
    value, deviation = mean[column], error[column]
    text = _text(value, column, places[column])
    return text if pd.isna(value) or pd.isna(deviation) else f"{text} ± {_text(deviation, column, places[column])}"


def _text(value: float, measure: str, places: int) -> str:
    return percentage(value) if measure == "fill_rate" else number(value, places)


def _title(measure: str, money: Money) -> str:
    titles = {"short": "units short", "lost_margin": f"lost margin ({money.currency})" if money.currency else "lost margin"}
    return titles.get(measure, measure.replace("_", " "))


def breakdown_table(means: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return all policies' means as one table: policy, axis, name, measure, mean, standard error, episodes."""
    frames = [each.assign(policy=policy) for policy, each in means.items()]
    return pd.concat(frames, ignore_index=True)[["policy", *KEYS, "measure", "mean", "standard_error", "episodes"]]
