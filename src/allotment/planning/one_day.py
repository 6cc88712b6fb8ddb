"""Planning one day from order tables: read, match, allocate."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from allotment.planning.assembling import assemble
from allotment.planning.checking import checked
from allotment.planning.lanes import ignored
from allotment.planning.matching import Choices, match
from allotment.planning.methods import method as method_of
from allotment.planning.outcome import Plan
from allotment.planning.shortage import OTHERS, need_by_days
from allotment.planning.values import hour, number
from allotment.scenario.errors import ScenarioError

if TYPE_CHECKING:
    import datetime
    from pathlib import Path

    import pandas as pd

    Source = str | Path | pd.DataFrame


def plan(
    stock: Source,
    demand: Source,
    lanes: Source | None = None,
    transport: Source | None = None,
    channels: Source | None = None,
    receipts: Source | None = None,
    reservations: Source | None = None,
    offers: Source | None = None,
    method: str = "optimal",
    ignore: Sequence[str] = (),
    need_by: Mapping[str, float] | float | None = None,
    units: str | None = None,
    today: str | int | datetime.date | None = None,
    now: str | None = None,
    decimal: str | None = None,
    date_format: str | None = None,
    overdue: str = "ignore",
    negative: str = "refuse",
) -> Plan:
    """Allocate one day's stock to its demand; the plan says who gets what from where, and what stays unmet and why.

    Tables are CSV, xlsx or Parquet files or data frames; `allotment.planning.columns` lists what they may say, in which units.
    `method` is a name of `allotment.planning.methods.METHODS`. `ignore` leaves factors out: `commitments`, `proximity` (no
    freight), `transport` (no carrier limits), `margin` (every channel at the mean margin), `performance` (past on-time-in-full
    rates of 1). `need_by` is the number of days within which a channel's shortage must be bought, one for all or by channel
    with "*" for the others. `units` are integer or continuous; by default integer where all quantities are. `today` is day 0
    of the plan, as the tables write days; `now` (such as "14:30") decides whether a carrier's cut-off has passed. `decimal`
    (point or comma) and `date_format` (such as DD/MM/YYYY) say how files write numbers and dates where these do not tell it.
    Receipts that are `overdue` are left out (ignore) or taken for today's; `negative` stock is refused or taken for zero. What
    was assumed stands in the plan's `notes`. Raises `ScenarioError` for tables that cannot be used, with file, row and column.
    """
    left_out = ignored(tuple(ignore))
    sources = {
        "stock": stock,
        "demand": demand,
        "lanes": lanes,
        "transport": transport,
        "channels": channels,
        "receipts": receipts,
        "reservations": reservations,
        "offers": offers,
    }
    book = match(sources, Choices(units, decimal, date_format, overdue, negative), today, _hours(now))
    chosen = method_of(method, book)
    needs = {} if need_by is None else dict(need_by) if isinstance(need_by, Mapping) else {OTHERS: need_by}
    need_by_days(book, needs)
    day, days = assemble(book, left_out)
    full_value = assemble(book)[0].options.value if left_out else day.options.value
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        drawn = checked(day, book, method, chosen.allocate(day, book))
    return Plan(
        method=method,
        ignored=tuple(sorted(left_out)),
        book=book,
        day=day,
        days=days,
        full_value=full_value,
        drawn=drawn,
        rule=chosen.reason,
        need_by=needs,
        notes=(*book.notes, *(str(warning.message) for warning in told)),
    )


def _hours(now: str | None) -> float:
    try:
        return 0.0 if now is None else hour(now)
    except ValueError as error:
        raise ScenarioError(f"now {error}, not {now!r}") from None


def parse_need_by(texts: Sequence[str]) -> dict[str, float]:
    """Return days by channel from texts like `online=10,retail=30`, or `30` for all others; `ScenarioError` for the rest."""
    needs: dict[str, float] = {}
    for text in ",".join(texts).split(",") if texts else ():
        channel, _, days = text.rpartition("=")
        try:
            needs[channel or OTHERS] = number(days, least=0.0)
        except ValueError as error:
            raise ScenarioError(f"need-by {text!r}: the days {error}; write online=10, or 30 for all others") from None
    return needs
