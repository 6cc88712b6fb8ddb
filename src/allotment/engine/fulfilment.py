"""Serving customers: claims (fulfilment lane, SKU, due slot) in the order of the scenario's rule, group by group.

The claims of a group rank equally at one site; where something is scarce they share it in proportion to what they want, and
what one of them cannot take goes to the next in line. Commitments are served before all else. Where the policy decides, its
allocation takes the place of the rule. What is not served when it is due is lost, or waits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from allotment.engine import randomness
from allotment.engine.arrays import Array, add_at, at, like, namespace, now, only, put_at, sum_into, take
from allotment.engine.rationing import share
from allotment.engine.shipping import issued
from allotment.engine.state import Flows, State, reserves
from allotment.scenario.problem import CODES, ROUNDING, Integers, Problem


@dataclass(frozen=True)
class Left:
    """What can still be shipped, and what has been, as claims are served."""

    free: Array  # (B, S, K) units that are set aside for nobody
    reserved: Array  # (B, S, C, K) units set aside; no entries where nothing can be
    open_orders: Array  # (B, C, K, D) units
    lane: Array  # (B, F) units
    handling: Array  # (B, S) units
    shipped: Array  # (B, F, K) units
    on_time: Array  # (B, C, K) units shipped to arrive when due
    late: Array  # (B, C, K) units shipped too late for that


def fulfil(problem: Problem, state: State, flows: Flows) -> tuple[State, Flows]:
    """Ship in the order of the rule; then what is not served when due is lost or waits."""
    left = start(problem, state)
    if problem.rules.allocates and problem.clock.demand_first:
        left, flows = _ship_offers(problem, state, flows, left)
    else:
        left = _ship_commitments(problem, state, left)
        for begin, end in zip(problem.serving.group_start[:-1], problem.serving.group_start[1:], strict=True):
            left = _serve_group(problem, state, left, slice(begin, end))
    return _settle(problem, state, left), flows


def start(problem: Problem, state: State) -> Left:
    """Return what can be shipped before anybody is served."""
    xp = namespace(state.on_hand)
    free, reserved = xp.sum(state.on_hand, axis=-1), state.reserved
    if reserved.shape[1]:  # which stock that has expired since leaves no more of
        reserved = xp.moveaxis(share(problem.rules, xp.moveaxis(reserved, 2, -1), free), -1, 2)
        free = xp.clip(free - xp.sum(reserved, axis=2), min=0.0)
    return Left(
        free=free,
        reserved=reserved,
        open_orders=state.open_orders,
        lane=now(problem.serving.capacity, state) + xp.zeros_like(state.shipped[..., 0]),
        handling=state.handling_left,
        shipped=xp.zeros_like(state.shipped),
        on_time=xp.zeros_like(state.late),
        late=xp.zeros_like(state.late),
    )


def _serve_group(problem: Problem, state: State, left: Left, claims: slice) -> Left:
    """Ship to the claims of one group as much as they want and stock, lanes and handling allow."""
    serving = problem.serving
    lanes, skus, slots = serving.claim_lane[claims], serving.claim_sku[claims], serving.claim_slot[claims]
    wanted = _accepted(problem, state, at(left.open_orders, (serving.channel[lanes], skus, slots)), lanes, skus, slots)
    units = _within_limits(problem, state, left, lanes, skus, wanted)
    left = _ship(problem, left, lanes, skus, slots, units)
    if len(lanes) == 1 or not _topped_up(problem):
        return left
    for place in range(len(lanes)):  # what a full lane or site left over goes to the next in line
        one = slice(place, place + 1)
        more = _within_limits(problem, state, left, lanes[one], skus[one], (wanted - units)[:, one])
        left = _ship(problem, left, lanes[one], skus[one], slots[one], more)
    return left


def _topped_up(problem: Problem) -> bool:
    """Tell whether several limits bind a group, so that one claim may leave what another can take."""
    limited = np.isfinite(problem.serving.capacity).any() or np.isfinite(problem.sites.handling).any()
    return bool(limited and (problem.rules.largest_remainder or not problem.rules.whole))


def _accepted(problem: Problem, state: State, wanted: Array, lanes: Integers, skus: Integers, slots: Integers) -> Array:
    """Return the units (B, n) whose customers accept to be served by a lane."""
    chance = problem.serving.accept[lanes]
    if (chance >= 1.0).all():
        return wanted
    if not problem.rules.whole:
        return wanted * like(wanted, chance)
    streams = further_streams(problem.serving.accept_stream[lanes, skus], slots)
    drawn = randomness.coming_through(streams, wanted, chance, state.seed, state.episode, state.period)
    return namespace(wanted).where(like(wanted, chance >= 1.0), wanted, drawn)


def further_streams(streams: Any, numbers: Integers) -> Any:
    """Return the streams of the draws with these numbers, as `randomness.further_stream`."""
    with np.errstate(over="ignore"):
        return streams + numbers.astype(np.uint64) * randomness.NEXT


def _within_limits(problem: Problem, state: State, left: Left, lanes: Integers, skus: Integers, wanted: Array) -> Array:
    """Cut what claims of one site want (B, n) in proportion: to reserves and stock, each lane, and the site's handling."""
    xp, site, rules = namespace(wanted), problem.serving.site[lanes[0]], problem.rules
    from_own = _from_reserves(problem, left, lanes, skus, wanted)
    from_free = wanted - from_own
    for sku in np.unique(skus):
        members = np.flatnonzero(skus == sku)
        from_free = _from_free(problem, state, left, lanes, members, int(sku), from_free)
    units = from_own + from_free
    for lane in np.unique(lanes):
        if np.isfinite(problem.serving.capacity[:, lane]).any():
            members = np.flatnonzero(lanes == lane)
            given = share(rules, take(units, members, 1), xp.clip(left.lane[:, lane], min=0.0))
            units = put_at(units, (members,), given)
    if np.isfinite(problem.sites.handling[:, site]).any():
        units = share(rules, units, xp.clip(left.handling[:, site], min=0.0))
    return units


def _from_reserves(problem: Problem, left: Left, lanes: Integers, skus: Integers, wanted: Array) -> Array:
    """Return what claims (B, n) take of what is set aside for their channel; several of one channel share it."""
    if left.reserved.shape[1] == 0:
        return namespace(wanted).zeros_like(wanted)
    taken = wanted
    for lane, sku in sorted(set(zip(lanes.tolist(), skus.tolist(), strict=True))):
        members = np.flatnonzero((lanes == lane) & (skus == sku))
        own = left.reserved[:, problem.serving.site[lane], problem.serving.channel[lane], sku]
        taken = put_at(taken, (members,), share(problem.rules, take(taken, members, 1), own))
    return taken


def _from_free(
    problem: Problem, state: State, left: Left, lanes: Integers, members: Integers, sku: int, wanted: Array
) -> Array:
    """Return what claims (B, n) take of a site's free stock of a SKU: each class and those below, of what is not protected."""
    xp, site = namespace(wanted), problem.serving.site[lanes[0]]
    rank = problem.serving.rank[problem.serving.channel[lanes[members]]]
    for above in range(state.protected.shape[2] - 1, -1, -1) if state.protected.shape[2] else (0,):
        free, below = left.free[:, site, sku], members[rank >= above]
        if above:
            free = xp.clip(free - xp.max(state.protected[:, site, :above, sku], axis=1), min=0.0)
        wanted = put_at(wanted, (below,), share(problem.rules, take(wanted, below, 1), free))
    return wanted


def _ship(problem: Problem, left: Left, lanes: Integers, skus: Integers, slots: Integers, units: Array) -> Left:
    """Ship units (B, n) to claims of one site, out of their own reserve first."""
    xp, serving = namespace(units), problem.serving
    site, channel = serving.site[lanes], serving.channel[lanes]
    in_time = slots <= serving.on_time[lanes]
    late = ~in_time & (slots <= serving.due[channel])
    free, reserved = left.free, left.reserved
    if reserved.shape[1]:
        moved = add_at(xp.zeros_like(reserved), (site, channel, skus), units)
        from_own = xp.minimum(moved, reserved)
        free, reserved = free - xp.sum(moved - from_own, axis=2), reserved - from_own
    else:
        free = add_at(free, (site, skus), -units)
    return replace(
        left,
        free=xp.clip(free, min=0.0),
        reserved=reserved,
        open_orders=xp.clip(add_at(left.open_orders, (channel, skus, slots), -units), min=0.0),
        lane=add_at(left.lane, (lanes,), -units),
        handling=add_at(left.handling, (site,), -units),
        shipped=add_at(left.shipped, (lanes, skus), units),
        on_time=add_at(left.on_time, (channel, skus), only(units, in_time)),
        late=add_at(left.late, (channel, skus), only(units, late)) if late.any() else left.late,
    )


def _ship_commitments(problem: Problem, state: State, left: Left) -> Left:
    """Ship what is promised, the most valuable channel first, each by its best lane first and its oldest orders first."""
    xp, serving = namespace(left.late), problem.serving
    promised = like(left.late, serving.commitment) + xp.zeros_like(left.late)
    for lane, sku in zip(serving.promised_lane, serving.promised_sku, strict=True):
        channel = serving.channel[lane]
        for slot in range(min(serving.latest[lane], serving.last[channel]), -1, -1):
            lanes, skus, slots = np.array([lane]), np.array([sku]), np.array([slot])
            wanted = xp.minimum(left.open_orders[:, channel, sku, slot], promised[:, channel, sku])[:, None]
            units = _within_limits(problem, state, left, lanes, skus, wanted)
            left = _ship(problem, left, lanes, skus, slots, units)
            promised = add_at(promised, (np.array([channel]), skus), -units)
    return left


def _ship_offers(problem: Problem, state: State, flows: Flows, left: Left) -> tuple[Left, Flows]:
    """Ship what the policy allocates, cut as `allocation.project` cuts it, the oldest orders first; cuts have a reason."""
    serving, slots = problem.serving, left.open_orders.shape[-1]
    wanted = _wanted_of_offers(problem, left.open_orders, state.offered)
    reasons, granted = flows.offer_reason, namespace(wanted).zeros_like(wanted)
    for site in np.unique(serving.site):
        members = np.flatnonzero(serving.site == site)
        lanes, skus = (axis.ravel() for axis in np.meshgrid(members, np.arange(problem.shape.skus), indexing="ij"))
        units = _within_limits(problem, state, left, lanes, skus, at(wanted, (lanes, skus)))
        why = _offer_reasons(problem, state, left, lanes, skus, at(wanted, (lanes, skus)), units)
        granted, reasons = put_at(granted, (lanes, skus), units), put_at(reasons, (lanes, skus), why)
        for slot in range(slots - 1, -1, -1):
            here = np.full(len(lanes), slot)
            part = _part_of_slot(problem, left, lanes, skus, here, units)
            left, units = _ship(problem, left, lanes, skus, here, part), units - part
    return left, flows._replace(offered=state.offered, granted=granted, offer_reason=reasons)


def _wanted_of_offers(problem: Problem, open_orders: Array, offered: Array) -> Array:
    """Return offers (B, F, K) cut to what each channel wants and each lane reaches in time, shared by all lanes that do."""
    xp, channel = namespace(offered), problem.serving.channel
    reach = np.minimum(problem.serving.latest, problem.serving.last[channel])
    in_time = (np.arange(open_orders.shape[-1]) <= reach[:, None])[:, None]
    wanted = xp.minimum(offered, xp.sum(only(take(open_orders, channel, 1), in_time), axis=-1))
    for slot in range(open_orders.shape[-1]):
        reachable = xp.sum(open_orders[..., : slot + 1], axis=-1)
        for served in np.unique(channel[reach == slot]):
            members = np.flatnonzero((channel == served) & (reach <= slot) & (reach >= 0))
            offers = xp.moveaxis(take(wanted, members, 1), 1, -1)
            given = share(problem.rules, offers, reachable[:, served])
            wanted = put_at(wanted, (members,), xp.moveaxis(given, -1, 1))
    return wanted


def _part_of_slot(problem: Problem, left: Left, lanes: Integers, skus: Integers, slots: Integers, units: Array) -> Array:
    """Return how much of units (B, n) goes to the open orders of a slot, where a lane serves them in time."""
    channel = problem.serving.channel[lanes]
    able = slots <= np.minimum(problem.serving.latest[lanes], problem.serving.last[channel])
    return only(namespace(units).minimum(units, at(left.open_orders, (channel, skus, slots))), able)


def _offer_reasons(
    problem: Problem, state: State, left: Left, lanes: Integers, skus: Integers, wanted: Array, units: Array
) -> Array:
    """Return why less than offered was shipped, (B, n): nobody wants it in time, too little stock, protected, or capacity."""
    xp, site, rank = namespace(units), problem.serving.site[lanes[0]], problem.serving.rank[problem.serving.channel[lanes]]
    free, by_sku = take(left.free[:, site], skus, 1), add_at(xp.zeros_like(left.free[:, 0]), (skus,), wanted)
    together = take(by_sku, skus, 1)
    guarded = xp.zeros_like(free)
    for above in range(state.protected.shape[2]):
        protected = only(take(state.protected[:, site, above], skus, 1), rank > above)
        guarded = xp.maximum(guarded, protected)
    why = xp.where(together > free + ROUNDING, CODES["no_stock"], CODES["capacity"])
    why = xp.where((guarded > 0.0) & (together > free - guarded + ROUNDING), CODES["protected"], why)
    unwanted = xp.where(wanted < at(state.offered, (lanes, skus)) - ROUNDING, CODES["deadline"], CODES[""])
    return xp.where(units < wanted - ROUNDING, why, unwanted)


def _settle(problem: Problem, state: State, left: Left) -> State:
    """Take what was shipped out of stock; let what was not served when due wait, or lose it."""
    xp, serving = namespace(left.shipped), problem.serving
    by_site = sum_into(left.shipped, serving.site, problem.shape.sites)
    on_hand, _ = issued(problem, state.on_hand, by_site)
    lost, late, columns = xp.zeros_like(left.late), left.late, []
    for slot in range(left.open_orders.shape[-1]):
        units = left.open_orders[..., slot]
        kept, due_now = units, (serving.due == slot)[:, None]
        if due_now.any():
            stays = _staying(problem, state, units)
            late = late + only(stays, due_now)
            kept = xp.where(like(units, due_now), stays, units)
        kept = only(kept, ~((serving.last == slot) & ~serving.open_ended)[:, None])
        lost = lost + units - kept
        columns.append(kept)
    late = only(late, (serving.last > serving.due)[:, None])
    return state._replace(
        on_hand=on_hand,
        open_orders=xp.stack(columns, axis=-1),
        reserved=xp.zeros_like(state.reserved),
        shipped=state.shipped + left.shipped,
        on_time=state.on_time + left.on_time,
        lost=state.lost + lost,
        late=state.late + late,
        handling_left=xp.clip(left.handling, min=0.0),
    )


def _staying(problem: Problem, state: State, units: Array) -> Array:
    """Return the units (B, C, K) that wait where they are not served when due: a draw for each channel and SKU."""
    stays = problem.serving.stays[:, None]
    if not problem.rules.whole or ((stays == 0.0) | (stays == 1.0)).all():
        return units * like(units, stays)
    return randomness.coming_through(problem.serving.stays_stream, units, stays, state.seed, state.episode, state.period)


def reserve(problem: Problem, state: State, flows: Flows, offers: Array) -> tuple[State, Flows]:
    """Set stock aside for channels as the policy allocates it before demand is known, as far as there is stock."""
    if not reserves(problem):
        return state, flows
    xp, serving, on_hand = namespace(offers), problem.serving, state.on_hand.sum(axis=-1)
    given = xp.zeros_like(offers)
    for site in range(problem.shape.sites):
        members = np.flatnonzero(serving.site == site)
        if len(members):
            wanted = xp.moveaxis(take(offers, members, 1), 1, -1)
            given = put_at(given, (members,), xp.moveaxis(share(problem.rules, wanted, on_hand[:, site]), -1, 1))
    reserved = add_at(xp.zeros_like(state.reserved), (serving.site, serving.channel), given)
    reasons = xp.where(given < offers - ROUNDING, CODES["no_stock"], CODES[""])
    return state._replace(reserved=reserved, offered=given), flows._replace(offered=offers, granted=given, offer_reason=reasons)
