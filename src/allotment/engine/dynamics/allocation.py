"""What the policy allocates: shipped where demand is known, else reserved, as far as it is possible, and why less.

It is cut as `allocation.project` cuts it, which knows no protection, no lanes in time for a part of a channel's orders only,
and gives units left over to the largest remainders whatever a world says of them.
"""

from __future__ import annotations

import numpy as np

from allotment.engine.dynamics.arrays import Array, add_at, at, namespace, only, put_at, rounding_error, take
from allotment.engine.dynamics.claims import Remaining, ship, within_limits
from allotment.engine.dynamics.rationing import share
from allotment.engine.state import Flows, State, reserves
from allotment.scenario.problem import CODES, Integers, Problem


def ship_requests(problem: Problem, state: State, flows: Flows, left: Remaining) -> tuple[Remaining, Flows]:
    """Ship what the policy allocates, cut as `allocation.project` cuts it, the oldest orders first; cuts have a reason."""
    fulfilment, slots = problem.fulfilment, left.open_demand.shape[-1]
    wanted = _wanted_of_requests(problem, left.open_demand, state.allocation)
    reasons, executed = flows.allocation_reason, namespace(wanted).zeros_like(wanted)
    for site in np.unique(fulfilment.site):
        members = np.flatnonzero(fulfilment.site == site)
        lanes, skus = (axis.ravel() for axis in np.meshgrid(members, np.arange(problem.shape.skus), indexing="ij"))
        of_site = at(wanted, (lanes, skus))
        units = within_limits(problem, state, left, lanes, skus, of_site)
        why = _offer_reasons(problem, state, left, lanes, skus, of_site, units)
        executed, reasons = put_at(executed, (lanes, skus), units), put_at(reasons, (lanes, skus), why)
        for slot in range(slots - 1, -1, -1):
            here = np.full(len(lanes), slot)
            part = _part_of_slot(problem, left, lanes, skus, here, units)
            left, units = ship(problem, left, lanes, skus, here, part), units - part
    return left, flows._replace(allocation_requested=state.allocation, allocation_executed=executed, allocation_reason=reasons)


def _wanted_of_requests(problem: Problem, open_demand: Array, requested: Array) -> Array:
    """Return requests (B, F, K) cut to what each channel wants and each lane reaches in time, shared by all lanes that do."""
    xp, channel, latest = namespace(requested), problem.fulfilment.channel, problem.fulfilment.latest
    in_time = (np.arange(open_demand.shape[-1]) <= latest[:, None])[:, None]
    wanted = xp.minimum(requested, xp.sum(only(take(open_demand, channel, 1), in_time), axis=-1))
    for slot in range(open_demand.shape[-1]):
        reachable = xp.sum(open_demand[..., : slot + 1], axis=-1)
        for served in np.unique(channel[latest == slot]):
            members = np.flatnonzero((channel == served) & (latest <= slot) & (latest >= 0))
            wanted = _shared(problem, wanted, members, reachable[:, served])
    return wanted


def _shared(problem: Problem, requests: Array, members: Integers, limit: Array) -> Array:
    """Return requests (B, F, K) with those of some lanes cut to a limit (B, K) that they share."""
    xp = namespace(requests)
    given = share(problem.rules, xp.moveaxis(take(requests, members, 1), 1, -1), limit)
    return put_at(requests, (members,), xp.moveaxis(given, -1, 1))


def _part_of_slot(problem: Problem, left: Remaining, lanes: Integers, skus: Integers, slots: Integers, units: Array) -> Array:
    """Return how much of units (B, n) goes to the open demand of a slot, where a lane serves them in time."""
    open_demand = at(left.open_demand, (problem.fulfilment.channel[lanes], skus, slots))
    return only(namespace(units).minimum(units, open_demand), slots <= problem.fulfilment.latest[lanes])


def _offer_reasons(
    problem: Problem, state: State, left: Remaining, lanes: Integers, skus: Integers, wanted: Array, units: Array
) -> Array:
    """Return why less than requested was shipped, (B, n): nobody wants it in time, too little stock, protected, or capacity."""
    xp, requested = namespace(units), at(state.allocation, (lanes, skus))
    site, rank = problem.fulfilment.site[lanes[0]], problem.channels.rank[problem.fulfilment.channel[lanes]]
    free, by_sku = take(left.free[:, site], skus, 1), add_at(xp.zeros_like(left.free[:, 0]), (skus,), wanted)
    together = take(by_sku, skus, 1)
    guarded = xp.zeros_like(free)
    for above in range(state.protected.shape[2]):
        protected = only(take(state.protected[:, site, above], skus, 1), rank > above)
        guarded = xp.maximum(guarded, protected)
    why = xp.where(together > free + rounding_error(free), CODES["no_stock"], CODES["capacity"])
    why = xp.where((guarded > 0.0) & (together > free - guarded + rounding_error(free)), CODES["protected"], why)
    unwanted = xp.where(wanted < requested - rounding_error(requested), CODES["deadline"], CODES[""])
    return xp.where(units < wanted - rounding_error(wanted), why, unwanted)


def reserve(problem: Problem, state: State, flows: Flows, requests: Array) -> tuple[State, Flows]:
    """Set stock aside for channels as the policy allocates it before demand is known, as far as there is stock."""
    if not reserves(problem):
        return state, flows
    xp, fulfilment, on_hand = namespace(requests), problem.fulfilment, state.on_hand.sum(axis=-1)
    given = requests
    for site in np.unique(fulfilment.site):
        given = _shared(problem, given, np.flatnonzero(fulfilment.site == site), on_hand[:, site])
    reserved = add_at(xp.zeros_like(state.reserved), (fulfilment.site, fulfilment.channel), given)
    reasons = xp.where(given < requests - rounding_error(requests), CODES["no_stock"], CODES[""])
    return state._replace(reserved=reserved, allocation=given), flows._replace(
        allocation_requested=requests, allocation_executed=given, allocation_reason=reasons
    )
