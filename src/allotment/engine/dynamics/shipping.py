"""Goods on their way: leaving a source by the SKU's issue rule, arriving when their lead time is over, joining what fits."""

from __future__ import annotations

import numpy as np

from allotment.engine import randomness
from allotment.engine.dynamics.arrays import Array, guarded, like, namespace, now, only, rounding_error, sum_into, take
from allotment.engine.dynamics.feasibility import plant_yield
from allotment.engine.state import Flows, State
from allotment.scenario.problem import IN_ORDER, KAPLAN, Flags, Integers, Problem


def dispatch(problem: Problem, state: State, flows: Flows) -> tuple[State, Flows]:
    """Let what was executed leave its sources, and draw when it will arrive."""
    xp, n, lanes = namespace(flows.executed), problem.shape, problem.lanes
    used = sum_into(flows.executed, lanes.site, n.sites)
    leaving = used
    if problem.sites.plant.any():
        leaving = used / plant_yield(problem, state)[..., None]
    on_hand, by_life = issued(problem, state.on_hand, leaving)
    executed = _with_lives(problem, flows.executed, by_life, used)
    worlds = _worlds_that_differ(problem, state)
    here = _slot_of_now(problem, state)[worlds]
    arrival = np.where(here[..., None, None], _arrivals(problem, state)[worlds, None], state.arrival[worlds])
    state = state._replace(
        on_hand=on_hand,
        pipeline=state.pipeline + only(executed[:, None], here[..., None, None, None]),
        arrival=np.broadcast_to(arrival, state.arrival.shape),
        in_transit=state.in_transit + flows.executed,
        handling_left=xp.clip(state.handling_left - xp.sum(used, axis=-1), min=0.0),
    )
    return state, flows._replace(consumed=leaving - used)


def issued(problem: Problem, on_hand: Array, units: Array) -> tuple[Array, Array]:
    """Take units (B, S, K) out of stock (B, S, K, A): the oldest first, or the freshest; returns stock and what was taken."""
    xp = namespace(on_hand)
    lives = on_hand.shape[-1]
    if lives == 1:
        return xp.clip(on_hand - units[..., None], min=0.0), units[..., None]
    columns = [xp.zeros_like(units)] * lives
    for order, chosen in ((range(lives), ~problem.goods.lifo), (range(lives - 1, -1, -1), problem.goods.lifo)):
        wanted = only(units, chosen)
        for life in order:
            part = xp.minimum(wanted, on_hand[..., life])
            columns[life] = columns[life] + part
            wanted = wanted - part
    taken = xp.stack(columns, axis=-1)
    return xp.clip(on_hand - taken, min=0.0), taken


def _with_lives(problem: Problem, executed: Array, by_life: Array, used: Array) -> Array:
    """Return what leaves on each lane by remaining life, (B, L, K, A): fresh from suppliers and plants, else as it left.

    Lanes that leave a site together take the same mix of lives, unit by unit in the order of priority and file.
    """
    xp, lanes, lives = namespace(executed), problem.lanes, by_life.shape[-1]
    if lives == 1:
        return executed[..., None]
    fresh = like(executed, np.maximum(problem.goods.shelf_life - 1, 0)[:, None] == np.arange(lives))
    parts = {}
    left = [by_life[:, site] for site in range(problem.shape.sites)]
    for lane in lanes.order:
        source = lanes.site[lane]
        if source < 0 or problem.sites.plant[source]:
            parts[int(lane)] = executed[:, lane, :, None] * fresh
            continue
        parts[int(lane)], left[source] = _first_of(problem, left[source], executed[:, lane])
    return xp.stack([parts[lane] for lane in range(len(lanes.to))], axis=1)


def _first_of(problem: Problem, taken: Array, units: Array) -> tuple[Array, Array]:
    """Return units (B, K) by life from what was taken (B, K, A), in the SKU's issue order, and what is left of it."""
    rest, part = issued(problem, taken[:, None], units[:, None])
    return part[:, 0], rest[:, 0]


def _arrivals(problem: Problem, state: State) -> Integers:
    """Return the period in which what is ordered now arrives, (B, L, draws): -1 for never, or not known on Kaplan's lanes."""
    lanes = problem.lanes
    drawn = state.period[:, None, None] + randomness.lead_times(problem, state.seed, state.episode, state.period)
    in_order = (lanes.crossing == IN_ORDER)[:, None]
    if in_order.any():
        drawn = np.where(in_order, np.maximum(drawn, state.arrival.max(axis=1)), drawn)
    if (lanes.lost > 0.0).any():
        chance = randomness.uniforms(lanes.lost_stream.ravel(), state.seed, state.episode, state.period)
        drawn = np.where(chance.reshape(-1, *lanes.lost_stream.shape) < lanes.lost[:, None], -1, drawn)
    return np.where((lanes.crossing == KAPLAN)[:, None], -1, drawn)


def receive(problem: Problem, state: State) -> State:
    """Let what arrives in this period join the stock."""
    return given_up(problem, join(problem, state, arriving(problem, state)))


def receive_at_once(problem: Problem, state: State) -> State:
    """Let what was ordered in this period with lead time 0 join the stock, once every lane has shipped."""
    here = _slot_of_now(problem, state)[_worlds_that_differ(problem, state)]
    return given_up(problem, join(problem, state, arriving(problem, state) & here[..., None, None]))


def given_up(problem: Problem, state: State) -> State:
    """Give up what has not arrived in its lane's longest lead time: it never will."""
    lanes = problem.lanes
    if not (lanes.lost > 0.0).any():
        return state
    age = (state.period[:, None] - np.arange(lanes.slots)) % lanes.slots
    gone = only(state.pipeline, ((age[..., None] == lanes.longest) & (lanes.lost > 0.0))[..., None, None])
    units = namespace(gone).sum(gone, axis=(1, 4))
    return state._replace(
        pipeline=state.pipeline - gone,
        in_transit=namespace(gone).clip(state.in_transit - units, min=0.0),
        vanished=state.vanished + units,
    )


def _slot_of_now(problem: Problem, state: State) -> Flags:
    """Return which slot holds what is ordered in this period, (B, N)."""
    return (state.period % problem.lanes.slots)[:, None] == np.arange(problem.lanes.slots)


def _worlds_that_differ(problem: Problem, state: State) -> slice:
    """Return the worlds in which different goods may arrive: one stands for all in one period of constant lead times."""
    certain = (problem.lanes.constant >= 0) & (problem.lanes.lost == 0.0)
    alike = certain.all() and (state.period == state.period[0]).all()
    return slice(0, 1) if alike else slice(None)


def arriving(problem: Problem, state: State) -> Flags:
    """Return which shipments arrive in this period, (B, N, L, draws), or (1, N, L, draws) where worlds do not differ."""
    worlds = _worlds_that_differ(problem, state)
    arrives = state.arrival[worlds] == state.period[worlds, None, None, None]
    kaplan = problem.lanes.crossing == KAPLAN
    if not kaplan.any():
        return arrives
    oldest = randomness.lead_times(problem, state.seed, state.episode, state.period)
    age = (state.period[:, None] - np.arange(problem.lanes.slots)) % problem.lanes.slots
    return np.where(kaplan[:, None], age[:, :, None, None] >= oldest[:, None], arrives)


def join(problem: Problem, state: State, arrives: Flags) -> State:
    """Move the shipments that arrive into the stock of the sites they lead to, as far as there is room."""
    xp, n = namespace(state.pipeline), problem.shape
    moved = only(state.pipeline, arrives[..., None])
    by_lane = xp.sum(moved, axis=1)
    in_transit = xp.clip(state.in_transit - xp.sum(by_lane, axis=-1), min=0.0)
    discarded = state.discarded
    if not np.isinf(problem.sites.storage).all():
        accepted = accepted_of(problem, state, moved)
        discarded = discarded + xp.sum(moved - accepted, axis=(1, 4))
        by_lane = xp.sum(accepted, axis=1)
    return state._replace(
        on_hand=state.on_hand + sum_into(by_lane, problem.lanes.to, n.sites),
        received=state.received + xp.sum(by_lane, axis=-1),
        discarded=discarded,
        pipeline=state.pipeline - moved,
        in_transit=in_transit,
    )


def accepted_of(problem: Problem, state: State, moved: Array) -> Array:
    """Return what the sites have room for of what arrives, (B, N, L, K, A): of each shipment the same share."""
    xp = namespace(moved)
    share = _share_with_room(problem, state, moved)
    lane_share = take(share, problem.lanes.to, 1)[:, None, :, None, None]
    fitting = moved * lane_share
    fitting = xp.floor(fitting + rounding_error(fitting)) if problem.rules.whole else fitting
    return xp.where(lane_share < 1.0, fitting, moved)


def _share_with_room(problem: Problem, state: State, moved: Array) -> Array:
    """Return the share of what arrives at each site that it has room for, (B, S)."""
    xp, n, volume = namespace(moved), problem.shape, like(moved, problem.goods.volume)
    coming = xp.sum(sum_into(xp.sum(moved, axis=(1, 4)), problem.lanes.to, n.sites) * volume, axis=-1)
    held = xp.sum(xp.sum(state.on_hand, axis=-1) * volume, axis=-1)
    room = xp.clip(now(problem.sites.storage, state) - held, min=0.0)
    fitting = guarded(xp.minimum(room, coming), coming, 1.0)
    return xp.where(like(fitting, problem.sites.overflow_charged), xp.ones_like(fitting), fitting)
