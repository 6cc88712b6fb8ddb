"""The tables of a day with their names matched: every warehouse, channel, region and SKU is a place in one list.

A name that its master table does not have is an error that names the nearest: warehouses come from the stock table, channels
from the channels table, regions from the lanes. Without a master table all names that the others use are taken as they are.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np

from allotment.allocation.day import Integers, exceeds
from allotment.planning.columns import LAYOUTS
from allotment.planning.conventions import Texts, conventions_of
from allotment.planning.days import Clock, clock_of
from allotment.planning.rows import check_rows
from allotment.planning.tables import Table, open_table, read_table
from allotment.scenario.errors import ScenarioError, nearest

WITH_SKUS = ("stock", "demand", "receipts", "reservations", "offers")
UNITS, OVERDUE, NEGATIVE = ("integer", "continuous"), ("ignore", "today"), ("refuse", "zero")
MOST_HINTS = 3  # names that a message lists


@dataclass(frozen=True)
class Book:
    """What the tables say, their names as places."""

    tables: dict[str, Table]  # by kind; those that were given
    clock: Clock
    now: float  # hours since midnight
    whole: bool  # units are integers
    warehouses: list[str]
    channels: list[str]
    regions: list[str]
    skus: list[str]  # one empty name where the tables have none
    channel: Integers  # of each row of demand
    region: Integers
    sku: Integers
    notes: tuple[str, ...] = ()  # what was assumed of the tables

    @property
    def demand(self) -> Table:
        """Return the table of demand or order lines."""
        return self.tables["demand"]

    def places(self, kind: str, column: str, names: Sequence[str]) -> Integers:
        """Return the places of a column's names; `ScenarioError` for one that is not among them."""
        return places(self.tables[kind], column, names)


@dataclass(frozen=True)
class Choices:
    """How to read what tables leave open."""

    units: str | None = None  # integer or continuous; None: integer where all quantities are
    decimal: str | None = None  # point or comma; None: as the numbers tell
    date_format: str | None = None  # such as DD/MM/YYYY; None: as the dates tell
    overdue: str = "ignore"  # receipts that should have come: ignore, or take for today's
    negative: str = "refuse"  # stock below zero: refuse, or take for zero

    def check(self) -> None:
        """Refuse what is no choice: `ScenarioError`."""
        for name, allowed in (("units", UNITS), ("overdue", OVERDUE), ("negative", NEGATIVE)):
            if (seen := getattr(self, name)) is not None and seen not in allowed:
                raise ScenarioError(f"{name} must be {' or '.join(allowed)}, not {seen!r}")


def match(sources: dict[str, Any], choices: Choices, today: Any, now: float) -> Book:
    """Read the tables of each kind from their sources and match their names; raises `ScenarioError` for what is wrong."""
    choices.check()
    given = [open_table(kind, source) for kind, source in sources.items() if source is not None]
    said = [Texts("today", "today", "day", [today], [], None)] if isinstance(today, str) else []
    written = [*said, *(texts for each in given for texts in each.texts())]
    conventions = conventions_of(written, choices.decimal, choices.date_format)
    tables = {each.kind: read_table(each, conventions) for each in given}
    tables["stock"], of_stock = _stock(tables["stock"], choices.negative)
    for kind, table in tables.items():
        check_rows(table, LAYOUTS[kind])
    whole, of_units = _whole(tables, choices.units)
    clock = clock_of(tables.values(), today, conventions)
    of_receipts: tuple[str, ...] = ()
    if "receipts" in tables:
        tables["receipts"], of_receipts = _in_time(tables["receipts"], clock, choices.overdue)
    _check_committed(tables["demand"], whole)
    _check_ends(tables)
    of_tables = [f"{table.source}: {'; '.join(table.notes)}" for table in tables.values() if table.notes]
    notes = (*of_tables, *conventions.notes, *of_units, *of_stock, *of_receipts, *_check_skus(tables))
    return _book(tables, clock, now, whole, notes)


def _book(tables: dict[str, Table], clock: Clock, now: float, whole: bool, notes: tuple[str, ...]) -> Book:
    channels = _all_names(tables, ("channels",) if "channels" in tables else ("demand", "lanes", "transport"), "channel")
    leading_to_regions = "lanes" in tables and "region" in tables["lanes"].names
    regions = _all_names(tables, ("lanes",) if leading_to_regions else ("demand",), "region")
    skus, demand = _all_names(tables, WITH_SKUS, "sku"), tables["demand"]
    return Book(
        tables=tables,
        clock=clock,
        now=now,
        whole=whole,
        warehouses=_all_names(tables, ("stock",), "warehouse"),
        channels=channels,
        regions=regions,
        skus=skus,
        channel=places(demand, "channel", channels),
        region=places(demand, "region", regions),
        sku=places(demand, "sku", skus),
        notes=notes,
    )


def _stock(table: Table, negative: str) -> tuple[Table, tuple[str, ...]]:
    """Return the stock, of which nothing is below zero, and what was assumed."""
    below = table.numbers["on_hand"] < 0.0
    if not below.any():
        return table, ()
    if negative == "refuse":
        row = int(below.argmax())
        seen = table.numbers["on_hand"][row]
        raise table.fault(row, "on_hand", f"must be >= 0, not {seen:g}; --negative zero takes such stock for none")
    numbers = {**table.numbers, "on_hand": np.maximum(table.numbers["on_hand"], 0.0)}
    return replace(table, numbers=numbers), (f"{table.source}: {below.sum():,} rows are below zero and taken for 0",)


def _in_time(table: Table, clock: Clock, overdue: str) -> tuple[Table, tuple[str, ...]]:
    """Return the receipts without those that should have come before today, or with these today, and what was assumed."""
    late = clock.offsets(table.days["arrives"], 0.0) < 0.0
    if not late.any():
        return table, ()
    count = f"{table.source}: {late.sum():,} of {table.rows:,} receipts should have come before today ({clock.today})"
    if overdue == "ignore":
        return table.only(~late), (f"{count} and are left out; --overdue today takes them for today's",)
    arrives = [clock.today if was_due else moment for was_due, moment in zip(late, table.days["arrives"], strict=True)]
    return replace(table, days={**table.days, "arrives": arrives}), (f"{count} and are taken for today's",)


def _whole(tables: dict[str, Table], units: str | None) -> tuple[bool, tuple[str, ...]]:
    """Return whether units are integers, and what was assumed; in integers, a fraction is refused."""
    if units == "continuous":
        return False, ()
    for kind, table in tables.items():
        for column, values in table.numbers.items():
            fractions = np.isfinite(values) & (values != np.floor(values))
            if LAYOUTS[kind].columns[column].kind in ("units", "level") and fractions.any():
                row = int(fractions.argmax())
                if units == "integer":
                    raise table.fault(row, column, f"must be a whole number (or units continuous), not {values[row]:g}")
                return False, (f"units may be fractions, as in {table.source} ({column} of {values[row]:g} in row {row + 1})",)
    return True, ()


def _check_committed(demand: Table, whole: bool) -> None:
    """No more can be promised than is asked for."""
    beyond = exceeds(demand.number("committed", 0.0), demand.numbers["demand"], whole)
    if beyond.any():
        row = int(beyond.argmax())
        asked, seen = (f"{demand.numbers[column][row]:g}" for column in ("demand", "committed"))
        raise demand.fault(row, "committed", f"must be <= the demand of {asked}, not {seen}")


def places(table: Table, column: str, names: Sequence[str]) -> Integers:
    """Return the place of each row's name in `names`; all are 0 where there is nothing to tell apart."""
    if column not in table.names:
        return np.zeros(table.rows, dtype=np.int64)
    index = {name: place for place, name in enumerate(names)}
    found = [index.get(name, -1) for name in table.names[column]]
    if -1 in found:
        row = found.index(-1)
        seen = table.names[column][row]
        raise table.fault(row, column, f"unknown {column} {seen!r}; {nearest(seen, names)}")
    return np.array(found, dtype=np.int64)


def _all_names(tables: dict[str, Table], kinds: Sequence[str], column: str) -> list[str]:
    """Return the distinct names of a column of the tables of some kinds; one empty name where none has it."""
    named = [tables[kind].names.get(column, []) for kind in kinds if kind in tables]
    return list(dict.fromkeys(chain.from_iterable(named))) or [""]


def _check_ends(tables: dict[str, Table]) -> None:
    """The demand must say to which channel and region it belongs where another table tells them apart."""
    for kind, column in (("channels", "channel"), ("transport", "channel"), ("lanes", "channel"), ("lanes", "region")):
        if kind in tables and column in tables[kind].names and column not in tables["demand"].names:
            raise ScenarioError(f"{tables['demand'].source}: column {column} is missing; {tables[kind].source} has one")
        if kind in tables and column in tables[kind].names and "" in tables["demand"].names[column]:
            row = tables["demand"].names[column].index("")
            raise tables["demand"].fault(row, column, f"is empty, but {tables[kind].source} tells them apart")


def _check_skus(tables: dict[str, Table]) -> tuple[str, ...]:
    """Either all tables of units tell SKUs apart or none does, and what is asked for is known somewhere.

    Returns a note on the SKUs that are asked for and that no table of stock or receipts has.
    """
    with_skus = [table.source for kind, table in tables.items() if kind in WITH_SKUS and "sku" in table.names]
    without = [table.source for kind, table in tables.items() if kind in WITH_SKUS and "sku" not in table.names]
    if with_skus and without:
        raise ScenarioError(f"{without[0]}: column sku is missing; {with_skus[0]} has one")
    demand, stock = tables["demand"], tables["stock"]
    supplied = _all_names(tables, ("stock", "receipts"), "sku")
    unknown = list(dict.fromkeys(sku for sku in demand.name("sku") if sku not in set(supplied)))
    if not unknown:
        return ()
    hints = [f"{sku!r} may be {near!r}" for sku in unknown[:MOST_HINTS] if (near := _like(sku, supplied))]
    meant = f"; {', '.join(hints)}" if hints else ""
    if len(unknown) == len(set(demand.name("sku"))):
        seen = f"{demand.source} asks for {_some(unknown)}, {stock.source} has {_some(supplied)}"
        raise ScenarioError(f"{stock.source}: has none of the SKUs asked for: {seen}{meant}")
    return (f"{demand.source}: nobody has {_some(unknown)}{meant}",)


def _like(sku: str, known: Sequence[str]) -> str | None:
    """Return the known name that another is probably meant for: the same but for case, marks and leading zeros, else alike."""
    plain = {_bare(name): name for name in known}
    return plain.get(_bare(sku)) or next(iter(difflib.get_close_matches(sku, known, n=1, cutoff=0.8)), None)


def _bare(sku: str) -> str:
    return re.sub(r"[\W_]", "", sku.casefold()).lstrip("0")


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:MOST_HINTS]))
    return shown if len(names) <= MOST_HINTS else f"{shown} and {len(names) - MOST_HINTS:,} more"
