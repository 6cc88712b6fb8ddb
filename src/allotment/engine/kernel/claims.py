"""What claims may ship and what becomes of it, in a block of worlds or in one: `dynamics.claims`, fused by Numba."""

from __future__ import annotations

import numpy as np

from allotment.engine import layout as f
from allotment.engine.compiled import World, floats1, floats2, floats3, floats4, integers1, integers2, linked
from allotment.engine.kernel.feasibility import fill_from_calendar
from allotment.engine.kernel.rationing import share
from allotment.engine.kernel.rows import add_up


@linked
def start(table: int, now: int, first: World, count: int) -> None:
    """Write what can be shipped before anybody is served: stock that nobody has reserved, and the lanes' capacities."""
    free, reserved = floats3(table, f.FREE), floats4(table, f.RESERVED)
    add_up(table, f.ON_HAND, f.FREE, first, count)
    if reserved.shape[0] > 0:
        for site in range(free.shape[0]):
            for sku in range(free.shape[1]):
                for j in range(count):
                    cut_reserves(table, site, sku, first + np.uint64(j))
                for channel in range(reserved.shape[1]):
                    for j in range(count):
                        world = first + np.uint64(j)
                        free[site, sku, world] -= reserved[site, channel, sku, world]
                for j in range(count):
                    world = first + np.uint64(j)
                    free[site, sku, world] = max(0.0, free[site, sku, world])
    if integers1(table, f.SETTINGS)[f.LIMITED_LANES]:
        fill_from_calendar(table, f.FULFILMENT_LIMIT, f.FULFILMENT_CAPACITY, now, first, count)


@linked
def cut_reserves(table: int, site: int, sku: int, world: World) -> None:
    """Cut what is set aside in a site to the stock that is left, where some has expired since."""
    free, reserved, amounts = floats3(table, f.FREE), floats4(table, f.RESERVED), floats1(table, f.AMOUNTS)
    for channel in range(reserved.shape[1]):
        amounts[channel] = reserved[site, channel, sku, world]
    share(table, 0, reserved.shape[1], free[site, sku, world])
    for channel in range(reserved.shape[1]):
        reserved[site, channel, sku, world] = amounts[channel]


@linked
def ship_one(table: int, lane: int, sku: int, slot: int, first: World, count: int) -> None:
    """Ship what one claim wants, in `CLAIM_UNITS`, as far as it is possible; what was shipped then stands there."""
    settings, site = integers1(table, f.SETTINGS), integers1(table, f.FULFILMENT_SITE)[lane]
    channel, free, wanted = integers1(table, f.FULFILMENT_CHANNEL)[lane], floats3(table, f.FREE), floats1(table, f.CLAIM_UNITS)
    if settings[f.RESERVES] or settings[f.PROTECTS]:
        limit_to_stock(table, site, channel, sku, first, count)
    else:
        for j in range(count):
            world = first + np.uint64(j)
            wanted[world] = min(wanted[world], free[site, sku, world])
    if count == 1 and wanted[first] == 0.0:
        return
    if settings[f.LIMITED_LANES]:
        left = floats2(table, f.FULFILMENT_LIMIT)
        for j in range(count):
            world = first + np.uint64(j)
            wanted[world] = min(wanted[world], max(0.0, left[lane, world]))
    if settings[f.LIMITED_HANDLING]:
        handling = floats2(table, f.HANDLING_LEFT)
        for j in range(count):
            world = first + np.uint64(j)
            wanted[world] = min(wanted[world], max(0.0, handling[site, world]))
    move(table, lane, sku, slot, first, count)


@linked
def limit_to_stock(table: int, site: int, channel: int, sku: int, first: World, count: int) -> None:
    """Cut what a channel wants, in `CLAIM_UNITS`, to its own reserve and to free stock that no higher class protects."""
    free, wanted, rank = floats3(table, f.FREE), floats1(table, f.CLAIM_UNITS), integers1(table, f.CHANNELS_RANK)[channel]
    for j in range(count):
        world = first + np.uint64(j)
        from_own = min(wanted[world], own_reserve(table, site, channel, sku, world))
        unguarded = max(0.0, free[site, sku, world] - guard(table, site, rank, sku, world))
        wanted[world] = from_own + min(wanted[world] - from_own, unguarded)


@linked
def own_reserve(table: int, site: int, channel: int, sku: int, world: World) -> float:
    """Return what is set aside in a site for a channel."""
    reserved = floats4(table, f.RESERVED)
    return reserved[site, channel, sku, world] if reserved.shape[0] > 0 else 0.0


@linked
def guard(table: int, site: int, rank: int, sku: int, world: World) -> float:
    """Return what is protected in a site from a class."""
    protected, highest = floats4(table, f.PROTECTED), 0.0
    for above in range(min(rank, protected.shape[1])):
        highest = max(highest, protected[site, above, sku, world])
    return highest


@linked
def move(table: int, lane: int, sku: int, slot: int, first: World, count: int) -> None:
    """Book what is shipped, in `CLAIM_UNITS`, to one claim: out of its own reserve first, else out of free stock."""
    site, channel, units = (
        integers1(table, f.FULFILMENT_SITE)[lane],
        integers1(table, f.FULFILMENT_CHANNEL)[lane],
        floats1(table, f.CLAIM_UNITS),
    )
    free, open_demand = floats3(table, f.FREE), floats4(table, f.OPEN_DEMAND)
    shipped, handling = floats3(table, f.SHIPPED), floats2(table, f.HANDLING_LEFT)
    if floats4(table, f.RESERVED).shape[0] > 0:
        reserved = floats4(table, f.RESERVED)
        for j in range(count):
            world = first + np.uint64(j)
            from_own = min(units[world], reserved[site, channel, sku, world])
            reserved[site, channel, sku, world] -= from_own
            free[site, sku, world] = max(0.0, free[site, sku, world] - (units[world] - from_own))
    else:
        for j in range(count):
            world = first + np.uint64(j)
            free[site, sku, world] = max(0.0, free[site, sku, world] - units[world])
    for j in range(count):
        world = first + np.uint64(j)
        open_demand[channel, sku, slot, world] = max(0.0, open_demand[channel, sku, slot, world] - units[world])
        shipped[lane, sku, world] += units[world]
    if integers1(table, f.SETTINGS)[f.LIMITED_LANES]:
        left = floats2(table, f.FULFILMENT_LIMIT)
        for j in range(count):
            world = first + np.uint64(j)
            left[lane, world] -= units[world]
    if integers1(table, f.SETTINGS)[f.LIMITED_HANDLING]:
        for j in range(count):
            world = first + np.uint64(j)
            handling[site, world] -= units[world]
    note_time(table, lane, sku, slot, first, count)


@linked
def note_time(table: int, lane: int, sku: int, slot: int, first: World, count: int) -> None:
    """Count what is shipped, in `CLAIM_UNITS`, to one claim as on time, or as late."""
    channel, units = integers1(table, f.FULFILMENT_CHANNEL)[lane], floats1(table, f.CLAIM_UNITS)
    due, last = integers1(table, f.CHANNELS_DUE)[channel], integers1(table, f.CHANNELS_LAST)[channel]
    on_time, late = floats3(table, f.ON_TIME), floats3(table, f.LATE)
    if slot <= integers1(table, f.FULFILMENT_ON_TIME)[lane]:
        for j in range(count):
            world = first + np.uint64(j)
            on_time[channel, sku, world] += units[world]
    elif last > due and slot <= due:
        for j in range(count):
            world = first + np.uint64(j)
            late[channel, sku, world] += units[world]


@linked
def within_limits(
    table: int, lanes: int, skus: int, same_lane: int, same_sku: int, same_pair: int, begin: int, end: int, world: World
) -> None:
    """Cut what claims of one site want in proportion, in one world: to reserves and stock, each lane, and the site's handling.

    Fields hold the claims' lanes and SKUs, and which of them have the same lane, SKU, or both; what they want stands in
    `WANTED`, the result in `UNITS`.
    """
    settings, lane = integers1(table, f.SETTINGS), integers1(table, lanes)
    wanted, own, units = floats1(table, f.WANTED), floats1(table, f.FROM_RESERVE), floats1(table, f.UNITS)
    site, amounts = integers1(table, f.FULFILMENT_SITE)[lane[begin]], floats1(table, f.AMOUNTS)
    for claim in range(begin, end):
        units[claim], own[claim] = wanted[claim], 0.0
    if settings[f.RESERVES]:
        take_reserves(table, lanes, skus, same_pair, begin, end, world)
    take_free(table, lanes, skus, same_sku, begin, end, world)
    for claim in range(begin, end):
        units[claim] += own[claim]
    if settings[f.LIMITED_LANES]:
        first = integers2(table, same_lane)[1]
        for claim in range(begin, end):
            if first[claim]:
                share_some(table, same_lane, claim, max(0.0, floats2(table, f.FULFILMENT_LIMIT)[lane[claim], world]))
    if settings[f.LIMITED_HANDLING]:
        for claim in range(begin, end):
            amounts[claim] = units[claim]
        share(table, begin, end, max(0.0, floats2(table, f.HANDLING_LEFT)[site, world]))
        for claim in range(begin, end):
            units[claim] = amounts[claim]


@linked
def take_reserves(table: int, lanes: int, skus: int, same: int, begin: int, end: int, world: World) -> None:
    """Write what claims take of what is set aside for their channel into `FROM_RESERVE`, and what they still want."""
    lane, sku, units, own = (
        integers1(table, lanes),
        integers1(table, skus),
        floats1(table, f.UNITS),
        floats1(table, f.FROM_RESERVE),
    )
    wanted, sites, channels, first = (
        floats1(table, f.WANTED),
        integers1(table, f.FULFILMENT_SITE),
        integers1(table, f.FULFILMENT_CHANNEL),
        integers2(table, same)[1],
    )
    for claim in range(begin, end):
        if first[claim]:
            limit = own_reserve(table, sites[lane[claim]], channels[lane[claim]], sku[claim], world)
            share_some(table, same, claim, limit)
    for claim in range(begin, end):
        own[claim] = units[claim]
        units[claim] = wanted[claim] - own[claim]


@linked
def take_free(table: int, lanes: int, skus: int, same: int, begin: int, end: int, world: World) -> None:
    """Cut what claims want of free stock: each class and those below, to what is not protected from it."""
    sku, free, first = integers1(table, skus), floats3(table, f.FREE), integers2(table, same)[1]
    site = integers1(table, f.FULFILMENT_SITE)[integers1(table, lanes)[begin]]
    for above in range(floats4(table, f.PROTECTED).shape[1] - 1, 0, -1):
        for claim in range(begin, end):
            if first[claim]:
                limit = max(0.0, free[site, sku[claim], world] - guard(table, site, above, sku[claim], world))
                share_below(table, lanes, same, above, claim, limit)
    for claim in range(begin, end):
        if first[claim]:
            share_some(table, same, claim, free[site, sku[claim], world])


@linked
def share_some(table: int, same: int, claim: int, limit: float) -> None:
    """Share a limit among a claim and those after it that a field says are alike."""
    following, units, amounts = integers2(table, same)[0], floats1(table, f.UNITS), floats1(table, f.AMOUNTS)
    found, other = 0, claim
    while other >= 0:
        amounts[found] = units[other]
        found, other = found + 1, following[other]
    share(table, 0, found, limit)
    found, other = 0, claim
    while other >= 0:
        units[other] = amounts[found]
        found, other = found + 1, following[other]


@linked
def share_below(table: int, lanes: int, same: int, above: int, claim: int, limit: float) -> None:
    """Share a limit among a claim and those after it that a field says are alike, as far as their classes lie below another."""
    lane, following, units, amounts = (
        integers1(table, lanes),
        integers2(table, same)[0],
        floats1(table, f.UNITS),
        floats1(table, f.AMOUNTS),
    )
    rank, channels = integers1(table, f.CHANNELS_RANK), integers1(table, f.FULFILMENT_CHANNEL)
    found, other = 0, claim
    while other >= 0:
        if rank[channels[lane[other]]] >= above:
            amounts[found] = units[other]
            found += 1
        other = following[other]
    share(table, 0, found, limit)
    found, other = 0, claim
    while other >= 0:
        if rank[channels[lane[other]]] >= above:
            units[other] = amounts[found]
            found += 1
        other = following[other]


@linked
def ship(table: int, lane: int, sku: int, slot: int, units: float, world: World) -> None:
    """Book what is shipped to one claim in one world."""
    row = floats1(table, f.CLAIM_UNITS)
    row[world] = units
    move(table, lane, sku, slot, world, 1)
