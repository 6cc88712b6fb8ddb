"""Fulfilment, in a block of worlds: the claims of `dynamics.fulfilment`, in the same order, fused by Numba.

Claims that do not compete are served in all worlds of a block at once; other groups are served world after world.
"""

from __future__ import annotations

import numpy as np

from allotment.engine import layout as f
from allotment.engine.compiled import World, floats1, floats2, floats3, floats4, integers1, keys2, linked
from allotment.engine.kernel.allocation import ship_requests
from allotment.engine.kernel.claims import ship, ship_one, start, within_limits
from allotment.engine.kernel.shipping import issue
from allotment.engine.randomness import fill_binomials, further_stream


@linked
def fulfil(table: int, now: int, first: World, count: int) -> None:
    """Ship in the order of the rule; then what is not served when due is lost or waits."""
    settings = integers1(table, f.SETTINGS)
    start(table, now, first, count)
    if settings[f.ALLOCATES] and not settings[f.RESERVES]:
        ship_requests(table, first, count)
    else:
        if integers1(table, f.CLAIMS_PROMISED_LANE).shape[0] > 0:
            ship_commitments(table, first, count)
        groups = integers1(table, f.CLAIMS_GROUP_START)
        for group in range(groups.shape[0] - 1):
            if groups[group + 1] == groups[group] + 1:
                serve_claim(table, groups[group], now, first, count)
            else:
                serve_group(table, group, now, first, count)
    settle(table, now, first, count)


@linked
def serve_claim(table: int, claim: int, now: int, first: World, count: int) -> None:
    """Ship to one claim as much as it wants and stock, lane and handling allow."""
    lane, sku = integers1(table, f.CLAIMS_LANE)[claim], integers1(table, f.CLAIMS_SKU)[claim]
    slot, wanted = integers1(table, f.CLAIMS_SLOT)[claim], floats1(table, f.CLAIM_UNITS)
    open_demand, channel = floats4(table, f.OPEN_DEMAND), integers1(table, f.FULFILMENT_CHANNEL)[lane]
    if count == 1 and open_demand[channel, sku, slot, first] == 0.0:
        return
    for j in range(count):
        world = first + np.uint64(j)
        wanted[world] = open_demand[channel, sku, slot, world]
    if floats1(table, f.FULFILMENT_ACCEPT)[lane] < 1.0:
        accept(table, lane, sku, slot, now, first, count)
    ship_one(table, lane, sku, slot, first, count)


@linked
def accept(table: int, lane: int, sku: int, slot: int, now: int, first: World, count: int) -> None:
    """Keep the units of a claim whose customers accept to be served by a lane."""
    chance, wanted = floats1(table, f.FULFILMENT_ACCEPT)[lane], floats1(table, f.CLAIM_UNITS)
    if not integers1(table, f.SETTINGS)[f.RULES_WHOLE]:
        for j in range(count):
            wanted[first + np.uint64(j)] *= chance
        return
    stream = further_stream(keys2(table, f.FULFILMENT_ACCEPT_STREAM)[lane, sku], slot)
    fill_binomials(table, f.CLAIM_UNITS, stream, chance, now, first, count)


@linked
def ship_commitments(table: int, first: World, count: int) -> None:
    """Ship what is promised, the most valuable channel first, each by its best lane first and its oldest orders first."""
    lanes, skus = integers1(table, f.CLAIMS_PROMISED_LANE), integers1(table, f.CLAIMS_PROMISED_SKU)
    commitment, promised = floats2(table, f.CHANNELS_COMMITMENT), floats3(table, f.PROMISED)
    open_demand, wanted = floats4(table, f.OPEN_DEMAND), floats1(table, f.CLAIM_UNITS)
    for channel in range(promised.shape[0]):
        for sku in range(promised.shape[1]):
            for j in range(count):
                promised[channel, sku, first + np.uint64(j)] = commitment[channel, sku]
    for place in range(lanes.shape[0]):
        lane, sku = lanes[place], skus[place]
        channel = integers1(table, f.FULFILMENT_CHANNEL)[lane]
        for slot in range(integers1(table, f.FULFILMENT_LATEST)[lane], -1, -1):
            for j in range(count):
                world = first + np.uint64(j)
                wanted[world] = min(open_demand[channel, sku, slot, world], promised[channel, sku, world])
            ship_one(table, lane, sku, slot, first, count)
            for j in range(count):
                world = first + np.uint64(j)
                promised[channel, sku, world] -= wanted[world]


@linked
def serve_group(table: int, group: int, now: int, first: World, count: int) -> None:
    """Ship to the claims of one group as much as they want and stock, lanes and handling allow.

    Where they do not compete they are served one by one in all worlds at once, else world after world.
    """
    lanes, skus, slots = integers1(table, f.CLAIMS_LANE), integers1(table, f.CLAIMS_SKU), integers1(table, f.CLAIMS_SLOT)
    wanted, units, groups = floats1(table, f.WANTED), floats1(table, f.UNITS), integers1(table, f.CLAIMS_GROUP_START)
    begin, end, tops_up = groups[group], groups[group + 1], topped_up(table)
    if not integers1(table, f.CLAIMS_COMPETES)[group] and handling_settles(table, begin, end, first, count):
        for claim in range(begin, end):
            serve_claim(table, claim, now, first, count)
        return
    for j in range(count):
        world = first + np.uint64(j)
        for claim in range(begin, end):
            wanted[claim] = accepted(table, lanes[claim], skus[claim], slots[claim], now, world)
        within_limits(
            table,
            f.CLAIMS_LANE,
            f.CLAIMS_SKU,
            f.CLAIMS_SAME_LANE,
            f.CLAIMS_SAME_SKU,
            f.CLAIMS_SAME_PAIR,
            begin,
            end,
            world,
        )
        for claim in range(begin, end):
            ship(table, lanes[claim], skus[claim], slots[claim], units[claim], world)
        if tops_up:
            for claim in range(begin, end):
                top_up(table, lanes[claim], skus[claim], slots[claim], wanted[claim] - units[claim], world)


@linked
def handling_settles(table: int, begin: int, end: int, first: World, count: int) -> int:
    """Tell whether a site's handling, in every world of a block, is enough for all open demand of some claims, or used up.

    In continuous units the two ways to serve them differ in the last digit, so that one of them serves all worlds.
    """
    if not integers1(table, f.SETTINGS)[f.LIMITED_HANDLING]:
        return 1
    if not integers1(table, f.SETTINGS)[f.RULES_WHOLE]:
        return 0
    lanes, skus, slots = integers1(table, f.CLAIMS_LANE), integers1(table, f.CLAIMS_SKU), integers1(table, f.CLAIMS_SLOT)
    open_demand, channels, total = (
        floats4(table, f.OPEN_DEMAND),
        integers1(table, f.FULFILMENT_CHANNEL),
        floats1(table, f.CLAIMED),
    )
    left, site = floats2(table, f.HANDLING_LEFT), integers1(table, f.FULFILMENT_SITE)[lanes[begin]]
    for j in range(count):
        total[first + np.uint64(j)] = 0.0
    for claim in range(begin, end):
        channel = channels[lanes[claim]]
        for j in range(count):
            world = first + np.uint64(j)
            total[world] += open_demand[channel, skus[claim], slots[claim], world]
    scarce = 0
    for j in range(count):
        world = first + np.uint64(j)
        scarce += 1 if left[site, world] > 0.0 and total[world] > left[site, world] else 0
    return 1 if scarce == 0 else 0


@linked
def topped_up(table: int) -> int:
    """Tell whether several limits bind a group, so that one claim may leave what another can take."""
    settings = integers1(table, f.SETTINGS)
    limited = settings[f.LIMITED_LANES] or settings[f.LIMITED_HANDLING]
    return 1 if limited and (settings[f.RULES_LARGEST_REMAINDER] or not settings[f.RULES_WHOLE]) else 0


@linked
def accepted(table: int, lane: int, sku: int, slot: int, now: int, world: World) -> float:
    """Return the units of a claim whose customers accept to be served by its lane, in one world."""
    channel, row = integers1(table, f.FULFILMENT_CHANNEL)[lane], floats1(table, f.CLAIM_UNITS)
    row[world] = floats4(table, f.OPEN_DEMAND)[channel, sku, slot, world]
    if floats1(table, f.FULFILMENT_ACCEPT)[lane] < 1.0:
        accept(table, lane, sku, slot, now, world, 1)
    return row[world]


@linked
def top_up(table: int, lane: int, sku: int, slot: int, units: float, world: World) -> None:
    """Ship to one claim what a full lane or site left over, in one world."""
    row = floats1(table, f.CLAIM_UNITS)
    row[world] = units
    ship_one(table, lane, sku, slot, world, 1)


@linked
def settle(table: int, now: int, first: World, count: int) -> None:
    """Take what was shipped out of stock; let what was not served when due wait, or lose it."""
    take_shipped(table, first, count)
    open_demand, due, last = floats4(table, f.OPEN_DEMAND), integers1(table, f.CHANNELS_DUE), integers1(table, f.CHANNELS_LAST)
    open_ended, lost, late = integers1(table, f.CHANNELS_OPEN_ENDED), floats3(table, f.LOST), floats3(table, f.LATE)
    kept_row = floats1(table, f.STAYING)
    for channel in range(open_demand.shape[0]):
        for sku in range(open_demand.shape[1]):
            for slot in range(due[channel], last[channel] + 1):
                ends = slot == last[channel] and not open_ended[channel]
                if slot > due[channel] and not ends:
                    continue
                for j in range(count):
                    world = first + np.uint64(j)
                    kept_row[world] = open_demand[channel, sku, slot, world]
                if slot == due[channel]:
                    let_stay(table, channel, sku, now, first, count)
                    if last[channel] > due[channel]:
                        for j in range(count):
                            world = first + np.uint64(j)
                            late[channel, sku, world] += kept_row[world]
                stays = 0.0 if ends else 1.0
                for j in range(count):
                    world = first + np.uint64(j)
                    lost[channel, sku, world] += open_demand[channel, sku, slot, world] - kept_row[world] * stays
                    open_demand[channel, sku, slot, world] = kept_row[world] * stays
    if floats4(table, f.RESERVED).shape[0] > 0:
        clear_reserves(table, first, count)


@linked
def take_shipped(table: int, first: World, count: int) -> None:
    """Take what was shipped to customers out of the sites' stock."""
    used, shipped, sites = floats3(table, f.TAKEN), floats3(table, f.SHIPPED), integers1(table, f.FULFILMENT_SITE)
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


@linked
def let_stay(table: int, channel: int, sku: int, now: int, first: World, count: int) -> None:
    """Keep of the units in `STAYING` those that wait where they are not served when due."""
    stays, units = floats1(table, f.CHANNELS_STAYS)[channel], floats1(table, f.STAYING)
    if stays == 1.0:
        return
    if stays == 0.0 or not integers1(table, f.SETTINGS)[f.RULES_WHOLE]:
        for j in range(count):
            units[first + np.uint64(j)] *= stays
        return
    fill_binomials(table, f.STAYING, keys2(table, f.CHANNELS_STAYS_STREAM)[channel, sku], stays, now, first, count)


@linked
def clear_reserves(table: int, first: World, count: int) -> None:
    """Give back what was set aside and not used."""
    reserved = floats4(table, f.RESERVED)
    for site in range(reserved.shape[0]):
        for channel in range(reserved.shape[1]):
            for sku in range(reserved.shape[2]):
                for j in range(count):
                    reserved[site, channel, sku, first + np.uint64(j)] = 0.0
