"""Goods on their way, in a block of worlds: the functions of `shipping`, in the same order, fused by Numba."""

from __future__ import annotations

import math

import numpy as np

from allotment.engine import fields as f
from allotment.engine.compiled import (
    floats1,
    floats2,
    floats3,
    floats4,
    floats5,
    inner,
    integers1,
    integers2,
    integers4,
    keys1,
    keys2,
)
from allotment.engine.randomness import fill_uniforms, table_value, uniform
from allotment.scenario.problem import IN_ORDER, KAPLAN, ROUNDING


@inner
def draw_lead_times(table, lane, draw, now, first, count, row):  # type: ignore[no-untyped-def]
    """Write a lane's lead time in a period for each world; a constant needs no random number."""
    constant = integers1(table, f.LANES_CONSTANT)[lane]
    if constant >= 0:
        for j in range(count):
            row[first + np.uint64(j)] = constant
        return
    table_row, start = integers1(table, f.LANES_ROW)[lane], integers1(table, f.TABLES_START)
    values, cumulative = floats1(table, f.TABLES_FIRST), floats1(table, f.TABLES_CUMULATIVE)
    guide_start, guide = integers1(table, f.TABLES_GUIDE_START), integers1(table, f.TABLES_GUIDE)
    fill_uniforms(row, keys2(table, f.LANES_STREAM)[lane, draw], integers1(table, f.SEED), integers1(table, f.EPISODE), now, first, count)
    for j in range(count):
        world = first + np.uint64(j)
        row[world] = table_value(values, start, cumulative, guide_start, guide, table_row, row[world])


@inner
def order_before(table, first, count):  # type: ignore[no-untyped-def]
    """Put what was ordered before an episode under way; it arrives when its lead time is over, at the earliest at once."""
    initial, arrival, in_transit = floats3(table, f.LANES_INITIAL), integers4(table, f.ARRIVAL), floats5(table, f.IN_TRANSIT)
    under_way, shelf_life, lead_time = floats3(table, f.UNDER_WAY), integers1(table, f.GOODS_SHELF_LIFE), floats1(table, f.ROW_A)
    for position in range(initial.shape[0]):
        ordered = -(position + 1)
        slot = ordered % arrival.shape[0]
        for lane in range(initial.shape[1]):
            for draw in range(arrival.shape[2]):
                draw_lead_times(table, lane, draw, ordered, first, count, lead_time)
                for j in range(count):
                    world = first + np.uint64(j)
                    arrival[slot, lane, draw, world] = max(0, ordered + int(lead_time[world]))
            for sku in range(initial.shape[2]):
                units, fresh = initial[position, lane, sku], max(0, shelf_life[sku] - 1)
                for j in range(count):
                    world = first + np.uint64(j)
                    in_transit[slot, lane, sku, fresh, world] = units
                    under_way[lane, sku, world] += units


@inner
def dispatch(table, now, first, count):  # type: ignore[no-untyped-def]
    """Let what was executed leave its sources, and draw when it will arrive."""
    settings, lanes_site = integers1(table, f.SETTINGS), integers1(table, f.LANES_SITE)
    executed, under_way = floats3(table, f.R_EXECUTED), floats3(table, f.UNDER_WAY)
    in_transit, shelf_life = floats5(table, f.IN_TRANSIT), integers1(table, f.GOODS_SHELF_LIFE)
    plant = integers1(table, f.SITES_PLANT)
    slot = now % settings[f.SLOTS]
    for lane in range(executed.shape[0]):
        source = lanes_site[lane]
        fresh_goods = source < 0 or plant[source] == 1
        for sku in range(executed.shape[1]):
            if in_transit.shape[3] > 1:
                for life in range(in_transit.shape[3]):
                    for j in range(count):
                        in_transit[slot, lane, sku, life, first + np.uint64(j)] = 0.0
            fresh = max(0, shelf_life[sku] - 1) if fresh_goods else 0
            for j in range(count):
                world = first + np.uint64(j)
                units = executed[lane, sku, world]
                in_transit[slot, lane, sku, fresh, world] = units
                under_way[lane, sku, world] += units
        set_arrival(table, lane, slot, now, first, count)
    if settings[f.TRANSFERS]:
        leave_sites(table, slot, now, first, count)


@inner
def set_arrival(table, lane, slot, now, first, count):  # type: ignore[no-untyped-def]
    """Draw in which period what is ordered now will arrive; on Kaplan's lanes that is not known yet."""
    arrival, crossing, lead_time = integers4(table, f.ARRIVAL), integers1(table, f.LANES_CROSSING)[lane], floats1(table, f.ROW_A)
    for draw in range(arrival.shape[2]):
        draw_lead_times(table, lane, draw, now, first, count, lead_time)
        if crossing == IN_ORDER:
            for before in range(arrival.shape[0]):
                for j in range(count):
                    world = first + np.uint64(j)
                    lead_time[world] = max(lead_time[world], float(arrival[before, lane, draw, world] - now))
        for j in range(count):
            world = first + np.uint64(j)
            arrival[slot, lane, draw, world] = -1 if crossing == KAPLAN else now + int(lead_time[world])


@inner
def leave_sites(table, slot, now, first, count):  # type: ignore[no-untyped-def]
    """Take what was executed out of the stock of the sites that ship it."""
    settings, order, lanes_site = integers1(table, f.SETTINGS), integers1(table, f.LANES_ORDER), integers1(table, f.LANES_SITE)
    executed, on_hand, consumed = floats3(table, f.R_EXECUTED), floats4(table, f.ON_HAND), floats3(table, f.R_CONSUMED)
    handling, plant, rate = floats2(table, f.HANDLING_LEFT), integers1(table, f.SITES_PLANT), floats1(table, f.ROW_B)
    in_transit, used = floats5(table, f.IN_TRANSIT), floats3(table, f.SITE_SKU_ROWS)
    for site in range(on_hand.shape[0]):
        ships = False
        for lane in order:
            if lanes_site[lane] == site:
                ships = True
        if not ships:
            continue
        for sku in range(on_hand.shape[1]):
            for j in range(count):
                used[site, sku, first + np.uint64(j)] = 0.0
            for lane in order:
                if lanes_site[lane] == site:
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
            draw_yield(table, site, now, first, count, rate)
            for sku in range(on_hand.shape[1]):
                for j in range(count):
                    world = first + np.uint64(j)
                    leaving = used[site, sku, world] / rate[world]
                    consumed[site, sku, world] = leaving - used[site, sku, world]
                    used[site, sku, world] = leaving
        elif settings[f.PERISHES]:
            mix_lives(table, site, slot, first, count)
        issue(table, site, used, first, count)


@inner
def draw_yield(table, site, now, first, count, row):  # type: ignore[no-untyped-def]
    """Write a plant's good units per unit consumed in a period for each world."""
    low, high = floats1(table, f.SITES_YIELD_LOW)[site], floats1(table, f.SITES_YIELD_HIGH)[site]
    if not integers1(table, f.SETTINGS)[f.RANDOM_YIELD]:
        for j in range(count):
            row[first + np.uint64(j)] = low
        return
    fill_uniforms(row, keys1(table, f.SITES_YIELD_STREAM)[site], integers1(table, f.SEED), integers1(table, f.EPISODE), now, first, count)
    for j in range(count):
        world = first + np.uint64(j)
        row[world] = low + row[world] * (high - low)


@inner
def mix_lives(table, site, slot, first, count):  # type: ignore[no-untyped-def]
    """Give the lanes that leave a site their goods by remaining life: in the SKU's issue order, lane by lane."""
    order, lanes_site, lifo = integers1(table, f.LANES_ORDER), integers1(table, f.LANES_SITE), integers1(table, f.GOODS_LIFO)
    executed, on_hand, in_transit = floats3(table, f.R_EXECUTED), floats4(table, f.ON_HAND), floats5(table, f.IN_TRANSIT)
    lives = on_hand.shape[2]
    left = np.empty(lives)
    for sku in range(on_hand.shape[1]):
        for j in range(count):
            world = first + np.uint64(j)
            for life in range(lives):
                left[life] = on_hand[site, sku, life, world]
            for lane in order:
                if lanes_site[lane] == site:
                    wanted = executed[lane, sku, world]
                    for step in range(lives):
                        life = lives - 1 - step if lifo[sku] else step
                        part = min(wanted, left[life])
                        in_transit[slot, lane, sku, life, world] = part
                        left[life] -= part
                        wanted -= part


@inner
def issue(table, site, units, first, count):  # type: ignore[no-untyped-def]
    """Take units (sites, skus, worlds) out of a site's stock: the oldest first, or the freshest."""
    on_hand, lifo = floats4(table, f.ON_HAND), integers1(table, f.GOODS_LIFO)
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


@inner
def receive(table, now, first, count, at_once):  # type: ignore[no-untyped-def]
    """Let what arrives in this period join the stock; `at_once` only what was ordered in it, with lead time 0."""
    settings, crossing, lead_time = integers1(table, f.SETTINGS), integers1(table, f.LANES_CROSSING), floats1(table, f.ROW_A)
    arrives, arrival = floats1(table, f.ROW_B), integers4(table, f.ARRIVAL)
    if settings[f.STORES]:
        measure_room(table, now, first, count, at_once)
    for lane in range(arrival.shape[1]):
        for draw in range(arrival.shape[2]):
            if crossing[lane] == KAPLAN:
                draw_lead_times(table, lane, draw, now, first, count, lead_time)
            for slot in range(arrival.shape[0]):
                if may_arrive(table, lane, slot, now, at_once):
                    mark_arriving(table, lane, slot, draw, now, first, count, lead_time, arrives)
                    join(table, lane, slot, draw, first, count, arrives)


@inner
def may_arrive(table, lane, slot, now, at_once):  # type: ignore[no-untyped-def]
    """Tell whether a lane's shipment of some period may arrive now, as far as that is known before its draws are."""
    slots, constant = integers1(table, f.SETTINGS)[f.SLOTS], integers1(table, f.LANES_CONSTANT)[lane]
    if at_once and slot != now % slots:
        return False
    if constant < 0 or integers1(table, f.LANES_CROSSING)[lane] == KAPLAN:
        return True
    if now == 0 and floats3(table, f.LANES_INITIAL).shape[0] > 0:
        return True
    return slot == (now - constant) % slots


@inner
def mark_arriving(table, lane, slot, draw, now, first, count, oldest, arrives):  # type: ignore[no-untyped-def]
    """Write 1 for worlds in which a lane's shipment arrives now, 0 for others."""
    arrival, slots = integers4(table, f.ARRIVAL), integers1(table, f.SETTINGS)[f.SLOTS]
    if integers1(table, f.LANES_CROSSING)[lane] == KAPLAN:
        age = float((now - slot) % slots)
        for j in range(count):
            world = first + np.uint64(j)
            arrives[world] = 1.0 if age >= oldest[world] else 0.0
    else:
        for j in range(count):
            world = first + np.uint64(j)
            arrives[world] = 1.0 if arrival[slot, lane, draw, world] == now else 0.0


@inner
def join(table, lane, slot, draw, first, count, arrives):  # type: ignore[no-untyped-def]
    """Move a lane's shipment into stock where it arrives, as far as there is room."""
    site, draws = integers1(table, f.LANES_TO)[lane], integers4(table, f.ARRIVAL).shape[2]
    in_transit, on_hand = floats5(table, f.IN_TRANSIT), floats4(table, f.ON_HAND)
    received, under_way = floats3(table, f.RECEIVED), floats3(table, f.UNDER_WAY)
    stores, moved = integers1(table, f.SETTINGS)[f.STORES], floats1(table, f.ROW_C)
    low, high = (0, on_hand.shape[1]) if draws == 1 else (draw, draw + 1)
    for sku in range(low, high):
        for life in range(on_hand.shape[2]):
            for j in range(count):
                world = first + np.uint64(j)
                units = in_transit[slot, lane, sku, life, world] * arrives[world]
                moved[world] = units
                in_transit[slot, lane, sku, life, world] -= units
            for j in range(count):
                world = first + np.uint64(j)
                under_way[lane, sku, world] = max(0.0, under_way[lane, sku, world] - moved[world])
            if stores:
                refuse(table, site, sku, first, count, moved)
            for j in range(count):
                world = first + np.uint64(j)
                on_hand[site, sku, life, world] += moved[world]
                received[lane, sku, world] += moved[world]


@inner
def refuse(table, site, sku, first, count, moved):  # type: ignore[no-untyped-def]
    """Turn away what a site has no room for."""
    whole, part, discarded = integers1(table, f.SETTINGS)[f.WHOLE], floats2(table, f.SITE_ROWS), floats3(table, f.DISCARDED)
    for j in range(count):
        world = first + np.uint64(j)
        if part[site, world] < 1.0:
            fitting = moved[world] * part[site, world]
            if whole:
                fitting = math.floor(fitting + ROUNDING)
            discarded[site, sku, world] += moved[world] - fitting
            moved[world] = fitting


@inner
def measure_room(table, now, first, count, at_once):  # type: ignore[no-untyped-def]
    """Write the share of what arrives at each site that it has room for."""
    storage, charged = floats2(table, f.SITES_STORAGE), integers1(table, f.SITES_OVERFLOW_CHARGED)
    on_hand, volume = floats4(table, f.ON_HAND), floats1(table, f.GOODS_VOLUME)
    part, held, coming = floats2(table, f.SITE_ROWS), floats1(table, f.ROW_D), floats1(table, f.ROW_E)
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
        measure_coming(table, site, now, first, count, at_once, coming)
        for j in range(count):
            world = first + np.uint64(j)
            room = max(0.0, limit - held[world])
            if coming[world] > room:
                part[site, world] = room / coming[world]


@inner
def measure_coming(table, site, now, first, count, at_once, coming):  # type: ignore[no-untyped-def]
    """Write the volume of what arrives at a site."""
    arrival, to, crossing = integers4(table, f.ARRIVAL), integers1(table, f.LANES_TO), integers1(table, f.LANES_CROSSING)
    lead_time, arrives = floats1(table, f.ROW_A), floats1(table, f.ROW_B)
    in_transit, volume = floats5(table, f.IN_TRANSIT), floats1(table, f.GOODS_VOLUME)
    draws = arrival.shape[2]
    for lane in range(to.shape[0]):
        if to[lane] != site:
            continue
        for draw in range(draws):
            if crossing[lane] == KAPLAN:
                draw_lead_times(table, lane, draw, now, first, count, lead_time)
            low, high = (0, in_transit.shape[2]) if draws == 1 else (draw, draw + 1)
            for slot in range(arrival.shape[0]):
                if may_arrive(table, lane, slot, now, at_once):
                    mark_arriving(table, lane, slot, draw, now, first, count, lead_time, arrives)
                    for sku in range(low, high):
                        for life in range(in_transit.shape[3]):
                            for j in range(count):
                                world = first + np.uint64(j)
                                coming[world] += in_transit[slot, lane, sku, life, world] * arrives[world] * volume[sku]
