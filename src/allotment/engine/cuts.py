"""From request to execution: what cannot be done is cut, limit by limit, and each cut has a reason.

Requests of one decision see the same stock. The order: lane SKUs, lane capacity, supplier capacity, source stock, handling,
multiples, minimums.
"""

from __future__ import annotations

import numpy as np

from allotment.engine.rationing import ration
from allotment.engine.state import Flows, State
from allotment.scenario.problem import REASONS, ROUNDING, Floats, Integers, Problem


def cut_requests(problem: Problem, state: State, flows: Flows, orders: Floats) -> Flows:
    """Return the record with requested and executed quantities and the reason of the last cut, each (B, L, K)."""
    units = np.maximum(orders, 0.0)
    units = np.floor(units + 0.5) if problem.sharing.whole else units
    reason = np.zeros(orders.shape, dtype=np.int8)
    for name, cut in (
        ("lane", _to_carried_skus),
        ("lane", _to_lane_capacity),
        ("capacity", _to_supplier_capacity),
        ("no_stock", _to_source_stock),
        ("capacity", _to_handling),
        ("minimum", _to_multiples),
    ):
        left = np.minimum(units, cut(problem, state, units))
        reason = np.where(left < units - ROUNDING, REASONS.index(name), reason).astype(np.int8)
        units = left
    return flows._replace(requested=orders, executed=units, cut_reason=reason)


def _to_carried_skus(problem: Problem, state: State, units: Floats) -> Floats:
    return np.where(problem.lanes.allowed, units, 0.0)


def _to_lane_capacity(problem: Problem, state: State, units: Floats) -> Floats:
    """A lane's capacity is shared by its SKUs."""
    batch, lanes, skus = units.shape
    limit = np.broadcast_to(problem.lanes.capacity, (batch, lanes))
    return ration(units, np.zeros(skus, dtype=int), limit, problem.sharing.whole, problem.sharing.largest_remainder)


def _to_supplier_capacity(problem: Problem, state: State, units: Floats) -> Floats:
    """A supplier's capacity is shared by its lanes and their SKUs."""
    return _shared_by_lanes(problem, units, problem.lanes.supplier, problem.sharing.supplier_capacity)


def _to_handling(problem: Problem, state: State, units: Floats) -> Floats:
    """A site's handling is shared by the transfers that leave it; what is left of it is for customers."""
    return _shared_by_lanes(problem, units, problem.lanes.site, problem.sharing.handling)


def _shared_by_lanes(problem: Problem, units: Floats, owners: Integers, limits: Floats) -> Floats:
    """Ration each owner's limit over all SKUs of the lanes that share it, by lane priority and file order."""
    units = units.copy()
    batch, _, skus = units.shape
    for owner, limit in enumerate(limits):
        lanes = problem.lanes.order[owners[problem.lanes.order] == owner]
        if len(lanes):
            wanted = units[:, lanes].reshape(batch, -1)
            levels = np.repeat(_levels(problem, lanes), skus)
            given = ration(wanted, levels, np.full(batch, limit), problem.sharing.whole, problem.sharing.largest_remainder)
            units[:, lanes] = given.reshape(batch, len(lanes), skus)
    return units


def _to_source_stock(problem: Problem, state: State, units: Floats) -> Floats:
    """The stock of a site, SKU by SKU, is shared by the transfers that leave it."""
    units = units.copy()
    for site in range(len(problem.sharing.handling)):
        lanes = problem.lanes.order[problem.lanes.site[problem.lanes.order] == site]
        if len(lanes):
            wanted = np.moveaxis(units[:, lanes], 1, -1)
            stock = state.on_hand[:, site].sum(axis=-1)
            given = ration(wanted, _levels(problem, lanes), stock, problem.sharing.whole, problem.sharing.largest_remainder)
            units[:, lanes] = np.moveaxis(given, -1, 1)
    return units


def _levels(problem: Problem, lanes: Integers) -> Integers:
    """Return the levels in which lanes are supplied: all at once, or by their priority."""
    priority = problem.lanes.priority[lanes]
    return priority if problem.sharing.by_priority else np.zeros_like(priority)


def _to_multiples(problem: Problem, state: State, units: Floats) -> Floats:
    """Round down to the lane's multiple; what is then below its minimum is not shipped."""
    step = np.where(problem.lanes.multiple > 0.0, problem.lanes.multiple, 1.0)
    rounded = np.where(problem.lanes.multiple > 0.0, np.floor(units / step + ROUNDING) * step, units)
    too_few = (rounded < problem.lanes.minimum - ROUNDING) | (rounded < ROUNDING)
    return np.where(too_few, 0.0, rounded)
