"""Serving customers, in a block of worlds: the claims of `fulfilment`, in the same order, fused by Numba.

A claim that shares its rank with no other is served in all worlds of a block at once; groups are served world after world.
"""

from __future__ import annotations

import math

import numpy as np

from allotment.engine import fields as f
from allotment.engine.compiled import World, far, floats1, floats2, floats3, floats4, integers1, integers3, keys2
from allotment.engine.kernel_cuts import fill_rows
from allotment.engine.kernel_moves import add_up
from allotment.engine.kernel_rationing import share
from allotment.engine.kernel_shipping import issue
from allotment.engine.randomness import fill_binomials, further_stream
from allotment.scenario.problem import ROUNDING

CAPACITY, NO_STOCK, PROTECTED, DEADLINE = 2, 3, 4, 7  # places in `REASONS`


@far
def fulfil(table: int, now: int, first: World, count: int) -> None:
    """Ship in the order of the rule; then what is not served when due is lost or waits."""
    settings = integers1(table, f.SETTINGS)
    start(table, now, first, count)
    if settings[f.ALLOCATES] and not settings[f.RESERVES]:
        ship_offers(table, first, count)
    else:
        if integers1(table, f.PROMISED_LANE).shape[0] > 0:
            ship_commitments(table, first, count)
        groups = integers1(table, f.GROUP_START)
        for group in range(groups.shape[0] - 1):
            if groups[group + 1] == groups[group] + 1:
                serve_claim(table, groups[group], now, first, count)
            else:
                serve_group(table, group, now, first, count)
    settle(table, now, first, count)


@far
def start(table: int, now: int, first: World, count: int) -> None:
    """Write what can be shipped before anybody is served: stock that nobody has reserved, and the lanes' capacities."""
    free, reserved = floats3(table, f.SITE_SKU_ROWS), floats4(table, f.RESERVED)
    add_up(table, f.ON_HAND, f.SITE_SKU_ROWS, first, count)
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
        fill_rows(table, f.SERVING_ROWS, f.SERVING_CAPACITY, now, first, count)


@far
def cut_reserves(table: int, site: int, sku: int, world: World) -> None:
    """Cut what is set aside in a site to the stock that is left, where some has expired since."""
    free, reserved, amounts = floats3(table, f.SITE_SKU_ROWS), floats4(table, f.RESERVED), floats1(table, f.AMOUNTS)
    for channel in range(reserved.shape[1]):
        amounts[channel] = reserved[site, channel, sku, world]
    share(table, 0, reserved.shape[1], free[site, sku, world])
    for channel in range(reserved.shape[1]):
        reserved[site, channel, sku, world] = amounts[channel]


@far
def serve_claim(table: int, claim: int, now: int, first: World, count: int) -> None:
    """Ship to one claim as much as it wants and stock, lane and handling allow."""
    lane, sku = integers1(table, f.CLAIM_LANE)[claim], integers1(table, f.CLAIM_SKU)[claim]
    slot, wanted = integers1(table, f.CLAIM_SLOT)[claim], floats1(table, f.ROW_A)
    open_orders, channel = floats4(table, f.OPEN_ORDERS), integers1(table, f.SERVING_CHANNEL)[lane]
    for j in range(count):
        world = first + np.uint64(j)
        wanted[world] = open_orders[channel, sku, slot, world]
    if floats1(table, f.SERVING_ACCEPT)[lane] < 1.0:
        accept(table, lane, sku, slot, now, first, count)
    ship_one(table, lane, sku, slot, first, count)


@far
def accept(table: int, lane: int, sku: int, slot: int, now: int, first: World, count: int) -> None:
    """Keep the units in row A whose customers accept to be served by a lane."""
    chance, wanted = floats1(table, f.SERVING_ACCEPT)[lane], floats1(table, f.ROW_A)
    if not integers1(table, f.SETTINGS)[f.WHOLE]:
        for j in range(count):
            wanted[first + np.uint64(j)] *= chance
        return
    stream = further_stream(keys2(table, f.SERVING_ACCEPT_STREAM)[lane, sku], slot)
    fill_binomials(table, f.ROW_A, stream, chance, now, first, count)


@far
def ship_one(table: int, lane: int, sku: int, slot: int, first: World, count: int) -> None:
    """Ship what is wanted, in row A, by one claim as far as it is possible; row A then holds what was shipped."""
    settings, site = integers1(table, f.SETTINGS), integers1(table, f.SERVING_SITE)[lane]
    channel, free, wanted = integers1(table, f.SERVING_CHANNEL)[lane], floats3(table, f.SITE_SKU_ROWS), floats1(table, f.ROW_A)
    if settings[f.RESERVES] or settings[f.PROTECTS]:
        limit_to_stock(table, site, channel, sku, first, count)
    else:
        for j in range(count):
            world = first + np.uint64(j)
            wanted[world] = min(wanted[world], free[site, sku, world])
    if settings[f.LIMITED_LANES]:
        left = floats2(table, f.SERVING_ROWS)
        for j in range(count):
            world = first + np.uint64(j)
            wanted[world] = min(wanted[world], max(0.0, left[lane, world]))
    if settings[f.LIMITED_HANDLING]:
        handling = floats2(table, f.HANDLING_LEFT)
        for j in range(count):
            world = first + np.uint64(j)
            wanted[world] = min(wanted[world], max(0.0, handling[site, world]))
    move(table, lane, sku, slot, first, count)


@far
def limit_to_stock(table: int, site: int, channel: int, sku: int, first: World, count: int) -> None:
    """Cut what a channel wants, in row A, to its own reserve and to free stock that no higher class protects."""
    free, wanted, rank = floats3(table, f.SITE_SKU_ROWS), floats1(table, f.ROW_A), integers1(table, f.CHANNELS_RANK)[channel]
    for j in range(count):
        world = first + np.uint64(j)
        from_own = min(wanted[world], own_reserve(table, site, channel, sku, world))
        unguarded = max(0.0, free[site, sku, world] - guard(table, site, rank, sku, world))
        wanted[world] = from_own + min(wanted[world] - from_own, unguarded)


@far
def own_reserve(table: int, site: int, channel: int, sku: int, world: World) -> float:
    """Return what is set aside in a site for a channel."""
    reserved = floats4(table, f.RESERVED)
    return reserved[site, channel, sku, world] if reserved.shape[0] > 0 else 0.0


@far
def guard(table: int, site: int, rank: int, sku: int, world: World) -> float:
    """Return what is protected in a site from a class."""
    protected, highest = floats4(table, f.PROTECTED), 0.0
    for above in range(min(rank, protected.shape[1])):
        highest = max(highest, protected[site, above, sku, world])
    return highest


@far
def move(table: int, lane: int, sku: int, slot: int, first: World, count: int) -> None:
    """Book what is shipped, in row A, to one claim: out of its own reserve first, else out of free stock."""
    site, channel, units = (
        integers1(table, f.SERVING_SITE)[lane],
        integers1(table, f.SERVING_CHANNEL)[lane],
        floats1(table, f.ROW_A),
    )
    free, open_orders = floats3(table, f.SITE_SKU_ROWS), floats4(table, f.OPEN_ORDERS)
    shipped, handling, late = floats3(table, f.SHIPPED), floats2(table, f.HANDLING_LEFT), floats3(table, f.LATE)
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
        open_orders[channel, sku, slot, world] = max(0.0, open_orders[channel, sku, slot, world] - units[world])
        shipped[lane, sku, world] += units[world]
    if integers1(table, f.SETTINGS)[f.LIMITED_LANES]:
        left = floats2(table, f.SERVING_ROWS)
        for j in range(count):
            world = first + np.uint64(j)
            left[lane, world] -= units[world]
    if integers1(table, f.SETTINGS)[f.LIMITED_HANDLING]:
        for j in range(count):
            world = first + np.uint64(j)
            handling[site, world] -= units[world]
    due, last = integers1(table, f.CHANNELS_DUE)[channel], integers1(table, f.CHANNELS_LAST)[channel]
    if slot <= integers1(table, f.SERVING_ON_TIME)[lane]:
        on_time = floats3(table, f.ON_TIME)
        for j in range(count):
            world = first + np.uint64(j)
            on_time[channel, sku, world] += units[world]
    elif last > due and slot <= due:
        for j in range(count):
            world = first + np.uint64(j)
            late[channel, sku, world] += units[world]


@far
def ship_commitments(table: int, first: World, count: int) -> None:
    """Ship what is promised, the most valuable channel first, each by its best lane first and its oldest orders first."""
    lanes, skus = integers1(table, f.PROMISED_LANE), integers1(table, f.PROMISED_SKU)
    commitment, promised = floats2(table, f.COMMITMENT), floats3(table, f.PROMISE_ROWS)
    open_orders, wanted = floats4(table, f.OPEN_ORDERS), floats1(table, f.ROW_A)
    for channel in range(promised.shape[0] if lanes.shape[0] > 0 else 0):
        for sku in range(promised.shape[1]):
            for j in range(count):
                promised[channel, sku, first + np.uint64(j)] = commitment[channel, sku]
    for place in range(lanes.shape[0]):
        lane, sku = lanes[place], skus[place]
        channel = integers1(table, f.SERVING_CHANNEL)[lane]
        oldest = min(integers1(table, f.SERVING_LATEST)[lane], integers1(table, f.CHANNELS_LAST)[channel])
        for slot in range(oldest, -1, -1):
            for j in range(count):
                world = first + np.uint64(j)
                wanted[world] = min(open_orders[channel, sku, slot, world], promised[channel, sku, world])
            ship_one(table, lane, sku, slot, first, count)
            for j in range(count):
                world = first + np.uint64(j)
                promised[channel, sku, world] -= wanted[world]


@far
def serve_group(table: int, group: int, now: int, first: World, count: int) -> None:
    """Ship to the claims of one group as much as they want and stock, lanes and handling allow.

    Where they do not compete they are served one by one in all worlds at once, else world after world.
    """
    lanes, skus, slots = integers1(table, f.CLAIM_LANE), integers1(table, f.CLAIM_SKU), integers1(table, f.CLAIM_SLOT)
    wanted, units, groups = floats1(table, f.WANTED), floats1(table, f.UNITS), integers1(table, f.GROUP_START)
    begin, end, tops_up = groups[group], groups[group + 1], topped_up(table)
    if not integers1(table, f.GROUP_COMPETES)[group] and handling_settles(table, begin, end, first, count):
        for claim in range(begin, end):
            serve_claim(table, claim, now, first, count)
        return
    for j in range(count):
        world = first + np.uint64(j)
        for claim in range(begin, end):
            wanted[claim] = accepted(table, lanes[claim], skus[claim], slots[claim], now, world)
        within_limits(table, f.CLAIM_LANE, f.CLAIM_SKU, f.CLAIM_PAIR, begin, end, world)
        for claim in range(begin, end):
            ship(table, lanes[claim], skus[claim], slots[claim], units[claim], world)
        if tops_up:
            for claim in range(begin, end):
                top_up(table, lanes[claim], skus[claim], slots[claim], wanted[claim] - units[claim], world)


@far
def handling_settles(table: int, begin: int, end: int, first: World, count: int) -> int:
    """Tell whether a site's handling, in every world of a block, is enough for all open orders of some claims, or used up."""
    if not integers1(table, f.SETTINGS)[f.LIMITED_HANDLING]:
        return 1
    lanes, skus, slots = integers1(table, f.CLAIM_LANE), integers1(table, f.CLAIM_SKU), integers1(table, f.CLAIM_SLOT)
    open_orders, channels, total = floats4(table, f.OPEN_ORDERS), integers1(table, f.SERVING_CHANNEL), floats1(table, f.ROW_A)
    left, site = floats2(table, f.HANDLING_LEFT), integers1(table, f.SERVING_SITE)[lanes[begin]]
    for j in range(count):
        total[first + np.uint64(j)] = 0.0
    for claim in range(begin, end):
        channel = channels[lanes[claim]]
        for j in range(count):
            world = first + np.uint64(j)
            total[world] += open_orders[channel, skus[claim], slots[claim], world]
    scarce = 0
    for j in range(count):
        world = first + np.uint64(j)
        scarce += 1 if left[site, world] > 0.0 and total[world] > left[site, world] else 0
    return 1 if scarce == 0 else 0


@far
def topped_up(table: int) -> int:
    """Tell whether several limits bind a group, so that one claim may leave what another can take."""
    settings = integers1(table, f.SETTINGS)
    limited = settings[f.LIMITED_LANES] or settings[f.LIMITED_HANDLING]
    return 1 if limited and (settings[f.LARGEST] or not settings[f.WHOLE]) else 0


@far
def accepted(table: int, lane: int, sku: int, slot: int, now: int, world: World) -> float:
    """Return the units of a claim whose customers accept to be served by its lane, in one world."""
    channel, row = integers1(table, f.SERVING_CHANNEL)[lane], floats1(table, f.ROW_A)
    row[world] = floats4(table, f.OPEN_ORDERS)[channel, sku, slot, world]
    if floats1(table, f.SERVING_ACCEPT)[lane] < 1.0:
        accept(table, lane, sku, slot, now, world, 1)
    return row[world]


@far
def within_limits(table: int, lanes: int, skus: int, pairs: int, begin: int, end: int, world: World) -> None:
    """Cut what claims of one site want in proportion, in one world: to reserves and stock, each lane, and the site's handling.

    Fields hold the claims' lanes, SKUs and both as one number; what they want stands in `WANTED`, the result in `UNITS`.
    """
    settings, lane = integers1(table, f.SETTINGS), integers1(table, lanes)
    wanted, own, units = floats1(table, f.WANTED), floats1(table, f.SCALES), floats1(table, f.UNITS)
    site, amounts = integers1(table, f.SERVING_SITE)[lane[begin]], floats1(table, f.AMOUNTS)
    for claim in range(begin, end):
        units[claim], own[claim] = wanted[claim], 0.0
    if settings[f.RESERVES]:
        take_reserves(table, lanes, skus, pairs, begin, end, world)
    take_free(table, lanes, skus, begin, end, world)
    for claim in range(begin, end):
        units[claim] += own[claim]
    if settings[f.LIMITED_LANES]:
        for claim in range(begin, end):
            share_some(table, lanes, begin, claim, end, max(0.0, floats2(table, f.SERVING_ROWS)[lane[claim], world]))
    if settings[f.LIMITED_HANDLING]:
        for claim in range(begin, end):
            amounts[claim] = units[claim]
        share(table, begin, end, max(0.0, floats2(table, f.HANDLING_LEFT)[site, world]))
        for claim in range(begin, end):
            units[claim] = amounts[claim]


@far
def take_reserves(table: int, lanes: int, skus: int, pairs: int, begin: int, end: int, world: World) -> None:
    """Write what claims take of what is set aside for their channel into `SCALES`, and what they still want."""
    lane, sku, units, own = integers1(table, lanes), integers1(table, skus), floats1(table, f.UNITS), floats1(table, f.SCALES)
    wanted, sites, channels = floats1(table, f.WANTED), integers1(table, f.SERVING_SITE), integers1(table, f.SERVING_CHANNEL)
    for claim in range(begin, end):
        limit = own_reserve(table, sites[lane[claim]], channels[lane[claim]], sku[claim], world)
        share_some(table, pairs, begin, claim, end, limit)
    for claim in range(begin, end):
        own[claim] = units[claim]
        units[claim] = wanted[claim] - own[claim]


@far
def take_free(table: int, lanes: int, skus: int, begin: int, end: int, world: World) -> None:
    """Cut what claims want of free stock: each class and those below, to what is not protected from it."""
    sku, free = integers1(table, skus), floats3(table, f.SITE_SKU_ROWS)
    site = integers1(table, f.SERVING_SITE)[integers1(table, lanes)[begin]]
    for above in range(floats4(table, f.PROTECTED).shape[1] - 1, 0, -1):
        for claim in range(begin, end):
            limit = max(0.0, free[site, sku[claim], world] - guard(table, site, above, sku[claim], world))
            share_below(table, lanes, skus, above, begin, claim, end, limit)
    for claim in range(begin, end):
        share_some(table, skus, begin, claim, end, free[site, sku[claim], world])


@far
def share_some(table: int, field: int, begin: int, claim: int, end: int, limit: float) -> None:
    """Share a limit among the claims with the same key in a field as one of them, if it is the first of these."""
    keys, units, amounts = integers1(table, field), floats1(table, f.UNITS), floats1(table, f.AMOUNTS)
    for earlier in range(begin, claim):
        if keys[earlier] == keys[claim]:
            return
    found = 0
    for other in range(claim, end):
        if keys[other] == keys[claim]:
            amounts[found] = units[other]
            found += 1
    share(table, 0, found, limit)
    found = 0
    for other in range(claim, end):
        if keys[other] == keys[claim]:
            units[other] = amounts[found]
            found += 1


@far
def share_below(table: int, lanes: int, skus: int, above: int, begin: int, claim: int, end: int, limit: float) -> None:
    """Share a limit among the claims for the SKU of one of them, if it is the first, whose classes lie below another."""
    lane, sku, units, amounts = (
        integers1(table, lanes),
        integers1(table, skus),
        floats1(table, f.UNITS),
        floats1(table, f.AMOUNTS),
    )
    rank, channels = integers1(table, f.CHANNELS_RANK), integers1(table, f.SERVING_CHANNEL)
    for earlier in range(begin, claim):
        if sku[earlier] == sku[claim]:
            return
    found = 0
    for other in range(claim, end):
        if sku[other] == sku[claim] and rank[channels[lane[other]]] >= above:
            amounts[found] = units[other]
            found += 1
    share(table, 0, found, limit)
    found = 0
    for other in range(claim, end):
        if sku[other] == sku[claim] and rank[channels[lane[other]]] >= above:
            units[other] = amounts[found]
            found += 1


@far
def ship(table: int, lane: int, sku: int, slot: int, units: float, world: World) -> None:
    """Book what is shipped to one claim in one world."""
    row = floats1(table, f.ROW_A)
    row[world] = units
    move(table, lane, sku, slot, world, 1)


@far
def top_up(table: int, lane: int, sku: int, slot: int, units: float, world: World) -> None:
    """Ship to one claim what a full lane or site left over, in one world."""
    row = floats1(table, f.ROW_A)
    row[world] = units
    ship_one(table, lane, sku, slot, world, 1)


@far
def ship_offers(table: int, first: World, count: int) -> None:
    """Ship what the policy allocates, cut as `allocation.project` cuts it; what cannot be shipped has a reason."""
    begins = integers1(table, f.OFFER_START)
    for j in range(count):
        want_offers(table, first + np.uint64(j))
        for site in range(begins.shape[0] - 1):
            if begins[site + 1] > begins[site]:
                ship_offers_of(table, begins[site], begins[site + 1], first + np.uint64(j))


@far
def want_offers(table: int, world: World) -> None:
    """Write into `WANTED` what is offered in one world, cut to what each channel wants and each lane reaches in time."""
    lane, sku, channels = integers1(table, f.OFFER_LANE), integers1(table, f.OFFER_SKU), integers1(table, f.SERVING_CHANNEL)
    offered, wanted, latest = floats3(table, f.OFFERED), floats1(table, f.WANTED), integers1(table, f.SERVING_LATEST)
    last = integers1(table, f.CHANNELS_LAST)
    for claim in range(lane.shape[0]):
        wanted[claim] = offered[lane[claim], sku[claim], world] if latest[lane[claim]] >= 0 else 0.0
    for channel in range(last.shape[0]):
        for slot in range(last[channel] + 1):
            for other in range(channels.shape[0]):
                if channels[other] == channel and min(latest[other], last[channel]) == slot:
                    share_wanted(table, channel, slot, world)
                    break


@far
def share_wanted(table: int, channel: int, slot: int, world: World) -> None:
    """Share what a channel wants up to a slot, in one world, among the offers of lanes that reach no further."""
    channels, latest, last = (
        integers1(table, f.SERVING_CHANNEL),
        integers1(table, f.SERVING_LATEST),
        integers1(table, f.CHANNELS_LAST)[channel],
    )
    wanted, amounts, open_orders = floats1(table, f.WANTED), floats1(table, f.AMOUNTS), floats4(table, f.OPEN_ORDERS)
    place = integers1(table, f.OFFER_FIRST)
    for sku in range(open_orders.shape[1]):
        reachable, found = 0.0, 0
        for open_slot in range(slot + 1):
            reachable += open_orders[channel, sku, open_slot, world]
        for lane in range(channels.shape[0]):
            if channels[lane] == channel and 0 <= min(latest[lane], last) <= slot:
                amounts[found] = min(wanted[place[lane] + sku], reachable)
                found += 1
        share(table, 0, found, reachable)
        found = 0
        for lane in range(channels.shape[0]):
            if channels[lane] == channel and 0 <= min(latest[lane], last) <= slot:
                wanted[place[lane] + sku] = amounts[found]
                found += 1


@far
def ship_offers_of(table: int, begin: int, end: int, world: World) -> None:
    """Ship what is wanted of a site's offers in one world, the oldest orders first."""
    lane, sku, channels = integers1(table, f.OFFER_LANE), integers1(table, f.OFFER_SKU), integers1(table, f.SERVING_CHANNEL)
    open_orders, units = floats4(table, f.OPEN_ORDERS), floats1(table, f.UNITS)
    last, latest = integers1(table, f.CHANNELS_LAST), integers1(table, f.SERVING_LATEST)
    within_limits(table, f.OFFER_LANE, f.OFFER_SKU, f.OFFER_PAIR, begin, end, world)
    explain_offers(table, begin, end, world)
    for claim in range(begin, end):
        channel, left = channels[lane[claim]], units[claim]
        floats3(table, f.R_GRANTED)[lane[claim], sku[claim], world] = units[claim]
        for slot in range(min(latest[lane[claim]], last[channel]), -1, -1):
            part = min(left, open_orders[channel, sku[claim], slot, world])
            ship(table, lane[claim], sku[claim], slot, part, world)
            left -= part


@far
def explain_offers(table: int, begin: int, end: int, world: World) -> None:
    """Note why less than offered is shipped: nobody wants it in time, too little stock, protected, or capacity."""
    lane, sku, channels = integers1(table, f.OFFER_LANE), integers1(table, f.OFFER_SKU), integers1(table, f.SERVING_CHANNEL)
    offered, reason, free = floats3(table, f.OFFERED), integers3(table, f.R_OFFER_REASON), floats3(table, f.SITE_SKU_ROWS)
    wanted, units, site = floats1(table, f.WANTED), floats1(table, f.UNITS), integers1(table, f.SERVING_SITE)[lane[begin]]
    rank = integers1(table, f.CHANNELS_RANK)
    for claim in range(begin, end):
        stock, total = free[site, sku[claim], world], 0.0
        guarded = guard(table, site, rank[channels[lane[claim]]], sku[claim], world)
        for other in range(begin, end):
            if sku[other] == sku[claim]:
                total += wanted[other]
        why = NO_STOCK if total > stock + ROUNDING else CAPACITY
        if guarded > 0.0 and total > stock - guarded + ROUNDING:
            why = PROTECTED
        if not units[claim] < wanted[claim] - ROUNDING:
            why = DEADLINE if wanted[claim] < offered[lane[claim], sku[claim], world] - ROUNDING else 0
        reason[lane[claim], sku[claim], world] = why


@far
def settle(table: int, now: int, first: World, count: int) -> None:
    """Take what was shipped out of stock; let what was not served when due wait, or lose it."""
    take_shipped(table, first, count)
    open_orders, due, last = floats4(table, f.OPEN_ORDERS), integers1(table, f.CHANNELS_DUE), integers1(table, f.CHANNELS_LAST)
    open_ended, lost, late = integers1(table, f.CHANNELS_OPEN_ENDED), floats3(table, f.LOST), floats3(table, f.LATE)
    kept_row = floats1(table, f.ROW_A)
    for channel in range(open_orders.shape[0]):
        for sku in range(open_orders.shape[1]):
            for slot in range(due[channel], last[channel] + 1):
                ends = slot == last[channel] and not open_ended[channel]
                if slot > due[channel] and not ends:
                    continue
                for j in range(count):
                    world = first + np.uint64(j)
                    kept_row[world] = open_orders[channel, sku, slot, world]
                if slot == due[channel]:
                    let_stay(table, channel, sku, now, first, count)
                    if last[channel] > due[channel]:
                        for j in range(count):
                            world = first + np.uint64(j)
                            late[channel, sku, world] += kept_row[world]
                stays = 0.0 if ends else 1.0
                for j in range(count):
                    world = first + np.uint64(j)
                    lost[channel, sku, world] += open_orders[channel, sku, slot, world] - kept_row[world] * stays
                    open_orders[channel, sku, slot, world] = kept_row[world] * stays
    if floats4(table, f.RESERVED).shape[0] > 0:
        clear_reserves(table, first, count)


@far
def take_shipped(table: int, first: World, count: int) -> None:
    """Take what was shipped to customers out of the sites' stock."""
    used, shipped, sites = floats3(table, f.SITE_SKU_ROWS), floats3(table, f.SHIPPED), integers1(table, f.SERVING_SITE)
    for site in range(used.shape[0]):
        for sku in range(used.shape[1]):
            for j in range(count):
                used[site, sku, first + np.uint64(j)] = 0.0
    for lane in range(sites.shape[0]):
        for sku in range(used.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                used[sites[lane], sku, world] += shipped[lane, sku, world]
    for site in range(used.shape[0]):
        issue(table, site, first, count)
    if integers1(table, f.SETTINGS)[f.LIMITED_HANDLING]:
        handling = floats2(table, f.HANDLING_LEFT)
        for site in range(handling.shape[0]):
            for j in range(count):
                world = first + np.uint64(j)
                handling[site, world] = max(0.0, handling[site, world])


@far
def let_stay(table: int, channel: int, sku: int, now: int, first: World, count: int) -> None:
    """Keep the units in row A that wait where they are not served when due."""
    stays, units = floats1(table, f.CHANNELS_STAYS)[channel], floats1(table, f.ROW_A)
    if stays == 1.0:
        return
    if stays == 0.0 or not integers1(table, f.SETTINGS)[f.WHOLE]:
        for j in range(count):
            units[first + np.uint64(j)] *= stays
        return
    fill_binomials(table, f.ROW_A, keys2(table, f.CHANNELS_STAYS_STREAM)[channel, sku], stays, now, first, count)


@far
def clear_reserves(table: int, first: World, count: int) -> None:
    """Give back what was set aside and not used."""
    reserved = floats4(table, f.RESERVED)
    for site in range(reserved.shape[0]):
        for channel in range(reserved.shape[1]):
            for sku in range(reserved.shape[2]):
                for j in range(count):
                    reserved[site, channel, sku, first + np.uint64(j)] = 0.0


@far
def protect(table: int, first: World, count: int) -> None:
    """Take over what the policy protects: not negative, and whole where units are."""
    whole, decided, protected = (
        integers1(table, f.SETTINGS)[f.WHOLE],
        floats4(table, f.PROTECTIONS),
        floats4(table, f.PROTECTED),
    )
    for site in range(protected.shape[0]):
        for rank in range(protected.shape[1]):
            for sku in range(protected.shape[2]):
                for j in range(count):
                    world = first + np.uint64(j)
                    units = max(0.0, decided[site, rank, sku, world])
                    protected[site, rank, sku, world] = math.floor(units + 0.5) if whole else units


@far
def clean_offers(table: int, first: World, count: int) -> None:
    """Take over what the policy allocates: not negative, and whole where units are."""
    whole, decided, offered = integers1(table, f.SETTINGS)[f.WHOLE], floats3(table, f.OFFERS), floats3(table, f.OFFERED)
    recorded, granted, reason = floats3(table, f.R_OFFERED), floats3(table, f.R_GRANTED), integers3(table, f.R_OFFER_REASON)
    for lane in range(offered.shape[0]):
        for sku in range(offered.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                units = max(0.0, decided[lane, sku, world])
                units = math.floor(units + 0.5) if whole else units
                offered[lane, sku, world] = units
                recorded[lane, sku, world] = units
                granted[lane, sku, world] = 0.0
            for j in range(count):
                reason[lane, sku, first + np.uint64(j)] = 0


@far
def reserve(table: int, first: World, count: int) -> None:
    """Set stock aside for channels as the policy allocates it before demand is known, as far as there is stock."""
    offered, on_hand = floats3(table, f.OFFERED), floats4(table, f.ON_HAND)
    reserved, granted, reason = floats4(table, f.RESERVED), floats3(table, f.R_GRANTED), integers3(table, f.R_OFFER_REASON)
    sites, channels = integers1(table, f.SERVING_SITE), integers1(table, f.SERVING_CHANNEL)
    amounts = floats1(table, f.AMOUNTS)
    for site in range(reserved.shape[0]):
        for sku in range(on_hand.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                claims, stock = 0, 0.0
                for life in range(on_hand.shape[2]):
                    stock += on_hand[site, sku, life, world]
                for lane in range(sites.shape[0]):
                    if sites[lane] == site:
                        amounts[claims] = offered[lane, sku, world]
                        claims += 1
                share(table, 0, claims, stock)
                claims = 0
                for lane in range(sites.shape[0]):
                    if sites[lane] == site:
                        if amounts[claims] < offered[lane, sku, world] - ROUNDING:
                            reason[lane, sku, world] = NO_STOCK
                        offered[lane, sku, world] = amounts[claims]
                        granted[lane, sku, world] = amounts[claims]
                        reserved[site, channels[lane], sku, world] += amounts[claims]
                        claims += 1
