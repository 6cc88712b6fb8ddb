"""Lanes: which warehouse serves which claim, and what a unit is worth, how far it goes and how long it takes on each.

    value of a unit = margin × past on-time-in-full rate - freight,   freight = the lane's, else the channel's rate × km

A lane leads to a region, to a channel, or to a channel in a region, as its table has columns. Without a table of lanes every
warehouse serves everybody, free of freight and at once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from allotment.allocation.day import Floats, Integers
from allotment.planning.checking import MOST_OPTIONS, MOST_PLACES, check_size
from allotment.planning.matching import Book, places
from allotment.planning.tables import Table
from allotment.scenario.errors import ScenarioError, nearest

FACTORS = ("commitments", "proximity", "transport", "margin", "performance")


class Lanes(NamedTuple):
    """Pairs of claim and warehouse with a lane, claim by claim."""

    claim: Integers  # (pairs,)
    site: Integers  # (pairs,)
    value: Floats  # (pairs,) money/unit
    distance: Floats  # (pairs,) km, or freight per unit where km are not known
    transit: Floats  # (pairs,) days
    cut_off: Floats  # (pairs,) hours since midnight
    preference: Floats  # (pairs,)


def lanes_of(book: Book, ignore: frozenset[str]) -> Lanes:
    """Return the lanes of all claims, with the factors to `ignore` (of `FACTORS`) left out of value and distance."""
    table = book.tables.get("lanes")
    if table is None:
        check_size("ways of serving them", MOST_OPTIONS, rows_of_demand=book.demand.rows, warehouses=len(book.warehouses))
        claim, site = (axis.ravel() for axis in np.indices((book.demand.rows, len(book.warehouses))))
        nothing = np.zeros(len(claim))
        return Lanes(claim, site, _income(book, ignore)[claim], nothing, nothing, np.full(len(claim), 24.0), nothing)
    row_of = _rows_by_ends(book)
    check_size("ways of serving them", 4 * MOST_OPTIONS, rows_of_demand=book.demand.rows, warehouses=len(book.warehouses))
    rows = row_of[:, book.region, book.channel].T  # (claims, warehouses)
    claim, site = np.nonzero(rows >= 0)
    row = rows[claim, site]
    km, freight = table.number("km", 0.0)[row], _freight(book, table)[row]
    freight = np.where(np.isnan(freight), _rates(book)[book.channel[claim]] * km, freight)
    if "proximity" in ignore:
        km, freight = np.zeros(len(row)), np.zeros(len(row))
    return Lanes(
        claim,
        site,
        value=_income(book, ignore)[claim] - freight,
        distance=km if "km" in table.numbers else freight,
        transit=table.number("transit", 0.0)[row],
        cut_off=table.number("cut_off", 24.0)[row],
        preference=table.number("priority", 0.0)[row],
    )


def _freight(book: Book, table: Table) -> Floats:
    """Return the freight of each lane where it is its own (rows,), NaN where a rate and km say it, else the highest known."""
    freight = table.number("freight", np.nan)
    if (_rates(book).any() and "km" in table.numbers) or np.isnan(freight).all():
        return freight
    return np.where(np.isnan(freight), np.nanmax(freight), freight)


def knows_margins(book: Book) -> bool:
    """Tell whether any table says what a unit brings."""
    return any("unit_margin" in book.tables[kind].numbers for kind in ("demand", "channels") if kind in book.tables)


def _rows_by_ends(book: Book) -> Integers:
    """Return the row of the lanes' table for each (warehouse, region, channel), -1 where there is none."""
    table = book.tables["lanes"]
    shape = len(book.warehouses), len(book.regions), len(book.channels)
    check_size("lanes", MOST_PLACES, warehouses=shape[0], regions=shape[1], channels=shape[2])
    site = book.places("lanes", "warehouse", book.warehouses)
    region = book.places("lanes", "region", book.regions) if "region" in table.names else slice(None)
    channel = book.places("lanes", "channel", book.channels) if "channel" in table.names else slice(None)
    row_of = np.full(shape, -1, dtype=np.int64)
    for row in range(table.rows):
        to_region = region if isinstance(region, slice) else region[row]
        to_channel = channel if isinstance(channel, slice) else channel[row]
        row_of[site[row], to_region, to_channel] = row
    return row_of


def _income(book: Book, ignore: frozenset[str]) -> Floats:
    """Return margin × past on-time-in-full rate of each claim, in money/unit; 0 where no margin is known."""
    channels = book.tables.get("channels")
    margin = np.zeros(len(book.channels)) if channels is None else channels.number("unit_margin", 0.0)
    margins = margin[book.channel]
    own = book.demand.number("unit_margin", np.nan)
    if channels is None or "unit_margin" not in channels.numbers:
        margins = np.full(len(own), np.nanmin(own, initial=np.inf) if np.isfinite(own).any() else 0.0)
    margins = np.where(np.isnan(own), margins, own)
    if "margin" in ignore:
        margins = np.full(len(margins), margins.mean() if "unit_margin" in book.demand.numbers else margin.mean())
    rate = np.ones(len(book.channels)) if channels is None else channels.number("otif", 1.0)
    return margins if "performance" in ignore else margins * rate[book.channel]


def _rates(book: Book) -> Floats:
    """Return each channel's freight, in money per unit and km."""
    channels = book.tables.get("channels")
    return np.zeros(len(book.channels)) if channels is None else channels.number("freight_per_unit_km", 0.0)


def ignored(factors: tuple[str, ...] | list[str]) -> frozenset[str]:
    """Return the factors to leave out; `ScenarioError` for a name that is none."""
    for factor in factors:
        if factor not in FACTORS:
            raise ScenarioError(f"unknown factor {factor!r} to ignore; {nearest(factor, FACTORS)}")
    return frozenset(factors)


def transport_of(book: Book, ignore: frozenset[str]) -> tuple[Integers, Floats]:
    """Return the limit of each (warehouse, channel), -1 for none, and the capacity of limits in units a day."""
    limit_of = np.full((len(book.warehouses), len(book.channels)), -1, dtype=np.int64)
    table = book.tables.get("transport")
    if table is None or "transport" in ignore:
        return limit_of, np.zeros(0)
    site = book.places("transport", "warehouse", book.warehouses)
    if "channel" in table.names:
        limit_of[site, places(table, "channel", book.channels)] = np.arange(table.rows)
    else:
        limit_of[site] = np.arange(table.rows)[:, None]
    return limit_of, table.number("outbound_capacity", np.inf)
