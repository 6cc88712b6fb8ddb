"""Serving customers, one world at a time: the groups of `fulfilment`, in the same order, fused by Numba."""

from __future__ import annotations

import math

import numpy as np

from allotment.engine.compiled import inner
from allotment.engine.kernel_rationing import ration


@inner
def fulfil(serving, sharing, lane_sites, state, flows, first, last, amounts, levels):  # type: ignore[no-untyped-def]
    """Ship in the order of the rule, group by group; then what is not served is lost or stays open."""
    on_hand, open_orders, shipped = state.on_hand, state.open_orders, flows.shipped
    handling_left = np.empty(sharing.handling.shape[0])
    lane_left = np.empty(serving.capacity.shape[0])
    levels[:] = 0
    for world in range(first, last):
        shipped[world] = 0.0
        lane_left[:] = serving.capacity
        leave_for_customers(sharing.handling, lane_sites, flows.executed, world, handling_left)
        for group in range(serving.group_start.shape[0] - 1):
            start, stop = serving.group_start[group], serving.group_start[group + 1]
            for pair in range(start, stop):
                channel = serving.channel[serving.pair_lane[pair]]
                amounts[pair - start] = open_orders[world, channel, serving.pair_sku[pair], 0]
            if stop - start > 1:
                share_group(serving, sharing, on_hand, world, start, stop, amounts, levels, lane_left, handling_left)
            for pair in range(start, stop):
                lane, sku = serving.pair_lane[pair], serving.pair_sku[pair]
                site, channel = serving.site[lane], serving.channel[lane]
                units = min(amounts[pair - start], on_hand[world, site, sku, 0], lane_left[lane], handling_left[site])
                units = max(0.0, units)
                on_hand[world, site, sku, 0] -= units
                open_orders[world, channel, sku, 0] -= units
                lane_left[lane] -= units
                handling_left[site] -= units
                shipped[world, lane, sku] = units
    lose(serving.lost, open_orders, flows.lost, first, last)


@inner
def leave_for_customers(handling, lane_sites, executed, world, handling_left):  # type: ignore[no-untyped-def]
    """Write what transfers have left of each site's handling."""
    handling_left[:] = handling
    for lane in range(lane_sites.shape[0]):
        if lane_sites[lane] >= 0:
            for sku in range(executed.shape[2]):
                handling_left[lane_sites[lane]] -= executed[world, lane, sku]


@inner
def share_group(serving, sharing, on_hand, world, start, stop, amounts, levels, lane_left, handling_left):  # type: ignore[no-untyped-def]
    """Cut what the pairs of a group want in proportion: to the stock of each SKU, each lane, and the site's handling."""
    site = serving.site[serving.pair_lane[start]]
    whole, largest = sharing.whole, sharing.largest_remainder
    first = start
    while first < stop:
        last = first
        while last < stop and serving.pair_sku[last] == serving.pair_sku[first]:
            last += 1
        stock = on_hand[world, site, serving.pair_sku[first], 0]
        ration(amounts[first - start :], levels, last - first, stock, whole, largest)
        first = last
    for lane in range(lane_left.shape[0]):
        if serving.site[lane] == site and not math.isinf(lane_left[lane]):
            share_lane(serving, sharing, start, stop, lane, amounts, levels, lane_left[lane])
    if not math.isinf(handling_left[site]):
        ration(amounts, levels, stop - start, max(0.0, handling_left[site]), whole, largest)


@inner
def share_lane(serving, sharing, start, stop, lane, amounts, levels, limit):  # type: ignore[no-untyped-def]
    """Cut the pairs of a group that use one lane to what is left of its capacity."""
    members = np.empty(stop - start)
    count = 0
    for pair in range(start, stop):
        if serving.pair_lane[pair] == lane:
            members[count] = amounts[pair - start]
            count += 1
    ration(members, levels, count, limit, sharing.whole, sharing.largest_remainder)
    count = 0
    for pair in range(start, stop):
        if serving.pair_lane[pair] == lane:
            amounts[pair - start] = members[count]
            count += 1


@inner
def lose(impatient, open_orders, lost, first, last):  # type: ignore[no-untyped-def]
    """Remove the unserved demand of channels that do not wait."""
    for world in range(first, last):
        for channel in range(lost.shape[1]):
            for sku in range(lost.shape[2]):
                if impatient[channel]:
                    lost[world, channel, sku] = open_orders[world, channel, sku, 0]
                    open_orders[world, channel, sku, 0] = 0.0
                else:
                    lost[world, channel, sku] = 0.0
