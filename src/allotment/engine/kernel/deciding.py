"""Deciding in compiled code, in a block of worlds: what rules of the base-stock family order, SKU by SKU.

A rule raises inventory positions to levels, which may follow the season. What it is stands in arrays that `policies.ordering`
makes: `RULE_LANES` (the usual lane and the fastest), `RULE_LEVEL` and `RULE_EXPEDITE` (levels for either, by period),
`RULE_LIMITS` (in the order of `LIMITS`), `RULE_FLAGS` (in the order of `FLAGS`), and for transfers `RULE_LATERAL` and
`RULE_COVER` (below what a site asks others, above what it gives). The same in array code is `policies.ordering`.
"""

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
    integers2,
    integers3,
    linked,
)
from allotment.engine.kernel.rounding import rounding

FLAGS = ("echelon", "near")  # positions of echelons; the fast source raises what is there within its lead time
ECHELON, NEAR = range(len(FLAGS))
LIMITS = ("cap", "reorder_point", "constant", "slower", "two_sources")
CAP, REORDER_POINT, CONSTANT, SLOWER, TWO_SOURCES = range(len(LIMITS))


@linked
def decide_by_rule(table: int, now: int, wanted: int, first: World, count: int) -> None:
    """Write what a rule orders; where `wanted`, below 0 where it is far from ordering."""
    orders, flags = floats3(table, f.DECISION_ORDERS), integers1(table, f.RULE_FLAGS)
    period, known = now, floats3(table, f.RULE_LEVEL).shape[0]
    period = period % known if integers1(table, f.SETTINGS)[f.DEMAND_REPEATS] else min(period, known - 1)
    sites = floats2(table, f.KNOWN_STOCK).shape[0]
    for sku in range(orders.shape[1]):
        for lane in range(orders.shape[0]):
            for j in range(count):
                orders[lane, sku, first + np.uint64(j)] = 0.0
        find_position(table, sku, first, count)
        if integers2(table, f.RULE_LATERAL).shape[1] > 0:
            transfer(table, sku, first, count)
        if flags[ECHELON]:
            find_echelons(table, sku, first, count)
        for site in range(sites):
            raise_position(table, site, sku, now, period, wanted, first, count)


@linked
def find_position(table: int, sku: int, first: World, count: int) -> None:
    """Write each site's recorded stock, the demand open near it and its inventory position, of one SKU."""
    known, waiting, coming = floats2(table, f.KNOWN_STOCK), floats2(table, f.WAITING_NEAR), floats2(table, f.COMING)
    position, in_transit, to = floats2(table, f.POSITION_NOW), floats3(table, f.IN_TRANSIT), integers1(table, f.LANES_TO)
    for site in range(known.shape[0]):
        find_stock(table, site, sku, first, count)
        for j in range(count):
            world = first + np.uint64(j)
            waiting[site, world] = 0.0
            coming[site, world] = 0.0
    for lane in range(to.shape[0]):
        for j in range(count):
            world = first + np.uint64(j)
            coming[to[lane], world] += in_transit[lane, sku, world]
    find_waiting(table, sku, first, count)
    for site in range(known.shape[0]):
        for j in range(count):
            world = first + np.uint64(j)
            position[site, world] = known[site, world] + coming[site, world] - waiting[site, world]
    if floats3(table, f.OWED).shape[0] > 0:
        add_owed(table, sku, first, count)


@linked
def find_stock(table: int, site: int, sku: int, first: World, count: int) -> None:
    """Write a site's stock as the records have it."""
    known, on_hand, loss = floats2(table, f.KNOWN_STOCK), floats4(table, f.ON_HAND), floats3(table, f.UNRECORDED_LOSS)
    for j in range(count):
        world = first + np.uint64(j)
        known[site, world] = on_hand[site, sku, 0, world]
    for life in range(1, on_hand.shape[2]):
        for j in range(count):
            world = first + np.uint64(j)
            known[site, world] += on_hand[site, sku, life, world]
    for j in range(count if loss.shape[0] > 0 else 0):
        world = first + np.uint64(j)
        known[site, world] += loss[site, sku, world]


@linked
def find_waiting(table: int, sku: int, first: World, count: int) -> None:
    """Add up the demand open near each site."""
    waiting, open_demand, total = floats2(table, f.WAITING_NEAR), floats4(table, f.OPEN_DEMAND), floats1(table, f.SUMMED)
    near = integers1(table, f.CHANNELS_NEAREST_SITE)
    for channel in range(near.shape[0]):
        if open_demand.shape[2] == 1:
            for j in range(count):
                world = first + np.uint64(j)
                waiting[near[channel], world] += open_demand[channel, sku, 0, world]
            continue
        for j in range(count):
            world = first + np.uint64(j)
            total[world] = open_demand[channel, sku, 0, world]
        for slot in range(1, open_demand.shape[2]):
            for j in range(count):
                world = first + np.uint64(j)
                total[world] += open_demand[channel, sku, slot, world]
        for j in range(count):
            world = first + np.uint64(j)
            waiting[near[channel], world] += total[world]


@linked
def add_owed(table: int, sku: int, first: World, count: int) -> None:
    """Count what sources owe to a site as its own, and what it owes as no longer its own."""
    position, owed, arriving = floats2(table, f.POSITION_NOW), floats3(table, f.OWED), floats2(table, f.MOVED_IN)
    leaving, to, source = floats2(table, f.MOVED_OUT), integers1(table, f.LANES_TO), integers1(table, f.LANES_SITE)
    clear_moved(table, first, count)
    for lane in range(to.shape[0]):
        for j in range(count):
            world = first + np.uint64(j)
            arriving[to[lane], world] += owed[lane, sku, world]
        for j in range(count if source[lane] >= 0 else 0):
            world = first + np.uint64(j)
            leaving[source[lane], world] += owed[lane, sku, world]
    for site in range(position.shape[0]):
        for j in range(count):
            world = first + np.uint64(j)
            position[site, world] = position[site, world] + arriving[site, world] - leaving[site, world]


@linked
def clear_moved(table: int, first: World, count: int) -> None:
    """Begin a sum of what is added to sites and of what is taken from them."""
    arriving, leaving = floats2(table, f.MOVED_IN), floats2(table, f.MOVED_OUT)
    for site in range(arriving.shape[0]):
        for j in range(count):
            world = first + np.uint64(j)
            arriving[site, world] = 0.0
            leaving[site, world] = 0.0


@linked
def add_moved(table: int, sku: int, lane: int, first: World, count: int) -> None:
    """Add what a lane between sites moves to the sums of its ends."""
    orders, to, source = floats3(table, f.DECISION_ORDERS), integers1(table, f.LANES_TO), integers1(table, f.LANES_SITE)
    arriving, leaving = floats2(table, f.MOVED_IN), floats2(table, f.MOVED_OUT)
    for j in range(count):
        world = first + np.uint64(j)
        arriving[to[lane], world] += orders[lane, sku, world]
        leaving[source[lane], world] += orders[lane, sku, world]


@linked
def count_moved(table: int, first: World, count: int) -> None:
    """Count what is moved between sites in their positions."""
    position, arriving, leaving = floats2(table, f.POSITION_NOW), floats2(table, f.MOVED_IN), floats2(table, f.MOVED_OUT)
    for site in range(position.shape[0]):
        for j in range(count):
            world = first + np.uint64(j)
            position[site, world] += arriving[site, world] - leaving[site, world]


@linked
def transfer(table: int, sku: int, first: World, count: int) -> None:
    """Order transfers of one SKU, by cover: lanes in rising freight, from what a site can spare to what another lacks."""
    known, waiting, coming = floats2(table, f.KNOWN_STOCK), floats2(table, f.WAITING_NEAR), floats2(table, f.COMING)
    lacking, spare, cover = floats2(table, f.LACKING), floats2(table, f.SPARE), floats3(table, f.RULE_COVER)
    lateral, to, in_transit = integers2(table, f.RULE_LATERAL), integers1(table, f.LANES_TO), floats3(table, f.IN_TRANSIT)
    for site in range(known.shape[0]):
        for j in range(count):
            coming[site, first + np.uint64(j)] = 0.0
    for place in range(lateral.shape[1]):
        lane = lateral[1, place]
        for j in range(count):
            world = first + np.uint64(j)
            coming[to[lane], world] += in_transit[lane, sku, world]
    for site in range(known.shape[0]):
        low, high = cover[0, site, sku], cover[1, site, sku]
        for j in range(count):
            world = first + np.uint64(j)
            lacking[site, world] = max(low + waiting[site, world] - known[site, world] - coming[site, world], 0.0)
            spare[site, world] = max(known[site, world] - waiting[site, world] - high, 0.0)
    clear_moved(table, first, count)
    for place in range(lateral.shape[1]):
        move_spare(table, sku, lateral[0, place], first, count)
    for place in range(lateral.shape[1]):
        add_moved(table, sku, lateral[1, place], first, count)
    count_moved(table, first, count)


@linked
def move_spare(table: int, sku: int, lane: int, first: World, count: int) -> None:
    """Order on one lane what its destination lacks and its source can spare."""
    orders, lacking, spare = floats3(table, f.DECISION_ORDERS), floats2(table, f.LACKING), floats2(table, f.SPARE)
    to, source = integers1(table, f.LANES_TO)[lane], integers1(table, f.LANES_SITE)[lane]
    whole = integers1(table, f.SETTINGS)[f.RULES_WHOLE]
    for j in range(count if integers2(table, f.LANES_ALLOWED)[lane, sku] else 0):
        world = first + np.uint64(j)
        units = min(lacking[to, world], spare[source, world])
        units = math.floor(units + rounding(units)) if whole else units
        lacking[to, world] -= units
        spare[source, world] -= units
        orders[lane, sku, world] = units


@linked
def find_echelons(table: int, sku: int, first: World, count: int) -> None:
    """Put the position of a site and of all that are downstream of it, and what moves there, in the place of its own."""
    position, echelon = floats2(table, f.POSITION_NOW), floats2(table, f.ECHELON_POSITION)
    downstream = integers2(table, f.SITES_DOWNSTREAM)
    for site in range(position.shape[0]):
        for j in range(count):
            echelon[site, first + np.uint64(j)] = 0.0
        for member in range(position.shape[0]):
            for j in range(count if downstream[site, member] else 0):
                world = first + np.uint64(j)
                echelon[site, world] += position[member, world]
    for site in range(position.shape[0]):
        for j in range(count):
            world = first + np.uint64(j)
            position[site, world] = echelon[site, world]


@linked
def raise_position(table: int, site: int, sku: int, now: int, period: int, wanted: int, first: World, count: int) -> None:
    """Order what raises one position to its levels: first from the fast source, where there is one, then from the usual one."""
    orders, lanes, limits = floats3(table, f.DECISION_ORDERS), integers3(table, f.RULE_LANES), floats3(table, f.RULE_LIMITS)
    position, fast = floats2(table, f.POSITION_NOW), floats1(table, f.FAST_ORDER)
    usual, level = lanes[0, site, sku], floats3(table, f.RULE_LEVEL)[period, site, sku]
    cap, reorder_point, constant = limits[CAP, site, sku], limits[REORDER_POINT, site, sku], limits[CONSTANT, site, sku]
    if usual < 0:
        return
    if limits[TWO_SOURCES, site, sku] > 0.0:
        expedite(table, site, sku, now, period, wanted, first, count)
    else:
        for j in range(count):
            fast[first + np.uint64(j)] = 0.0
    lowest = -np.inf if wanted else 0.0
    for j in range(count):
        world = first + np.uint64(j)
        units = min(level - position[site, world] - max(fast[world], 0.0), cap)
        units = units if position[site, world] <= reorder_point else 0.0
        units = constant if constant >= 0.0 else units
        orders[usual, sku, world] += max(units, lowest)


@linked
def expedite(table: int, site: int, sku: int, now: int, period: int, wanted: int, first: World, count: int) -> None:
    """Order from the fast source up to its level, counting what the usual one will bring only later as not there."""
    orders, lanes, pipeline = floats3(table, f.DECISION_ORDERS), integers3(table, f.RULE_LANES), floats5(table, f.PIPELINE)
    position, fast, late = floats2(table, f.POSITION_NOW), floats1(table, f.FAST_ORDER), floats1(table, f.SUMMED)
    level, slower = floats3(table, f.RULE_EXPEDITE)[period, site, sku], floats3(table, f.RULE_LIMITS)[SLOWER, site, sku]
    usual, quick, settings = lanes[0, site, sku], lanes[1, site, sku], integers1(table, f.SETTINGS)
    ages = max(0, pipeline.shape[0] - 1 - settings[f.CLOCK_RECEIVED_FIRST])
    for j in range(count):
        late[first + np.uint64(j)] = 0.0
    for age in range(1, ages + 1 if integers1(table, f.RULE_FLAGS)[NEAR] else 1):
        if age < slower:
            add_in_transit(table, (now - age) % pipeline.shape[0], usual, sku, first, count)
    lowest = -np.inf if wanted else 0.0
    for j in range(count):
        world = first + np.uint64(j)
        fast[world] = level - position[site, world] + late[world]
        orders[quick, sku, world] += max(fast[world], lowest)


@linked
def add_in_transit(table: int, slot: int, lane: int, sku: int, first: World, count: int) -> None:
    """Add what is in transit on a lane from one period's order to a sum (`SUMMED`)."""
    pipeline, total = floats5(table, f.PIPELINE), floats1(table, f.SUMMED)
    for j in range(count):
        world = first + np.uint64(j)
        units = pipeline[slot, lane, sku, 0, world]
        for life in range(1, pipeline.shape[3]):
            units += pipeline[slot, lane, sku, life, world]
        total[world] += units
