"""Goods between sources and sites: what may be ordered, what leaves, what arrives, and the limits of both.

Relaxed: multiples and smallest shipments, what sources owe, and who is rationed; a site that has no room turns away what the
programme likes best.
"""

from __future__ import annotations

import numpy as np

from allotment.programs.draft import Draft
from allotment.programs.linear_program import NONE
from allotment.quantities import Flags, Integers
from allotment.scenario.problem import Floats

ROOM = 1.0 + 1e-9  # so that what a programme begins with fits, whatever the order in which it is added up


def receive(draft: Draft, period: int, at_once: bool = False) -> None:
    """Let what arrives in a period join the stock, as far as there is room; `at_once` only what was ordered in it."""
    arrives = draft.in_transit & (draft.path.arrival == period)
    if at_once:
        arrives[: draft.before + period] = False
    ordered, lane, sku = np.nonzero(arrives)
    if not len(ordered):
        return
    draft.in_transit[ordered, lane, sku] = False
    columns, to = draft.orders[ordered, lane, sku], draft.problem.lanes.to[lane]
    columns = _accepted(draft, period, columns, lane, sku)
    grows = np.zeros(draft.stock.shape, dtype=np.int64)
    np.maximum.at(grows, (to, sku), columns != NONE)
    rows, _ = draft.new_stock(grows)
    draft.program.add(rows[to, sku], columns, 1.0)
    record = draft.record_of_receipts(period)
    on_receipt = draft.problem.lanes.on_receipt[lane]
    paid = np.broadcast_to(draft.worth("paid", record), draft.orders.shape[1:3])[lane, sku]
    arrived = np.broadcast_to(draft.worth("received", record), draft.orders.shape[1:3])[lane, sku]
    draft.program.pay(columns, (np.where(on_receipt, paid, 0.0) + arrived)[:, None])
    _keep_to_storage(draft, period)


def turns_away(draft: Draft) -> Flags:
    """Return the sites that turn away what they have no room for, (S,)."""
    sites = draft.problem.sites
    return np.isfinite(sites.storage).any(axis=0) & ~sites.overflow_charged


def _accepted(draft: Draft, period: int, columns: Integers, lane: Integers, sku: Integers) -> Integers:
    """Return the variables of what joins the stock of shipments (n, A): all of it, or what the site accepts of it."""
    limited = turns_away(draft)[draft.problem.lanes.to[lane]]
    if not limited.any():
        return columns
    accepted = draft.program.variables(0.0, np.inf, (columns != NONE) & limited[:, None])
    rows = np.where(accepted == NONE, NONE, draft.program.constraints(0.0, np.inf, accepted.shape))
    draft.program.add(rows, columns, 1.0)
    draft.program.add(rows, accepted, -1.0)
    record = draft.record_of_receipts(period)
    discarded = np.broadcast_to(draft.worth("discarded", record), draft.orders.shape[1:3])[lane, sku]
    draft.program.pay(np.where(limited[:, None], columns, NONE), discarded[:, None])
    draft.program.pay(accepted, -discarded[:, None])
    draft.accepted.append((record, lane[limited], sku[limited], accepted[limited]))
    return np.where(limited[:, None], accepted, columns)


def _keep_to_storage(draft: Draft, period: int) -> None:
    """Keep what a site holds within its storage, or within the most that it can have held already."""
    limited = turns_away(draft)
    if not limited.any():
        return
    volume = draft.problem.goods.volume
    held = (draft.opening.on_hand.sum(axis=-1) * volume).sum(axis=-1)
    storage = np.max([draft.now(draft.problem.sites.storage, each) for each in range(period + 1)], axis=0)
    most = np.maximum(storage, held * ROOM)[limited]
    rows = draft.program.constraints(-np.inf, most, most.shape)
    draft.program.add(rows[:, None, None], draft.stock[limited], volume[:, None])


def order(draft: Draft, period: int) -> None:
    """Let goods leave suppliers, plants and sites, within their limits."""
    lanes, problem, here = draft.problem.lanes, draft.problem, draft.before + period
    may = lanes.allowed & (_shipped_of_accepted(draft, period) > 0.0)[:, None]
    fresh = np.maximum(problem.goods.shelf_life - 1, 0)[:, None]
    lives = np.arange(problem.shape.lives)
    inner = (lanes.site >= 0) & ~problem.sites.plant[lanes.site]
    of_lives = np.where(inner[:, None, None], lives <= fresh, lives == fresh)
    draft.orders[here] = columns = draft.program.variables(0.0, np.inf, may[..., None] & of_lives)
    draft.in_transit[here] = True
    _leave(draft, period, columns)
    _keep_to_limits(draft, period, columns)
    _pay_for_orders(draft, period, columns)
    _keep_to_positions(draft, period, columns)
    if problem.clock.received_first:
        receive(draft, period, at_once=True)


def _shipped_of_accepted(draft: Draft, period: int) -> Floats:
    """Return units that leave a lane of a unit that its source accepted, (L,); 0 where nothing can."""
    lanes = draft.problem.lanes
    yields = np.where(lanes.plant >= 0, draft.path.plant_yield[period][lanes.plant], 1.0)
    return np.where(yields > 0.0, draft.path.filled[period], 0.0)


def _leave(draft: Draft, period: int, columns: Integers) -> None:
    """Take out of stock what leaves sites: as it is, or the input of plants, of whatever remaining life."""
    lanes, plants = draft.problem.lanes, draft.problem.sites.plant
    if not (lanes.site >= 0).any():
        return
    rows, old = draft.new_stock()
    inner = np.flatnonzero((lanes.site >= 0) & (lanes.plant < 0))
    without = rows[lanes.site[inner]] == NONE
    draft.program.add(rows[lanes.site[inner]], columns[inner], -1.0)
    _forbid(draft, columns[inner][without])
    if (lanes.plant >= 0).any():
        used = draft.program.variables(0.0, np.inf, (old != NONE) & plants[:, None, None])
        draft.program.add(rows, used, -1.0)
        balance = draft.program.constraints(0.0, 0.0, used.shape[:2])
        draft.program.add(balance[..., None], used, 1.0)
        of_plants = np.flatnonzero(lanes.plant >= 0)
        yields = np.maximum(draft.path.plant_yield[period][lanes.plant[of_plants]], 1e-300)
        lost = np.broadcast_to(draft.worth("consumed", period), old.shape[:2])
        draft.program.pay(used, lost[..., None])
        draft.program.pay(columns[of_plants], -lost[lanes.plant[of_plants]][..., None])
        draft.program.add(balance[lanes.plant[of_plants]][..., None], columns[of_plants], -1.0 / yields[:, None, None])


def _forbid(draft: Draft, columns: Integers) -> None:
    """Let some variables be 0."""
    there = columns[columns != NONE]
    if len(there):
        draft.program.add(draft.program.constraints(0.0, 0.0, there.shape), there, 1.0)


def _keep_to_limits(draft: Draft, period: int, columns: Integers) -> None:
    """Keep to the capacities of lanes, suppliers and plants, and to what sites can handle."""
    problem, lanes = draft.problem, draft.problem.lanes
    accepted = np.where(lanes.supplier >= 0, 1.0 / np.maximum(_shipped_of_accepted(draft, period), 1e-300), 1.0)
    accepted = np.minimum(accepted, 1e12)
    each, limits = np.arange(problem.shape.lanes), draft.now(lanes.capacity, period)
    _limit(draft, limits, each, columns, accepted)
    _limit(draft, draft.path.supplier_capacity[period], lanes.supplier, columns, accepted)
    _limit(draft, draft.now(problem.sites.production_capacity, period), lanes.plant, columns, accepted)
    leaving = np.where(lanes.site >= 0, draft.handling[period][lanes.site], NONE)
    draft.program.add(leaving[:, None, None], columns, 1.0)


def _limit(draft: Draft, limits: Floats, owner: Integers, columns: Integers, units: Floats) -> None:
    """Keep what lanes (L, K, A) take of their owner's limit within it; units (L,) are taken by each that is shipped."""
    rows = draft.program.constraints(-np.inf, limits, limits.shape) if np.isfinite(limits).any() else None
    if rows is None:
        return
    rows = np.where(np.isfinite(limits), rows, NONE)
    of_lanes = np.where(owner >= 0, rows[owner], NONE)
    draft.program.add(of_lanes[:, None, None], columns, units[:, None, None])


def _pay_for_orders(draft: Draft, period: int, columns: Integers) -> None:
    """Pay for what is ordered where that is due at shipment, and at least a share of fixed costs."""
    lanes = draft.problem.lanes
    paid = np.where(lanes.on_receipt[:, None], 0.0, draft.worth("paid", period))
    draft.program.pay(columns, paid[..., None])
    draft.program.pay(columns, -draft.weights[period] * fixed_cost_a_unit(draft, period)[..., None])


def fixed_cost_a_unit(draft: Draft, period: int) -> Floats:
    """Return the least fixed costs that a unit bears, (L, K): those of a shipment as large as can be."""
    prices, lanes, problem = draft.problem.prices, draft.problem.lanes, draft.problem
    most = draft.now(lanes.capacity, period)
    of_supplier = np.where(lanes.supplier >= 0, draft.path.supplier_capacity[period][lanes.supplier], np.inf)
    of_site = np.where(lanes.site >= 0, draft.now(problem.sites.handling, period)[lanes.site], np.inf)
    most = np.maximum(np.minimum(np.minimum(most, of_supplier), of_site), 1e-9)
    by_lane = np.where(np.isfinite(most), draft.now(prices.fixed, period) / most, 0.0)
    return by_lane[:, None] + np.where(np.isfinite(most)[:, None], draft.now(prices.line, period) / most[:, None], 0.0)


def _keep_to_positions(draft: Draft, period: int, columns: Integers) -> None:
    """Keep sites at their highest position, or the one with which the programme begins."""
    lanes, sites = draft.problem.lanes, draft.problem.sites
    limited = np.isfinite(sites.max_position).any(axis=1)
    if not limited.any():
        return
    opening = draft.opening.on_hand.sum(axis=-1)
    np.add.at(opening, lanes.to, draft.opening.in_transit.sum(axis=(0, 3)))
    rows = draft.program.constraints(-np.inf, np.maximum(sites.max_position, opening * ROOM), opening.shape)
    rows = np.where(np.isfinite(sites.max_position), rows, NONE)
    draft.program.add(rows[..., None], draft.stock, 1.0)
    ordered, lane, sku = np.nonzero(draft.in_transit)
    draft.program.add(rows[lanes.to[lane], sku][:, None], draft.orders[ordered, lane, sku], 1.0)
    within = (lanes.site >= 0) & (sites.cycle[lanes.to] == sites.cycle[lanes.site])
    yields = np.where(lanes.plant >= 0, np.maximum(draft.path.plant_yield[period][lanes.plant], 1e-300), 1.0)
    returned = np.where(within, 1.0 / yields, 0.0)[:, None, None]  # what leaves within a cycle does not lower a position
    draft.program.add(np.where(within[:, None], rows[lanes.site], NONE)[..., None], columns, returned)
