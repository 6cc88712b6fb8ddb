"""The dynamics to read: a period as array functions of a batch of worlds, one function per phase.

`step` plays a period from `decide` to its end, then the next period's phases before `decide`. Nothing is changed in place.
`kernel` holds the same phases for speed; tests keep the two equal on every array. The arrays of a state are NumPy's, or units
and money are Torch's (`relaxation`), which then differentiates through every phase.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from allotment.engine import randomness
from allotment.engine.dynamics.allocation import reserve
from allotment.engine.dynamics.arrays import Array, like, namespace, now, only, plain, straight_through, sum_into, take, tracked
from allotment.engine.dynamics.expiry import expire
from allotment.engine.dynamics.feasibility import cut_requests
from allotment.engine.dynamics.fulfilment import fulfil
from allotment.engine.dynamics.money import charge, pay_at_the_end
from allotment.engine.dynamics.shipping import dispatch, receive, receive_at_once
from allotment.engine.dynamics.treasury import open_budgets, settle, spend, with_budgets
from allotment.engine.exponential import exponential
from allotment.engine.state import DECISION, Decision, Flows, State, empty_flows, empty_state, in_full
from allotment.scenario.problem import (
    CHARGE,
    DECIDE,
    DEMAND,
    EXPIRE,
    FULFIL,
    RECEIVE,
    ROUNDING,
    SETTLE,
    Flags,
    Integers,
    Problem,
)

LEAST_SMOOTH = 0.1  # units
SMOOTH = 0.1  # of a period's mean demand: unmet units by which most of a smooth change of goodwill has come


def step(problem: Problem, state: State, decision: Decision | Array) -> tuple[State, Flows]:
    """Return the state before the next decision and the record of the period; orders alone are (B, L, K) in units.

    A decision without an allocation leaves it to the scenario's rule. Raises `ValueError` where gradients are to be taken
    of a problem that is not `relaxed`.
    """
    decision = in_full(problem, decision if isinstance(decision, Decision) else Decision(decision))
    quantities = {name: getattr(decision, name) for name in DECISION}
    if not problem.rules.relaxed and tracked((*quantities.values(), *state)):
        raise ValueError("a world is differentiated in its continuous relaxation: make it with relaxation.relaxed")
    decision = Decision(**{name: like(state.on_hand, units) for name, units in quantities.items()})
    flows = Flows(*(like(state.on_hand, part) for part in empty_flows(problem, len(state.period))))
    ruled = left_to_rule(problem, decision)
    for phase in problem.clock.sequence[problem.clock.decide_at :]:
        state, flows = play_phase(ruled, int(phase), state, flows, decision)
    state, flows = pay_at_the_end(problem, state, flows)
    ended = state._replace(period=state.period + 1)
    over = problem.clock.season & (ended.period == problem.clock.length)
    return select(over, ended, begin_period(problem, ended)), flows


def left_to_rule(problem: Problem, decision: Decision) -> Problem:
    """Return the problem for a period in which the scenario's rule serves, where a policy allocates nothing."""
    left = problem.rules.allocates and decision.allocation is not None and decision.allocation.shape[1] == 0
    return problem._replace(rules=problem.rules._replace(allocates=False)) if left else problem


def play_phase(problem: Problem, phase: int, state: State, flows: Flows, decision: Decision | None) -> tuple[State, Flows]:
    """Play one phase of a period."""
    if phase == RECEIVE:
        return receive(problem, state), flows
    if phase == DECIDE:
        assert decision is not None
        return decide(problem, state, flows, decision)
    if phase == DEMAND:
        return demand(problem, state), flows
    if phase == FULFIL:
        return fulfil(problem, state, flows)
    if phase == EXPIRE:
        return expire(problem, state), flows
    if phase == SETTLE:
        return settle(problem, state), flows
    assert phase == CHARGE
    state, flows = charge(problem, state, flows)
    return remember(problem, state, flows), flows


def reset(problem: Problem, seeds: Integers, episodes: Integers) -> State:
    """Return the state of new episodes before their first decision; seeds and episode numbers are (B,)."""
    return begin_period(problem, opening(problem, seeds, episodes))


def opening(problem: Problem, seeds: Integers, episodes: Integers) -> State:
    """Return what new episodes begin with, before the first phase of their first period."""
    state = empty_state(problem, len(seeds))
    fresh = np.maximum(problem.goods.shelf_life - 1, 0)[:, None] == np.arange(problem.shape.lives)
    due = problem.channels.due[:, None, None] == np.arange(problem.shape.slots)
    state = state._replace(
        open_demand=np.broadcast_to(problem.channels.initial_open[..., None] * due, state.open_demand.shape),
        on_hand=np.broadcast_to(problem.sites.initial_stock[..., None] * fresh, state.on_hand.shape),
        regime=np.broadcast_to(problem.modulation.initial, state.regime.shape),
        cash=np.full(state.cash.shape, problem.treasury.cash),
        seed=np.array(seeds),
        episode=np.array(episodes),
    )
    return _with_orders_in_transit(problem, state, fresh)


def _with_orders_in_transit(problem: Problem, state: State, fresh: Flags) -> State:
    """Put what was ordered before an episode in transit; it arrives when its lead time, drawn then, is over, or now."""
    lanes, pipeline, arrival = problem.lanes, state.pipeline.copy(), state.arrival.copy()
    for position, units in enumerate(lanes.initial):
        ordered = -(position + 1) * np.ones(len(state.period), dtype=np.int64)
        lead_time = randomness.lead_times(problem, state.seed, state.episode, ordered)
        pipeline[:, ordered[0] % lanes.slots] = units[..., None] * fresh
        arrival[:, ordered[0] % lanes.slots] = np.maximum(ordered[:, None, None] + lead_time, 0)
    return state._replace(pipeline=pipeline, arrival=arrival, in_transit=pipeline.sum(axis=(1, 4)))


def select(chosen: Flags, one: State, other: State) -> State:
    """Return, world by world, one state where `chosen` (B,) and the other elsewhere."""
    if not np.any(chosen):
        return other

    def pick(a: Array, b: Array) -> Array:
        return namespace(a).where(like(a, chosen.reshape(-1, *[1] * (a.ndim - 1))), a, b)

    return State(*map(pick, one, other))


def begin_period(problem: Problem, state: State) -> State:
    """Open a period and play its phases before `decide`."""
    flows: Any = None
    state = open_period(problem, state)
    for phase in problem.clock.sequence[: problem.clock.decide_at]:
        state, flows = play_phase(problem, int(phase), state, flows, None)
    return state


def open_period(problem: Problem, state: State) -> State:
    """Open a period: handling is there again, open demand is a period older, and a budget period may begin."""
    xp = namespace(state.on_hand)
    state = open_budgets(problem, state)
    return state._replace(
        open_demand=_aged(problem, state.open_demand),
        handling_left=now(problem.sites.handling, state) + xp.zeros_like(state.handling_left),
        allocation=xp.zeros_like(state.allocation),
    )


def _aged(problem: Problem, open_demand: Array) -> Array:
    """Move open demand one slot on; those in the last slot wait there."""
    if open_demand.shape[-1] == 1:
        return open_demand
    xp, slots = namespace(open_demand), np.arange(open_demand.shape[-1])
    last = problem.channels.last[:, None]
    older = xp.concat([xp.zeros_like(open_demand[..., :1]), open_demand[..., :-1]], axis=-1)
    return only(older, (slots <= last)[:, None]) + only(open_demand, (slots == last)[:, None])


def decide(problem: Problem, state: State, flows: Flows, decision: Decision) -> tuple[State, Flows]:
    """Let what is decided begin, and what is there at once arrive."""
    state, flows = begin_decided(problem, state, flows, decision)
    return (receive_at_once(problem, state), flows) if problem.clock.received_first else (state, flows)


def begin_decided(problem: Problem, state: State, flows: Flows, decision: Decision) -> tuple[State, Flows]:
    """Set aside what the policy protects and reserves, cut its orders to what is possible, and ship them."""
    state = state._replace(protected=_units(problem, decision.protection) if problem.rules.protects else state.protected)
    if problem.rules.allocates:
        requests = _units(problem, decision.allocation)
        state, flows = reserve(
            problem, state._replace(allocation=requests), flows._replace(allocation_requested=requests), requests
        )
    state = with_budgets(problem, state, decision.budget)
    state, flows = cut_requests(problem, state, flows, decision.orders)
    state, flows = spend(problem, state, flows)
    return dispatch(problem, state, flows)


def _units(problem: Problem, decided: Array) -> Array:
    """Return decided quantities as units: not negative, whole where units are."""
    xp = namespace(decided)
    units = xp.clip(decided, min=0.0)
    return xp.floor(units + 0.5) if problem.rules.whole else units


def demand(problem: Problem, state: State) -> State:
    """Let regimes change, draw the period's demand and add it to the open demand."""
    state = with_next_regimes(problem, state)
    drawn = like(
        state.on_hand, randomness.demands(problem, multipliers(problem, state), state.seed, state.episode, state.period)
    )
    drawn = _following_goodwill(problem, state, drawn) if problem.rules.smooth_goodwill else drawn
    history = state.demand_history
    if problem.demand.history_slots and not problem.demand.of_sales:
        history = _noted(problem, state, drawn)
    new_orders = only(drawn[..., None], np.arange(state.open_demand.shape[-1]) == 0)
    return state._replace(demand=state.demand + drawn, open_demand=state.open_demand + new_orders, demand_history=history)


def _noted(problem: Problem, state: State, units: Array) -> Array:
    """Return the history with this period's units (B, C, K)."""
    slots = problem.demand.history_slots
    here = like(units, (state.period % slots)[:, None] == np.arange(slots))
    return namespace(units).where(here[:, :, None, None], units[:, None], state.demand_history)


def with_next_regimes(problem: Problem, state: State) -> State:
    """Let each Markov chain move on, but for an episode's first period."""
    modulation = problem.modulation
    if not len(modulation.initial):
        return state
    chance = randomness.uniforms(modulation.stream, state.seed, state.episode, state.period)
    rows = modulation.transition[np.arange(len(modulation.initial)), state.regime]
    following = (rows < chance[..., None]).sum(axis=-1)
    return state._replace(regime=np.where((state.period > 0)[:, None], following, state.regime))


def multipliers(problem: Problem, state: State) -> Array:
    """Return what goodwill and regimes make of the mean of demand, (B, C, K)."""
    modulation, shape = problem.modulation, (len(state.period), *problem.demand.kind.shape)
    multiplier = np.ones(shape)
    if state.goodwill.shape[1]:
        multiplier = multiplier * plain(state.goodwill)[:, modulation.goodwill_group][..., None]
    if len(modulation.initial):
        of_regimes = modulation.multiplier[np.arange(len(modulation.initial)), state.regime]
        multiplier = multiplier * np.where(modulation.regime >= 0, of_regimes[:, modulation.regime], 1.0)
    return multiplier


def _following_goodwill(problem: Problem, state: State, drawn: Array) -> Array:
    """Return demand (B, C, K) with the slope of its mean in goodwill: it rises and falls in proportion."""
    given = straight_through(state.goodwill, namespace(state.goodwill).zeros_like(state.goodwill))  # no gradient passes
    follows = problem.modulation.goodwill_group >= 0
    change = take(state.goodwill / given, np.maximum(problem.modulation.goodwill_group, 0), axis=1)[..., None]
    return straight_through(drawn, only(drawn * change, follows[:, None]))


def remember(problem: Problem, state: State, flows: Flows) -> State:
    """Let goodwill follow the period's service, and sales enter the history where demand is not seen."""
    if state.goodwill.shape[1]:
        state = state._replace(goodwill=_next_goodwill(problem, state, flows))
    if problem.demand.history_slots and problem.demand.of_sales:
        sales = sum_into(flows.shipped, problem.fulfilment.channel, problem.shape.channels)
        state = state._replace(demand_history=_noted(problem, state, sales))
    return state


def _next_goodwill(problem: Problem, state: State, flows: Flows) -> Array:
    """Return what goodwill becomes: worse where anything of its group is unmet, else better.

    Smooth, it has the slope of a change that comes little by little: 1 − exp(−unmet ÷ some) of it, of which some are a part of
    the group's mean demand.
    """
    modulation, xp = problem.modulation, namespace(state.goodwill)
    growth, decay, cap, floor = map(float, modulation.goodwill)
    unmet = sum_into((flows.open_demand + flows.lost).sum(axis=-1), modulation.goodwill_group, problem.shape.groups)
    worse, better = xp.clip(state.goodwill * decay, min=floor), xp.clip(state.goodwill * growth, max=cap)
    changed = xp.where(unmet > ROUNDING, worse, better)
    if not problem.rules.smooth_goodwill:
        return changed
    periods = np.arange(problem.clock.length) % len(problem.demand.mean)
    of_channels = problem.demand.mean[periods].mean(axis=0).sum(axis=-1)[None]
    mean = sum_into(of_channels, modulation.goodwill_group, problem.shape.groups)
    some = np.maximum(SMOOTH * mean[0], LEAST_SMOOTH)
    return straight_through(changed, better + (worse - better) * (1.0 - exponential(unmet / like(unmet, -some))))
