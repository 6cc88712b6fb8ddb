"""What the policy allocates and protects, in a block of worlds: `dynamics.allocation`, in the same order, for Numba."""

from __future__ import annotations

import math

import numpy as np

from allotment.engine import layout as f
from allotment.engine.compiled import World, floats1, floats3, floats4, integers1, integers3, linked
from allotment.engine.kernel.claims import guard, ship, within_limits
from allotment.engine.kernel.rationing import share
from allotment.engine.kernel.rounding import rounding
from allotment.scenario.problem import CODES

CAPACITY, NO_STOCK = CODES["capacity"], CODES["no_stock"]
PROTECTED, DEADLINE = CODES["protected"], CODES["deadline"]


@linked
def ship_requests(table: int, first: World, count: int) -> None:
    """Ship what the policy allocates, cut as `allocation.project` cuts it; what cannot be shipped has a reason."""
    begins = integers1(table, f.ALLOCATED_START)
    for j in range(count):
        want_requests(table, first + np.uint64(j))
        for site in range(begins.shape[0] - 1):
            if begins[site + 1] > begins[site]:
                ship_requests_of(table, begins[site], begins[site + 1], first + np.uint64(j))


@linked
def want_requests(table: int, world: World) -> None:
    """Write into `WANTED` what is requested in one world, cut to what each channel wants and each lane reaches in time."""
    lane, sku, lanes = (
        integers1(table, f.ALLOCATED_LANE),
        integers1(table, f.ALLOCATED_SKU),
        integers1(table, f.FULFILMENT_OF_CHANNEL),
    )
    requested, wanted, latest = floats3(table, f.ALLOCATION), floats1(table, f.WANTED), integers1(table, f.FULFILMENT_LATEST)
    last = integers1(table, f.CHANNELS_LAST)
    for claim in range(lane.shape[0]):
        wanted[claim] = requested[lane[claim], sku[claim], world] if latest[lane[claim]] >= 0 else 0.0
    for channel in range(last.shape[0]):
        for slot in range(last[channel] + 1):
            for place in range(lanes[channel], lanes[channel + 1]):
                if latest[lanes[place]] == slot:
                    share_wanted(table, channel, slot, world)
                    break


@linked
def share_wanted(table: int, channel: int, slot: int, world: World) -> None:
    """Share what a channel wants up to a slot, in one world, among the requests of lanes that reach no further."""
    lanes, latest = integers1(table, f.FULFILMENT_OF_CHANNEL), integers1(table, f.FULFILMENT_LATEST)
    wanted, amounts, open_demand = floats1(table, f.WANTED), floats1(table, f.AMOUNTS), floats4(table, f.OPEN_DEMAND)
    begins = integers1(table, f.ALLOCATED_FIRST)
    for sku in range(open_demand.shape[1]):
        reachable, found = 0.0, 0
        for open_slot in range(slot + 1):
            reachable += open_demand[channel, sku, open_slot, world]
        for place in range(lanes[channel], lanes[channel + 1]):
            if 0 <= latest[lanes[place]] <= slot:
                amounts[found] = min(wanted[begins[lanes[place]] + sku], reachable)
                found += 1
        share(table, 0, found, reachable)
        found = 0
        for place in range(lanes[channel], lanes[channel + 1]):
            if 0 <= latest[lanes[place]] <= slot:
                wanted[begins[lanes[place]] + sku] = amounts[found]
                found += 1


@linked
def ship_requests_of(table: int, begin: int, end: int, world: World) -> None:
    """Ship what is wanted of a site's requests in one world, the oldest orders first."""
    lane, sku, channels = (
        integers1(table, f.ALLOCATED_LANE),
        integers1(table, f.ALLOCATED_SKU),
        integers1(table, f.FULFILMENT_CHANNEL),
    )
    open_demand, units = floats4(table, f.OPEN_DEMAND), floats1(table, f.UNITS)
    latest = integers1(table, f.FULFILMENT_LATEST)
    within_limits(
        table,
        f.ALLOCATED_LANE,
        f.ALLOCATED_SKU,
        f.ALLOCATED_SAME_LANE,
        f.ALLOCATED_SAME_SKU,
        f.ALLOCATED_SAME_PAIR,
        begin,
        end,
        world,
    )
    explain_requests(table, begin, end, world)
    for claim in range(begin, end):
        channel, left = channels[lane[claim]], units[claim]
        floats3(table, f.FLOWS_ALLOCATION_EXECUTED)[lane[claim], sku[claim], world] = units[claim]
        for slot in range(latest[lane[claim]], -1, -1):
            part = min(left, open_demand[channel, sku[claim], slot, world])
            ship(table, lane[claim], sku[claim], slot, part, world)
            left -= part


@linked
def explain_requests(table: int, begin: int, end: int, world: World) -> None:
    """Note why less than requested is shipped: nobody wants it in time, too little stock, protected, or capacity."""
    lane, sku, channels = (
        integers1(table, f.ALLOCATED_LANE),
        integers1(table, f.ALLOCATED_SKU),
        integers1(table, f.FULFILMENT_CHANNEL),
    )
    requested, reason, free = floats3(table, f.ALLOCATION), integers3(table, f.FLOWS_ALLOCATION_REASON), floats3(table, f.FREE)
    wanted, units, site = floats1(table, f.WANTED), floats1(table, f.UNITS), integers1(table, f.FULFILMENT_SITE)[lane[begin]]
    rank, together = integers1(table, f.CHANNELS_RANK), floats1(table, f.WANTED_TOGETHER)
    for claim in range(begin, end):
        together[sku[claim]] = 0.0
    for claim in range(begin, end):
        together[sku[claim]] += wanted[claim]
    for claim in range(begin, end):
        stock, total = free[site, sku[claim], world], together[sku[claim]]
        guarded = guard(table, site, rank[channels[lane[claim]]], sku[claim], world)
        why = NO_STOCK if total > stock + rounding(stock) else CAPACITY
        if guarded > 0.0 and total > stock - guarded + rounding(stock):
            why = PROTECTED
        if not units[claim] < wanted[claim] - rounding(wanted[claim]):
            asked = requested[lane[claim], sku[claim], world]
            why = DEADLINE if wanted[claim] < asked - rounding(asked) else 0
        reason[lane[claim], sku[claim], world] = why


@linked
def protect(table: int, first: World, count: int) -> None:
    """Take over what the policy protects: not negative, and whole where units are."""
    whole, decided, protected = (
        integers1(table, f.SETTINGS)[f.RULES_WHOLE],
        floats4(table, f.DECISION_PROTECTION),
        floats4(table, f.PROTECTED),
    )
    for site in range(protected.shape[0]):
        for rank in range(protected.shape[1]):
            for sku in range(protected.shape[2]):
                for j in range(count):
                    world = first + np.uint64(j)
                    units = max(0.0, decided[site, rank, sku, world])
                    protected[site, rank, sku, world] = math.floor(units + 0.5) if whole else units


@linked
def clean_requests(table: int, first: World, count: int) -> None:
    """Take over what the policy allocates: not negative, and whole where units are."""
    whole, decided, requested = (
        integers1(table, f.SETTINGS)[f.RULES_WHOLE],
        floats3(table, f.DECISION_ALLOCATION),
        floats3(table, f.ALLOCATION),
    )
    recorded, executed, reason = (
        floats3(table, f.FLOWS_ALLOCATION_REQUESTED),
        floats3(table, f.FLOWS_ALLOCATION_EXECUTED),
        integers3(table, f.FLOWS_ALLOCATION_REASON),
    )
    for lane in range(requested.shape[0]):
        for sku in range(requested.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                units = max(0.0, decided[lane, sku, world])
                units = math.floor(units + 0.5) if whole else units
                requested[lane, sku, world] = units
                recorded[lane, sku, world] = units
                executed[lane, sku, world] = 0.0
            for j in range(count):
                reason[lane, sku, first + np.uint64(j)] = 0


@linked
def reserve(table: int, first: World, count: int) -> None:
    """Set stock aside for channels as the policy allocates it before demand is known, as far as there is stock."""
    requested, on_hand = floats3(table, f.ALLOCATION), floats4(table, f.ON_HAND)
    reserved, executed, reason = (
        floats4(table, f.RESERVED),
        floats3(table, f.FLOWS_ALLOCATION_EXECUTED),
        integers3(table, f.FLOWS_ALLOCATION_REASON),
    )
    lanes, channels = integers1(table, f.FULFILMENT_OF_SITE), integers1(table, f.FULFILMENT_CHANNEL)
    amounts = floats1(table, f.AMOUNTS)
    for site in range(reserved.shape[0]):
        for sku in range(on_hand.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                stock, begin, end = 0.0, lanes[site], lanes[site + 1]
                for life in range(on_hand.shape[2]):
                    stock += on_hand[site, sku, life, world]
                for place in range(begin, end):
                    amounts[place - begin] = requested[lanes[place], sku, world]
                share(table, 0, end - begin, stock)
                for place in range(begin, end):
                    lane, units = lanes[place], amounts[place - begin]
                    if units < requested[lane, sku, world] - rounding(requested[lane, sku, world]):
                        reason[lane, sku, world] = NO_STOCK
                    requested[lane, sku, world] = units
                    executed[lane, sku, world] = units
                    reserved[site, channels[lane], sku, world] += units
