"""What claims (fulfilment lane, SKU, due slot) of one site may ship, and what becomes of it.

Where something is scarce, claims that rank equally share it in proportion to what they want: first what is set aside for their
channel, then free stock that no higher class protects, then the room of each lane, then the site's handling.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from allotment.engine.dynamics.arrays import Array, add_at, at, namespace, now, only, put_at, take
from allotment.engine.dynamics.rationing import share, share_alike
from allotment.engine.state import State
from allotment.scenario.problem import Integers, Problem


@dataclass(frozen=True)
class Remaining:
    """What can still be shipped, and what has been, as claims are served."""

    free: Array  # (B, S, K) units that are set aside for nobody
    reserved: Array  # (B, S, C, K) units set aside; no entries where nothing can be
    open_demand: Array  # (B, C, K, D) units
    lane: Array  # (B, F) units
    handling: Array  # (B, S) units
    shipped: Array  # (B, F, K) units
    on_time: Array  # (B, C, K) units shipped to arrive when due
    late: Array  # (B, C, K) units shipped too late for that


def start(problem: Problem, state: State) -> Remaining:
    """Return what can be shipped before anybody is served."""
    xp = namespace(state.on_hand)
    free, reserved = xp.sum(state.on_hand, axis=-1), state.reserved
    if reserved.shape[1]:  # which stock that has expired since leaves no more of
        reserved = xp.moveaxis(share(problem.rules, xp.moveaxis(reserved, 2, -1), free), -1, 2)
        free = xp.clip(free - xp.sum(reserved, axis=2), min=0.0)
    return Remaining(
        free=free,
        reserved=reserved,
        open_demand=state.open_demand,
        lane=now(problem.fulfilment.capacity, state) + xp.zeros_like(state.shipped[..., 0]),
        handling=state.handling_left,
        shipped=xp.zeros_like(state.shipped),
        on_time=xp.zeros_like(state.late),
        late=xp.zeros_like(state.late),
    )


def within_limits(problem: Problem, state: State, left: Remaining, lanes: Integers, skus: Integers, wanted: Array) -> Array:
    """Cut what claims of one site want (B, n) in proportion: to reserves and stock, each lane, and the site's handling."""
    xp, site, rules = namespace(wanted), problem.fulfilment.site[lanes[0]], problem.rules
    from_own = _from_reserves(problem, left, lanes, skus, wanted)
    units = from_own + _from_free(problem, state, left, lanes, skus, wanted - from_own)
    if np.isfinite(problem.fulfilment.capacity[:, lanes]).any():
        limited = np.flatnonzero(np.isfinite(problem.fulfilment.capacity[:, lanes]).any(axis=0))
        of_lanes = xp.clip(take(left.lane, lanes[limited], 1), min=0.0)
        units = put_at(units, (limited,), share_alike(rules, take(units, limited, 1), lanes[limited], of_lanes))
    if np.isfinite(problem.sites.handling[:, site]).any():
        units = share(rules, units, xp.clip(left.handling[:, site], min=0.0))
    return units


def _from_reserves(problem: Problem, left: Remaining, lanes: Integers, skus: Integers, wanted: Array) -> Array:
    """Return what claims (B, n) take of what is set aside for their channel; several of one channel share it."""
    if left.reserved.shape[1] == 0:
        return namespace(wanted).zeros_like(wanted)
    own = at(left.reserved, (problem.fulfilment.site[lanes], problem.fulfilment.channel[lanes], skus))
    return share_alike(problem.rules, wanted, lanes * problem.shape.skus + skus, own)


def _from_free(problem: Problem, state: State, left: Remaining, lanes: Integers, skus: Integers, wanted: Array) -> Array:
    """Return what claims (B, n) take of a site's free stock: each class and those below, of what is not protected from it."""
    xp, site = namespace(wanted), problem.fulfilment.site[lanes[0]]
    rank = problem.channels.rank[problem.fulfilment.channel[lanes]]
    for above in range(state.protected.shape[2] - 1, -1, -1) if state.protected.shape[2] else (0,):
        free, below = left.free[:, site], np.flatnonzero(rank >= above)
        if above:
            free = xp.clip(free - xp.max(state.protected[:, site, :above], axis=1), min=0.0)
        given = share_alike(problem.rules, take(wanted, below, 1), skus[below], take(free, skus[below], 1))
        wanted = put_at(wanted, (below,), given)
    return wanted


def ship(problem: Problem, left: Remaining, lanes: Integers, skus: Integers, slots: Integers, units: Array) -> Remaining:
    """Ship units (B, n) to claims of one site, out of their own reserve first."""
    xp, fulfilment = namespace(units), problem.fulfilment
    site, channel = fulfilment.site[lanes], fulfilment.channel[lanes]
    in_time = slots <= fulfilment.on_time[lanes]
    late = ~in_time & (slots <= problem.channels.due[channel])
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
        open_demand=xp.clip(add_at(left.open_demand, (channel, skus, slots), -units), min=0.0),
        lane=add_at(left.lane, (lanes,), -units),
        handling=add_at(left.handling, (site,), -units),
        shipped=add_at(left.shipped, (lanes, skus), units),
        on_time=add_at(left.on_time, (channel, skus), only(units, in_time)),
        late=add_at(left.late, (channel, skus), only(units, late)) if late.any() else left.late,
    )
