"""From request to execution, one world at a time: the cuts of `cuts`, in the same order, fused by Numba."""

from __future__ import annotations

import math

import numpy as np

from allotment.engine.compiled import inline, inner
from allotment.engine.kernel_rationing import ration
from allotment.scenario.problem import ROUNDING

LANE, CAPACITY, NO_STOCK, MINIMUM = 1, 2, 3, 4  # positions in `REASONS`


@inner
def cut_requests(lanes, sharing, on_hand, flows, orders, first, last, amounts, levels):  # type: ignore[no-untyped-def]
    """Fill the record's requested and executed quantities and the reason of the last cut."""
    executed, reason = flows.executed, flows.cut_reason
    clean(lanes.allowed, sharing.whole, flows.requested, executed, reason, orders, first, last)
    cut_to_lane_capacity(lanes.capacity, sharing, executed, reason, first, last, amounts, levels)
    for supplier in range(sharing.supplier_capacity.shape[0]):
        limit = sharing.supplier_capacity[supplier]
        cut_group(lanes, sharing, executed, reason, lanes.supplier, supplier, limit, first, last, amounts, levels)
    if (lanes.site >= 0).any():
        cut_to_source_stock(lanes, sharing, on_hand, executed, reason, first, last, amounts, levels)
        for site in range(sharing.handling.shape[0]):
            limit = sharing.handling[site]
            cut_group(lanes, sharing, executed, reason, lanes.site, site, limit, first, last, amounts, levels)
    cut_to_multiples(lanes.multiple, lanes.minimum, executed, reason, first, last)


@inner
def clean(allowed, whole, requested, executed, reason, orders, first, last):  # type: ignore[no-untyped-def]
    """Start from the request: not negative, in whole units where units are whole, only SKUs that the lane carries."""
    for world in range(first, last):
        for lane in range(allowed.shape[0]):
            for sku in range(allowed.shape[1]):
                request = orders[world, lane, sku]
                units = max(0.0, request)
                if whole:
                    units = math.floor(units + 0.5)
                refused = units > 0.0 and not allowed[lane, sku]
                requested[world, lane, sku] = request
                executed[world, lane, sku] = 0.0 if refused else units
                reason[world, lane, sku] = LANE if refused else 0


@inline
def give(executed, reason, world, lane, sku, units, why):  # type: ignore[no-untyped-def]
    """Execute `units`, noting why where that is less than before."""
    before = executed[world, lane, sku]
    executed[world, lane, sku] = min(before, units)
    if units < before - ROUNDING:
        reason[world, lane, sku] = why


@inner
def cut_to_lane_capacity(capacity, sharing, executed, reason, first, last, amounts, levels):  # type: ignore[no-untyped-def]
    """A lane's capacity is shared by its SKUs."""
    skus = executed.shape[2]
    for lane in range(capacity.shape[0]):
        if math.isinf(capacity[lane]):
            continue
        for world in range(first, last):
            for sku in range(skus):
                amounts[sku] = executed[world, lane, sku]
                levels[sku] = 0
            ration(amounts, levels, skus, capacity[lane], sharing.whole, sharing.largest_remainder)
            for sku in range(skus):
                give(executed, reason, world, lane, sku, amounts[sku], LANE)


@inner
def cut_group(lanes, sharing, executed, reason, owners, owner, limit, first, last, amounts, levels):  # type: ignore[no-untyped-def]
    """A supplier's capacity, or the handling of transfers that leave a site, is shared by its lanes and their SKUs."""
    if math.isinf(limit):
        return
    skus = executed.shape[2]
    for world in range(first, last):
        count = 0
        for lane in lanes.order:
            if owners[lane] == owner:
                for sku in range(skus):
                    amounts[count] = executed[world, lane, sku]
                    levels[count] = lanes.priority[lane] if sharing.by_priority else 0
                    count += 1
        ration(amounts, levels, count, limit, sharing.whole, sharing.largest_remainder)
        count = 0
        for lane in lanes.order:
            if owners[lane] == owner:
                for sku in range(skus):
                    give(executed, reason, world, lane, sku, amounts[count], CAPACITY)
                    count += 1


@inner
def cut_to_source_stock(lanes, sharing, on_hand, executed, reason, first, last, amounts, levels):  # type: ignore[no-untyped-def]
    """The stock of a site, SKU by SKU, is shared by the transfers that leave it."""
    sites, skus = sharing.initial_stock.shape
    promised = np.empty((sites, skus))
    for world in range(first, last):
        promised[:] = 0.0
        for lane in range(lanes.site.shape[0]):
            if lanes.site[lane] >= 0:
                for sku in range(skus):
                    promised[lanes.site[lane], sku] += executed[world, lane, sku]
        for site in range(sites):
            for sku in range(skus):
                limit = on_hand[world, site, sku, 0]
                if promised[site, sku] > limit:
                    cut_cell(lanes, sharing, executed, reason, world, site, sku, limit, amounts, levels)


@inner
def cut_cell(lanes, sharing, executed, reason, world, site, sku, limit, amounts, levels):  # type: ignore[no-untyped-def]
    """Ration one site's stock of one SKU over the lanes that leave it."""
    count = 0
    for lane in lanes.order:
        if lanes.site[lane] == site:
            amounts[count] = executed[world, lane, sku]
            levels[count] = lanes.priority[lane] if sharing.by_priority else 0
            count += 1
    ration(amounts, levels, count, limit, sharing.whole, sharing.largest_remainder)
    count = 0
    for lane in lanes.order:
        if lanes.site[lane] == site:
            give(executed, reason, world, lane, sku, amounts[count], NO_STOCK)
            count += 1


@inner
def cut_to_multiples(multiple, minimum, executed, reason, first, last):  # type: ignore[no-untyped-def]
    """Round down to the lane's multiple; what is then below its minimum is not shipped."""
    for world in range(first, last):
        for lane in range(multiple.shape[0]):
            for sku in range(multiple.shape[1]):
                units = executed[world, lane, sku]
                if units > 0.0:
                    if multiple[lane, sku] > 0.0:
                        units = math.floor(units / multiple[lane, sku] + ROUNDING) * multiple[lane, sku]
                    if units < minimum[lane, sku] - ROUNDING or units < ROUNDING:
                        units = 0.0
                    give(executed, reason, world, lane, sku, units, MINIMUM)
