"""The dynamics for one processor core: the same phases as `dynamics`, in the same order, fused by Numba.

Arrays are changed in place. A phase is played in a block of worlds that are in the same period, world after world in the
innermost loop, where the processor plays several at once; everything that depends on the period is then one number. Index
arithmetic on worlds is unsigned: signed indices would be checked for wrapping round.
"""

from __future__ import annotations

import numpy as np

from allotment.engine import layout as f
from allotment.engine.compiled import World, entry, floats1, floats2, floats3, floats4, integers1, integers2, linked
from allotment.engine.kernel.allocation import clean_requests, protect, reserve
from allotment.engine.kernel.demand import demand
from allotment.engine.kernel.expiry import expire
from allotment.engine.kernel.feasibility import cut_requests
from allotment.engine.kernel.fulfilment import fulfil
from allotment.engine.kernel.money import charge, pay_at_the_end
from allotment.engine.kernel.rows import fill_integer_rows, fill_rows
from allotment.engine.kernel.shipping import dispatch, order_before, receive
from allotment.engine.kernel.spending import divide_budgets, open_budgets, spend
from allotment.engine.kernel.treasury import settle_payments
from allotment.quantities import MOST
from allotment.scenario.problem import CHARGE, DECIDE, DEMAND, EXPIRE, FULFIL, RECEIVE, SETTLE

BLOCK = 512  # most worlds played together: enough that what a row costs by itself does not count


@entry
def step(table):  # type: ignore[no-untyped-def]
    """Play one period of every world from `decide` on, then the next period's phases before `decide`.

    What the policy decides stands in its arrays already. Returns -1, or the place of the first quantity that is not finite, in
    which case nothing was played. The world of a season that has ended stays as it was when it ended.
    """
    fault = first_not_finite(table)
    if fault >= 0:
        return fault
    period, first = integers1(table, f.PERIOD), 0
    while first < period.shape[0]:
        count = block_at(table, first)
        step_block(table, period[first], np.uint64(first), count)
        first += count
    return -1


@linked
def step_block(table: int, now: int, first: World, count: int) -> None:
    """Play one period of a block of worlds, and the next one's phases before `decide`."""
    settings, period = integers1(table, f.SETTINGS), integers1(table, f.PERIOD)
    for place in range(settings[f.CLOCK_DECIDE_AT], integers1(table, f.CLOCK_SEQUENCE).shape[0]):
        play_phase(table, place, now, first, count)
    if settings[f.CLOCK_SEASON] or settings[f.CHARGES_LATE]:
        pay_at_the_end(table, now, first, count)
    for j in range(count):
        period[first + np.uint64(j)] += 1
    if not (settings[f.CLOCK_SEASON] and now + 1 == settings[f.CLOCK_LENGTH]):
        begin_period(table, now + 1, first, count)


@linked
def block_at(table: int, first: int) -> int:
    """Return how many worlds from one on are in the same period, at most a block."""
    period, count = integers1(table, f.PERIOD), 1
    while count < BLOCK and first + count < period.shape[0] and period[first + count] == period[first]:
        count += 1
    return count


@linked
def play_phase(table: int, place: int, now: int, first: World, count: int) -> None:
    """Play the phase at a place of the sequence."""
    phase = integers1(table, f.CLOCK_SEQUENCE)[place]
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
    elif phase == SETTLE:
        settle_payments(table, first, count)
    elif phase == CHARGE:
        charge(table, now, first, count)


@linked
def decide(table: int, now: int, first: World, count: int) -> None:
    """Set aside what the policy protects and reserves, cut its orders to what is possible, and ship them."""
    settings = integers1(table, f.SETTINGS)
    if settings[f.PROTECTS]:
        protect(table, first, count)
    if floats3(table, f.ALLOCATION).shape[0] > 0:
        clean_requests(table, first, count)
    if settings[f.RESERVES]:
        reserve(table, first, count)
    if settings[f.BUDGETS]:
        divide_budgets(table, now, first, count)
    cut_requests(table, now, first, count)
    if floats2(table, f.BUDGET_LEFT).shape[0] > 0:
        spend(table, now, first, count)
    dispatch(table, now, first, count)
    if settings[f.CLOCK_RECEIVED_FIRST]:
        receive(table, now, first, count, 1)


@linked
def begin_period(table: int, now: int, first: World, count: int) -> None:
    """Open a period: handling is there again, orders are a period older; then play the phases before `decide`."""
    settings = integers1(table, f.SETTINGS)
    if settings[f.WAITS]:
        age_open_demand(table, first, count)
    handling, left = floats2(table, f.SITES_HANDLING), floats2(table, f.HANDLING_LEFT)
    for site in range(left.shape[0]):
        limit = handling[now % handling.shape[0], site]
        for j in range(count):
            left[site, first + np.uint64(j)] = limit
    fill_rows(table, f.ALLOCATION, 0.0, first, count)
    if floats2(table, f.BUDGET_LEFT).shape[0] > 0:
        open_budgets(table, now, first, count)
    for place in range(settings[f.CLOCK_DECIDE_AT]):
        play_phase(table, place, now, first, count)


@linked
def age_open_demand(table: int, first: World, count: int) -> None:
    """Move open demand one slot on; those in the last slot wait there."""
    open_demand, last = floats4(table, f.OPEN_DEMAND), integers1(table, f.CHANNELS_LAST)
    for channel in range(open_demand.shape[0]):
        end = last[channel]
        if end == 0:
            continue
        for sku in range(open_demand.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                open_demand[channel, sku, end, world] += open_demand[channel, sku, end - 1, world]
            for slot in range(end - 1, 0, -1):
                for j in range(count):
                    world = first + np.uint64(j)
                    open_demand[channel, sku, slot, world] = open_demand[channel, sku, slot - 1, world]
            for j in range(count):
                open_demand[channel, sku, 0, first + np.uint64(j)] = 0.0


@entry
def reset(table, worlds, seeds, episodes):  # type: ignore[no-untyped-def]
    """Start an episode in each of `worlds` (n,), with its seed and episode number, and play up to its first `decide`."""
    place = 0
    while place < worlds.shape[0]:
        count = 1
        while count < BLOCK and place + count < worlds.shape[0] and worlds[place + count] == worlds[place] + count:
            count += 1
        first = np.uint64(worlds[place])
        empty(table, first, count)
        seed, episode = integers1(table, f.SEED), integers1(table, f.EPISODE)
        for j in range(count):
            seed[first + np.uint64(j)], episode[first + np.uint64(j)] = seeds[place + j], episodes[place + j]
        if floats3(table, f.LANES_INITIAL).shape[0] > 0:
            order_before(table, first, count)
        begin_period(table, 0, first, count)
        place += count


@linked
def empty(table: int, first: World, count: int) -> None:
    """Put worlds back to where an episode begins: initial stock, fresh, demand still open, the regimes of the first period."""
    for place in range(len(f.CLEARED)):
        fill_rows(table, f.CLEARED[place], f.CLEARED_TO[place], first, count)
    for place in range(len(f.CLEARED_INTEGERS)):
        fill_integer_rows(table, f.CLEARED_INTEGERS[place], f.CLEARED_INTEGERS_TO[place], first, count)
    initial, on_hand = floats2(table, f.SITES_INITIAL_STOCK), floats4(table, f.ON_HAND)
    shelf_life = integers1(table, f.GOODS_SHELF_LIFE)
    for site in range(initial.shape[0]):
        for sku in range(initial.shape[1]):
            fresh = max(0, shelf_life[sku] - 1)
            for j in range(count):
                on_hand[site, sku, fresh, first + np.uint64(j)] = initial[site, sku]
    waiting, open_demand, due = (
        floats2(table, f.CHANNELS_INITIAL_OPEN),
        floats4(table, f.OPEN_DEMAND),
        integers1(table, f.CHANNELS_DUE),
    )
    for channel in range(waiting.shape[0]):
        for sku in range(waiting.shape[1]):
            for j in range(count):
                open_demand[channel, sku, due[channel], first + np.uint64(j)] = waiting[channel, sku]
    regime, of_first = integers2(table, f.REGIME), integers1(table, f.MODULATION_INITIAL)
    for chain in range(regime.shape[0]):
        for j in range(count):
            regime[chain, first + np.uint64(j)] = of_first[chain]
    fill_rows(table, f.CASH, floats1(table, f.TREASURY_CASH)[0], first, count)


@linked
def first_not_finite(table: int) -> int:
    """Return the place of the first quantity among the decisions that is not finite, or too large; -1 where none is."""
    offset = 0
    for field in (f.DECISION_ORDERS, f.DECISION_ALLOCATION):
        found = not_finite(table, field)
        if found >= 0:
            return offset + found
        offset += floats3(table, field).size
    wrong = 0
    for value in floats4(table, f.DECISION_PROTECTION).flat:
        wrong += not abs(value) <= MOST
    for value in floats2(table, f.DECISION_BUDGET).flat:
        wrong += not abs(value) <= MOST
    return -1 if wrong == 0 else offset


@linked
def not_finite(table: int, field: int) -> int:
    """Return the place of the first entry of a field that is not finite, or larger than `MOST`; -1 where none is."""
    array, wrong, place = floats3(table, field), 0, 0
    for a in range(array.shape[0]):
        for b in range(array.shape[1]):
            for j in range(array.shape[2]):
                wrong += not abs(array[a, b, np.uint64(j)]) <= MOST
    if wrong == 0:
        return -1
    for a in range(array.shape[0]):
        for b in range(array.shape[1]):
            for j in range(array.shape[2]):
                if not abs(array[a, b, j]) <= MOST:
                    return place
                place += 1
    return place
