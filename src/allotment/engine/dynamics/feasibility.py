"""From request to execution: what cannot be done is cut, limit by limit, and each cut has a reason.

Requests of one decision see the same stock. The order: lane SKUs, lane capacity, supplier capacity, source stock (less what is
reserved and protected), plant capacity, handling, budgets, cash; then, site by site from downstream up, `max_position`,
multiples, minimums. What source, supplier or plant lacks is owed where the lane keeps a backlog, and served before new
requests; other cuts are dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from allotment.engine import randomness
from allotment.engine.dynamics.arrays import (
    Array,
    joined,
    like,
    namespace,
    now,
    only,
    put_at,
    rounding_error,
    straight_through,
    sum_into,
    take,
)
from allotment.engine.dynamics.rationing import Claims, divides_freely, noted, ration, shares
from allotment.engine.dynamics.treasury import cut_to_means
from allotment.engine.state import Flows, State
from allotment.scenario.problem import BALANCED, CODES, ROUNDING, Floats, Integers, Problem


@dataclass(frozen=True)
class Limits:
    """What can still be shipped by the requests that are cut next."""

    lane: Array  # (B, L) units
    supplier: Array  # (B, U) units
    stock: Array  # (B, S, K) units that can leave a site, in units of output where it is a plant
    plant: Array  # (B, S) units
    handling: Array  # (B, S) units
    guarded: Array  # (B, S, K) whether a site holds more than may leave it

    def after(self, problem: Problem, units: Array) -> Limits:
        """Return the limits once units (B, L, K) have been shipped."""
        n, lanes = problem.shape, problem.lanes
        by_site = sum_into(units, lanes.site, n.sites)
        total = by_site.sum(axis=-1)
        return replace(
            self,
            lane=self.lane - units.sum(axis=-1),
            supplier=self.supplier - sum_into(units, lanes.supplier, n.suppliers).sum(axis=-1),
            stock=self.stock - by_site,
            plant=self.plant - total,
            handling=self.handling - total,
        )


def cut_requests(problem: Problem, state: State, flows: Flows, orders: Array) -> tuple[State, Flows]:
    """Return the state with what sources owe, and the record with requested and executed quantities and reasons (B, L, K)."""
    xp = namespace(orders)
    limits = _limits(problem, state)
    served, limits = _served_owed(problem, state, limits)
    units = xp.clip(orders, min=0.0)
    units = xp.floor(units + 0.5) if problem.rules.whole else units
    reasons = xp.zeros_like(flows.cut_reason)
    units, reasons, lacking = _cut(problem, state, limits, units, reasons)
    units, reasons = cut_to_means(problem, state, units, reasons)
    owed = _owed_after(problem, state, served, lacking)
    before = units + served
    units, reasons = _to_positions_and_multiples(problem, state, owed, before, reasons)
    owed = owed + xp.clip(served - units, min=0.0) if problem.lanes.backlog.any() else owed
    units, owed, reasons = _filled(problem, state, units, owed, reasons)
    state = state._replace(owed=owed if problem.lanes.backlog.any() else state.owed)
    return state, flows._replace(requested=orders, executed=units, cut_reason=reasons)


def _limits(problem: Problem, state: State) -> Limits:
    """Return the limits at a decision."""
    xp = namespace(state.on_hand)
    on_hand = xp.sum(state.on_hand, axis=-1)
    kept = sum_reserved(problem, state) + highest_protection(problem, state)
    free = xp.clip(on_hand - kept, min=0.0)
    everyone = xp.zeros_like(state.handling_left)
    return Limits(
        lane=now(problem.lanes.capacity, state) + everyone[:, :1],
        supplier=supplier_capacity(problem, state),
        stock=free * plant_yield(problem, state)[..., None] if problem.sites.plant.any() else free,
        plant=now(problem.sites.production_capacity, state) + everyone,
        handling=state.handling_left,
        guarded=kept > ROUNDING,
    )


def limits_of_suppliers(problem: Problem) -> Floats:
    """Return suppliers' capacities (T, U), 1 where a supplier ships a unit in the periods of an event and else nothing."""
    return np.where(problem.suppliers.event_low > 1.0, problem.suppliers.capacity, 1.0)


def supplier_capacity(problem: Problem, state: State) -> Array:
    """Return what each supplier can ship in this period, (B, U) units: one unit or nothing where its capacity is an event."""
    xp, suppliers = namespace(state.on_hand), problem.suppliers
    capacity = now(suppliers.capacity, state) + xp.zeros_like(state.handling_left[:, :1])
    if (suppliers.event_low > 1.0).all():
        return capacity
    event = randomness.uniforms(np.array([problem.demand.event_stream]), state.seed, state.episode, state.period)
    happens = (suppliers.event_low <= event) & (event < suppliers.event_high)
    return xp.minimum(capacity, like(capacity, np.where(suppliers.event_low > 1.0, np.inf, happens)))


def plant_yield(problem: Problem, state: State) -> Array:
    """Return good units per unit consumed in this period, (B, S), 1 where nothing is produced; (1, S) where all are equal."""
    low, high = problem.sites.yield_low, problem.sites.yield_high
    if (low == high).all():
        return like(state.on_hand, low[None])
    chance = randomness.uniforms(problem.sites.yield_stream, state.seed, state.episode, state.period)
    return like(state.on_hand, low + chance * (high - low))


def sum_reserved(problem: Problem, state: State) -> Array:
    """Return what is set aside for channels, (B, S, K) units."""
    xp = namespace(state.on_hand)
    if state.reserved.shape[1] == 0:
        return xp.zeros_like(state.on_hand[..., 0])
    return xp.sum(state.reserved, axis=2)


def highest_protection(problem: Problem, state: State) -> Array:
    """Return what nobody but the classes above may use, at its most, (B, S, K) units."""
    xp = namespace(state.on_hand)
    if state.protected.shape[2] == 0:
        return xp.zeros_like(state.on_hand[..., 0])
    return xp.max(state.protected, axis=2)


def _served_owed(problem: Problem, state: State, limits: Limits) -> tuple[Array, Limits]:
    """Return what sources ship of what they owe, (B, L, K) units, and the limits after that."""
    xp = namespace(state.in_transit)
    if not problem.lanes.backlog.any():
        return xp.zeros_like(state.in_transit), limits
    served, _, _ = _cut(problem, state, limits, state.owed, xp.zeros_like(state.owed))
    return served, limits.after(problem, served)


def _owed_after(problem: Problem, state: State, served: Array, lacking: Array) -> Array:
    """Return what sources owe once they have served a part and some new requests have come short, (B, L, K) units."""
    if not problem.lanes.backlog.any():
        return namespace(lacking).zeros_like(lacking)
    return state.owed - served + only(lacking, problem.lanes.backlog[:, None])


def _cut(problem: Problem, state: State, limits: Limits, units: Array, reasons: Array) -> tuple[Array, Array, Array]:
    """Cut units (B, L, K) limit by limit; returns them, the reasons, and what sources, suppliers and plants lacked of them."""
    xp, claims = namespace(units), _claims(problem, state)
    lacking = xp.zeros_like(units)
    allowed = only(units, problem.lanes.allowed)
    reasons = noted(reasons, units, allowed, "lane")
    for name, counts, cut in (
        ("lane", False, _to_lanes),
        ("capacity", True, _to_suppliers),
        ("no_stock", True, _to_stock),
        ("capacity", True, _to_plants),
        ("capacity", False, _to_handling),
    ):
        left = cut(problem, limits, claims, allowed)
        if left is allowed:  # nobody has that limit
            continue
        left = xp.minimum(allowed, left)
        lacking = lacking + (allowed - left) if counts else lacking
        reasons = noted(reasons, allowed, left, name)
        if name == "no_stock":
            reasons = _protected(problem, limits, reasons, allowed, left)
        allowed = left
    return allowed, reasons, lacking


def _protected(problem: Problem, limits: Limits, reasons: Array, before: Array, after: Array) -> Array:
    """Say that stock was protected where the site holds more than it may give."""
    site = problem.lanes.site
    guarded = take(limits.guarded, np.maximum(site, 0), 1) & like(after, (site >= 0)[:, None])
    return namespace(after).where((after < before - rounding_error(before)) & guarded, CODES["protected"], reasons)


def _claims(problem: Problem, state: State) -> Claims:
    """Return what rationing may ask of each lane and SKU; levels (L,), positions and demands (…, L, K)."""
    lanes, positions = problem.lanes, namespace(state.in_transit).zeros_like(state.in_transit)
    if problem.rules.rationing == BALANCED:
        on_hand, open_demand = state.on_hand.sum(axis=-1), state.open_demand.sum(axis=-1)
        positions = take(inventory_position(problem, on_hand, state.in_transit, open_demand, state.owed), lanes.to, 1)
    return Claims(lanes.priority, positions, problem.sites.expected_demand[lanes.to])


def inventory_position(problem: Problem, on_hand: Array, in_transit: Array, open_demand: Array, owed: Array) -> Array:
    """Return on hand + in transit + owed by sources − open demand near a site − owed to others, (B, S, K) units."""
    sites, lanes = problem.shape.sites, problem.lanes
    position = on_hand + sum_into(in_transit, lanes.to, sites)
    position = position - sum_into(open_demand, problem.channels.nearest_site, sites)
    if owed.shape[1] == 0:
        return position
    return position + sum_into(owed, lanes.to, sites) - sum_into(owed, lanes.site, sites)


def _shared(problem: Problem, claims: Claims, units: Array, members: Integers, limit: Array) -> Array:
    """Ration a limit (B,) over all SKUs of some lanes, by lane priority and file order."""
    xp, skus = namespace(units), units.shape[-1]
    wanted = xp.reshape(take(units, members, 1), (len(units), -1))
    of_members = Claims(
        np.repeat(claims.levels[members], skus),
        xp.reshape(take(claims.positions, members, 1), (len(units), -1)),
        claims.demands[members].ravel(),
    )
    given = ration(problem.rules, wanted, of_members, xp.clip(limit, min=0.0))
    return xp.reshape(given, (len(units), len(members), skus))


def _by_owner(problem: Problem, claims: Claims, units: Array, owners: Integers, limits: Array, calendar: Floats) -> Array:
    """Ration each owner's limit (B, owners) over all SKUs of the lanes that share it; its calendar says who has one."""
    xp, limited = namespace(units), np.flatnonzero(np.isfinite(calendar).any(axis=0))
    owned = np.isin(owners, limited)
    if not owned.any():
        return units
    if divides_freely(problem.rules):
        totals, limits = xp.sum(units, axis=-1, keepdims=True), xp.clip(limits[..., None], min=0.0)
        return units * shares(problem.rules, totals, np.where(owned, owners, -1), claims.levels, limits)
    return _each(
        problem,
        units,
        np.where(owned, owners, -1),
        lambda owner, members: _shared(problem, claims, units, members, limits[:, owner]),
    )


def _each(problem: Problem, units: Array, owners: Integers, cut: Callable[[int, Integers], Array]) -> Array:
    """Return units (B, L, K) with those of each owner's lanes, in their order, cut by itself; owner -1 has no limit."""
    of_lanes = owners[problem.lanes.order]
    order = problem.lanes.order[np.argsort(of_lanes, kind="stable")]
    starts = np.flatnonzero(np.diff(owners[order], prepend=-2))
    places = np.split(order, starts[1:])
    return joined([cut(owners[each[0]], each) if owners[each[0]] >= 0 else take(units, each, 1) for each in places], places, 1)


def _to_lanes(problem: Problem, limits: Limits, claims: Claims, units: Array) -> Array:
    """A lane's capacity is shared by its SKUs."""
    return _by_owner(problem, claims, units, np.arange(len(problem.lanes.to)), limits.lane, problem.lanes.capacity)


def _to_suppliers(problem: Problem, limits: Limits, claims: Claims, units: Array) -> Array:
    """A supplier's capacity is shared by its lanes and their SKUs."""
    return _by_owner(problem, claims, units, problem.lanes.supplier, limits.supplier, limits_of_suppliers(problem))


def _to_plants(problem: Problem, limits: Limits, claims: Claims, units: Array) -> Array:
    """A plant's capacity is shared by the lanes that leave it and their SKUs."""
    return _by_owner(problem, claims, units, problem.lanes.plant, limits.plant, problem.sites.production_capacity)


def _to_handling(problem: Problem, limits: Limits, claims: Claims, units: Array) -> Array:
    """A site's handling is shared by the transfers that leave it; what is left of it is for customers."""
    return _by_owner(problem, claims, units, problem.lanes.site, limits.handling, problem.sites.handling)


def _to_stock(problem: Problem, limits: Limits, claims: Claims, units: Array) -> Array:
    """The stock of a site, SKU by SKU, is shared by the transfers that leave it."""
    site = problem.lanes.site
    if not (site >= 0).any():
        return units
    if divides_freely(problem.rules):
        return units * shares(problem.rules, units, site, claims.levels, namespace(units).clip(limits.stock, min=0.0))
    return _each(
        problem, units, site, lambda source, members: _by_sku(problem, claims, units, members, limits.stock[:, source])
    )


def _by_sku(problem: Problem, claims: Claims, units: Array, members: Integers, limit: Array) -> Array:
    """Ration limits (B, K), SKU by SKU, over some lanes; returns (B, members, K)."""
    xp, units, positions = namespace(units), take(units, members, 1), take(claims.positions, members, 1)
    limit = xp.clip(limit, min=0.0)
    columns = []
    for sku in range(units.shape[-1]):
        of_members = Claims(claims.levels[members], positions[..., sku], claims.demands[members, sku])
        columns.append(ration(problem.rules, units[..., sku], of_members, limit[:, sku]))
    return xp.stack(columns, axis=-1)


def _to_positions_and_multiples(
    problem: Problem, state: State, owed: Array, units: Array, reasons: Array
) -> tuple[Array, Array]:
    """Cut what leads to each site, from downstream up: to its highest position, to multiples, to nothing below a minimum."""
    if not np.isfinite(problem.sites.max_position).any():
        return _to_multiples(problem, units, reasons, np.arange(len(problem.lanes.to)))
    xp, claims = namespace(units), _claims(problem, state)
    for site in problem.sites.from_downstream:
        members = problem.lanes.order[problem.lanes.to[problem.lanes.order] == site]
        if len(members):
            room = _room(problem, state, owed, units, site)
            cut = xp.minimum(units, put_at(units, (members,), _by_sku(problem, claims, units, members, room)))
            reasons = noted(reasons, units, cut, "position")
            units, reasons = _to_multiples(problem, cut, reasons, members)
    return units, reasons


def _room(problem: Problem, state: State, owed: Array, units: Array, site: int) -> Array:
    """Return how far a site is below its highest position, once it has shipped what it ships, (B, K) units."""
    xp, lanes = namespace(units), problem.lanes
    leaving = np.flatnonzero((lanes.site == site) & (problem.sites.cycle[lanes.to] != problem.sites.cycle[site]))
    arriving = np.flatnonzero(lanes.to == site)
    on_hand = xp.sum(state.on_hand[:, site], axis=-1)
    shipped = xp.sum(take(units, leaving, 1), axis=1)
    if problem.sites.plant[site]:
        shipped = shipped / plant_yield(problem, state)[:, site, None]
    coming = xp.sum(take(state.in_transit + owed, arriving, 1), axis=1)
    return xp.clip(like(units, problem.sites.max_position[site]) - (on_hand - shipped + coming), min=0.0)


def _to_multiples(problem: Problem, units: Array, reasons: Array, members: Integers) -> tuple[Array, Array]:
    """Round down to the lane's multiple; what is then below its minimum is not shipped."""
    xp = namespace(units)
    multiple, minimum = problem.lanes.multiple[members], problem.lanes.minimum[members]
    chosen = take(units, members, 1)
    rounded = chosen
    if (multiple > 0.0).any():
        step = like(units, np.where(multiple > 0.0, multiple, 1.0))
        rounded = xp.where(like(units, multiple > 0.0), xp.floor(chosen / step + rounding_error(chosen / step)) * step, chosen)
    enough = (rounded >= like(units, minimum) - rounding_error(rounded)) & (rounded >= ROUNDING)
    left = straight_through(xp.minimum(chosen, rounded * enough), chosen)
    cut = put_at(units, (members,), left)
    return cut, noted(reasons, units, cut, "minimum")


def _filled(problem: Problem, state: State, units: Array, owed: Array, reasons: Array) -> tuple[Array, Array, Array]:
    """Let suppliers ship what they happen to have of what they accepted; returns units, what is owed, and reasons."""
    xp, suppliers, lanes = namespace(units), problem.suppliers, problem.lanes
    if (suppliers.fill_low >= 1.0).all():
        return units, owed, reasons
    low, high = (
        np.where(lanes.supplier >= 0, bound[lanes.supplier], 1.0) for bound in (suppliers.fill_low, suppliers.fill_high)
    )
    shared = randomness.uniforms(lanes.fill_stream[:, 0], state.seed, state.episode, state.period)
    part = units * like(units, low + shared * (high - low))[..., None]
    shipped = xp.floor(part + rounding_error(part)) if problem.rules.whole else part
    by_unit = (lanes.supplier >= 0) & suppliers.fill_by_unit[lanes.supplier]
    if by_unit.any():
        drawn = randomness.coming_through(lanes.fill_stream, units, low[:, None], state.seed, state.episode, state.period)
        shipped = xp.where(like(units, by_unit[:, None]), drawn, shipped)
    shipped = xp.where(like(units, (low >= 1.0)[:, None]), units, shipped)
    if lanes.backlog.any():
        owed = owed + only(units - shipped, lanes.backlog[:, None])
    return shipped, owed, noted(reasons, units, shipped, "no_stock")
