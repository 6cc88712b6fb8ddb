"""Fulfilment: claims (fulfilment lane, SKU, due slot) in the order of the scenario's rule, group by group.

The claims of a group rank equally at one site; where something is scarce they share it in proportion to what they want, and
what one of them cannot take goes to the next in line. Commitments are served before all else. Where the policy decides, its
allocation takes the place of the rule. What is not served when it is due is lost, or waits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import is_torch_array

from allotment.engine import randomness
from allotment.engine.dynamics.allocation import ship_requests
from allotment.engine.dynamics.arrays import Array, add_at, at, like, namespace, only, sum_into
from allotment.engine.dynamics.claims import Remaining, ship, start, within_limits
from allotment.engine.dynamics.shipping import issued
from allotment.engine.state import Flows, State
from allotment.scenario.problem import Integers, Problem


def fulfil(problem: Problem, state: State, flows: Flows) -> tuple[State, Flows]:
    """Ship in the order of the rule; then what is not served when due is lost or waits."""
    left = start(problem, state)
    if problem.rules.allocates and problem.clock.demand_first:
        left, flows = ship_requests(problem, state, flows, left)
    else:
        left = _ship_commitments(problem, state, left)
        for begin, end in zip(problem.claims.group_start[:-1], problem.claims.group_start[1:], strict=True):
            left = _serve_group(problem, state, left, slice(begin, end))
    return _settle(problem, state, left), flows


def _serve_group(problem: Problem, state: State, left: Remaining, claims: slice) -> Remaining:
    """Ship to the claims of one group as much as they want and stock, lanes and handling allow."""
    fulfilment = problem.fulfilment
    lanes, skus, slots = problem.claims.lane[claims], problem.claims.sku[claims], problem.claims.slot[claims]
    wanted = _accepted(problem, state, at(left.open_demand, (fulfilment.channel[lanes], skus, slots)), lanes, skus, slots)
    units = within_limits(problem, state, left, lanes, skus, wanted)
    left = ship(problem, left, lanes, skus, slots, units)
    if len(lanes) == 1 or not topped_up(problem):
        return left
    missing = wanted - units
    for place in range(len(lanes)):  # what a full lane or site left over goes to the next in line
        one = slice(place, place + 1)
        more = within_limits(problem, state, left, lanes[one], skus[one], missing[:, one])
        if is_torch_array(more) or more.any():  # what a tensor holds is not looked at: that would wait for its device
            left = ship(problem, left, lanes[one], skus[one], slots[one], more)
    return left


def topped_up(problem: Problem) -> bool:
    """Tell whether several limits bind a group, so that one claim may leave what another can take."""
    limited = np.isfinite(problem.fulfilment.capacity).any() or np.isfinite(problem.sites.handling).any()
    return bool(limited and (problem.rules.largest_remainder or not problem.rules.whole))


def _accepted(problem: Problem, state: State, wanted: Array, lanes: Integers, skus: Integers, slots: Integers) -> Array:
    """Return the units (B, n) whose customers accept to be served by a lane."""
    chance = problem.fulfilment.accept[lanes]
    if (chance >= 1.0).all():
        return wanted
    if not problem.rules.whole:
        return wanted * like(wanted, chance)
    streams = further_streams(problem.fulfilment.accept_stream[lanes, skus], slots)
    drawn = randomness.coming_through(streams, wanted, chance, state.seed, state.episode, state.period)
    return namespace(wanted).where(like(wanted, chance >= 1.0), wanted, drawn)


def further_streams(streams: Any, numbers: Integers) -> Any:
    """Return the streams of the draws with these numbers, as `randomness.further_stream`."""
    with np.errstate(over="ignore"):
        return streams + numbers.astype(np.uint64) * randomness.NEXT


def _ship_commitments(problem: Problem, state: State, left: Remaining) -> Remaining:
    """Ship what is promised, the most valuable channel first, each by its best lane first and its oldest orders first."""
    xp, fulfilment = namespace(left.late), problem.fulfilment
    promised = like(left.late, problem.channels.commitment) + xp.zeros_like(left.late)
    for lane, sku in zip(problem.claims.promised_lane, problem.claims.promised_sku, strict=True):
        channel = fulfilment.channel[lane]
        for slot in range(fulfilment.latest[lane], -1, -1):
            lanes, skus, slots = np.array([lane]), np.array([sku]), np.array([slot])
            wanted = xp.minimum(left.open_demand[:, channel, sku, slot], promised[:, channel, sku])[:, None]
            units = within_limits(problem, state, left, lanes, skus, wanted)
            left = ship(problem, left, lanes, skus, slots, units)
            promised = add_at(promised, (np.array([channel]), skus), -units)
    return left


def _settle(problem: Problem, state: State, left: Remaining) -> State:
    """Take what was shipped out of stock; let what was not served when due wait, or lose it."""
    xp, fulfilment = namespace(left.shipped), problem.fulfilment
    by_site = sum_into(left.shipped, fulfilment.site, problem.shape.sites)
    on_hand, _ = issued(problem, state.on_hand, by_site)
    lost, late, columns = xp.zeros_like(left.late), left.late, []
    for slot in range(left.open_demand.shape[-1]):
        units = left.open_demand[..., slot]
        kept, due_now = units, (problem.channels.due == slot)[:, None]
        if due_now.any():
            stays = _staying(problem, state, units)
            late = late + only(stays, due_now)
            kept = xp.where(like(units, due_now), stays, units)
        kept = only(kept, ~((problem.channels.last == slot) & ~problem.channels.open_ended)[:, None])
        lost = lost + units - kept
        columns.append(kept)
    late = only(late, (problem.channels.last > problem.channels.due)[:, None])
    return state._replace(
        on_hand=on_hand,
        open_demand=xp.stack(columns, axis=-1),
        reserved=xp.zeros_like(state.reserved),
        shipped=state.shipped + left.shipped,
        on_time=state.on_time + left.on_time,
        lost=state.lost + lost,
        late=state.late + late,
        handling_left=xp.clip(left.handling, min=0.0),
    )


def _staying(problem: Problem, state: State, units: Array) -> Array:
    """Return the units (B, C, K) that wait where they are not served when due: a draw for each channel and SKU."""
    stays = problem.channels.stays[:, None]
    if not problem.rules.whole or ((stays == 0.0) | (stays == 1.0)).all():
        return units * like(units, stays)
    return randomness.coming_through(problem.channels.stays_stream, units, stays, state.seed, state.episode, state.period)
