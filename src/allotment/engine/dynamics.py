"""The dynamics to read: a period as array functions of a batch of worlds, one function per phase.

`step` plays a period from `decide` to its end, then the next period's phases before `decide`. Nothing is changed in place.
`kernel` holds the same phases for speed; tests keep the two equal on every array.
"""

from __future__ import annotations

import numpy as np

from allotment.engine import randomness
from allotment.engine.cuts import cut_requests
from allotment.engine.fulfilment import fulfil
from allotment.engine.money import charge
from allotment.engine.state import Flows, State, empty_flows, empty_state
from allotment.scenario.problem import CHARGE, DECIDE, DEMAND, FULFIL, RECEIVE, Flags, Floats, Integers, Problem


def step(problem: Problem, state: State, orders: Floats) -> tuple[State, Flows]:
    """Return the state before the next decision and the record of the period; `orders` is (B, L, K) in units."""
    flows = empty_flows(problem, len(orders))
    for phase in problem.clock.sequence[problem.clock.decide_at :]:
        if phase == RECEIVE:
            state = receive(problem, state)
        elif phase == DECIDE:
            state, flows = decide(problem, state, flows, orders)
        elif phase == DEMAND:
            state = demand(problem, state)
        elif phase == FULFIL:
            state, flows = fulfil(problem, state, flows)
        elif phase == CHARGE:
            flows = charge(problem, state, flows)
    ended = state._replace(period=state.period + 1)
    over = problem.clock.season & (ended.period == problem.clock.length)
    return select(over, ended, begin_period(problem, ended)), flows


def reset(problem: Problem, seeds: Integers, episodes: Integers) -> State:
    """Return the state of new episodes before their first decision; seeds and episode numbers are (B,)."""
    state = empty_state(problem, len(seeds))
    stock = np.broadcast_to(problem.sharing.initial_stock[None, :, :, None], state.on_hand.shape)
    return begin_period(problem, state._replace(on_hand=stock, seed=np.array(seeds), episode=np.array(episodes)))


def select(chosen: Flags, one: State, other: State) -> State:
    """Return, world by world, one state where `chosen` (B,) and the other elsewhere."""

    def pick(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.where(chosen.reshape(-1, *[1] * (a.ndim - 1)), a, b)

    return State(*map(pick, one, other))


def begin_period(problem: Problem, state: State) -> State:
    """Open a period's record and play the phases before `decide`."""
    state = state._replace(demand=np.zeros_like(state.demand), received=np.zeros_like(state.received))
    for phase in problem.clock.sequence[: problem.clock.decide_at]:
        state = receive(problem, state) if phase == RECEIVE else demand(problem, state)
    return state


def receive(problem: Problem, state: State) -> State:
    """Move what arrives in this period into stock."""
    return _join(problem, state, state.arrival == state.period[:, None, None])


def _join(problem: Problem, state: State, arriving: Flags) -> State:
    """Move the shipments marked in `arriving` (B, order slots, L) into the stock of the sites they lead to."""
    moved = np.where(arriving[..., None, None], state.in_transit, 0.0)
    by_lane = moved.sum(axis=1)
    return state._replace(
        on_hand=state.on_hand + _by_destination(problem, by_lane),
        received=state.received + by_lane.sum(axis=-1),
        in_transit=state.in_transit - moved,
    )


def _by_destination(problem: Problem, by_lane: Floats) -> Floats:
    """Sum lanes (B, L, K, A) into the sites they lead to (B, S, K, A)."""
    leads_to = problem.lanes.to[None, :] == np.arange(len(problem.sharing.handling))[:, None]
    return np.einsum("sl,blka->bska", leads_to.astype(float), by_lane)


def _by_source(problem: Problem, by_lane: Floats) -> Floats:
    """Sum lanes (B, L, K, A) into the sites they leave (B, S, K, A); lanes of suppliers leave none."""
    leaves = problem.lanes.site[None, :] == np.arange(len(problem.sharing.handling))[:, None]
    return np.einsum("sl,blka->bska", leaves.astype(float), by_lane)


def decide(problem: Problem, state: State, flows: Flows, orders: Floats) -> tuple[State, Flows]:
    """Cut the requests to what is possible and ship them; what has lead time 0 joins once every lane has shipped."""
    flows = cut_requests(problem, state, flows, orders)
    executed = flows.executed[..., None]
    slot = (state.period % problem.lanes.slots)[:, None] == np.arange(problem.lanes.slots)
    lead_times = randomness.lead_times(problem, state.seed, state.episode, state.period)
    arrival = state.period[:, None] + lead_times
    state = state._replace(
        on_hand=np.maximum(state.on_hand - _by_source(problem, executed), 0.0),
        in_transit=np.where(slot[:, :, None, None, None], executed[:, None], state.in_transit),
        arrival=np.where(slot[:, :, None], arrival[:, None], state.arrival),
    )
    if problem.clock.received_first:
        state = _join(problem, state, slot[:, :, None] & (state.arrival == state.period[:, None, None]))
    return state, flows


def demand(problem: Problem, state: State) -> State:
    """Draw the period's demand and add it to the open orders."""
    drawn = randomness.demand(problem, state.seed, state.episode, state.period)
    history = state.demand_history
    if problem.demand.history_slots:
        slot = (state.period % problem.demand.history_slots)[:, None] == np.arange(problem.demand.history_slots)
        history = np.where(slot[:, :, None, None], drawn[:, None], history)
    return state._replace(demand=drawn, open_orders=state.open_orders + drawn[..., None], demand_history=history)
