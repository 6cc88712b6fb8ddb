"""The movement log as the valuation walks through it: columns of whole numbers, in the order of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from allotment.exchange.movement_schema import COLUMNS
from allotment.finance.amounts import Rate, rates_of, units_of
from allotment.finance.policy import AccountingPolicy
from allotment.scenario.errors import ScenarioError, nearest, shown

TRANSIT, MADE = "in_transit", "made"
TEXTS = ("kind", "sku", "currency", "document", "reason", "entity")


@dataclass(frozen=True)
class Coded:
    """A column of texts as numbers of a list of names; a missing text is number 0, the empty name."""

    codes: list[int]
    names: list[str]

    def __getitem__(self, row: int) -> str:
        return self.names[self.codes[row]]


@dataclass(frozen=True)
class Log:
    """Movements in the order of time, a list a column."""

    event: list[str]
    day: list[int]
    dated: bool  # days are ordinals of dates, not periods
    kind: Coded
    sku: Coded
    units: list[int]  # on a grid
    scale: int  # how much of the grid makes a unit
    origin: list[int]  # places, by number
    target: list[int]
    places: list[str]
    unit_cost: list[Rate | None]
    unit_price: list[Rate | None]
    currency: Coded
    document: Coded
    reason: Coded
    entity: Coded

    def fault(self, row: int, sentence: str) -> ScenarioError:
        """Return the error that says what is wrong with a movement."""
        return ScenarioError(f"movement {self.event[row]}: {sentence}")


def log_of(movements: pd.DataFrame, policy: AccountingPolicy) -> Log:
    """Return movements (columns as `COLUMNS`) in the order of time; an event that is there twice counts once.

    Raises `ScenarioError` for a column that is missing and an event that is repeated with other content.
    """
    for name in COLUMNS:
        if name not in movements:
            raise ScenarioError(f"movements: no column {name!r}; {nearest(name, map(str, movements.columns))}")
    movements = _once(movements)
    days, instants, dated = _days(movements["time"], policy.timezone)
    order = np.lexsort((movements["seq"].to_numpy(), instants))
    movements, days = movements.iloc[order], days[order]
    units, scale = units_of(movements["units"])
    places = _coded(pd.concat([movements["from"], movements["to"]], ignore_index=True))
    cost, price = (rates_of(_plain(movements[name])) for name in ("unit_cost", "unit_price"))
    kind, sku, currency, document, reason, entity = (_coded(movements[name]) for name in TEXTS)
    origin, target = places.codes[: len(order)], places.codes[len(order) :]
    event = movements["event"].astype(str).tolist()
    stock = (kind, sku, units, scale, origin, target, places.names)
    return Log(event, days.tolist(), dated, *stock, cost, price, currency, document, reason, entity)


def _once(movements: pd.DataFrame) -> pd.DataFrame:
    """Return movements without those whose event came before with the same content."""
    repeated = movements["event"].duplicated()
    if not repeated.any():
        return movements
    other = repeated & ~movements[list(COLUMNS)].astype(str).duplicated()
    if other.any():
        event = movements.loc[other, "event"].iloc[0]
        raise ScenarioError(f"movement {shown(event)}: is there twice with different content")
    return movements[~repeated]


def _days(times: pd.Series, zone: str) -> tuple[Any, Any, bool]:
    """Return days and instants of times, and whether they are dates."""
    if pd.api.types.is_numeric_dtype(times):
        periods = times.to_numpy(dtype=np.int64)
        return periods, periods, False
    if all(isinstance(time, str) and time.isdecimal() for time in times.head(1)):
        periods = times.astype(np.int64).to_numpy()
        return periods, periods, False
    instants = pd.to_datetime(times, utc=True, format="ISO8601")
    local = instants.dt.tz_convert(ZoneInfo(zone)).dt.tz_localize(None).to_numpy().astype("datetime64[D]")
    epoch = 719_163  # the ordinal of 1970-01-01
    return local.astype(np.int64) + epoch, instants.to_numpy(dtype="datetime64[ns]"), True


def _coded(column: pd.Series) -> Coded:
    codes, names = pd.factorize(column)
    filled = np.array([name != "" for name in names] + [False])  # the last stands for what is missing, of code -1
    numbers = np.where(filled, filled.cumsum(), 0)
    return Coded(numbers[codes].tolist(), ["", *(str(name) for name in names if name != "")])


def _plain(column: pd.Series) -> Any:
    """Return numbers as floats, or as they are where they are decimal or text."""
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(dtype=float, na_value=np.nan)
    return [None if value is None or value is pd.NA or value != value or value == "" else value for value in column]
