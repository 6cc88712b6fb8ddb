"""Reservations and scheduled receipts as pools: what is free at each warehouse, and what is kept there for one claim.

A reservation names an order (hard) or a channel (soft, until it expires) and is part of what is on hand. What it still holds
is taken out of the free stock and may be drawn on by its owner alone, before anything else.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from allotment.allocation.day import NEVER, Flags, Floats, Integers, Pools, exceeds, settled
from allotment.allocation.reserved import STATES, held, states
from allotment.planning.matching import Book
from allotment.planning.tables import Table
from allotment.scenario.errors import nearest


class Holdings(NamedTuple):
    """The rows of the reservations' table, as numbers."""

    site: Integers  # (rows,)
    sku: Integers
    hard: Flags  # tied to an order, else to a channel
    owner: Integers  # its order and SKU (`orders_of`), or its channel; -1 for an order that is not among today's
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


def orders_of(book: Book) -> Integers:
    """Return which order and SKU each claim is of (claims,), its lines alike, as the place of the first claim of these."""
    first: dict[tuple[str, int], int] = {}
    return np.array([first.setdefault(key, claim) for claim, key in enumerate(_orders(book))], dtype=np.int64)


def _orders(book: Book) -> list[tuple[str, int]]:
    return list(zip(book.demand.name("order"), book.sku.tolist(), strict=True))


def _owners(book: Book, table: Table, hard: Flags, sku: Integers) -> Integers:
    """Return the order and SKU of each order's reservation and the channel of each other."""
    orders = dict(zip(_orders(book), orders_of(book).tolist(), strict=True))
    channels = {name: channel for channel, name in enumerate(book.channels)}
    owners = np.full(table.rows, -1, dtype=np.int64)
    for row, (order, channel) in enumerate(zip(table.name("order"), table.name("channel"), strict=True)):
        if order and channel:
            raise table.fault(row, "channel", f"must be empty beside order {order!r}, not {channel!r}")
        if hard[row]:
            owners[row] = orders.get((order, int(sku[row])), -1)
        elif channel in channels:
            owners[row] = channels[channel]
        else:
            raise table.fault(row, "channel", f"unknown channel {channel!r}; {nearest(channel, book.channels)}")
    return owners


def _check_held(book: Book, table: Table, site: Integers, sku: Integers, units: Floats) -> None:
    on_hand = stock_on_hand(book)
    kept = np.zeros_like(on_hand)
    for row in np.flatnonzero(units):
        place = site[row], sku[row]
        kept[place] += units[row]
        if exceeds(kept[place], on_hand[place], book.whole):
            beyond, where = kept[place] - on_hand[place], book.warehouses[site[row]]
            raise table.fault(int(row), "reserved", f"with it, {beyond:g} more than {where} has on hand")


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
    on_hand = stock_on_hand(book)
    kept = np.zeros_like(on_hand)
    np.add.at(kept, (holdings.site, holdings.sku), holdings.held)
    free[..., 0] = settled(on_hand - kept, on_hand, book.whole)
    if "receipts" in book.tables:
        receipts = book.tables["receipts"]
        where = book.places("receipts", "warehouse", book.warehouses), book.places("receipts", "sku", book.skus)
        np.add.at(free, (*where, np.searchsorted(days, arrivals(book))), receipts.numbers["units"])
    reserved = np.zeros((len(holdings.held), len(days)))
    reserved[:, 0] = holdings.held
    site, sku = (axis.ravel() for axis in np.indices(free.shape[:2]))
    return Pools(
        supply=np.vstack([free.reshape(-1, len(days)), reserved]),
        site=np.append(site, holdings.site),
        sku=np.append(sku, holdings.sku),
        reserved=np.arange(free.size // len(days) + len(reserved)) >= free.size // len(days),
    )


def arrivals(book: Book) -> Floats:
    """Return the days of the receipts (rows,), today or later."""
    return book.clock.offsets(book.tables["receipts"].days["arrives"], 0.0)
