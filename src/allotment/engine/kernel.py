"""The dynamics for one processor core: the same phases as `dynamics`, in the same order, fused by Numba.

Arrays are changed in place. Functions take the parts of the problem and the state that they use: Numba compiles a function
in time proportional to the arrays it is handed.
"""

from __future__ import annotations

import numpy as np

from allotment.engine.compiled import entry, inner
from allotment.engine.kernel_cuts import cut_requests
from allotment.engine.kernel_fulfilment import fulfil
from allotment.engine.kernel_money import charge
from allotment.engine.randomness import demand_draw, lead_time_draw, recorded_period
from allotment.scenario.problem import DECIDE, DEMAND, FULFIL, RECEIVE


@entry
def step(problem, state, flows, orders):  # type: ignore[no-untyped-def]
    """Play one period of every world from `decide` on, then the next period's phases before `decide`.

    `orders` is (B, L, K) in units; `flows` receives the record of the period just closed. The world of a season that has
    ended stays as it was when it ended.
    """
    clock = problem.clock
    amounts = np.empty(orders.shape[1] * orders.shape[2] + problem.serving.pair_lane.shape[0])
    levels = np.empty(amounts.shape[0], dtype=np.int64)
    for world in range(orders.shape[0]):
        for place in range(clock.decide_at, clock.sequence.shape[0]):
            phase = clock.sequence[place]
            if phase == RECEIVE:
                receive(problem.lanes, state, world)
            elif phase == DECIDE:
                cut_requests(problem.lanes, problem.sharing, state.on_hand, flows, orders, world, amounts, levels)
                dispatch(clock, problem.lanes, problem.tables, state, flows.executed, world)
            elif phase == DEMAND:
                demand(problem.demand, problem.tables, state, world)
            elif phase == FULFIL:
                fulfil(problem.serving, problem.sharing, problem.lanes.site, state, flows, world, amounts, levels)
            else:
                charge(clock, problem.lanes.to, problem.serving, problem.prices, state, flows, world)
        state.period[world] += 1
        if not (clock.season and state.period[world] == clock.length):
            begin_period(problem, state, world)


@entry
def reset(problem, state, worlds, seeds, episodes):  # type: ignore[no-untyped-def]
    """Start an episode in each of `worlds` (n,), with its seed and episode number, and play up to its first `decide`."""
    for place in range(worlds.shape[0]):
        world = worlds[place]
        empty(problem.sharing.initial_stock, state, world)
        state.period[world] = 0
        state.seed[world] = seeds[place]
        state.episode[world] = episodes[place]
        begin_period(problem, state, world)


@inner
def empty(initial_stock, state, world):  # type: ignore[no-untyped-def]
    """Put one world back to its initial stock, with nothing under way and nothing owed."""
    for site in range(initial_stock.shape[0]):
        for sku in range(initial_stock.shape[1]):
            state.on_hand[world, site, sku, 0] = initial_stock[site, sku]
    state.in_transit[world] = 0.0
    state.arrival[world] = -1
    state.open_orders[world] = 0.0
    state.demand_history[world] = 0.0


@inner
def begin_period(problem, state, world):  # type: ignore[no-untyped-def]
    """Open a period's record and play the phases before `decide`."""
    state.demand[world] = 0.0
    state.received[world] = 0.0
    for place in range(problem.clock.decide_at):
        if problem.clock.sequence[place] == RECEIVE:
            receive(problem.lanes, state, world)
        else:
            demand(problem.demand, problem.tables, state, world)


@inner
def receive(lanes, state, world):  # type: ignore[no-untyped-def]
    """Move what arrives in this period into stock."""
    period = state.period[world]
    for slot in range(state.arrival.shape[1]):
        for lane in range(state.arrival.shape[2]):
            if state.arrival[world, slot, lane] == period:
                join(lanes.to[lane], state, world, slot, lane)


@inner
def join(site, state, world, slot, lane):  # type: ignore[no-untyped-def]
    """Move one shipment from its lane into the stock of the site it leads to."""
    for sku in range(state.on_hand.shape[2]):
        units = state.in_transit[world, slot, lane, sku, 0]
        state.on_hand[world, site, sku, 0] += units
        state.received[world, lane, sku] += units
        state.in_transit[world, slot, lane, sku, 0] = 0.0


@inner
def dispatch(clock, lanes, tables, state, executed, world):  # type: ignore[no-untyped-def]
    """Ship what can be executed; what has lead time 0 joins once every lane has shipped."""
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
        lead_time = lead_time_draw(lanes, tables, state.seed[world], state.episode[world], period, lane)
        state.arrival[world, slot, lane] = period + lead_time
    if clock.received_first:
        for lane in range(lanes.site.shape[0]):
            if state.arrival[world, slot, lane] == period:
                join(lanes.to[lane], state, world, slot, lane)


@inner
def demand(demand, tables, state, world):  # type: ignore[no-untyped-def]
    """Draw the period's demand and add it to the open orders."""
    seed, episode, period = state.seed[world], state.episode[world], state.period[world]
    recorded = recorded_period(demand, seed, episode, period)
    channels, skus = demand.kind.shape
    for channel in range(channels):
        for sku in range(skus):
            units = demand_draw(demand, tables, seed, episode, period, channel, sku, recorded)
            state.demand[world, channel, sku] = units
            state.open_orders[world, channel, sku, 0] += units
            if demand.history_slots > 0:
                state.demand_history[world, period % demand.history_slots, channel, sku] = units
