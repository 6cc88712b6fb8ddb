"""The tables of a day with their names matched: every warehouse, channel, region and SKU is a place in one list.

A name that its master table does not have is an error that names the nearest: warehouses come from the stock table, channels
from the channels table, regions from the lanes. Without a master table all names that the others use are taken as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from allotment.allocation.day import Integers
from allotment.planning.days import Clock, clock_of
from allotment.planning.tables import Table, read_table
from allotment.scenario.errors import ScenarioError, nearest

WITH_SKUS = ("stock", "demand", "receipts", "reservations", "offers")


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

    @property
    def demand(self) -> Table:
        """Return the table of demand or order lines."""
        return self.tables["demand"]

    def places(self, kind: str, column: str, names: Sequence[str]) -> Integers:
        """Return the places of a column's names; `ScenarioError` for one that is not among them."""
        return places(self.tables[kind], column, names)


def match(sources: dict[str, Any], whole: bool, today: Any, now: float) -> Book:
    """Read the tables of each kind from their sources and match their names; raises `ScenarioError` for what is wrong."""
    tables = {kind: read_table(kind, source, whole) for kind, source in sources.items() if source is not None}
    demand = tables["demand"]
    _check_committed(demand)
    _check_skus(tables)
    _check_ends(tables)
    channels = _all_names(tables, ("channels",) if "channels" in tables else ("demand", "lanes", "transport"), "channel")
    leading_to_regions = "lanes" in tables and "region" in tables["lanes"].names
    regions = _all_names(tables, ("lanes",) if leading_to_regions else ("demand",), "region")
    skus = _all_names(tables, WITH_SKUS, "sku")
    return Book(
        tables=tables,
        clock=clock_of(tables.values(), today),
        now=now,
        whole=whole,
        warehouses=_all_names(tables, ("stock",), "warehouse"),
        channels=channels,
        regions=regions,
        skus=skus,
        channel=places(demand, "channel", channels),
        region=places(demand, "region", regions),
        sku=places(demand, "sku", skus),
    )


def _check_committed(demand: Table) -> None:
    """No more can be promised than is asked for."""
    beyond = demand.number("committed", 0.0) > demand.numbers["demand"]
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


def _check_skus(tables: dict[str, Table]) -> None:
    """Either all tables of units tell SKUs apart or none does."""
    with_skus = [table.source for kind, table in tables.items() if kind in WITH_SKUS and "sku" in table.names]
    without = [table.source for kind, table in tables.items() if kind in WITH_SKUS and "sku" not in table.names]
    if with_skus and without:
        raise ScenarioError(f"{without[0]}: column sku is missing; {with_skus[0]} has one")
