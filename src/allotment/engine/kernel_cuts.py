"""From request to execution, in a block of worlds: the cuts of `cuts`, in the same order, fused by Numba.

Whether a limit binds is asked of all worlds of a block at once; where it does, one world after the other is rationed.
"""

from __future__ import annotations

import math

import numpy as np

from allotment.engine import fields as f
from allotment.engine.compiled import (
    World,
    far,
    floats1,
    floats2,
    floats3,
    floats4,
    integers1,
    integers2,
    integers3,
    keys1,
    keys2,
)
from allotment.engine.inversion import SMALLEST
from allotment.engine.kernel_moves import add_up
from allotment.engine.kernel_rationing import ration
from allotment.engine.kernel_shipping import draw_yield
from allotment.engine.randomness import fill_binomials, fill_uniforms
from allotment.scenario.problem import BALANCED, PRIORITY, PROPORTIONAL, ROUNDING

LANE, CAPACITY, NO_STOCK, PROTECTED, POSITION, MINIMUM = 1, 2, 3, 4, 5, 6  # places in `REASONS`


@far
def cut_requests(table: int, now: int, first: World, count: int) -> None:
    """Fill the record's requested and executed quantities and the reason of the last cut."""
    settings, executed = integers1(table, f.SETTINGS), floats3(table, f.R_EXECUTED)
    set_limits(table, now, first, count)
    if settings[f.RATIONING] == BALANCED:
        measure_positions(table, first, count)
    if settings[f.OWES]:
        serve_owed(table, now, first, count)
    clean(table, first, count)
    cut(table, f.R_EXECUTED, now, first, count)
    if settings[f.OWES]:
        add_served(table, first, count)
    if settings[f.LIMITS_POSITION]:
        cut_to_positions(table, now, first, count)
    else:
        for lane in range(executed.shape[0]):
            cut_to_multiple(table, lane, first, count)
    if settings[f.OWES]:
        keep_unserved(table, first, count)
    if settings[f.FILLS]:
        fill(table, now, first, count)


@far
def clean(table: int, first: World, count: int) -> None:
    """Start from the request: not negative, in whole units where units are whole, only SKUs that the lane carries."""
    whole, allowed = integers1(table, f.SETTINGS)[f.WHOLE], integers2(table, f.LANES_ALLOWED)
    requests, requested = floats3(table, f.REQUESTS), floats3(table, f.R_REQUESTED)
    executed, reason = floats3(table, f.R_EXECUTED), integers3(table, f.R_CUT_REASON)
    for lane in range(executed.shape[0]):
        for sku in range(executed.shape[1]):
            carried = 1.0 if allowed[lane, sku] else 0.0
            for j in range(count):
                world = first + np.uint64(j)
                request = requests[lane, sku, world]
                units = max(0.0, request)
                if whole:
                    units = math.floor(units + 0.5)
                requested[lane, sku, world] = request
                executed[lane, sku, world] = units * carried
            for j in range(count):
                reason[lane, sku, first + np.uint64(j)] = 0
            if not allowed[lane, sku]:
                for j in range(count):
                    world = first + np.uint64(j)
                    units = math.floor(requests[lane, sku, world] + 0.5) if whole else requests[lane, sku, world]
                    reason[lane, sku, world] = LANE if units > ROUNDING else 0


@far
def set_limits(table: int, now: int, first: World, count: int) -> None:
    """Write what can still be shipped: by lane, by supplier, and by site its stock, production and handling."""
    settings = integers1(table, f.SETTINGS)
    fill_rows(table, f.LANE_ROWS, f.LANES_CAPACITY, now, first, count)
    fill_rows(table, f.SUPPLIER_ROWS, f.SUPPLIERS_CAPACITY, now, first, count)
    if settings[f.EVENTS]:
        happen(table, now, first, count)
    if not settings[f.TRANSFERS]:
        return
    if settings[f.PLANTS]:
        fill_rows(table, f.PLANT_ROWS, f.SITES_PRODUCTION, now, first, count)
    handling, left = floats2(table, f.SITE_ROWS), floats2(table, f.HANDLING_LEFT)
    add_up(table, f.ON_HAND, f.SITE_SKU_ROWS, first, count)
    if floats4(table, f.RESERVED).shape[0] > 0 or floats4(table, f.PROTECTED).shape[1] > 0:
        set_aside(table, first, count)
    for site in range(handling.shape[0]):
        for j in range(count):
            world = first + np.uint64(j)
            handling[site, world] = left[site, world]
        if integers1(table, f.SITES_PLANT)[site]:
            stock, rate = floats3(table, f.SITE_SKU_ROWS), floats1(table, f.ROW_D)
            draw_yield(table, site, now, first, count)
            for sku in range(stock.shape[1]):
                for j in range(count):
                    world = first + np.uint64(j)
                    stock[site, sku, world] *= rate[world]


@far
def fill_rows(table: int, rows: int, calendar: int, now: int, first: World, count: int) -> None:
    """Write what a calendar (periods, n) says of a period for each world, (n, worlds)."""
    written, says = floats2(table, rows), floats2(table, calendar)
    for place in range(written.shape[0]):
        value = says[now % says.shape[0], place]
        for j in range(count):
            written[place, first + np.uint64(j)] = value


@far
def happen(table: int, now: int, first: World, count: int) -> None:
    """Limit suppliers whose capacity is an event to a unit in the periods in which it happens, and to nothing in others."""
    low, high = floats1(table, f.SUPPLIERS_EVENT_LOW), floats1(table, f.SUPPLIERS_EVENT_HIGH)
    rows, event = floats2(table, f.SUPPLIER_ROWS), floats1(table, f.ROW_A)
    fill_uniforms(table, f.ROW_A, keys1(table, f.DEMAND_OWN_STREAMS)[0], now, first, count)
    for supplier in range(rows.shape[0]):
        if low[supplier] <= 1.0:
            for j in range(count):
                world = first + np.uint64(j)
                happens = low[supplier] <= event[world] and event[world] < high[supplier]
                rows[supplier, world] = min(rows[supplier, world], 1.0 if happens else 0.0)


@far
def set_aside(table: int, first: World, count: int) -> None:
    """Leave out of what may be shipped what is reserved or protected."""
    free = floats3(table, f.SITE_SKU_ROWS)
    for site in range(free.shape[0]):
        for sku in range(free.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                free[site, sku, world] = max(0.0, free[site, sku, world] - kept(table, site, sku, world))


@far
def kept(table: int, site: int, sku: int, world: World) -> float:
    """Return what is reserved in a site, and what nobody but the classes above may use at its most."""
    reserved, protected = floats4(table, f.RESERVED), floats4(table, f.PROTECTED)
    units = 0.0
    if reserved.shape[0] > 0:
        for channel in range(reserved.shape[1]):
            units += reserved[site, channel, sku, world]
    highest = 0.0
    for rank in range(protected.shape[1]):
        highest = max(highest, protected[site, rank, sku, world])
    return units + highest


@far
def measure_positions(table: int, first: World, count: int) -> None:
    """Write the inventory position of each site and SKU, with which the lowest are found."""
    on_hand, open_orders, positions = floats4(table, f.ON_HAND), floats4(table, f.OPEN_ORDERS), floats3(table, f.POSITIONS)
    under_way, owed, to = floats3(table, f.UNDER_WAY), floats3(table, f.OWED), integers1(table, f.LANES_TO)
    lanes_site, home = integers1(table, f.LANES_SITE), integers1(table, f.CHANNELS_HOME)
    for j in range(count):
        world = first + np.uint64(j)
        for sku in range(on_hand.shape[1]):
            for site in range(on_hand.shape[0]):
                total = 0.0
                for life in range(on_hand.shape[2]):
                    total += on_hand[site, sku, life, world]
                positions[site, sku, world] = total
            for lane in range(to.shape[0]):
                positions[to[lane], sku, world] += under_way[lane, sku, world]
                if owed.shape[0] > 0:
                    positions[to[lane], sku, world] += owed[lane, sku, world]
                    if lanes_site[lane] >= 0:
                        positions[lanes_site[lane], sku, world] -= owed[lane, sku, world]
            for channel in range(open_orders.shape[0]):
                for slot in range(open_orders.shape[2]):
                    positions[home[channel], sku, world] -= open_orders[channel, sku, slot, world]


@far
def serve_owed(table: int, now: int, first: World, count: int) -> None:
    """Let sources ship what they owe, as far as they can, before anything new; then lower the limits by it."""
    owed, served = floats3(table, f.OWED), floats3(table, f.SERVED_OWED)
    allowed, supplier = integers2(table, f.LANES_ALLOWED), integers1(table, f.LANES_SUPPLIER)
    source, of_plant = integers1(table, f.LANES_SITE), integers1(table, f.LANES_PLANT)
    for lane in range(owed.shape[0]):
        for sku in range(owed.shape[1]):
            carried = 1.0 if allowed[lane, sku] else 0.0
            for j in range(count):
                world = first + np.uint64(j)
                served[lane, sku, world] = owed[lane, sku, world] * carried
    cut(table, f.SERVED_OWED, now, first, count)
    for lane in range(owed.shape[0]):
        for sku in range(owed.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                units = served[lane, sku, world]
                owed[lane, sku, world] -= units
                floats2(table, f.LANE_ROWS)[lane, world] -= units
                if supplier[lane] >= 0:
                    floats2(table, f.SUPPLIER_ROWS)[supplier[lane], world] -= units
                if source[lane] >= 0:
                    floats3(table, f.SITE_SKU_ROWS)[source[lane], sku, world] -= units
                    floats2(table, f.SITE_ROWS)[source[lane], world] -= units
                if of_plant[lane] >= 0:
                    floats2(table, f.PLANT_ROWS)[of_plant[lane], world] -= units


@far
def cut(table: int, units: int, now: int, first: World, count: int) -> None:
    """Cut the units of a field (lanes, skus, worlds) limit by limit."""
    lanes, capacity = integers1(table, f.LANES_SELF), floats2(table, f.LANES_CAPACITY)
    for lane in range(lanes.shape[0]):
        if not math.isinf(capacity[now % capacity.shape[0], lane]):
            cut_group(table, units, f.LANES_SELF, lane, f.LANE_ROWS, LANE, 0, first, count)
    capacity, events = floats2(table, f.SUPPLIERS_CAPACITY), floats1(table, f.SUPPLIERS_EVENT_LOW)
    for supplier in range(events.shape[0]):
        if events[supplier] <= 1.0 or not math.isinf(capacity[now % capacity.shape[0], supplier]):
            cut_group(table, units, f.LANES_SUPPLIER, supplier, f.SUPPLIER_ROWS, CAPACITY, 1, first, count)
    if integers1(table, f.SETTINGS)[f.TRANSFERS]:
        cut_to_sites(table, units, now, first, count)


@far
def cut_to_sites(table: int, units: int, now: int, first: World, count: int) -> None:
    """Cut what leaves sites: to their stock, to what plants can produce, and to their handling."""
    stock, plant = floats3(table, f.SITE_SKU_ROWS), integers1(table, f.SITES_PLANT)
    for site in range(stock.shape[0]):
        for sku in range(stock.shape[1]):
            cut_cell(table, units, f.LANES_SITE, site, sku, NO_STOCK, first, count)
    production, handling = floats2(table, f.SITES_PRODUCTION), floats2(table, f.SITES_HANDLING)
    for site in range(stock.shape[0]):
        if plant[site] and not math.isinf(production[now % production.shape[0], site]):
            cut_group(table, units, f.LANES_PLANT, site, f.PLANT_ROWS, CAPACITY, 1, first, count)
    for site in range(stock.shape[0]):
        if not math.isinf(handling[now % handling.shape[0], site]):
            cut_group(table, units, f.LANES_SITE, site, f.SITE_ROWS, CAPACITY, 0, first, count)


@far
def cut_group(
    table: int, units: int, owners: int, owner: int, limits: int, why: int, owes: int, first: World, count: int
) -> None:
    """Ration an owner's limit over all SKUs of its lanes; fields say what is cut, whose lanes are whose, and the limits."""
    wanted, total, order = floats3(table, units), floats1(table, f.ROW_A), integers1(table, f.LANES_ORDER)
    owned, limit = integers1(table, owners), floats2(table, limits)
    for j in range(count):
        total[first + np.uint64(j)] = 0.0
    for lane in order:
        if owned[lane] == owner:
            for sku in range(wanted.shape[1]):
                for j in range(count):
                    world = first + np.uint64(j)
                    total[world] += wanted[lane, sku, world]
    most, claims = floats1(table, f.ROW_B), 0
    for lane in order:
        claims += wanted.shape[1] if owned[lane] == owner else 0
    for j in range(count):
        world = first + np.uint64(j)
        most[world] = max(0.0, limit[owner, world])
    ration_block(table, units, owners, owner, 0, wanted.shape[1], claims, why, owes, first, count)


@far
def cut_cell(table: int, units: int, owners: int, owner: int, sku: int, why: int, first: World, count: int) -> None:
    """Ration the limit of an owner and SKU in `SITE_SKU_ROWS` over the owner's lanes."""
    wanted, total, most = floats3(table, units), floats1(table, f.ROW_A), floats1(table, f.ROW_B)
    owned, limit, claims = integers1(table, owners), floats3(table, f.SITE_SKU_ROWS), 0
    for lane in integers1(table, f.LANES_ORDER):
        if owned[lane] == owner:
            for j in range(count):
                world = first + np.uint64(j)
                total[world] = wanted[lane, sku, world] + (total[world] if claims > 0 else 0.0)
            claims += 1
    for j in range(count if claims > 0 else 0):
        world = first + np.uint64(j)
        most[world] = max(0.0, limit[owner, sku, world])
    if claims > 0:
        ration_block(table, units, owners, owner, sku, sku + 1, claims, why, why == NO_STOCK, first, count)


@far
def ration_block(
    table: int,
    units: int,
    owners: int,
    owner: int,
    low: int,
    high: int,
    claims: int,
    why: int,
    owes: int,
    first: World,
    count: int,
) -> None:
    """Ration limits (row B) below the total (row A) of an owner's claims: in all worlds at once where many are short."""
    total, most, short = floats1(table, f.ROW_A), floats1(table, f.ROW_B), 0
    for j in range(count):
        world = first + np.uint64(j)
        short += 1 if total[world] > most[world] else 0
    if short == 0:
        return
    settings = integers1(table, f.SETTINGS)
    alone = claims == 1 and (settings[f.WHOLE] or settings[f.RATIONING] == PRIORITY)
    at_once = alone or settings[f.RATIONING] == PROPORTIONAL
    if at_once and claims <= floats2(table, f.CLAIM_ROWS).shape[0] and short * 8 > count:
        share_at_once(table, units, owners, owner, low, high, why, owes, first, count)
        return
    for j in range(count):
        world = first + np.uint64(j)
        if total[world] > most[world]:
            ration_lanes(table, units, owners, owner, low, high, most[world], why, owes, world)


@far
def share_at_once(
    table: int, units: int, owners: int, owner: int, low: int, high: int, why: int, owes: int, first: World, count: int
) -> None:
    """Share limits (row B) below the total (row A) in proportion, in all worlds of a block, as `share` does in one."""
    order, owned, wanted = integers1(table, f.LANES_ORDER), integers1(table, owners), floats3(table, units)
    total, most, left = floats1(table, f.ROW_A), floats1(table, f.ROW_B), floats1(table, f.ROW_C)
    whole, rests, claims = integers1(table, f.SETTINGS)[f.WHOLE], floats2(table, f.CLAIM_ROWS), 0
    for j in range(count):
        world = first + np.uint64(j)
        most[world] = min(most[world], total[world])
        left[world], total[world] = most[world], max(total[world], SMALLEST)
    for lane in order:
        for sku in range(low, high if owned[lane] == owner and whole else low):
            for j in range(count):
                world = first + np.uint64(j)
                exact = wanted[lane, sku, world] * most[world] / total[world]
                rests[claims, world] = exact - math.floor(exact)
                left[world] -= math.floor(exact)
            claims += 1
    claim = 0
    for lane in order:
        for sku in range(low, high if owned[lane] == owner else low):
            if whole:
                share_whole(table, units, lane, sku, claim, claims, first, count)
            else:
                share_part(table, units, lane, sku, first, count)
            take_share(table, units, lane, sku, why, owes, first, count)
            claim += 1


@far
def share_whole(table: int, units: int, lane: int, sku: int, claim: int, claims: int, first: World, count: int) -> None:
    """Write the whole units of a claim's share into row D: the integer part, and one more for the largest remainders."""
    wanted, total, most = floats3(table, units), floats1(table, f.ROW_A), floats1(table, f.ROW_B)
    left, given, rests = floats1(table, f.ROW_C), floats1(table, f.ROW_D), floats2(table, f.CLAIM_ROWS)
    rank = floats1(table, f.ROW_E)
    for j in range(count):
        rank[first + np.uint64(j)] = 1.0
    for other in range(claims if integers1(table, f.SETTINGS)[f.LARGEST] else 0):
        if other < claim:
            for j in range(count):
                world = first + np.uint64(j)
                rank[world] += 1.0 if rests[other, world] >= rests[claim, world] else 0.0
        elif other > claim:
            for j in range(count):
                world = first + np.uint64(j)
                rank[world] += 1.0 if rests[other, world] > rests[claim, world] else 0.0
    another = 1.0 if integers1(table, f.SETTINGS)[f.LARGEST] else 0.0
    for j in range(count):
        world = first + np.uint64(j)
        part = math.floor(wanted[lane, sku, world] * most[world] / total[world])
        given[world] = part + (another if rank[world] <= left[world] else 0.0)


@far
def share_part(table: int, units: int, lane: int, sku: int, first: World, count: int) -> None:
    """Write a claim's share, in continuous units, into row D."""
    wanted, total, most, given = (
        floats3(table, units),
        floats1(table, f.ROW_A),
        floats1(table, f.ROW_B),
        floats1(table, f.ROW_D),
    )
    for j in range(count):
        world = first + np.uint64(j)
        given[world] = wanted[lane, sku, world] * (most[world] / total[world])


@far
def take_share(table: int, units: int, lane: int, sku: int, why: int, owes: int, first: World, count: int) -> None:
    """Let a claim's share through, in row D; of new requests, note the reason and what the source owes."""
    wanted, given, reason = floats3(table, units), floats1(table, f.ROW_D), integers3(table, f.R_CUT_REASON)
    owed, site, keeps = (
        floats3(table, f.OWED),
        integers1(table, f.LANES_SITE)[lane],
        owes and integers1(table, f.LANES_BACKLOG)[lane],
    )
    guards = floats4(table, f.RESERVED).shape[0] > 0 or floats4(table, f.PROTECTED).shape[1] > 0
    if units == f.R_EXECUTED:
        if keeps:
            for j in range(count):
                world = first + np.uint64(j)
                owed[lane, sku, world] += wanted[lane, sku, world] - min(wanted[lane, sku, world], given[world])
        for j in range(count):
            world = first + np.uint64(j)
            short = given[world] < wanted[lane, sku, world] - ROUNDING
            reason[lane, sku, world] = why if short else reason[lane, sku, world]
        for j in range(count if guards and why == NO_STOCK and site >= 0 else 0):
            world = first + np.uint64(j)
            if given[world] < wanted[lane, sku, world] - ROUNDING and kept(table, site, sku, world) > ROUNDING:
                reason[lane, sku, world] = PROTECTED
    for j in range(count):
        world = first + np.uint64(j)
        wanted[lane, sku, world] = min(wanted[lane, sku, world], given[world])


@far
def ration_lanes(
    table: int, units: int, owners: int, owner: int, low: int, high: int, limit: float, why: int, owes: int, world: World
) -> None:
    """Ration a limit in one world over SKUs low, …, high − 1 of an owner's lanes, by lane priority and file order."""
    order, priority, owned = integers1(table, f.LANES_ORDER), integers1(table, f.LANES_PRIORITY), integers1(table, owners)
    wanted, amounts, levels = floats3(table, units), floats1(table, f.AMOUNTS), integers1(table, f.LEVELS)
    starts, scales, to = floats1(table, f.STARTS), floats1(table, f.SCALES), integers1(table, f.LANES_TO)
    positions, expected, claims = floats3(table, f.POSITIONS), floats2(table, f.SITES_EXPECTED), 0
    for lane in order:
        if owned[lane] == owner:
            for sku in range(low, high):
                amounts[claims], levels[claims] = wanted[lane, sku, world], priority[lane]
                if positions.shape[0] > 0:
                    starts[claims], scales[claims] = positions[to[lane], sku, world], expected[to[lane], sku]
                claims += 1
    ration(table, claims, limit)
    take_back(table, units, owners, owner, low, high, why, owes, world)


@far
def take_back(table: int, units: int, owners: int, owner: int, low: int, high: int, why: int, owes: int, world: World) -> None:
    """Let through what rationing allows; of new requests, note the reason and what the source owes."""
    order, owned, sources = integers1(table, f.LANES_ORDER), integers1(table, owners), integers1(table, f.LANES_SITE)
    wanted, amounts, claims = floats3(table, units), floats1(table, f.AMOUNTS), 0
    reason, backlog, owed = integers3(table, f.R_CUT_REASON), integers1(table, f.LANES_BACKLOG), floats3(table, f.OWED)
    for lane in order:
        if owned[lane] != owner:
            continue
        keeps = owes and backlog[lane] and units == f.R_EXECUTED
        for sku in range(low, high):
            before, after = wanted[lane, sku, world], min(wanted[lane, sku, world], amounts[claims])
            claims += 1
            wanted[lane, sku, world] = after
            if keeps:
                owed[lane, sku, world] += before - after
            if units == f.R_EXECUTED and after < before - ROUNDING:
                guarded = why == NO_STOCK and sources[lane] >= 0 and kept(table, sources[lane], sku, world) > ROUNDING
                reason[lane, sku, world] = PROTECTED if guarded else why


@far
def add_served(table: int, first: World, count: int) -> None:
    """Ship what is served of the owed together with the new requests."""
    executed, served = floats3(table, f.R_EXECUTED), floats3(table, f.SERVED_OWED)
    for lane in range(served.shape[0]):
        for sku in range(served.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                executed[lane, sku, world] += served[lane, sku, world]


@far
def keep_unserved(table: int, first: World, count: int) -> None:
    """Owe again what positions, multiples and minimums left of the owed."""
    executed, served, owed = floats3(table, f.R_EXECUTED), floats3(table, f.SERVED_OWED), floats3(table, f.OWED)
    for lane in range(served.shape[0]):
        for sku in range(served.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                owed[lane, sku, world] += max(0.0, served[lane, sku, world] - executed[lane, sku, world])


@far
def cut_to_positions(table: int, now: int, first: World, count: int) -> None:
    """Cut what leads to each site, from downstream up: to its highest position, to multiples, to nothing below a minimum."""
    order, to, highest = integers1(table, f.LANES_ORDER), integers1(table, f.LANES_TO), floats2(table, f.SITES_MAX_POSITION)
    executed = floats3(table, f.R_EXECUTED)
    for site in integers1(table, f.SITES_ORDER):
        for sku in range(executed.shape[1]):
            if not math.isinf(highest[site, sku]):
                measure_position_room(table, site, sku, now, first, count)
                cut_cell(table, f.R_EXECUTED, f.LANES_TO, site, sku, POSITION, first, count)
        for lane in order:
            if to[lane] == site:
                cut_to_multiple(table, lane, first, count)


@far
def measure_position_room(table: int, site: int, sku: int, now: int, first: World, count: int) -> None:
    """Write how far a site is below its highest position, once it has shipped what it ships."""
    on_hand, executed, under_way = floats4(table, f.ON_HAND), floats3(table, f.R_EXECUTED), floats3(table, f.UNDER_WAY)
    source, to, cycle = integers1(table, f.LANES_SITE), integers1(table, f.LANES_TO), integers1(table, f.SITES_CYCLE)
    owed, room, shipped = floats3(table, f.OWED), floats3(table, f.SITE_SKU_ROWS), floats1(table, f.ROW_C)
    highest = floats2(table, f.SITES_MAX_POSITION)[site, sku]
    for j in range(count):
        world = first + np.uint64(j)
        room[site, sku, world], shipped[world] = highest, 0.0
    for life in range(on_hand.shape[2]):
        for j in range(count):
            world = first + np.uint64(j)
            room[site, sku, world] -= on_hand[site, sku, life, world]
    for lane in range(to.shape[0]):
        if source[lane] == site and cycle[to[lane]] != cycle[site]:
            for j in range(count):
                world = first + np.uint64(j)
                shipped[world] += executed[lane, sku, world]
        if to[lane] == site:
            for j in range(count):
                world = first + np.uint64(j)
                room[site, sku, world] -= under_way[lane, sku, world]
                if owed.shape[0] > 0:
                    room[site, sku, world] -= owed[lane, sku, world]
    if integers1(table, f.SITES_PLANT)[site]:
        rate = floats1(table, f.ROW_D)
        draw_yield(table, site, now, first, count)
        for j in range(count):
            world = first + np.uint64(j)
            shipped[world] /= rate[world]
    for j in range(count):
        world = first + np.uint64(j)
        room[site, sku, world] = max(0.0, room[site, sku, world] + shipped[world])


@far
def cut_to_multiple(table: int, lane: int, first: World, count: int) -> None:
    """Round down to the lane's multiple; what is then below its minimum is not shipped."""
    multiples, minimums = floats2(table, f.LANES_MULTIPLE), floats2(table, f.LANES_MINIMUM)
    executed, reason = floats3(table, f.R_EXECUTED), integers3(table, f.R_CUT_REASON)
    whole = integers1(table, f.SETTINGS)[f.WHOLE]
    for sku in range(executed.shape[1]):
        multiple, minimum = multiples[lane, sku], minimums[lane, sku]
        if whole and multiple == 1.0 and minimum <= 1.0:
            continue
        for j in range(count):
            world = first + np.uint64(j)
            units = executed[lane, sku, world]
            left = units
            if multiple > 0.0:
                left = math.floor(units / multiple + ROUNDING) * multiple
            if left < minimum - ROUNDING or left < ROUNDING:
                left = 0.0
            left = min(units, left)
            executed[lane, sku, world] = left
            if left < units - ROUNDING:
                reason[lane, sku, world] = MINIMUM


@far
def fill(table: int, now: int, first: World, count: int) -> None:
    """Let suppliers ship what they happen to have of what they accepted: a share, or each unit by a chance."""
    supplier, low, by_unit = (
        integers1(table, f.LANES_SUPPLIER),
        floats1(table, f.SUPPLIERS_FILL_LOW),
        integers1(table, f.SUPPLIERS_FILL_BY_UNIT),
    )
    streams, executed, shipped = keys2(table, f.LANES_FILL_STREAM), floats3(table, f.R_EXECUTED), floats1(table, f.ROW_A)
    for lane in range(executed.shape[0]):
        source = supplier[lane]
        if source < 0 or low[source] >= 1.0:
            continue
        for sku in range(executed.shape[1]):
            if by_unit[source]:
                for j in range(count):
                    world = first + np.uint64(j)
                    shipped[world] = executed[lane, sku, world]
                fill_binomials(table, f.ROW_A, streams[lane, sku], low[source], now, first, count)
            else:
                fill_share(table, lane, sku, source, now, first, count)
            fill_less(table, lane, sku, first, count)


@far
def fill_share(table: int, lane: int, sku: int, source: int, now: int, first: World, count: int) -> None:
    """Write what a supplier ships of what it has accepted on a lane: one share of all SKUs."""
    low, high = floats1(table, f.SUPPLIERS_FILL_LOW)[source], floats1(table, f.SUPPLIERS_FILL_HIGH)[source]
    executed, shipped, chance = floats3(table, f.R_EXECUTED), floats1(table, f.ROW_A), floats1(table, f.ROW_B)
    whole = integers1(table, f.SETTINGS)[f.WHOLE]
    fill_uniforms(table, f.ROW_B, keys2(table, f.LANES_FILL_STREAM)[lane, 0], now, first, count)
    for j in range(count):
        world = first + np.uint64(j)
        units = executed[lane, sku, world] * (low + chance[world] * (high - low))
        shipped[world] = math.floor(units + ROUNDING) if whole else units


@far
def fill_less(table: int, lane: int, sku: int, first: World, count: int) -> None:
    """Execute what a supplier ships; the rest is owed where the lane keeps a backlog."""
    executed, owed, shipped = floats3(table, f.R_EXECUTED), floats3(table, f.OWED), floats1(table, f.ROW_A)
    reason, backlog = integers3(table, f.R_CUT_REASON), integers1(table, f.LANES_BACKLOG)[lane]
    for j in range(count):
        world = first + np.uint64(j)
        missing = executed[lane, sku, world] - shipped[world]
        executed[lane, sku, world] = shipped[world]
        if backlog:
            owed[lane, sku, world] += missing
        if missing > ROUNDING:
            reason[lane, sku, world] = NO_STOCK
