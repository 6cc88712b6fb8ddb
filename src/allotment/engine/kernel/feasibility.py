"""From request to execution, in a block of worlds: the limits of `dynamics.feasibility`, in the same order, fused by Numba."""

from __future__ import annotations

import math

import numpy as np

from allotment.engine import layout as f
from allotment.engine.compiled import (
    World,
    floats1,
    floats2,
    floats3,
    floats4,
    integers1,
    integers2,
    integers3,
    keys1,
    keys2,
    linked,
)
from allotment.engine.kernel.rounding import rounding
from allotment.engine.kernel.rows import add_up
from allotment.engine.kernel.shared_limits import NO_STOCK, add_requested, kept, ration_block
from allotment.engine.kernel.shipping import draw_yield
from allotment.engine.kernel.spending import cut_to_means
from allotment.engine.randomness import fill_binomials, fill_uniforms
from allotment.scenario.problem import BALANCED, CODES, ROUNDING

LANE, CAPACITY = CODES["lane"], CODES["capacity"]
POSITION, MINIMUM = CODES["position"], CODES["minimum"]


@linked
def cut_requests(table: int, now: int, first: World, count: int) -> None:
    """Fill the record's requested and executed quantities and the reason of the last cut."""
    settings, executed = integers1(table, f.SETTINGS), floats3(table, f.FLOWS_EXECUTED)
    set_limits(table, now, first, count)
    if settings[f.RULES_RATIONING] == BALANCED:
        measure_positions(table, first, count)
    if settings[f.OWES]:
        serve_owed(table, now, first, count)
    clean(table, first, count)
    cut(table, f.FLOWS_EXECUTED, now, first, count)
    if settings[f.TREASURY_EXISTS]:
        cut_to_means(table, now, first, count)
    if settings[f.OWES]:
        add_served(table, first, count)
    if settings[f.LIMITS_POSITION]:
        cut_to_positions(table, now, first, count)
    elif settings[f.ROUNDS_DOWN]:
        for lane in range(executed.shape[0]):
            cut_to_multiple(table, lane, first, count)
    if settings[f.OWES]:
        keep_unserved(table, first, count)
    if settings[f.FILLS]:
        fill(table, now, first, count)


@linked
def clean(table: int, first: World, count: int) -> None:
    """Start from the request: not negative, in whole units where units are whole, only SKUs that the lane carries."""
    whole, allowed = integers1(table, f.SETTINGS)[f.RULES_WHOLE], integers2(table, f.LANES_ALLOWED)
    requests, requested = floats3(table, f.DECISION_ORDERS), floats3(table, f.FLOWS_REQUESTED)
    executed, reason = floats3(table, f.FLOWS_EXECUTED), integers3(table, f.FLOWS_CUT_REASON)
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


@linked
def set_limits(table: int, now: int, first: World, count: int) -> None:
    """Write what can still be shipped: by lane, by supplier, and by site its stock, production and handling."""
    settings = integers1(table, f.SETTINGS)
    fill_from_calendar(table, f.LANE_LIMIT, f.LANES_CAPACITY, now, first, count)
    fill_from_calendar(table, f.SUPPLIER_LIMIT, f.SUPPLIERS_CAPACITY, now, first, count)
    if settings[f.EVENTS]:
        happen(table, now, first, count)
    if not settings[f.TRANSFERS]:
        return
    if settings[f.PLANTS]:
        fill_from_calendar(table, f.PLANT_LIMIT, f.SITES_PRODUCTION_CAPACITY, now, first, count)
    handling, left = floats2(table, f.HANDLING_LIMIT), floats2(table, f.HANDLING_LEFT)
    add_up(table, f.ON_HAND, f.FREE, first, count)
    if floats4(table, f.RESERVED).shape[0] > 0 or floats4(table, f.PROTECTED).shape[1] > 0:
        set_aside(table, first, count)
    for site in range(handling.shape[0]):
        for j in range(count):
            world = first + np.uint64(j)
            handling[site, world] = left[site, world]
        if integers1(table, f.SITES_PLANT)[site]:
            stock, rate = floats3(table, f.FREE), floats1(table, f.YIELD)
            draw_yield(table, site, now, first, count)
            for sku in range(stock.shape[1]):
                for j in range(count):
                    world = first + np.uint64(j)
                    stock[site, sku, world] *= rate[world]


@linked
def fill_from_calendar(table: int, rows: int, calendar: int, now: int, first: World, count: int) -> None:
    """Write what a calendar (periods, n) says of a period for each world, (n, worlds)."""
    written, says = floats2(table, rows), floats2(table, calendar)
    for place in range(written.shape[0]):
        value = says[now % says.shape[0], place]
        for j in range(count):
            written[place, first + np.uint64(j)] = value


@linked
def happen(table: int, now: int, first: World, count: int) -> None:
    """Limit suppliers whose capacity is an event to a unit in the periods in which it happens, and to nothing in others."""
    low, high = floats1(table, f.SUPPLIERS_EVENT_LOW), floats1(table, f.SUPPLIERS_EVENT_HIGH)
    rows, event = floats2(table, f.SUPPLIER_LIMIT), floats1(table, f.EVENT_CHANCE)
    fill_uniforms(table, f.EVENT_CHANCE, keys1(table, f.DEMAND_EVENT_STREAM)[0], now, first, count)
    for supplier in range(rows.shape[0]):
        if low[supplier] <= 1.0:
            for j in range(count):
                world = first + np.uint64(j)
                happens = low[supplier] <= event[world] and event[world] < high[supplier]
                rows[supplier, world] = min(rows[supplier, world], 1.0 if happens else 0.0)


@linked
def set_aside(table: int, first: World, count: int) -> None:
    """Leave out of what may be shipped what is reserved or protected."""
    free = floats3(table, f.FREE)
    for site in range(free.shape[0]):
        for sku in range(free.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                free[site, sku, world] = max(0.0, free[site, sku, world] - kept(table, site, sku, world))


@linked
def measure_positions(table: int, first: World, count: int) -> None:
    """Write the inventory position of each site and SKU, with which the lowest are found."""
    on_hand, open_demand, positions = floats4(table, f.ON_HAND), floats4(table, f.OPEN_DEMAND), floats3(table, f.POSITION)
    in_transit, owed, to = floats3(table, f.IN_TRANSIT), floats3(table, f.OWED), integers1(table, f.LANES_TO)
    lanes_site, nearest_site = integers1(table, f.LANES_SITE), integers1(table, f.CHANNELS_NEAREST_SITE)
    for j in range(count):
        world = first + np.uint64(j)
        for sku in range(on_hand.shape[1]):
            for site in range(on_hand.shape[0]):
                total = 0.0
                for life in range(on_hand.shape[2]):
                    total += on_hand[site, sku, life, world]
                positions[site, sku, world] = total
            for lane in range(to.shape[0]):
                positions[to[lane], sku, world] += in_transit[lane, sku, world]
                if owed.shape[0] > 0:
                    positions[to[lane], sku, world] += owed[lane, sku, world]
                    if lanes_site[lane] >= 0:
                        positions[lanes_site[lane], sku, world] -= owed[lane, sku, world]
            for channel in range(open_demand.shape[0]):
                for slot in range(open_demand.shape[2]):
                    positions[nearest_site[channel], sku, world] -= open_demand[channel, sku, slot, world]


@linked
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
                floats2(table, f.LANE_LIMIT)[lane, world] -= units
                if supplier[lane] >= 0:
                    floats2(table, f.SUPPLIER_LIMIT)[supplier[lane], world] -= units
                if source[lane] >= 0:
                    floats3(table, f.FREE)[source[lane], sku, world] -= units
                    floats2(table, f.HANDLING_LIMIT)[source[lane], world] -= units
                if of_plant[lane] >= 0:
                    floats2(table, f.PLANT_LIMIT)[of_plant[lane], world] -= units


@linked
def cut(table: int, units: int, now: int, first: World, count: int) -> None:
    """Cut the units of a field (lanes, skus, worlds) limit by limit."""
    capacity = floats2(table, f.LANES_CAPACITY)
    for lane in range(capacity.shape[1]):
        if not math.isinf(capacity[now % capacity.shape[0], lane]):
            cut_group(table, units, f.LANES_ALONE, lane, f.LANE_LIMIT, LANE, 0, first, count)
    capacity, events = floats2(table, f.SUPPLIERS_CAPACITY), floats1(table, f.SUPPLIERS_EVENT_LOW)
    for supplier in range(events.shape[0]):
        if events[supplier] <= 1.0 or not math.isinf(capacity[now % capacity.shape[0], supplier]):
            cut_group(table, units, f.LANES_OF_SUPPLIER, supplier, f.SUPPLIER_LIMIT, CAPACITY, 1, first, count)
    if integers1(table, f.SETTINGS)[f.TRANSFERS]:
        cut_to_sites(table, units, now, first, count)


@linked
def cut_to_sites(table: int, units: int, now: int, first: World, count: int) -> None:
    """Cut what leaves sites: to their stock, to what plants can produce, and to their handling."""
    stock, plant = floats3(table, f.FREE), integers1(table, f.SITES_PLANT)
    for site in range(stock.shape[0]):
        cut_cells(table, units, f.LANES_FROM_SITE, f.FREE, site, 0, stock.shape[1], NO_STOCK, first, count)
    production, handling = floats2(table, f.SITES_PRODUCTION_CAPACITY), floats2(table, f.SITES_HANDLING)
    for site in range(stock.shape[0]):
        if plant[site] and not math.isinf(production[now % production.shape[0], site]):
            cut_group(table, units, f.LANES_OF_PLANT, site, f.PLANT_LIMIT, CAPACITY, 1, first, count)
    for site in range(stock.shape[0]):
        if not math.isinf(handling[now % handling.shape[0], site]):
            cut_group(table, units, f.LANES_FROM_SITE, site, f.HANDLING_LIMIT, CAPACITY, 0, first, count)


@linked
def cut_group(
    table: int, units: int, lists: int, owner: int, limits: int, why: int, owes: int, first: World, count: int
) -> None:
    """Ration an owner's limit over all SKUs of its lanes; fields say what is cut, whose lanes are whose, and the limits."""
    limit, most, skus = floats2(table, limits), floats1(table, f.LIMIT), floats3(table, units).shape[1]
    begin, end = integers1(table, lists)[owner], integers1(table, lists)[owner + 1]
    if begin == end:
        return
    add_requested(table, units, lists, begin, end, 0, skus, first, count)
    for j in range(count):
        world = first + np.uint64(j)
        most[world] = max(0.0, limit[owner, world])
    ration_block(table, units, lists, begin, end, 0, skus, why, owes, first, count)


@linked
def cut_cells(
    table: int, units: int, lists: int, limits: int, owner: int, low: int, high: int, why: int, first: World, count: int
) -> None:
    """Ration an owner's limits of SKUs low, …, high − 1, each over its lanes; fields say what, whose and up to where."""
    wanted, total, most = floats3(table, units), floats1(table, f.REQUESTED), floats1(table, f.LIMIT)
    lanes, limit = integers1(table, lists), floats3(table, limits)
    begin, end = lanes[owner], lanes[owner + 1]
    for sku in range(low, high if begin < end else low):
        lane = lanes[begin]  # once, not for each world: the compiler cannot know that it stays
        for j in range(count):
            world = first + np.uint64(j)
            total[world] = wanted[lane, sku, world]
        for place in range(begin + 1, end):
            lane = lanes[place]
            for j in range(count):
                world = first + np.uint64(j)
                total[world] += wanted[lane, sku, world]
        short = 0
        for j in range(count):
            world = first + np.uint64(j)
            most[world] = max(0.0, limit[owner, sku, world])
            short += 1 if total[world] > most[world] else 0
        if short > 0:
            ration_block(table, units, lists, begin, end, sku, sku + 1, why, why == NO_STOCK, first, count)


@linked
def add_served(table: int, first: World, count: int) -> None:
    """Ship what is served of the owed together with the new requests."""
    executed, served = floats3(table, f.FLOWS_EXECUTED), floats3(table, f.SERVED_OWED)
    for lane in range(served.shape[0]):
        for sku in range(served.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                executed[lane, sku, world] += served[lane, sku, world]


@linked
def keep_unserved(table: int, first: World, count: int) -> None:
    """Owe again what positions, multiples and minimums left of the owed."""
    executed, served, owed = floats3(table, f.FLOWS_EXECUTED), floats3(table, f.SERVED_OWED), floats3(table, f.OWED)
    for lane in range(served.shape[0]):
        for sku in range(served.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                owed[lane, sku, world] += max(0.0, served[lane, sku, world] - executed[lane, sku, world])


@linked
def cut_to_positions(table: int, now: int, first: World, count: int) -> None:
    """Cut what leads to each site, from downstream up: to its highest position, to multiples, to nothing below a minimum."""
    lanes, highest = integers1(table, f.LANES_TO_SITE), floats2(table, f.SITES_MAX_POSITION)
    executed = floats3(table, f.FLOWS_EXECUTED)
    for site in integers1(table, f.SITES_FROM_DOWNSTREAM):
        for sku in range(executed.shape[1]):
            if not math.isinf(highest[site, sku]):
                measure_position_room(table, site, sku, now, first, count)
                cut_cells(table, f.FLOWS_EXECUTED, f.LANES_TO_SITE, f.POSITION_ROOM, site, sku, sku + 1, POSITION, first, count)
        for place in range(lanes[site], lanes[site + 1]):
            cut_to_multiple(table, lanes[place], first, count)


@linked
def measure_position_room(table: int, site: int, sku: int, now: int, first: World, count: int) -> None:
    """Write how far a site is below its highest position, once it has shipped what it ships."""
    on_hand, executed, in_transit = floats4(table, f.ON_HAND), floats3(table, f.FLOWS_EXECUTED), floats3(table, f.IN_TRANSIT)
    to, cycle = integers1(table, f.LANES_TO), integers1(table, f.SITES_CYCLE)
    leaving, coming = integers1(table, f.LANES_LEAVING), integers1(table, f.LANES_COMING)
    owed, room, shipped = floats3(table, f.OWED), floats3(table, f.POSITION_ROOM), floats1(table, f.LEAVING)
    highest = floats2(table, f.SITES_MAX_POSITION)[site, sku]
    for j in range(count):
        world = first + np.uint64(j)
        room[site, sku, world], shipped[world] = highest, 0.0
    for life in range(on_hand.shape[2]):
        for j in range(count):
            world = first + np.uint64(j)
            room[site, sku, world] -= on_hand[site, sku, life, world]
    for place in range(leaving[site], leaving[site + 1]):
        if cycle[to[leaving[place]]] != cycle[site]:
            for j in range(count):
                world = first + np.uint64(j)
                shipped[world] += executed[leaving[place], sku, world]
    for place in range(coming[site], coming[site + 1]):
        for j in range(count):
            world = first + np.uint64(j)
            room[site, sku, world] -= in_transit[coming[place], sku, world]
            if owed.shape[0] > 0:
                room[site, sku, world] -= owed[coming[place], sku, world]
    if integers1(table, f.SITES_PLANT)[site]:
        rate = floats1(table, f.YIELD)
        draw_yield(table, site, now, first, count)
        for j in range(count):
            world = first + np.uint64(j)
            shipped[world] /= rate[world]
    for j in range(count):
        world = first + np.uint64(j)
        room[site, sku, world] = max(0.0, room[site, sku, world] + shipped[world])


@linked
def cut_to_multiple(table: int, lane: int, first: World, count: int) -> None:
    """Round down to the lane's multiple; what is then below its minimum is not shipped."""
    multiples, minimums = floats2(table, f.LANES_MULTIPLE), floats2(table, f.LANES_MINIMUM)
    executed, reason = floats3(table, f.FLOWS_EXECUTED), integers3(table, f.FLOWS_CUT_REASON)
    whole = integers1(table, f.SETTINGS)[f.RULES_WHOLE]
    for sku in range(executed.shape[1]):
        multiple, minimum = multiples[lane, sku], minimums[lane, sku]
        if whole and multiple == 1.0 and minimum <= 1.0:
            continue
        for j in range(count):
            world = first + np.uint64(j)
            units = executed[lane, sku, world]
            left = units
            if multiple > 0.0:
                left = math.floor(units / multiple + rounding(units / multiple)) * multiple
            if left < minimum - rounding(left) or left < ROUNDING:
                left = 0.0
            left = min(units, left)
            executed[lane, sku, world] = left
            if left < units - rounding(units):
                reason[lane, sku, world] = MINIMUM


@linked
def fill(table: int, now: int, first: World, count: int) -> None:
    """Let suppliers ship what they happen to have of what they accepted: a share, or each unit by a chance."""
    supplier, low, by_unit = (
        integers1(table, f.LANES_SUPPLIER),
        floats1(table, f.SUPPLIERS_FILL_LOW),
        integers1(table, f.SUPPLIERS_FILL_BY_UNIT),
    )
    streams, executed, shipped = keys2(table, f.LANES_FILL_STREAM), floats3(table, f.FLOWS_EXECUTED), floats1(table, f.FILLED)
    for lane in range(executed.shape[0]):
        source = supplier[lane]
        if source < 0 or low[source] >= 1.0:
            continue
        for sku in range(executed.shape[1]):
            if by_unit[source]:
                for j in range(count):
                    world = first + np.uint64(j)
                    shipped[world] = executed[lane, sku, world]
                fill_binomials(table, f.FILLED, streams[lane, sku], low[source], now, first, count)
            else:
                fill_share(table, lane, sku, source, now, first, count)
            fill_less(table, lane, sku, first, count)


@linked
def fill_share(table: int, lane: int, sku: int, source: int, now: int, first: World, count: int) -> None:
    """Write what a supplier ships of what it has accepted on a lane: one share of all SKUs."""
    low, high = floats1(table, f.SUPPLIERS_FILL_LOW)[source], floats1(table, f.SUPPLIERS_FILL_HIGH)[source]
    executed, shipped, chance = floats3(table, f.FLOWS_EXECUTED), floats1(table, f.FILLED), floats1(table, f.FILL_CHANCE)
    whole = integers1(table, f.SETTINGS)[f.RULES_WHOLE]
    fill_uniforms(table, f.FILL_CHANCE, keys2(table, f.LANES_FILL_STREAM)[lane, 0], now, first, count)
    for j in range(count):
        world = first + np.uint64(j)
        units = executed[lane, sku, world] * (low + chance[world] * (high - low))
        shipped[world] = math.floor(units + rounding(units)) if whole else units


@linked
def fill_less(table: int, lane: int, sku: int, first: World, count: int) -> None:
    """Execute what a supplier ships; the rest is owed where the lane keeps a backlog."""
    executed, owed, shipped = floats3(table, f.FLOWS_EXECUTED), floats3(table, f.OWED), floats1(table, f.FILLED)
    reason, backlog = integers3(table, f.FLOWS_CUT_REASON), integers1(table, f.LANES_BACKLOG)[lane]
    for j in range(count):
        world = first + np.uint64(j)
        accepted = executed[lane, sku, world]
        missing = accepted - shipped[world]
        executed[lane, sku, world] = shipped[world]
        if backlog:
            owed[lane, sku, world] += missing
        if shipped[world] < accepted - rounding(accepted):
            reason[lane, sku, world] = NO_STOCK
