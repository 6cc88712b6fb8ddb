"""The clock of a plan: days counted from today, written as the tables write them.

Tables may name days as dates (2013-05-26, 26 May 2013) or as whole numbers of days, all of them in the same way: a plan never
guesses how day 3 relates to a date. Today is day 0 where days are numbers, else the date of the clock, unless it is said.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from allotment.allocation.day import Floats
from allotment.planning.conventions import Conventions
from allotment.planning.tables import Table
from allotment.planning.values import Moment, day
from allotment.scenario.errors import ScenarioError


@dataclass(frozen=True)
class Clock:
    """Today, and with it how days are written."""

    today: Moment

    def offsets(self, moments: list[Moment | None], default: float) -> Floats:
        """Return days from today (n,), `default` where there is none."""
        return np.array([default if moment is None else self.offset(moment) for moment in moments])

    def offset(self, moment: Moment) -> float:
        """Return by how many days a moment is after today."""
        return float(_count(moment) - _count(self.today))

    def written(self, offset: float) -> str | int | None:
        """Return a day as the tables write it; None for never."""
        if not math.isfinite(offset):
            return None
        if isinstance(self.today, int):
            return self.today + int(offset)
        try:
            return (self.today + datetime.timedelta(days=int(offset))).isoformat()
        except OverflowError:
            return None


def clock_of(tables: Iterable[Table], today: Any, conventions: Conventions) -> Clock:
    """Return the clock of tables; raises `ScenarioError` where they, or `today`, name days in different ways."""
    try:
        given = None if today is None else day(today, conventions)
    except ValueError as error:
        raise ScenarioError(f"today {error}, not {today!r}") from None
    first, where = given, "today"
    for table in tables:
        for column, moments in table.days.items():
            for row, moment in enumerate(moments):
                if moment is not None and first is None:
                    first, where = moment, f"{table.source}, column {column}"
                if moment is not None and isinstance(moment, int) != isinstance(first, int):
                    seen = _kind(moment)
                    raise table.fault(row, column, f"is {seen} ({moment}), but {where} has {_kind(first)} ({first})")
    if given is None:
        given = 0 if isinstance(first, int) else datetime.date.today()
    return Clock(given)


def _kind(moment: Moment | None) -> str:
    return "a number of days" if isinstance(moment, int) else "a date"


def _count(moment: Moment) -> int:
    return moment if isinstance(moment, int) else moment.toordinal()
