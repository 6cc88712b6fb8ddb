"""Goods on their way, in a block of worlds: the functions of `dynamics.shipping`, in the same order, fused by Numba."""

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
    floats5,
    integers1,
    integers4,
    keys1,
    keys2,
    linked,
)
from allotment.engine.kernel.rounding import rounding
from allotment.engine.randomness import fill_uniforms, table_value
from allotment.scenario.problem import IN_ORDER, KAPLAN


@linked
def draw_lead_times(table: int, lane: int, draw: int, now: int, first: World, count: int) -> None:
    """Write a lane's lead time in a period for each world; a constant needs no random number."""
    constant, row = integers1(table, f.LANES_CONSTANT)[lane], floats1(table, f.LEAD_TIME)
    if constant >= 0:
        for j in range(count):
            row[first + np.uint64(j)] = constant
        return
    table_row, start = integers1(table, f.LANES_LEAD_ROW)[lane], integers1(table, f.TABLES_START)
    values, cumulative = floats1(table, f.TABLES_FIRST), floats1(table, f.TABLES_CUMULATIVE)
    guide_start, guide = integers1(table, f.TABLES_GUIDE_START), integers1(table, f.TABLES_GUIDE)
    fill_uniforms(table, f.LEAD_TIME, keys2(table, f.LANES_STREAM)[lane, draw], now, first, count)
    for j in range(count):
        world = first + np.uint64(j)
        row[world] = table_value(values, start, cumulative, guide_start, guide, table_row, row[world])


@linked
def order_before(table: int, first: World, count: int) -> None:
    """Put what was ordered before an episode in transit; it arrives when its lead time is over, at the earliest at once."""
    initial, arrival, pipeline = floats3(table, f.LANES_INITIAL), integers4(table, f.ARRIVAL), floats5(table, f.PIPELINE)
    in_transit, shelf_life, lead_time = (
        floats3(table, f.IN_TRANSIT),
        integers1(table, f.GOODS_SHELF_LIFE),
        floats1(table, f.LEAD_TIME),
    )
    for position in range(initial.shape[0]):
        ordered = -(position + 1)
        slot = ordered % arrival.shape[0]
        for lane in range(initial.shape[1]):
            for draw in range(arrival.shape[2]):
                draw_lead_times(table, lane, draw, ordered, first, count)
                for j in range(count):
                    world = first + np.uint64(j)
                    arrival[slot, lane, draw, world] = max(0, ordered + int(lead_time[world]))
            for sku in range(initial.shape[2]):
                units, fresh = initial[position, lane, sku], max(0, shelf_life[sku] - 1)
                for j in range(count):
                    world = first + np.uint64(j)
                    pipeline[slot, lane, sku, fresh, world] = units
                    in_transit[lane, sku, world] += units


@linked
def dispatch(table: int, now: int, first: World, count: int) -> None:
    """Let what was executed leave its sources, and draw when it will arrive."""
    settings, lanes_site = integers1(table, f.SETTINGS), integers1(table, f.LANES_SITE)
    executed, in_transit = floats3(table, f.FLOWS_EXECUTED), floats3(table, f.IN_TRANSIT)
    pipeline, shelf_life = floats5(table, f.PIPELINE), integers1(table, f.GOODS_SHELF_LIFE)
    plant = integers1(table, f.SITES_PLANT)
    slot = now % settings[f.LANES_SLOTS]
    for lane in range(executed.shape[0]):
        source = lanes_site[lane]
        fresh_goods = source < 0 or plant[source] == 1
        for sku in range(executed.shape[1]):
            if pipeline.shape[3] > 1:
                for life in range(pipeline.shape[3]):
                    for j in range(count):
                        pipeline[slot, lane, sku, life, first + np.uint64(j)] = 0.0
            fresh = max(0, shelf_life[sku] - 1) if fresh_goods else 0
            for j in range(count):
                world = first + np.uint64(j)
                units = executed[lane, sku, world]
                pipeline[slot, lane, sku, fresh, world] = units
                in_transit[lane, sku, world] += units
        set_arrival(table, lane, slot, now, first, count)
    if settings[f.TRANSFERS]:
        leave_sites(table, slot, now, first, count)


@linked
def set_arrival(table: int, lane: int, slot: int, now: int, first: World, count: int) -> None:
    """Draw in which period what is ordered now will arrive; on Kaplan's lanes that is not known yet."""
    arrival, crossing, lead_time = (
        integers4(table, f.ARRIVAL),
        integers1(table, f.LANES_CROSSING)[lane],
        floats1(table, f.LEAD_TIME),
    )
    for draw in range(arrival.shape[2]):
        draw_lead_times(table, lane, draw, now, first, count)
        if crossing == IN_ORDER:
            for before in range(arrival.shape[0]):
                for j in range(count):
                    world = first + np.uint64(j)
                    lead_time[world] = max(lead_time[world], float(arrival[before, lane, draw, world] - now))
        for j in range(count):
            world = first + np.uint64(j)
            arrival[slot, lane, draw, world] = -1 if crossing == KAPLAN else now + int(lead_time[world])
        if floats1(table, f.LANES_LOST)[lane] > 0.0:
            lose(table, lane, draw, slot, now, first, count)


@linked
def lose(table: int, lane: int, draw: int, slot: int, now: int, first: World, count: int) -> None:
    """Draw in which worlds what is ordered now will never arrive."""
    arrival, chance = integers4(table, f.ARRIVAL), floats1(table, f.LOST_CHANCE)
    fill_uniforms(table, f.LOST_CHANCE, keys2(table, f.LANES_LOST_STREAM)[lane, draw], now, first, count)
    for j in range(count):
        world = first + np.uint64(j)
        if chance[world] < floats1(table, f.LANES_LOST)[lane]:
            arrival[slot, lane, draw, world] = -1


@linked
def leave_sites(table: int, slot: int, now: int, first: World, count: int) -> None:
    """Take what was executed out of the stock of the sites that ship it."""
    settings, lanes = integers1(table, f.SETTINGS), integers1(table, f.LANES_FROM_SITE)
    executed, on_hand, consumed = floats3(table, f.FLOWS_EXECUTED), floats4(table, f.ON_HAND), floats3(table, f.FLOWS_CONSUMED)
    handling, plant, rate = floats2(table, f.HANDLING_LEFT), integers1(table, f.SITES_PLANT), floats1(table, f.YIELD)
    used = floats3(table, f.TAKEN)
    for site in range(on_hand.shape[0]):
        if lanes[site] == lanes[site + 1]:
            continue
        for sku in range(on_hand.shape[1]):
            for j in range(count):
                used[site, sku, first + np.uint64(j)] = 0.0
            for place in range(lanes[site], lanes[site + 1]):
                lane = lanes[place]
                for j in range(count):
                    world = first + np.uint64(j)
                    used[site, sku, world] += executed[lane, sku, world]
            for j in range(count):
                world = first + np.uint64(j)
                handling[site, world] -= used[site, sku, world]
        for j in range(count):
            world = first + np.uint64(j)
            handling[site, world] = max(0.0, handling[site, world])
        if plant[site]:
            draw_yield(table, site, now, first, count)
            for sku in range(on_hand.shape[1]):
                for j in range(count):
                    world = first + np.uint64(j)
                    leaving = used[site, sku, world] / rate[world]
                    consumed[site, sku, world] = leaving - used[site, sku, world]
                    used[site, sku, world] = leaving
        elif settings[f.PERISHES]:
            mix_lives(table, site, slot, first, count)
        issue(table, site, first, count)


@linked
def draw_yield(table: int, site: int, now: int, first: World, count: int) -> None:
    """Write a plant's good units per unit consumed in a period for each world."""
    low, high, row = floats1(table, f.SITES_YIELD_LOW)[site], floats1(table, f.SITES_YIELD_HIGH)[site], floats1(table, f.YIELD)
    if not integers1(table, f.SETTINGS)[f.RANDOM_YIELD]:
        for j in range(count):
            row[first + np.uint64(j)] = low
        return
    fill_uniforms(table, f.YIELD, keys1(table, f.SITES_YIELD_STREAM)[site], now, first, count)
    for j in range(count):
        world = first + np.uint64(j)
        row[world] = low + row[world] * (high - low)


@linked
def mix_lives(table: int, site: int, slot: int, first: World, count: int) -> None:
    """Give the lanes that leave a site their goods by remaining life: in the SKU's issue order, lane by lane."""
    lanes, lifo = integers1(table, f.LANES_FROM_SITE), integers1(table, f.GOODS_LIFO)
    executed, on_hand, pipeline = floats3(table, f.FLOWS_EXECUTED), floats4(table, f.ON_HAND), floats5(table, f.PIPELINE)
    lives = on_hand.shape[2]
    left = np.empty(lives)
    for sku in range(on_hand.shape[1]):
        for j in range(count):
            world = first + np.uint64(j)
            for life in range(lives):
                left[life] = on_hand[site, sku, life, world]
            for place in range(lanes[site], lanes[site + 1]):
                wanted = executed[lanes[place], sku, world]
                for step in range(lives):
                    life = lives - 1 - step if lifo[sku] else step
                    part = min(wanted, left[life])
                    pipeline[slot, lanes[place], sku, life, world] = part
                    left[life] -= part
                    wanted -= part


@linked
def issue(table: int, site: int, first: World, count: int) -> None:
    """Take the units in `TAKEN` out of a site's stock: the oldest first, or the freshest."""
    on_hand, lifo, units = floats4(table, f.ON_HAND), integers1(table, f.GOODS_LIFO), floats3(table, f.TAKEN)
    lives = on_hand.shape[2]
    for sku in range(on_hand.shape[1]):
        if lives == 1:
            for j in range(count):
                world = first + np.uint64(j)
                on_hand[site, sku, 0, world] = max(0.0, on_hand[site, sku, 0, world] - units[site, sku, world])
            continue
        for j in range(count):
            world = first + np.uint64(j)
            wanted = units[site, sku, world]
            for step in range(lives):
                life = lives - 1 - step if lifo[sku] else step
                part = min(wanted, on_hand[site, sku, life, world])
                on_hand[site, sku, life, world] = max(0.0, on_hand[site, sku, life, world] - part)
                wanted -= part


@linked
def receive(table: int, now: int, first: World, count: int, at_once: int) -> None:
    """Let what arrives in this period join the stock; `at_once` only what was ordered in it, with lead time 0."""
    settings, arrival = integers1(table, f.SETTINGS), integers4(table, f.ARRIVAL)
    if settings[f.STORES]:
        measure_room(table, now, first, count, at_once)
    for lane in range(arrival.shape[1]):
        slot = certain_slot(table, lane, now)
        if slot >= 0:
            if not at_once or slot == now % settings[f.LANES_SLOTS]:
                join_all(table, lane, slot, first, count)
        else:
            for draw in range(arrival.shape[2]):
                draw_oldest(table, lane, draw, now, first, count)
                for slot in range(arrival.shape[0]):
                    if not at_once or slot == now % settings[f.LANES_SLOTS]:
                        found = find_arriving(table, lane, slot, draw, now, first, count)
                        if found > 0:
                            join_some(table, lane, slot, draw, found)
        if floats1(table, f.LANES_LOST)[lane] > 0.0:
            give_up(table, lane, now, first, count)


@linked
def give_up(table: int, lane: int, now: int, first: World, count: int) -> None:
    """Give up what has not arrived in the lane's longest lead time: it never will."""
    pipeline, in_transit, vanished = floats5(table, f.PIPELINE), floats3(table, f.IN_TRANSIT), floats3(table, f.VANISHED)
    slot = (now - integers1(table, f.LANES_LONGEST)[lane]) % pipeline.shape[0]
    for sku in range(pipeline.shape[2]):
        for life in range(pipeline.shape[3]):
            for j in range(count):
                world = first + np.uint64(j)
                units = pipeline[slot, lane, sku, life, world]
                pipeline[slot, lane, sku, life, world] = 0.0
                in_transit[lane, sku, world] = max(0.0, in_transit[lane, sku, world] - units)
                vanished[lane, sku, world] += units


@linked
def certain_slot(table: int, lane: int, now: int) -> int:
    """Return the one slot whose shipment arrives now in every world, -1 where that depends on draws."""
    constant = integers1(table, f.LANES_CONSTANT)[lane]
    if constant < 0 or integers1(table, f.LANES_CROSSING)[lane] == KAPLAN or floats1(table, f.LANES_LOST)[lane] > 0.0:
        return -1
    if now == 0 and floats3(table, f.LANES_INITIAL).shape[0] > 0:
        return -1
    return (now - constant) % integers1(table, f.SETTINGS)[f.LANES_SLOTS]


@linked
def draw_oldest(table: int, lane: int, draw: int, now: int, first: World, count: int) -> None:
    """Draw the age from which on orders arrive now, where a lane is one of Kaplan's."""
    if integers1(table, f.LANES_CROSSING)[lane] == KAPLAN:
        draw_lead_times(table, lane, draw, now, first, count)


@linked
def find_arriving(table: int, lane: int, slot: int, draw: int, now: int, first: World, count: int) -> int:
    """List the worlds in which a lane's shipment arrives now; returns how many they are."""
    arrival, arriving, oldest = integers4(table, f.ARRIVAL), integers1(table, f.ARRIVING), floats1(table, f.LEAD_TIME)
    age, found = float((now - slot) % integers1(table, f.SETTINGS)[f.LANES_SLOTS]), 0
    kaplan = integers1(table, f.LANES_CROSSING)[lane] == KAPLAN
    for j in range(count):
        world = first + np.uint64(j)
        arrives = age >= oldest[world] if kaplan else arrival[slot, lane, draw, world] == now
        arriving[found] = first + np.uint64(j)
        found += 1 if arrives else 0
    return found


@linked
def join_all(table: int, lane: int, slot: int, first: World, count: int) -> None:
    """Move a lane's shipment into stock in every world, as far as there is room."""
    site, stores, moved = integers1(table, f.LANES_TO)[lane], integers1(table, f.SETTINGS)[f.STORES], floats1(table, f.MOVED)
    pipeline, on_hand = floats5(table, f.PIPELINE), floats4(table, f.ON_HAND)
    received, in_transit = floats3(table, f.RECEIVED), floats3(table, f.IN_TRANSIT)
    for sku in range(on_hand.shape[1]):
        for life in range(on_hand.shape[2]):
            for j in range(count):
                world = first + np.uint64(j)
                moved[world] = pipeline[slot, lane, sku, life, world]
                pipeline[slot, lane, sku, life, world] = 0.0
                in_transit[lane, sku, world] = max(0.0, in_transit[lane, sku, world] - moved[world])
            if stores:
                for j in range(count):
                    world = first + np.uint64(j)
                    moved[world] = fitting(table, lane, sku, moved[world], world)
            for j in range(count):
                world = first + np.uint64(j)
                on_hand[site, sku, life, world] += moved[world]
                received[lane, sku, world] += moved[world]


@linked
def join_some(table: int, lane: int, slot: int, draw: int, found: int) -> None:
    """Move a lane's shipment, all SKUs or those of one draw, into stock in the listed worlds, as far as there is room."""
    site, stores, arriving = (
        integers1(table, f.LANES_TO)[lane],
        integers1(table, f.SETTINGS)[f.STORES],
        integers1(table, f.ARRIVING),
    )
    pipeline, on_hand = floats5(table, f.PIPELINE), floats4(table, f.ON_HAND)
    received, in_transit = floats3(table, f.RECEIVED), floats3(table, f.IN_TRANSIT)
    low, high = (0, on_hand.shape[1]) if integers4(table, f.ARRIVAL).shape[2] == 1 else (draw, draw + 1)
    for sku in range(low, high):
        for life in range(on_hand.shape[2]):
            for place in range(found):
                world = np.uint64(arriving[place])
                units = pipeline[slot, lane, sku, life, world]
                pipeline[slot, lane, sku, life, world] = 0.0
                in_transit[lane, sku, world] = max(0.0, in_transit[lane, sku, world] - units)
                if stores:
                    units = fitting(table, lane, sku, units, world)
                on_hand[site, sku, life, world] += units
                received[lane, sku, world] += units


@linked
def fitting(table: int, lane: int, sku: int, units: float, world: World) -> float:
    """Return how many of a lane's arriving units its site takes in; it turns away what it has no room for."""
    part = floats2(table, f.SHARE_WITH_ROOM)[integers1(table, f.LANES_TO)[lane], world]
    if part >= 1.0:
        return units
    taken = units * part
    if integers1(table, f.SETTINGS)[f.RULES_WHOLE]:
        taken = math.floor(taken + rounding(taken))
    floats3(table, f.DISCARDED)[lane, sku, world] += units - taken
    return taken


@linked
def measure_room(table: int, now: int, first: World, count: int, at_once: int) -> None:
    """Write the share of what arrives at each site that it has room for."""
    storage, charged = floats2(table, f.SITES_STORAGE), integers1(table, f.SITES_OVERFLOW_CHARGED)
    on_hand, volume = floats4(table, f.ON_HAND), floats1(table, f.GOODS_VOLUME)
    part, held, coming = floats2(table, f.SHARE_WITH_ROOM), floats1(table, f.VOLUME_HELD), floats1(table, f.VOLUME_COMING)
    for site in range(part.shape[0]):
        limit = storage[now % storage.shape[0], site]
        for j in range(count):
            part[site, first + np.uint64(j)] = 1.0
        if math.isinf(limit) or charged[site]:
            continue
        for j in range(count):
            world = first + np.uint64(j)
            held[world], coming[world] = 0.0, 0.0
        for sku in range(on_hand.shape[1]):
            for life in range(on_hand.shape[2]):
                for j in range(count):
                    world = first + np.uint64(j)
                    held[world] += on_hand[site, sku, life, world] * volume[sku]
        measure_coming(table, site, now, first, count, at_once)
        for j in range(count):
            world = first + np.uint64(j)
            room = max(0.0, limit - held[world])
            if coming[world] > room:
                part[site, world] = room / coming[world]


@linked
def measure_coming(table: int, site: int, now: int, first: World, count: int, at_once: int) -> None:
    """Write the volume of what arrives at a site into `VOLUME_COMING`."""
    slots, lanes, arrival = (
        integers1(table, f.SETTINGS)[f.LANES_SLOTS],
        integers1(table, f.LANES_COMING),
        integers4(table, f.ARRIVAL),
    )
    for place in range(lanes[site], lanes[site + 1]):
        lane = lanes[place]
        slot = certain_slot(table, lane, now)
        if slot >= 0:
            if not at_once or slot == now % slots:
                list_all(table, first, count)
                add_coming(table, lane, slot, -1, count)
        else:
            for draw in range(arrival.shape[2]):
                draw_oldest(table, lane, draw, now, first, count)
                for slot in range(slots):
                    if not at_once or slot == now % slots:
                        found = find_arriving(table, lane, slot, draw, now, first, count)
                        add_coming(table, lane, slot, draw if arrival.shape[2] > 1 else -1, found)


@linked
def list_all(table: int, first: World, count: int) -> None:
    """List every world of a block."""
    arriving = integers1(table, f.ARRIVING)
    for j in range(count):
        arriving[j] = first + np.uint64(j)


@linked
def add_coming(table: int, lane: int, slot: int, draw: int, found: int) -> None:
    """Add the volume of a lane's shipment, all SKUs or one, to `VOLUME_COMING` in the listed worlds."""
    pipeline, volume = floats5(table, f.PIPELINE), floats1(table, f.GOODS_VOLUME)
    arriving, coming = integers1(table, f.ARRIVING), floats1(table, f.VOLUME_COMING)
    low, high = (0, pipeline.shape[2]) if draw < 0 else (draw, draw + 1)
    for sku in range(low, high):
        for life in range(pipeline.shape[3]):
            for place in range(found):
                world = np.uint64(arriving[place])
                coming[world] += pipeline[slot, lane, sku, life, world] * volume[sku]
