"""What the policy allocates: shipped where demand is known, else reserved, as far as it is possible, and why less.

It is cut as `allocation.project` cuts it, which knows no protection, no lanes in time for a part of a channel's orders only,
and gives units left over to the largest remainders whatever a world says of them.
"""

from __future__ import annotations

import numpy as np

from allotment.engine.arrays import Array, add_at, at, namespace, only, put_at, rounding_error, take
from allotment.engine.rationing import share
from allotment.engine.serving import Left, ship, within_limits
from allotment.engine.state import Flows, State, reserves
from allotment.scenario.problem import CODES, Integers, Problem


def ship_offers(problem: Problem, state: State, flows: Flows, left: Left) -> tuple[Left, Flows]:
    """Ship what the policy allocates, cut as `allocation.project` cuts it, the oldest orders first; cuts have a reason."""
    serving, slots = problem.serving, left.open_orders.shape[-1]
    wanted = _wanted_of_offers(problem, left.open_orders, state.offered)
    reasons, granted = flows.offer_reason, namespace(wanted).zeros_like(wanted)
    for site in np.unique(serving.site):
        members = np.flatnonzero(serving.site == site)
        lanes, skus = (axis.ravel() for axis in np.meshgrid(members, np.arange(problem.shape.skus), indexing="ij"))
        of_site = at(wanted, (lanes, skus))
        units = within_limits(problem, state, left, lanes, skus, of_site)
        why = _offer_reasons(problem, state, left, lanes, skus, of_site, units)
        granted, reasons = put_at(granted, (lanes, skus), units), put_at(reasons, (lanes, skus), why)
        for slot in range(slots - 1, -1, -1):
            here = np.full(len(lanes), slot)
            part = _part_of_slot(problem, left, lanes, skus, here, units)
            left, units = ship(problem, left, lanes, skus, here, part), units - part
    return left, flows._replace(offered=state.offered, granted=granted, offer_reason=reasons)


def _wanted_of_offers(problem: Problem, open_orders: Array, offered: Array) -> Array:
    """Return offers (B, F, K) cut to what each channel wants and each lane reaches in time, shared by all lanes that do."""
    xp, channel, latest = namespace(offered), problem.serving.channel, problem.serving.latest
    in_time = (np.arange(open_orders.shape[-1]) <= latest[:, None])[:, None]
    wanted = xp.minimum(offered, xp.sum(only(take(open_orders, channel, 1), in_time), axis=-1))
    for slot in range(open_orders.shape[-1]):
        reachable = xp.sum(open_orders[..., : slot + 1], axis=-1)
        for served in np.unique(channel[latest == slot]):
            members = np.flatnonzero((channel == served) & (latest <= slot) & (latest >= 0))
            wanted = _shared(problem, wanted, members, reachable[:, served])
    return wanted


def _shared(problem: Problem, offers: Array, members: Integers, limit: Array) -> Array:
    """Return offers (B, F, K) with those of some lanes cut to a limit (B, K) that they share."""
    xp = namespace(offers)
    given = share(problem.rules, xp.moveaxis(take(offers, members, 1), 1, -1), limit)
    return put_at(offers, (members,), xp.moveaxis(given, -1, 1))


def _part_of_slot(problem: Problem, left: Left, lanes: Integers, skus: Integers, slots: Integers, units: Array) -> Array:
    """Return how much of units (B, n) goes to the open orders of a slot, where a lane serves them in time."""
    open_orders = at(left.open_orders, (problem.serving.channel[lanes], skus, slots))
    return only(namespace(units).minimum(units, open_orders), slots <= problem.serving.latest[lanes])


def _offer_reasons(
    problem: Problem, state: State, left: Left, lanes: Integers, skus: Integers, wanted: Array, units: Array
) -> Array:
    """Return why less than offered was shipped, (B, n): nobody wants it in time, too little stock, protected, or capacity."""
    xp, offered = namespace(units), at(state.offered, (lanes, skus))
    site, rank = problem.serving.site[lanes[0]], problem.serving.rank[problem.serving.channel[lanes]]
    free, by_sku = take(left.free[:, site], skus, 1), add_at(xp.zeros_like(left.free[:, 0]), (skus,), wanted)
    together = take(by_sku, skus, 1)
    guarded = xp.zeros_like(free)
    for above in range(state.protected.shape[2]):
        protected = only(take(state.protected[:, site, above], skus, 1), rank > above)
        guarded = xp.maximum(guarded, protected)
    why = xp.where(together > free + rounding_error(free), CODES["no_stock"], CODES["capacity"])
    why = xp.where((guarded > 0.0) & (together > free - guarded + rounding_error(free)), CODES["protected"], why)
    unwanted = xp.where(wanted < offered - rounding_error(offered), CODES["deadline"], CODES[""])
    return xp.where(units < wanted - rounding_error(wanted), why, unwanted)


def reserve(problem: Problem, state: State, flows: Flows, offers: Array) -> tuple[State, Flows]:
    """Set stock aside for channels as the policy allocates it before demand is known, as far as there is stock."""
    if not reserves(problem):
        return state, flows
    xp, serving, on_hand = namespace(offers), problem.serving, state.on_hand.sum(axis=-1)
    given = offers
    for site in np.unique(serving.site):
        given = _shared(problem, given, np.flatnonzero(serving.site == site), on_hand[:, site])
    reserved = add_at(xp.zeros_like(state.reserved), (serving.site, serving.channel), given)
    reasons = xp.where(given < offers - rounding_error(offers), CODES["no_stock"], CODES[""])
    return state._replace(reserved=reserved, offered=given), flows._replace(offered=offers, granted=given, offer_reason=reasons)
