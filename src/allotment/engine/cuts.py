"""From request to execution: what cannot be done is cut, limit by limit, and each cut has a reason.

Requests of one decision see the same stock. The order: lane SKUs, lane capacity, supplier capacity, source stock (less what is
reserved and protected), plant capacity, handling; then, site by site from downstream up, `max_position`, multiples, minimums.
What source, supplier or plant lacks is owed where the lane keeps a backlog, and served before new requests; other cuts are
dropped.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from array_api_compat import array_namespace

from allotment.engine import randomness
from allotment.engine.arrays import Array, now, put_at, sum_into, take
from allotment.engine.rationing import Claims, ration
from allotment.engine.state import Flows, State
from allotment.scenario.problem import BALANCED, REASONS, ROUNDING, Floats, Integers, Problem


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
    xp = array_namespace(orders)
    limits = _limits(problem, state)
    served, limits = _served_owed(problem, state, limits)
    units = xp.clip(orders, min=0.0)
    units = np.floor(units + 0.5) if problem.rules.whole else units
    reasons = np.zeros(orders.shape, dtype=np.int64)
    units, reasons, lacking = _cut(problem, state, limits, units, reasons)
    owed = _owed_after(problem, state, served, lacking)
    before = units + served
    units, reasons = _to_positions_and_multiples(problem, state, owed, before, reasons)
    owed = owed + xp.clip(served - units, min=0.0) if problem.lanes.backlog.any() else owed
    units, owed, reasons = _filled(problem, state, units, owed, reasons)
    state = state._replace(owed=owed if problem.lanes.backlog.any() else state.owed)
    return state, flows._replace(requested=orders, executed=units, cut_reason=reasons)


def _limits(problem: Problem, state: State) -> Limits:
    """Return the limits at a decision."""
    xp, n = array_namespace(state.on_hand), problem.shape
    on_hand = xp.sum(state.on_hand, axis=-1)
    kept = sum_reserved(problem, state) + highest_protection(problem, state)
    free = xp.clip(on_hand - kept, min=0.0)
    batch = len(state.period)
    everyone = np.zeros((batch, 1))
    return Limits(
        lane=now(problem.lanes.capacity, state.period) + everyone,
        supplier=supplier_capacity(problem, state),
        stock=xp.where(xp.asarray(problem.sites.plant)[:, None], free * plant_yield(problem, state)[..., None], free),
        plant=now(problem.sites.production_capacity, state.period) + np.zeros((batch, n.sites)),
        handling=state.handling_left,
        guarded=kept > ROUNDING,
    )


def supplier_capacity(problem: Problem, state: State) -> Floats:
    """Return what each supplier can ship in this period, (B, U) units: one unit or nothing where its capacity is an event."""
    suppliers = problem.suppliers
    capacity = now(suppliers.capacity, state.period) + np.zeros((len(state.period), problem.shape.suppliers))
    if (suppliers.event_low > 1.0).all():
        return capacity
    event = randomness.uniforms(np.array([problem.demand.event_stream]), state.seed, state.episode, state.period)
    happens = (suppliers.event_low <= event) & (event < suppliers.event_high)
    return np.where(suppliers.event_low > 1.0, capacity, np.minimum(capacity, happens))


def plant_yield(problem: Problem, state: State) -> Floats:
    """Return good units per unit consumed in this period, (B, S)."""
    low, high = problem.sites.yield_low, problem.sites.yield_high
    if (low == high).all():
        return low + np.zeros((len(state.period), 1))
    chance = randomness.uniforms(problem.sites.yield_stream, state.seed, state.episode, state.period)
    return low + chance * (high - low)


def sum_reserved(problem: Problem, state: State) -> Array:
    """Return what is set aside for channels, (B, S, K) units."""
    xp = array_namespace(state.on_hand)
    if state.reserved.shape[1] == 0:
        return xp.zeros_like(state.on_hand[..., 0])
    return xp.sum(state.reserved, axis=2)


def highest_protection(problem: Problem, state: State) -> Array:
    """Return what nobody but the classes above may use, at its most, (B, S, K) units."""
    xp = array_namespace(state.on_hand)
    if state.protected.shape[2] == 0:
        return xp.zeros_like(state.on_hand[..., 0])
    return xp.max(state.protected, axis=2)


def _served_owed(problem: Problem, state: State, limits: Limits) -> tuple[Array, Limits]:
    """Return what sources ship of what they owe, (B, L, K) units, and the limits after that."""
    xp = array_namespace(state.under_way)
    if not problem.lanes.backlog.any():
        return xp.zeros_like(state.under_way), limits
    served, _, _ = _cut(problem, state, limits, state.owed, np.zeros(state.owed.shape, dtype=np.int64))
    return served, limits.after(problem, served)


def _owed_after(problem: Problem, state: State, served: Array, lacking: Array) -> Array:
    """Return what sources owe once they have served a part and some new requests have come short, (B, L, K) units."""
    xp = array_namespace(lacking)
    if not problem.lanes.backlog.any():
        return xp.zeros_like(lacking)
    keeps = xp.asarray(problem.lanes.backlog)[:, None]
    return state.owed - served + xp.where(keeps, lacking, xp.zeros_like(lacking))


def _cut(problem: Problem, state: State, limits: Limits, units: Array, reasons: Integers) -> tuple[Array, Integers, Array]:
    """Cut units (B, L, K) limit by limit; returns them, the reasons, and what sources, suppliers and plants lacked of them."""
    xp, lanes = array_namespace(units), problem.lanes
    claims = _claims(problem, state, limits)
    lacking = xp.zeros_like(units)
    allowed = xp.where(xp.asarray(lanes.allowed), units, xp.zeros_like(units))
    reasons = _noted(reasons, units, allowed, "lane")
    for name, counts, cut in (
        ("lane", False, _to_lanes),
        ("capacity", True, _to_suppliers),
        ("no_stock", True, _to_stock),
        ("capacity", True, _to_plants),
        ("capacity", False, _to_handling),
    ):
        left = xp.minimum(allowed, cut(problem, limits, claims, allowed))
        lacking = lacking + (allowed - left) if counts else lacking
        reasons = _noted(reasons, allowed, left, name)
        if name == "no_stock":
            reasons = _protected(problem, limits, reasons, allowed, left)
        allowed = left
    return allowed, reasons, lacking


def _noted(reasons: Integers, before: Array, after: Array, name: str) -> Integers:
    """Return the reasons with a new one where something was cut."""
    return np.where(np.asarray(after < before - ROUNDING), REASONS.index(name), reasons)


def _protected(problem: Problem, limits: Limits, reasons: Integers, before: Array, after: Array) -> Integers:
    """Say that stock was protected where the site holds more than it may give."""
    guarded = np.asarray(take(limits.guarded, problem.lanes.site, 1)) & (problem.lanes.site >= 0)[:, None]
    return np.where(np.asarray(after < before - ROUNDING) & guarded, REASONS.index("protected"), reasons)


def _claims(problem: Problem, state: State, limits: Limits) -> Claims:
    """Return what rationing may ask of each lane and SKU; levels (L,), positions and demands (…, L, K)."""
    lanes = problem.lanes
    demands = problem.sites.expected_demand[lanes.to]
    positions = np.zeros((1, 1, 1))
    if problem.rules.rationing == BALANCED:
        on_hand, open_orders = state.on_hand.sum(axis=-1), state.open_orders.sum(axis=-1)
        positions = inventory_position(problem, on_hand, state.under_way, open_orders, state.owed)[:, lanes.to]
    return Claims(lanes.priority, positions + np.zeros((len(state.period), *demands.shape)), demands)


def inventory_position(problem: Problem, on_hand: Floats, under_way: Floats, open_orders: Floats, owed: Floats) -> Floats:
    """Return on hand + under way + owed by sources − open orders near a site − owed to others, (B, S, K) units."""
    sites, lanes = problem.shape.sites, problem.lanes
    position = on_hand + sum_into(under_way, lanes.to, sites)
    position = position - sum_into(open_orders, problem.serving.home, sites)
    if owed.shape[1] == 0:
        return position
    return position + sum_into(owed, lanes.to, sites) - sum_into(owed, lanes.site, sites)


def _shared(problem: Problem, claims: Claims, units: Array, members: Integers, limit: Array) -> Array:
    """Ration a limit (B,) over all SKUs of some lanes, by lane priority and file order."""
    xp = array_namespace(units)
    batch, skus = len(units), units.shape[-1]
    wanted = xp.reshape(units[:, members], (batch, len(members) * skus))
    of_members = Claims(
        np.repeat(claims.levels[members], skus),
        claims.positions[:, members].reshape(batch, -1),
        claims.demands[members].ravel(),
    )
    given = ration(problem.rules, wanted, of_members, xp.clip(limit, min=0.0))
    return xp.reshape(given, (batch, len(members), skus))


def _by_owner(problem: Problem, claims: Claims, units: Array, owners: Integers, limits: Array) -> Array:
    """Ration each owner's limit (B, owners) over the lanes that share it."""
    for owner in range(limits.shape[1]):
        members = problem.lanes.order[owners[problem.lanes.order] == owner]
        if len(members) and bool((limits[:, owner] < np.inf).any()):
            given = _shared(problem, claims, units, members, limits[:, owner])
            units = put_at_lanes(units, members, given)
    return units


def put_at_lanes(units: Array, members: Integers, given: Array) -> Array:
    """Return units (B, L, K) with those of some lanes replaced."""
    xp, skus = array_namespace(units), units.shape[-1]
    places = np.repeat(members, skus), np.tile(np.arange(skus), len(members))
    return put_at(units, places, xp.reshape(given, (len(units), -1)))


def _to_lanes(problem: Problem, limits: Limits, claims: Claims, units: Array) -> Array:
    """A lane's capacity is shared by its SKUs."""
    return _by_owner(problem, claims, units, np.arange(len(problem.lanes.to)), limits.lane)


def _to_suppliers(problem: Problem, limits: Limits, claims: Claims, units: Array) -> Array:
    """A supplier's capacity is shared by its lanes and their SKUs."""
    return _by_owner(problem, claims, units, problem.lanes.supplier, limits.supplier)


def _to_plants(problem: Problem, limits: Limits, claims: Claims, units: Array) -> Array:
    """A plant's capacity is shared by the lanes that leave it and their SKUs."""
    return _by_owner(problem, claims, units, problem.lanes.plant, limits.plant)


def _to_handling(problem: Problem, limits: Limits, claims: Claims, units: Array) -> Array:
    """A site's handling is shared by the transfers that leave it; what is left of it is for customers."""
    return _by_owner(problem, claims, units, problem.lanes.site, limits.handling)


def _to_stock(problem: Problem, limits: Limits, claims: Claims, units: Array) -> Array:
    """The stock of a site, SKU by SKU, is shared by the transfers that leave it."""
    for site in range(problem.shape.sites):
        members = problem.lanes.order[problem.lanes.site[problem.lanes.order] == site]
        if len(members):
            given = _by_sku(problem, claims, units, members, limits.stock[:, site])
            units = put_at_lanes(units, members, given)
    return units


def _by_sku(problem: Problem, claims: Claims, units: Array, members: Integers, limit: Array) -> Array:
    """Ration limits (B, K), SKU by SKU, over some lanes; returns (B, members, K)."""
    xp = array_namespace(units)
    columns = []
    for sku in range(units.shape[-1]):
        of_members = Claims(claims.levels[members], claims.positions[:, members, sku], claims.demands[members, sku])
        columns.append(ration(problem.rules, units[:, members, sku], of_members, xp.clip(limit[:, sku], min=0.0)))
    return xp.stack(columns, axis=-1)


def _to_positions_and_multiples(
    problem: Problem, state: State, owed: Array, units: Array, reasons: Integers
) -> tuple[Array, Integers]:
    """Cut what leads to each site, from downstream up: to its highest position, to multiples, to nothing below a minimum."""
    if not (np.isfinite(problem.sites.max_position).any()):
        return _to_multiples(problem, units, reasons, np.arange(len(problem.lanes.to)))
    claims = _claims(problem, state, _limits(problem, state))
    for site in problem.sites.from_downstream:
        members = problem.lanes.order[problem.lanes.to[problem.lanes.order] == site]
        if len(members):
            room = _room(problem, state, owed, units, site)
            cut = put_at_lanes(units, members, _by_sku(problem, claims, units, members, room))
            cut = array_namespace(units).minimum(units, cut)
            reasons = _noted(reasons, units, cut, "position")
            units, reasons = _to_multiples(problem, cut, reasons, members)
    return units, reasons


def _room(problem: Problem, state: State, owed: Array, units: Array, site: int) -> Array:
    """Return how far a site is below its highest position, once it has shipped what it ships, (B, K) units."""
    xp, lanes = array_namespace(units), problem.lanes
    leaving = np.flatnonzero((lanes.site == site) & (problem.sites.cycle[lanes.to] != problem.sites.cycle[site]))
    arriving = np.flatnonzero(lanes.to == site)
    on_hand = xp.sum(state.on_hand[:, site], axis=-1)
    shipped = xp.sum(units[:, leaving], axis=1)
    if problem.sites.plant[site]:
        shipped = shipped / plant_yield(problem, state)[:, site, None]
    coming = xp.sum(state.under_way[:, arriving], axis=1) + xp.sum(owed[:, arriving], axis=1)
    return xp.clip(problem.sites.max_position[site] - (on_hand - shipped + coming), min=0.0)


def _to_multiples(problem: Problem, units: Array, reasons: Integers, members: Integers) -> tuple[Array, Integers]:
    """Round down to the lane's multiple; what is then below its minimum is not shipped."""
    xp = array_namespace(units)
    multiple, minimum = problem.lanes.multiple[members], problem.lanes.minimum[members]
    chosen = units[:, members]
    rounded = chosen
    if (multiple > 0.0).any():
        step = np.where(multiple > 0.0, multiple, 1.0)
        rounded = xp.where(multiple > 0.0, xp.floor(chosen / step + ROUNDING) * step, chosen)
    too_few = (rounded < minimum - ROUNDING) | (rounded < ROUNDING)
    left = xp.minimum(chosen, xp.where(too_few, xp.zeros_like(rounded), rounded))
    cut = put_at_lanes(units, members, left)
    return cut, _noted(reasons, units, cut, "minimum")


def _filled(problem: Problem, state: State, units: Array, owed: Array, reasons: Integers) -> tuple[Array, Array, Integers]:
    """Let suppliers ship what they happen to have of what they accepted; returns units, what is owed, and reasons."""
    suppliers, lanes = problem.suppliers, problem.lanes
    if (suppliers.fill_low >= 1.0).all():
        return units, owed, reasons
    chances = randomness.uniforms(lanes.fill_stream.ravel(), state.seed, state.episode, state.period).reshape(units.shape)
    shared = randomness.uniforms(lanes.fill_stream[:, 0], state.seed, state.episode, state.period)
    low, high = (
        np.where(lanes.supplier >= 0, bound[lanes.supplier], 1.0) for bound in (suppliers.fill_low, suppliers.fill_high)
    )
    part = units * (low + shared * (high - low))[..., None]
    part = np.floor(part + ROUNDING) if problem.rules.whole else part
    probability = np.broadcast_to(low[:, None], units.shape).ravel()
    drawn = randomness.binomials(chances.ravel(), np.asarray(units).ravel(), probability).reshape(units.shape)
    by_unit = (lanes.supplier >= 0) & suppliers.fill_by_unit[lanes.supplier]
    shipped = np.where(by_unit[:, None], drawn, part)
    shipped = np.where((low >= 1.0)[:, None], units, shipped)
    if lanes.backlog.any():
        owed = owed + np.where(lanes.backlog[:, None], units - shipped, 0.0)
    return shipped, owed, _noted(reasons, units, shipped, "no_stock")
