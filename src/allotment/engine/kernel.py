"""The dynamics for one processor core: the same phases as `dynamics`, in the same order, fused by Numba.

Arrays are changed in place. Each function plays its phase in the worlds from `first` to `last`, a block small enough for
the processor's cache, and takes only the arrays it uses: handing arrays to a function costs time, compiling and calling.
"""

from __future__ import annotations

import numpy as np

from allotment.engine.compiled import entry, inner
from allotment.engine.kernel_cuts import cut_requests
from allotment.engine.kernel_fulfilment import fulfil
from allotment.engine.kernel_money import charge
from allotment.engine.randomness import demand_draw, recorded_period, table_draw
from allotment.scenario.problem import DECIDE, DEMAND, FULFIL, RECEIVE

BLOCK = 32  # worlds played together


@entry
def step(problem, state, flows, orders):  # type: ignore[no-untyped-def]
    """Play one period of every world from `decide` on, then the next period's phases before `decide`.

    `orders` is (B, L, K) in units; `flows` receives the record of the period just closed. The world of a season that has
    ended stays as it was when it ended.
    """
    clock = problem.clock
    amounts = np.empty(orders.shape[1] * orders.shape[2] + problem.serving.pair_lane.shape[0])
    levels = np.empty(amounts.shape[0], dtype=np.int64)
    active = np.empty(orders.shape[0], dtype=np.bool_)
    for first in range(0, orders.shape[0], BLOCK):
        last = min(first + BLOCK, orders.shape[0])
        active[first:last] = True
        for place in range(clock.decide_at, clock.sequence.shape[0]):
            phase = clock.sequence[place]
            if phase == RECEIVE:
                receive(problem.lanes.to, state, active, first, last)
            elif phase == DECIDE:
                cut_requests(problem.lanes, problem.sharing, state.on_hand, flows, orders, first, last, amounts, levels)
                dispatch(problem.lanes, problem.tables, state, flows.executed, first, last)
                if clock.received_first:
                    join_at_once(problem.lanes.to, state, problem.lanes.slots, first, last)
            elif phase == DEMAND:
                demand(problem.demand, problem.tables, state, active, first, last)
            elif phase == FULFIL:
                fulfil(problem.serving, problem.sharing, problem.lanes.site, state, flows, first, last, amounts, levels)
            else:
                charge(clock, problem.lanes.to, problem.serving.channel, problem.prices, state, flows, first, last)
        for world in range(first, last):
            state.period[world] += 1
            active[world] = not (clock.season and state.period[world] == clock.length)
        begin_period(problem, state, active, first, last)


@entry
def reset(problem, state, worlds, seeds, episodes):  # type: ignore[no-untyped-def]
    """Start an episode in each of `worlds` (n,), with its seed and episode number, and play up to its first `decide`."""
    active = np.zeros(state.period.shape[0], dtype=np.bool_)
    for place in range(worlds.shape[0]):
        world = worlds[place]
        active[world] = True
        state.period[world] = 0
        state.seed[world] = seeds[place]
        state.episode[world] = episodes[place]
    empty(problem.sharing.initial_stock, state, active)
    begin_period(problem, state, active, 0, active.shape[0])


@inner
def empty(initial_stock, state, active):  # type: ignore[no-untyped-def]
    """Put worlds back to their initial stock, with nothing under way and nothing owed."""
    for world in range(active.shape[0]):
        if active[world]:
            for site in range(initial_stock.shape[0]):
                for sku in range(initial_stock.shape[1]):
                    state.on_hand[world, site, sku, 0] = initial_stock[site, sku]
            state.in_transit[world] = 0.0
            state.arrival[world] = -1
            state.open_orders[world] = 0.0
            state.demand_history[world] = 0.0


@inner
def begin_period(problem, state, active, first, last):  # type: ignore[no-untyped-def]
    """Open a period's record and play the phases before `decide`."""
    for world in range(first, last):
        if active[world]:
            state.demand[world] = 0.0
            state.received[world] = 0.0
    for place in range(problem.clock.decide_at):
        if problem.clock.sequence[place] == RECEIVE:
            receive(problem.lanes.to, state, active, first, last)
        else:
            demand(problem.demand, problem.tables, state, active, first, last)


@inner
def receive(destinations, state, active, first, last):  # type: ignore[no-untyped-def]
    """Move what arrives in this period into stock."""
    for world in range(first, last):
        if active[world]:
            for slot in range(state.arrival.shape[1]):
                for lane in range(state.arrival.shape[2]):
                    if state.arrival[world, slot, lane] == state.period[world]:
                        join(destinations[lane], state.on_hand, state.in_transit, state.received, world, slot, lane)


@inner
def join_at_once(destinations, state, slots, first, last):  # type: ignore[no-untyped-def]
    """Move what was shipped with lead time 0 into stock, once every lane has shipped."""
    for world in range(first, last):
        slot = state.period[world] % slots
        for lane in range(state.arrival.shape[2]):
            if state.arrival[world, slot, lane] == state.period[world]:
                join(destinations[lane], state.on_hand, state.in_transit, state.received, world, slot, lane)


@inner
def join(site, on_hand, in_transit, received, world, slot, lane):  # type: ignore[no-untyped-def]
    """Move one shipment from its lane into the stock of the site it leads to."""
    for sku in range(on_hand.shape[2]):
        units = in_transit[world, slot, lane, sku, 0]
        on_hand[world, site, sku, 0] += units
        received[world, lane, sku] += units
        in_transit[world, slot, lane, sku, 0] = 0.0


@inner
def dispatch(lanes, tables, state, executed, first, last):  # type: ignore[no-untyped-def]
    """Ship what can be executed, and draw when it will arrive."""
    for world in range(first, last):
        period = state.period[world]
        slot = period % lanes.slots
        for lane in range(lanes.site.shape[0]):
            source = lanes.site[lane]
            for sku in range(executed.shape[2]):
                units = executed[world, lane, sku]
                state.in_transit[world, slot, lane, sku, 0] = units
                if source >= 0:
                    left = state.on_hand[world, source, sku, 0] - units
                    state.on_hand[world, source, sku, 0] = max(0.0, left)
            lead_time = table_draw(
                tables, lanes.lead_row[lane], lanes.stream[lane], state.seed[world], state.episode[world], period
            )
            state.arrival[world, slot, lane] = period + int(lead_time)


@inner
def demand(demand, tables, state, active, first, last):  # type: ignore[no-untyped-def]
    """Draw the period's demand and add it to the open orders."""
    channels, skus = demand.kind.shape
    for world in range(first, last):
        if active[world]:
            seed, episode, period = state.seed[world], state.episode[world], state.period[world]
            recorded = recorded_period(demand, seed, episode, period)
            for channel in range(channels):
                for sku in range(skus):
                    units = demand_draw(demand, tables, seed, episode, period, channel, sku, recorded)
                    state.demand[world, channel, sku] = units
                    state.open_orders[world, channel, sku, 0] += units
                    if demand.history_slots > 0:
                        state.demand_history[world, period % demand.history_slots, channel, sku] = units
