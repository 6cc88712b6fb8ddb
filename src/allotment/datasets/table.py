"""The table of histories: recorded demand of whatever data set, one row a channel, SKU and period.

| column | type | holds |
|---|---|---|
| `channel` | category of text | the store, country or city that asks, as the data calls it |
| `sku` | category of text | the item |
| `period` | date | the first day of the period |
| `units` | float, >= 0 | what was asked for; 0 where the data has nothing |
| `price` | float | money a unit; NaN where the data says none |

Each pair of channel and SKU that the data knows has all periods, in order; pairs follow each other by channel, then SKU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from allotment.quantities import Floats
from allotment.scenario.errors import ScenarioError
from allotment.scenario.source_data import History

MOST_ROWS = 60_000_000  # of a table, about as many as the whole of M5 by day
Period = Literal["day", "week", "month"]


@dataclass(frozen=True)
class Recorded:
    """Demand as a data set records it: series of consecutive days (or what it counts by), each of a channel and a SKU."""

    channels: list[str]  # of the series
    skus: list[str]  # of the series
    starts: pd.DatetimeIndex  # the first day of each period
    units: Floats  # (series, periods)
    price: Floats | None = None  # (series, periods) money a unit; NaN where unknown
    by: Period = "day"  # what its periods are


def between(starts: pd.DatetimeIndex, first: str | None, last: str | None) -> slice:
    """Return where the periods between two days lie; `ScenarioError` where a day is outside of the data."""
    for option, day in (("first", first), ("last", last)):
        if day is not None and not starts[0] <= pd.Timestamp(day) <= _end(starts):
            raise ScenarioError(
                f"option {option}: {day} is outside of the data, {starts[0]:%Y-%m-%d} to {_end(starts):%Y-%m-%d}"
            )
    kept = starts.slice_indexer(pd.Timestamp(first) if first else None, pd.Timestamp(last) if last else None)
    if not len(starts[kept]):
        raise ScenarioError(f"options first and last: no period begins between {first} and {last}")
    return kept


def _end(starts: pd.DatetimeIndex) -> pd.Timestamp:
    """Return the last day of consecutive periods."""
    month = len(starts) > 1 and starts[-1] - starts[-2] >= pd.Timedelta(28, "D")
    return starts[-1] + pd.offsets.MonthEnd(0) if month else starts[-1]


@dataclass(frozen=True)
class Table:
    """Histories in one long table, what a period is, and what was done to the data to get them."""

    frame: pd.DataFrame  # the columns above
    periods: pd.DatetimeIndex  # the first day of each
    period: Period  # what one is
    notes: tuple[str, ...] = ()

    @property
    def channels(self) -> list[str]:
        """Return the channels in order."""
        return list(self.frame["channel"].cat.categories)

    @property
    def skus(self) -> list[str]:
        """Return the SKUs in order."""
        return list(self.frame["sku"].cat.categories)

    def history(self, first: int = 0, last: int | None = None) -> History:
        """Return the demand of periods by place, (periods, channels, skus) units; 0 for pairs that the data lacks."""
        series = self.series()[first:last]
        pairs = self.frame.iloc[:: len(self.periods)]
        units = np.zeros((len(series), len(self.channels), len(self.skus)))
        units[:, pairs["channel"].cat.codes, pairs["sku"].cat.codes] = series
        return History(self.channels, self.skus, units)

    def series(self) -> Floats:
        """Return the units of each pair of channel and SKU, in the order of the table, (periods, pairs)."""
        return self.frame["units"].to_numpy().reshape(-1, len(self.periods)).T

    def place_of(self, day: str) -> int:
        """Return how many periods begin before a day."""
        return int(self.periods.searchsorted(pd.Timestamp(day)))


def table_of(recorded: Recorded, period: Period, notes: Sequence[str] = (), name: str = "the data") -> Table:
    """Add days up to periods, of which only whole ones count, and write all series into one table.

    A period's price is the mean by units sold, or of what was asked where nothing was sold. Raises `ScenarioError` where no
    period is whole.
    """
    order = sorted(range(len(recorded.skus)), key=lambda place: (recorded.channels[place], recorded.skus[place]))
    starts, cuts, left = _periods(recorded.starts, None if recorded.by == period else period)
    if not len(starts):
        raise ScenarioError(f"{name}: {len(recorded.starts)} days hold no whole {period}")
    units = np.add.reduceat(recorded.units[order][:, cuts.start : cuts.end], cuts.offsets, axis=1)
    frame = pd.DataFrame(
        {
            "channel": _repeated([recorded.channels[place] for place in order], len(starts)),
            "sku": _repeated([recorded.skus[place] for place in order], len(starts)),
            "period": np.tile(starts.to_numpy(), len(order)),
            "units": units.ravel(),
            "price": _prices(recorded, order, cuts, units).ravel(),
        }
    )
    told = [f"days at the ends that belong to no whole {period}, left out: {left}"] if left else []
    return Table(frame, starts, period, (*notes, *told))


@dataclass(frozen=True)
class _Cuts:
    """Where periods begin among days."""

    start: int
    end: int
    offsets: Any  # of each period's first day from `start`


def _periods(days: pd.DatetimeIndex, period: Period | None) -> tuple[pd.DatetimeIndex, _Cuts, int]:
    """Return the first days of whole periods, where they lie, and how many days belong to none; none = as they are."""
    if period is None:
        return days, _Cuts(0, len(days), np.arange(len(days))), 0
    begins = days.day_of_week == 0 if period == "week" else days.day == 1
    after = days[-1] + pd.Timedelta(1, "D")
    places = np.flatnonzero(begins)
    ends = after.day_of_week == 0 if period == "week" else after.day == 1
    bounds = np.append(places, len(days)) if ends else places
    if len(bounds) < 2:
        return days[:0], _Cuts(0, 0, places[:0]), len(days)
    start, end = int(bounds[0]), int(bounds[-1])
    return days[bounds[:-1]], _Cuts(start, end, bounds[:-1] - start), len(days) - (end - start)


def _repeated(names: list[str], times: int) -> pd.Categorical[Any]:
    categories = sorted(set(names))
    places = {name: place for place, name in enumerate(categories)}
    return pd.Categorical.from_codes(
        np.repeat([places[name] for name in names], times).astype(np.int32), categories=pd.Index(categories)
    )


def _prices(recorded: Recorded, order: list[int], cuts: _Cuts, units: Floats) -> Floats:
    """Return prices by series and period: the mean by units sold at a known price, else of the prices known."""
    if recorded.price is None:
        return np.full(units.shape, np.nan)
    price = recorded.price[order][:, cuts.start : cuts.end]
    known = ~np.isnan(price)
    sold = np.where(known, recorded.units[order][:, cuts.start : cuts.end], 0.0)
    weight = np.where(np.repeat(_sums(sold, cuts) > 0.0, _lengths(cuts), axis=1), sold, known)
    total = _sums(weight, cuts)
    return np.divide(
        _sums(weight * np.where(known, price, 0.0), cuts), total, out=np.full(units.shape, np.nan), where=total > 0.0
    )


def _sums(values: Floats, cuts: _Cuts) -> Floats:
    return np.add.reduceat(values, cuts.offsets, axis=1)


def _lengths(cuts: _Cuts) -> Any:
    return np.diff(np.append(cuts.offsets, cuts.end - cuts.start))


def recorded_lines(lines: pd.DataFrame, starts: pd.DatetimeIndex, pairs: pd.DataFrame | None = None) -> Recorded:
    """Add up lines (`channel`, `sku`, `date`, `units`, perhaps `money`) by day; a day without a line is a day of 0 units.

    Lines of days that are not among `starts` are left out. A day's price is the money over the units of lines that have money.
    `pairs` says which series there are; none = those that the lines name.
    """
    lines = lines[(lines["date"] >= starts[0]) & (lines["date"] < starts[-1] + pd.Timedelta(1, "D"))]
    known = lines[["channel", "sku"]].drop_duplicates() if pairs is None else pairs
    keys = pd.MultiIndex.from_frame(known.astype(str).sort_values(["channel", "sku"]))
    check_rows(len(keys), len(starts))
    series = keys.get_indexer(pd.MultiIndex.from_frame(lines[["channel", "sku"]].astype(str)))
    cells = series * len(starts) + (lines["date"].dt.normalize() - starts[0]).dt.days.to_numpy()
    units = _added(cells, lines["units"], keys, starts)
    price = None
    if "money" in lines:
        priced = (lines["money"] > 0).to_numpy()
        money, sold = (_added(cells[priced], lines[name][priced], keys, starts) for name in ("money", "units"))
        price = np.divide(money, sold, out=np.full(units.shape, np.nan), where=sold > 0.0)
    return Recorded(list(keys.get_level_values("channel")), list(keys.get_level_values("sku")), starts, units, price)


def days_of(lines: pd.DataFrame, first: str | None, last: str | None) -> pd.DatetimeIndex:
    """Return the days from the first to the last `date` of lines, of which those between two days; else `ScenarioError`."""
    days = pd.date_range(lines["date"].min().normalize(), lines["date"].max().normalize(), freq="D", unit="s")
    return days[between(days, first, last)]


def _added(cells: Any, values: pd.Series[Any], keys: pd.MultiIndex, starts: pd.DatetimeIndex) -> Floats:
    added: Floats = np.bincount(cells, values.to_numpy(dtype=float), len(keys) * len(starts)).astype(np.float64)
    return added.reshape(len(keys), len(starts))


def check_rows(series: int, periods: int) -> None:
    """Refuse more rows than a table may have: `ScenarioError` that says how to get fewer."""
    if series == 0:
        raise ScenarioError("the options leave no series: no store sold any of the items")
    if series * periods > MOST_ROWS:
        raise ScenarioError(
            f"{series:,} series of {periods:,} periods are {series * periods:,} rows, more than {MOST_ROWS:,}; "
            "choose fewer by the options items, stores, groups, items_every, first or last"
        )
