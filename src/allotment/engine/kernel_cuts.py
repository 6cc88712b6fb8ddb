"""From request to execution, one world at a time: the cuts of `cuts`, in the same order, fused by Numba."""

from __future__ import annotations

import math

import numpy as np

from allotment.engine.compiled import inner
from allotment.engine.kernel_rationing import ration
from allotment.scenario.problem import ROUNDING

LANE, CAPACITY, NO_STOCK, MINIMUM = 1, 2, 3, 4  # positions in `REASONS`


@inner
def cut_requests(lanes, sharing, on_hand, flows, orders, world, amounts, levels):  # type: ignore[no-untyped-def]
    """Fill the record's requested and executed quantities and the reason of the last cut."""
    clean(lanes, sharing.whole, flows, orders, world)
    cut_to_lane_capacity(lanes, sharing, flows, world, amounts, levels)
    cut_to_supplier_capacity(lanes, sharing, flows, world, amounts, levels)
    cut_to_source_stock(lanes, sharing, on_hand, flows, world, amounts, levels)
    cut_to_handling(lanes, sharing, flows, world, amounts, levels)
    cut_to_multiples(lanes, flows, world)


@inner
def clean(lanes, whole, flows, orders, world):  # type: ignore[no-untyped-def]
    """Start from the request: not negative, in whole units where units are whole, only SKUs that the lane carries."""
    count, skus = lanes.allowed.shape
    for lane in range(count):
        for sku in range(skus):
            request = orders[world, lane, sku]
            units = max(0.0, request)
            if whole:
                units = math.floor(units + 0.5)
            reason = 0
            if units > 0.0 and not lanes.allowed[lane, sku]:
                units = 0.0
                reason = LANE
            flows.requested[world, lane, sku] = request
            flows.executed[world, lane, sku] = units
            flows.cut_reason[world, lane, sku] = reason


@inner
def cut_to_lane_capacity(lanes, sharing, flows, world, amounts, levels):  # type: ignore[no-untyped-def]
    """A lane's capacity is shared by its SKUs."""
    count, skus = lanes.allowed.shape
    for lane in range(count):
        if math.isinf(lanes.capacity[lane]):
            continue
        for sku in range(skus):
            amounts[sku] = flows.executed[world, lane, sku]
            levels[sku] = 0
        ration(amounts, levels, skus, lanes.capacity[lane], sharing.whole, sharing.largest_remainder)
        for sku in range(skus):
            give(flows, world, lane, sku, amounts[sku], LANE)


@inner
def give(flows, world, lane, sku, units, reason):  # type: ignore[no-untyped-def]
    """Execute `units`, noting the reason where that is less than before."""
    before = flows.executed[world, lane, sku]
    flows.executed[world, lane, sku] = min(before, units)
    if units < before - ROUNDING:
        flows.cut_reason[world, lane, sku] = reason


@inner
def cut_to_supplier_capacity(lanes, sharing, flows, world, amounts, levels):  # type: ignore[no-untyped-def]
    """A supplier's capacity is shared by its lanes and their SKUs."""
    for supplier in range(sharing.supplier_capacity.shape[0]):
        if not math.isinf(sharing.supplier_capacity[supplier]):
            cut_group(
                lanes,
                sharing,
                flows,
                world,
                lanes.supplier,
                supplier,
                sharing.supplier_capacity[supplier],
                amounts,
                levels,
            )


@inner
def cut_to_handling(lanes, sharing, flows, world, amounts, levels):  # type: ignore[no-untyped-def]
    """A site's handling is shared by the transfers that leave it; what is left of it is for customers."""
    for site in range(sharing.handling.shape[0]):
        if not math.isinf(sharing.handling[site]):
            cut_group(lanes, sharing, flows, world, lanes.site, site, sharing.handling[site], amounts, levels)


@inner
def cut_group(lanes, sharing, flows, world, owners, owner, limit, amounts, levels):  # type: ignore[no-untyped-def]
    """Ration one limit over all SKUs of the lanes that share it."""
    skus = lanes.allowed.shape[1]
    count = 0
    total = 0.0
    for lane in lanes.order:
        if owners[lane] == owner:
            for sku in range(skus):
                amounts[count] = flows.executed[world, lane, sku]
                levels[count] = lanes.priority[lane] if sharing.by_priority else 0
                total += amounts[count]
                count += 1
    if total <= limit:
        return
    ration(amounts, levels, count, limit, sharing.whole, sharing.largest_remainder)
    count = 0
    for lane in lanes.order:
        if owners[lane] == owner:
            for sku in range(skus):
                give(flows, world, lane, sku, amounts[count], CAPACITY)
                count += 1


@inner
def cut_to_source_stock(lanes, sharing, on_hand, flows, world, amounts, levels):  # type: ignore[no-untyped-def]
    """The stock of a site, SKU by SKU, is shared by the transfers that leave it."""
    sites, skus = sharing.initial_stock.shape
    promised = np.zeros((sites, skus))
    for lane in range(lanes.site.shape[0]):
        if lanes.site[lane] >= 0:
            for sku in range(skus):
                promised[lanes.site[lane], sku] += flows.executed[world, lane, sku]
    for site in range(sites):
        for sku in range(skus):
            if promised[site, sku] > on_hand[world, site, sku, 0]:
                cut_cell(lanes, sharing, flows, world, site, sku, on_hand[world, site, sku, 0], amounts, levels)


@inner
def cut_cell(lanes, sharing, flows, world, site, sku, limit, amounts, levels):  # type: ignore[no-untyped-def]
    """Ration one site's stock of one SKU over the lanes that leave it."""
    count = 0
    for lane in lanes.order:
        if lanes.site[lane] == site:
            amounts[count] = flows.executed[world, lane, sku]
            levels[count] = lanes.priority[lane] if sharing.by_priority else 0
            count += 1
    ration(amounts, levels, count, limit, sharing.whole, sharing.largest_remainder)
    count = 0
    for lane in lanes.order:
        if lanes.site[lane] == site:
            give(flows, world, lane, sku, amounts[count], NO_STOCK)
            count += 1


@inner
def cut_to_multiples(lanes, flows, world):  # type: ignore[no-untyped-def]
    """Round down to the lane's multiple; what is then below its minimum is not shipped."""
    count, skus = lanes.allowed.shape
    for lane in range(count):
        for sku in range(skus):
            units = flows.executed[world, lane, sku]
            multiple = lanes.multiple[lane, sku]
            if multiple > 0.0:
                units = math.floor(units / multiple + ROUNDING) * multiple
            if units < lanes.minimum[lane, sku] - ROUNDING or units < ROUNDING:
                units = 0.0
            give(flows, world, lane, sku, units, MINIMUM)
