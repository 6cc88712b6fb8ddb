"""The dynamics for one processor core: the same phases as `dynamics`, in the same order, fused by Numba.

Arrays are changed in place. A phase is played in a block of worlds that are in the same period, world after world in the
innermost loop, where the processor plays several at once; everything that depends on the period is then one number. Index
arithmetic on worlds is unsigned: signed indices would be checked for wrapping round.
"""

from __future__ import annotations

import numpy as np

from allotment.engine import fields as f
from allotment.engine.compiled import World, entry, far, floats2, floats3, floats4, floats5, integers1, integers2, integers4
from allotment.engine.kernel_cuts import cut_requests
from allotment.engine.kernel_demand import demand
from allotment.engine.kernel_expiry import expire
from allotment.engine.kernel_fulfilment import fulfil
from allotment.engine.kernel_money import charge, pay_at_the_end
from allotment.engine.kernel_offers import clean_offers, protect, reserve
from allotment.engine.kernel_shipping import dispatch, order_before, receive
from allotment.scenario.problem import CHARGE, DECIDE, DEMAND, EXPIRE, FULFIL, RECEIVE

BLOCK = 128  # most worlds played together: their rows fit the processor's cache


@entry
def step(table):  # type: ignore[no-untyped-def]
    """Play one period of every world from `decide` on, then the next period's phases before `decide`.

    What the policy decides stands in its arrays already. Returns -1, or the place of the first quantity that is not finite, in
    which case nothing was played. The world of a season that has ended stays as it was when it ended.
    """
    fault = first_not_finite(table)
    if fault >= 0:
        return fault
    settings, period = integers1(table, f.SETTINGS), integers1(table, f.PERIOD)
    first = 0
    while first < period.shape[0]:
        count = block_at(table, first)
        now, start = period[first], np.uint64(first)
        for place in range(settings[f.DECIDE_AT], settings[f.PHASES]):
            play(table, place, now, start, count)
        if settings[f.SEASON] or settings[f.CHARGES_LATE]:
            pay_at_the_end(table, now, start, count)
        for j in range(count):
            period[first + j] += 1
        if not (settings[f.SEASON] and now + 1 == settings[f.LENGTH]):
            begin_period(table, now + 1, start, count)
        first += count
    return -1


@far
def block_at(table: int, first: int) -> int:
    """Return how many worlds from one on are in the same period, at most a block."""
    period, count = integers1(table, f.PERIOD), 1
    while count < BLOCK and first + count < period.shape[0] and period[first + count] == period[first]:
        count += 1
    return count


@far
def play(table: int, place: int, now: int, first: World, count: int) -> None:
    """Play the phase at a place of the sequence."""
    phase = integers1(table, f.SEQUENCE)[place]
    if phase == RECEIVE:
        receive(table, now, first, count, 0)
    elif phase == DECIDE:
        decide(table, now, first, count)
    elif phase == DEMAND:
        demand(table, now, first, count)
    elif phase == FULFIL:
        fulfil(table, now, first, count)
    elif phase == EXPIRE:
        expire(table, now, first, count)
    elif phase == CHARGE:
        charge(table, now, first, count)


@far
def decide(table: int, now: int, first: World, count: int) -> None:
    """Set aside what the policy protects and reserves, cut its orders to what is possible, and ship them."""
    settings = integers1(table, f.SETTINGS)
    if settings[f.PROTECTS]:
        protect(table, first, count)
    if floats3(table, f.OFFERED).shape[0] > 0:
        clean_offers(table, first, count)
    if settings[f.RESERVES]:
        reserve(table, first, count)
    cut_requests(table, now, first, count)
    dispatch(table, now, first, count)
    if settings[f.RECEIVED_FIRST]:
        receive(table, now, first, count, 1)


@far
def begin_period(table: int, now: int, first: World, count: int) -> None:
    """Open a period: handling is there again, orders are a period older; then play the phases before `decide`."""
    settings = integers1(table, f.SETTINGS)
    if settings[f.WAITS]:
        age_open_orders(table, first, count)
    handling, left = floats2(table, f.SITES_HANDLING), floats2(table, f.HANDLING_LEFT)
    for site in range(left.shape[0]):
        limit = handling[now % handling.shape[0], site]
        for j in range(count):
            left[site, first + np.uint64(j)] = limit
    clear3(table, f.OFFERED, first, count)
    for place in range(settings[f.DECIDE_AT]):
        play(table, place, now, first, count)


@far
def age_open_orders(table: int, first: World, count: int) -> None:
    """Move open orders one slot on; those in the last slot wait there."""
    open_orders, last = floats4(table, f.OPEN_ORDERS), integers1(table, f.CHANNELS_LAST)
    for channel in range(open_orders.shape[0]):
        end = last[channel]
        if end == 0:
            continue
        for sku in range(open_orders.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                open_orders[channel, sku, end, world] += open_orders[channel, sku, end - 1, world]
            for slot in range(end - 1, 0, -1):
                for j in range(count):
                    world = first + np.uint64(j)
                    open_orders[channel, sku, slot, world] = open_orders[channel, sku, slot - 1, world]
            for j in range(count):
                open_orders[channel, sku, 0, first + np.uint64(j)] = 0.0


@entry
def reset(table, worlds, seeds, episodes):  # type: ignore[no-untyped-def]
    """Start an episode in each of `worlds` (n,), with its seed and episode number, and play up to its first `decide`."""
    period, seed, episode = integers1(table, f.PERIOD), integers1(table, f.SEED), integers1(table, f.EPISODE)
    for place in range(worlds.shape[0]):
        world = worlds[place]
        period[world], seed[world], episode[world] = 0, seeds[place], episodes[place]
    place = 0
    while place < worlds.shape[0]:
        count = 1
        while count < BLOCK and place + count < worlds.shape[0] and worlds[place + count] == worlds[place] + count:
            count += 1
        first = np.uint64(worlds[place])
        empty(table, first, count)
        if floats3(table, f.LANES_INITIAL).shape[0] > 0:
            order_before(table, first, count)
        begin_period(table, 0, first, count)
        place += count


@far
def empty(table: int, first: World, count: int) -> None:
    """Put worlds back to their initial stock, fresh, with nothing under way and nothing owed."""
    initial, on_hand, shelf_life = (
        floats2(table, f.SITES_INITIAL),
        floats4(table, f.ON_HAND),
        integers1(table, f.GOODS_SHELF_LIFE),
    )
    clear5(table, f.IN_TRANSIT, first, count)
    for field in (f.ON_HAND, f.OPEN_ORDERS, f.RESERVED, f.PROTECTED, f.DEMAND_HISTORY):
        clear4(table, field, first, count)
    for field in (f.UNDER_WAY, f.OWED, f.OFFERED, f.HIDDEN):
        clear3(table, field, first, count)
    for field in range(f.DEMAND, f.SHRUNK + 1):
        clear3(table, field, first, count)
    for site in range(initial.shape[0]):
        for sku in range(initial.shape[1]):
            fresh = max(0, shelf_life[sku] - 1)
            for j in range(count):
                on_hand[site, sku, fresh, first + np.uint64(j)] = initial[site, sku]
    forget(table, first, count)


@far
def forget(table: int, first: World, count: int) -> None:
    """Put goodwill, regimes and times of arrival back to where an episode begins."""
    arrival, goodwill = integers4(table, f.ARRIVAL), floats2(table, f.GOODWILL)
    regime, initial = integers2(table, f.REGIME), integers1(table, f.MOODS_INITIAL)
    for slot in range(arrival.shape[0]):
        for lane in range(arrival.shape[1]):
            for draw in range(arrival.shape[2]):
                for j in range(count):
                    arrival[slot, lane, draw, first + np.uint64(j)] = -1
    for group in range(goodwill.shape[0]):
        for j in range(count):
            goodwill[group, first + np.uint64(j)] = 1.0
    for chain in range(regime.shape[0]):
        for j in range(count):
            regime[chain, first + np.uint64(j)] = initial[chain]


@far
def clear3(table: int, field: int, first: World, count: int) -> None:
    """Write zeros for a block of worlds into a field with three axes."""
    array = floats3(table, field)
    for a in range(array.shape[0]):
        for b in range(array.shape[1]):
            for j in range(count):
                array[a, b, first + np.uint64(j)] = 0.0


@far
def clear4(table: int, field: int, first: World, count: int) -> None:
    """The same with four axes."""
    array = floats4(table, field)
    for a in range(array.shape[0]):
        for b in range(array.shape[1]):
            for c in range(array.shape[2]):
                for j in range(count):
                    array[a, b, c, first + np.uint64(j)] = 0.0


@far
def clear5(table: int, field: int, first: World, count: int) -> None:
    """The same with five axes."""
    array = floats5(table, field)
    for a in range(array.shape[0]):
        for b in range(array.shape[1]):
            for c in range(array.shape[2]):
                for d in range(array.shape[3]):
                    for j in range(count):
                        array[a, b, c, d, first + np.uint64(j)] = 0.0


@far
def first_not_finite(table: int) -> int:
    """Return the place of the first quantity among the decisions that is not finite, -1 where all are."""
    offset = 0
    for field in (f.REQUESTS, f.OFFERS):
        found = not_finite(table, field)
        if found >= 0:
            return offset + found
        offset += floats3(table, field).size
    protections, total = floats4(table, f.PROTECTIONS), 0.0
    for value in protections.flat:
        total += value * 0.0
    return -1 if total == 0.0 else offset


@far
def not_finite(table: int, field: int) -> int:
    """Return the place of the first entry of a field that is not finite, -1 where all are: a finite number times 0 is 0."""
    array, total, place = floats3(table, field), 0.0, 0
    for a in range(array.shape[0]):
        for b in range(array.shape[1]):
            for j in range(array.shape[2]):
                total += array[a, b, np.uint64(j)] * 0.0
    if total == 0.0:
        return -1
    for a in range(array.shape[0]):
        for b in range(array.shape[1]):
            for j in range(array.shape[2]):
                if not np.isfinite(array[a, b, j]):
                    return place
                place += 1
    return place
