"""Reservations and scheduled receipts as pools: what is free at each warehouse, and what is kept there for one claim.

A reservation names an order (hard) or a channel (soft, until it expires) and is part of what is on hand. What it still holds
is taken out of the free stock and may be drawn on by its owner alone, before anything else.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from allotment.allocation.day import NEVER, Flags, Floats, Integers, Pools
from allotment.allocation.reserved import STATES, held, states
from allotment.planning.matching import Book
from allotment.planning.tables import Table
from allotment.scenario.errors import nearest


class Holdings(NamedTuple):
    """The rows of the reservations' table, as numbers."""

    site: Integers  # (rows,)
    sku: Integers
    hard: Flags  # tied to an order, else to a channel
    owner: Integers  # its claim, or its channel; -1 for an order that is not among today's
    held: Floats  # units kept from others
    state: list[str]


def holdings_of(book: Book) -> Holdings:
    """Return what reservations hold; `ScenarioError` where they hold more than is on hand, or name nobody."""
    table = book.tables.get("reservations")
    if table is None:
        none = np.zeros(0, dtype=np.int64)
        return Holdings(none, none, none.astype(bool), none, none.astype(float), [])
    site, sku = book.places("reservations", "warehouse", book.warehouses), book.places("reservations", "sku", book.skus)
    hard = np.array([order != "" for order in table.name("order")])
    requested, reserved, delivered = (table.number(name, 0.0) for name in ("requested", "reserved", "delivered"))
    requested = np.where(np.isnan(table.number("requested", np.nan)), reserved, requested)
    cancelled = table.number("cancelled", 0.0) > 0.0
    expires = book.clock.offsets(table.days.get("expires", [None] * table.rows), NEVER)
    units = held(reserved, delivered, cancelled, np.where(hard, NEVER, expires))
    _check_held(book, table, site, sku, units)
    names = [STATES[code] for code in states(requested, reserved, delivered, cancelled)]
    return Holdings(site, sku, hard, _owners(book, table, hard, sku), units, names)


def _owners(book: Book, table: Table, hard: Flags, sku: Integers) -> Integers:
    """Return the claim of each order's reservation and the channel of each other."""
    claims = {key: claim for claim, key in enumerate(zip(book.demand.name("order"), book.sku.tolist(), strict=True))}
    channels = {name: channel for channel, name in enumerate(book.channels)}
    owners = np.full(table.rows, -1, dtype=np.int64)
    for row, (order, channel) in enumerate(zip(table.name("order"), table.name("channel"), strict=True)):
        if order and channel:
            raise table.fault(row, "channel", f"must be empty beside order {order!r}, not {channel!r}")
        if hard[row]:
            owners[row] = claims.get((order, int(sku[row])), -1)
        elif channel in channels:
            owners[row] = channels[channel]
        else:
            raise table.fault(row, "channel", f"unknown channel {channel!r}; {nearest(channel, book.channels)}")
    return owners


def _check_held(book: Book, table: Table, site: Integers, sku: Integers, units: Floats) -> None:
    on_hand = stock_on_hand(book)
    for row in np.flatnonzero(units):
        on_hand[site[row], sku[row]] -= units[row]
        if on_hand[site[row], sku[row]] < 0.0:
            where = book.warehouses[site[row]]
            raise table.fault(int(row), "reserved", f"with it, {-on_hand[site[row], sku[row]]:g} more than {where} has on hand")


def stock_on_hand(book: Book) -> Floats:
    """Return what is on hand, (warehouses, skus) units."""
    table = book.tables["stock"]
    units = np.zeros((len(book.warehouses), len(book.skus)))
    sites, skus = book.places("stock", "warehouse", book.warehouses), book.places("stock", "sku", book.skus)
    units[sites, skus] = table.numbers["on_hand"]
    return units


def pools_of(book: Book, holdings: Holdings, days: Floats) -> Pools:
    """Return the pools of a day with dates on `days` (T,): free stock of each (warehouse, SKU), then reservations."""
    free = np.zeros((len(book.warehouses), len(book.skus), len(days)))
    free[..., 0] = stock_on_hand(book)
    np.subtract.at(free[..., 0], (holdings.site, holdings.sku), holdings.held)
    if "receipts" in book.tables:
        receipts = book.tables["receipts"]
        where = book.places("receipts", "warehouse", book.warehouses), book.places("receipts", "sku", book.skus)
        np.add.at(free, (*where, np.searchsorted(days, arrivals(book))), receipts.numbers["units"])
    kept = np.zeros((len(holdings.held), len(days)))
    kept[:, 0] = holdings.held
    site, sku = (axis.ravel() for axis in np.indices(free.shape[:2]))
    return Pools(
        supply=np.vstack([free.reshape(-1, len(days)), kept]),
        site=np.append(site, holdings.site),
        sku=np.append(sku, holdings.sku),
        reserved=np.arange(free.size // len(days) + len(kept)) >= free.size // len(days),
    )


def arrivals(book: Book) -> Floats:
    """Return the days of the receipts (rows,); `ScenarioError` for one before today, which is on hand or has no date."""
    table = book.tables["receipts"]
    days = book.clock.offsets(table.days["arrives"], 0.0)
    if (days < 0.0).any():
        row = int(np.flatnonzero(days < 0.0)[0])
        seen = book.clock.written(days[row])
        raise table.fault(row, "arrives", f"must be today ({book.clock.today}) or later, not {seen}")
    return days
