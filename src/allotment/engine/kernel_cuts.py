"""From request to execution, in a block of worlds: the cuts of `cuts`, in the same order, fused by Numba.

Whether a limit binds is asked of all worlds of a block at once; where it does, one world after the other is rationed.
"""

from __future__ import annotations

import math

import numpy as np

from allotment.engine import fields as f
from allotment.engine.compiled import floats1, floats2, floats3, floats4, inner, integers1, integers2, integers3, keys1, keys2
from allotment.engine.inversion import binomial_quantile
from allotment.engine.kernel_rationing import ration
from allotment.engine.kernel_shipping import draw_yield
from allotment.engine.randomness import fill_uniforms
from allotment.scenario.problem import BALANCED, ROUNDING

LANE, CAPACITY, NO_STOCK, PROTECTED, POSITION, MINIMUM = 1, 2, 3, 4, 5, 6  # places in `REASONS`


@inner
def cut_requests(table, now, first, count):  # type: ignore[no-untyped-def]
    """Fill the record's requested and executed quantities and the reason of the last cut."""
    settings, executed = integers1(table, f.SETTINGS), floats3(table, f.R_EXECUTED)
    set_limits(table, now, first, count)
    if settings[f.RATIONING] == BALANCED:
        measure_positions(table, first, count)
    if settings[f.OWES]:
        serve_owed(table, now, first, count)
    clean(table, first, count)
    cut(table, executed, True, now, first, count)
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


@inner
def clean(table, first, count):  # type: ignore[no-untyped-def]
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


@inner
def set_limits(table, now, first, count):  # type: ignore[no-untyped-def]
    """Write what can still be shipped: by lane, by supplier, and by site its stock, production and handling."""
    settings = integers1(table, f.SETTINGS)
    fill_rows(floats2(table, f.LANE_ROWS), floats2(table, f.LANES_CAPACITY), now, first, count)
    fill_rows(floats2(table, f.SUPPLIER_ROWS), floats2(table, f.SUPPLIERS_CAPACITY), now, first, count)
    if settings[f.EVENTS]:
        happen(table, now, first, count)
    if not settings[f.TRANSFERS]:
        return
    if settings[f.PLANTS]:
        fill_rows(floats2(table, f.PLANT_ROWS), floats2(table, f.SITES_PRODUCTION), now, first, count)
    handling, left = floats2(table, f.SITE_ROWS), floats2(table, f.HANDLING_LEFT)
    for site in range(handling.shape[0]):
        for j in range(count):
            world = first + np.uint64(j)
            handling[site, world] = left[site, world]
        measure_free(table, site, first, count)
        if integers1(table, f.SITES_PLANT)[site]:
            stock, rate = floats3(table, f.SITE_SKU_ROWS), floats1(table, f.ROW_A)
            draw_yield(table, site, now, first, count, rate)
            for sku in range(stock.shape[1]):
                for j in range(count):
                    world = first + np.uint64(j)
                    stock[site, sku, world] *= rate[world]


@inner
def fill_rows(rows, calendar, now, first, count):  # type: ignore[no-untyped-def]
    """Write what a calendar (periods, n) says of a period for each world, (n, worlds)."""
    for place in range(rows.shape[0]):
        value = calendar[now % calendar.shape[0], place]
        for j in range(count):
            rows[place, first + np.uint64(j)] = value


@inner
def happen(table, now, first, count):  # type: ignore[no-untyped-def]
    """Limit suppliers whose capacity is an event to a unit in the periods in which it happens, and to nothing in others."""
    low, high = floats1(table, f.SUPPLIERS_EVENT_LOW), floats1(table, f.SUPPLIERS_EVENT_HIGH)
    rows, event = floats2(table, f.SUPPLIER_ROWS), floats1(table, f.ROW_A)
    fill_uniforms(
        event, keys1(table, f.DEMAND_OWN_STREAMS)[0], integers1(table, f.SEED), integers1(table, f.EPISODE), now, first, count
    )
    for supplier in range(rows.shape[0]):
        if low[supplier] <= 1.0:
            for j in range(count):
                world = first + np.uint64(j)
                happens = low[supplier] <= event[world] and event[world] < high[supplier]
                rows[supplier, world] = min(rows[supplier, world], 1.0 if happens else 0.0)


@inner
def measure_free(table, site, first, count):  # type: ignore[no-untyped-def]
    """Write the stock of a site that is neither reserved nor protected."""
    on_hand, free = floats4(table, f.ON_HAND), floats3(table, f.SITE_SKU_ROWS)
    reserved, protected = floats4(table, f.RESERVED), floats4(table, f.PROTECTED)
    for sku in range(free.shape[1]):
        for j in range(count):
            world = first + np.uint64(j)
            free[site, sku, world] = on_hand[site, sku, 0, world]
        for life in range(1, on_hand.shape[2]):
            for j in range(count):
                world = first + np.uint64(j)
                free[site, sku, world] += on_hand[site, sku, life, world]
        if reserved.shape[0] > 0 or protected.shape[1] > 0:
            for j in range(count):
                world = first + np.uint64(j)
                free[site, sku, world] = max(0.0, free[site, sku, world] - kept(table, site, sku, world))


@inner
def kept(table, site, sku, world):  # type: ignore[no-untyped-def]
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


@inner
def measure_positions(table, first, count):  # type: ignore[no-untyped-def]
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


@inner
def serve_owed(table, now, first, count):  # type: ignore[no-untyped-def]
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
    cut(table, served, False, now, first, count)
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


@inner
def cut(table, units, new, now, first, count):  # type: ignore[no-untyped-def]
    """Cut units (lanes, skus, worlds) limit by limit; what sources lack of `new` requests is owed, and cuts have reasons."""
    lanes = integers1(table, f.LANES_SELF)
    capacity = floats2(table, f.LANES_CAPACITY)
    for lane in range(lanes.shape[0]):
        if not math.isinf(capacity[now % capacity.shape[0], lane]):
            limit = floats2(table, f.LANE_ROWS)[lane]
            cut_group(table, units, new, lanes, lane, limit, LANE, False, first, count)
    suppliers, rows = integers1(table, f.LANES_SUPPLIER), floats2(table, f.SUPPLIER_ROWS)
    capacity, events = floats2(table, f.SUPPLIERS_CAPACITY), floats1(table, f.SUPPLIERS_EVENT_LOW)
    for supplier in range(rows.shape[0]):
        if events[supplier] <= 1.0 or not math.isinf(capacity[now % capacity.shape[0], supplier]):
            cut_group(table, units, new, suppliers, supplier, rows[supplier], CAPACITY, True, first, count)
    if integers1(table, f.SETTINGS)[f.TRANSFERS]:
        cut_to_sites(table, units, new, now, first, count)


@inner
def cut_to_sites(table, units, new, now, first, count):  # type: ignore[no-untyped-def]
    """Cut what leaves sites: to their stock, to what plants can produce, and to their handling."""
    source, of_plant = integers1(table, f.LANES_SITE), integers1(table, f.LANES_PLANT)
    stock, limit, to_plants = floats3(table, f.SITE_SKU_ROWS), floats2(table, f.SITE_ROWS), floats2(table, f.PLANT_ROWS)
    for site in range(stock.shape[0]):
        for sku in range(stock.shape[1]):
            cut_cell(table, units, new, source, site, sku, stock[site, sku], NO_STOCK, first, count)
    production, handling = floats2(table, f.SITES_PRODUCTION), floats2(table, f.SITES_HANDLING)
    for site in range(stock.shape[0]):
        if integers1(table, f.SITES_PLANT)[site] and not math.isinf(production[now % production.shape[0], site]):
            cut_group(table, units, new, of_plant, site, to_plants[site], CAPACITY, True, first, count)
    for site in range(stock.shape[0]):
        if not math.isinf(handling[now % handling.shape[0], site]):
            cut_group(table, units, new, source, site, limit[site], CAPACITY, False, first, count)


@inner
def cut_group(table, units, new, owners, owner, limit, why, owes, first, count):  # type: ignore[no-untyped-def]
    """Ration a limit (worlds,) over all SKUs of the lanes of one owner."""
    total, order = floats1(table, f.ROW_A), integers1(table, f.LANES_ORDER)
    for j in range(count):
        total[first + np.uint64(j)] = 0.0
    for lane in order:
        if owners[lane] == owner:
            for sku in range(units.shape[1]):
                for j in range(count):
                    world = first + np.uint64(j)
                    total[world] += units[lane, sku, world]
    for j in range(count):
        world = first + np.uint64(j)
        if total[world] > max(0.0, limit[world]):
            ration_lanes(table, units, new, owners, owner, 0, units.shape[1], max(0.0, limit[world]), why, owes, world)


@inner
def cut_cell(table, units, new, owners, owner, sku, limit, why, first, count):  # type: ignore[no-untyped-def]
    """Ration a limit (worlds,) of one SKU over the lanes of one owner."""
    total, order = floats1(table, f.ROW_A), integers1(table, f.LANES_ORDER)
    found = False
    for lane in order:
        if owners[lane] == owner:
            if not found:
                for j in range(count):
                    total[first + np.uint64(j)] = 0.0
                found = True
            for j in range(count):
                world = first + np.uint64(j)
                total[world] += units[lane, sku, world]
    if found:
        owes = why == NO_STOCK
        for j in range(count):
            world = first + np.uint64(j)
            if total[world] > max(0.0, limit[world]):
                ration_lanes(table, units, new, owners, owner, sku, sku + 1, max(0.0, limit[world]), why, owes, world)


@inner
def ration_lanes(table, units, new, owners, owner, low, high, limit, why, owes, world):  # type: ignore[no-untyped-def]
    """Ration a limit in one world over SKUs low, …, high − 1 of the lanes of one owner, by lane priority and file order."""
    settings, order, priority = integers1(table, f.SETTINGS), integers1(table, f.LANES_ORDER), integers1(table, f.LANES_PRIORITY)
    amounts, levels, rest = floats1(table, f.AMOUNTS), integers1(table, f.LEVELS), floats1(table, f.REST)
    starts, scales, to = floats1(table, f.STARTS), floats1(table, f.SCALES), integers1(table, f.LANES_TO)
    positions, expected = floats3(table, f.POSITIONS), floats2(table, f.SITES_EXPECTED)
    rule, claims = settings[f.RATIONING], 0
    for lane in order:
        if owners[lane] == owner:
            for sku in range(low, high):
                amounts[claims], levels[claims] = units[lane, sku, world], priority[lane]
                if rule == BALANCED:
                    starts[claims], scales[claims] = positions[to[lane], sku, world], expected[to[lane], sku]
                claims += 1
    ration(rule, settings[f.WHOLE], settings[f.LARGEST], amounts, levels, starts, scales, rest, claims, limit)
    claims = 0
    for lane in order:
        if owners[lane] == owner:
            for sku in range(low, high):
                give(table, units, new, lane, sku, amounts[claims], why, owes, world)
                claims += 1


@inner
def give(table, units, new, lane, sku, allowed, why, owes, world):  # type: ignore[no-untyped-def]
    """Let at most `allowed` units through; of new requests, note the reason and what the source owes."""
    before = units[lane, sku, world]
    after = min(before, allowed)
    units[lane, sku, world] = after
    if not new:
        return
    if owes and integers1(table, f.LANES_BACKLOG)[lane]:
        floats3(table, f.OWED)[lane, sku, world] += before - after
    if after < before - ROUNDING:
        source = integers1(table, f.LANES_SITE)[lane]
        guarded = why == NO_STOCK and source >= 0 and kept(table, source, sku, world) > 0.0
        integers3(table, f.R_CUT_REASON)[lane, sku, world] = PROTECTED if guarded else why


@inner
def add_served(table, first, count):  # type: ignore[no-untyped-def]
    """Ship what is served of the owed together with the new requests."""
    executed, served = floats3(table, f.R_EXECUTED), floats3(table, f.SERVED_OWED)
    for lane in range(served.shape[0]):
        for sku in range(served.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                executed[lane, sku, world] += served[lane, sku, world]


@inner
def keep_unserved(table, first, count):  # type: ignore[no-untyped-def]
    """Owe again what positions, multiples and minimums left of the owed."""
    executed, served, owed = floats3(table, f.R_EXECUTED), floats3(table, f.SERVED_OWED), floats3(table, f.OWED)
    for lane in range(served.shape[0]):
        for sku in range(served.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                owed[lane, sku, world] += max(0.0, served[lane, sku, world] - executed[lane, sku, world])


@inner
def cut_to_positions(table, now, first, count):  # type: ignore[no-untyped-def]
    """Cut what leads to each site, from downstream up: to its highest position, to multiples, and to nothing below a minimum."""
    order, to, highest = integers1(table, f.LANES_ORDER), integers1(table, f.LANES_TO), floats2(table, f.SITES_MAX_POSITION)
    executed, room = floats3(table, f.R_EXECUTED), floats1(table, f.ROW_B)
    for site in integers1(table, f.SITES_ORDER):
        for sku in range(executed.shape[1]):
            if not math.isinf(highest[site, sku]):
                measure_position_room(table, site, sku, now, first, count)
                cut_cell(table, executed, True, to, site, sku, room, POSITION, first, count)
        for lane in order:
            if to[lane] == site:
                cut_to_multiple(table, lane, first, count)


@inner
def measure_position_room(table, site, sku, now, first, count):  # type: ignore[no-untyped-def]
    """Write how far a site is below its highest position, once it has shipped what it ships."""
    on_hand, executed, under_way = floats4(table, f.ON_HAND), floats3(table, f.R_EXECUTED), floats3(table, f.UNDER_WAY)
    source, to, cycle = integers1(table, f.LANES_SITE), integers1(table, f.LANES_TO), integers1(table, f.SITES_CYCLE)
    owed, room, shipped = floats3(table, f.OWED), floats1(table, f.ROW_B), floats1(table, f.ROW_C)
    highest = floats2(table, f.SITES_MAX_POSITION)[site, sku]
    for j in range(count):
        world = first + np.uint64(j)
        room[world], shipped[world] = highest, 0.0
    for life in range(on_hand.shape[2]):
        for j in range(count):
            world = first + np.uint64(j)
            room[world] -= on_hand[site, sku, life, world]
    for lane in range(to.shape[0]):
        if source[lane] == site and cycle[to[lane]] != cycle[site]:
            for j in range(count):
                world = first + np.uint64(j)
                shipped[world] += executed[lane, sku, world]
        if to[lane] == site:
            for j in range(count):
                world = first + np.uint64(j)
                room[world] -= under_way[lane, sku, world]
                if owed.shape[0] > 0:
                    room[world] -= owed[lane, sku, world]
    if integers1(table, f.SITES_PLANT)[site]:
        rate = floats1(table, f.ROW_D)
        draw_yield(table, site, now, first, count, rate)
        for j in range(count):
            world = first + np.uint64(j)
            shipped[world] /= rate[world]
    for j in range(count):
        world = first + np.uint64(j)
        room[world] = max(0.0, room[world] + shipped[world])


@inner
def cut_to_multiple(table, lane, first, count):  # type: ignore[no-untyped-def]
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


@inner
def fill(table, now, first, count):  # type: ignore[no-untyped-def]
    """Let suppliers ship what they happen to have of what they accepted: a share, or each unit by a chance."""
    supplier, low = integers1(table, f.LANES_SUPPLIER), floats1(table, f.SUPPLIERS_FILL_LOW)
    high, by_unit = floats1(table, f.SUPPLIERS_FILL_HIGH), integers1(table, f.SUPPLIERS_FILL_BY_UNIT)
    streams, executed, chance = keys2(table, f.LANES_FILL_STREAM), floats3(table, f.R_EXECUTED), floats1(table, f.ROW_A)
    seeds, episodes = integers1(table, f.SEED), integers1(table, f.EPISODE)
    for lane in range(executed.shape[0]):
        source = supplier[lane]
        if source < 0 or low[source] >= 1.0:
            continue
        for sku in range(executed.shape[1]):
            if sku == 0 or by_unit[source]:
                fill_uniforms(chance, streams[lane, sku], seeds, episodes, now, first, count)
            for j in range(count):
                world = first + np.uint64(j)
                accepted = executed[lane, sku, world]
                if by_unit[source]:
                    shipped = binomial_quantile(chance[world], accepted, low[source])
                else:
                    shipped = accepted * (low[source] + chance[world] * (high[source] - low[source]))
                    if integers1(table, f.SETTINGS)[f.WHOLE]:
                        shipped = math.floor(shipped + ROUNDING)
                fill_less(table, lane, sku, accepted, shipped, world)


@inner
def fill_less(table, lane, sku, accepted, shipped, world):  # type: ignore[no-untyped-def]
    """Execute what a supplier ships; the rest is owed where the lane keeps a backlog."""
    floats3(table, f.R_EXECUTED)[lane, sku, world] = shipped
    if integers1(table, f.LANES_BACKLOG)[lane]:
        floats3(table, f.OWED)[lane, sku, world] += accepted - shipped
    if shipped < accepted - ROUNDING:
        integers3(table, f.R_CUT_REASON)[lane, sku, world] = NO_STOCK
