"""Sharing a limit among an owner's lanes and SKUs, in a block of worlds: what `feasibility` does with the rules of `rationing`.

Whether a limit binds is asked of all worlds at once. Where many are short, proportional shares are made in all of them at once
as well, place by place of those who share; else one world after the other is rationed.
"""

from __future__ import annotations

import math

import numpy as np

from allotment.engine import layout as f
from allotment.engine.compiled import World, floats1, floats2, floats3, floats4, integers1, integers3, linked
from allotment.engine.inversion import SMALLEST
from allotment.engine.kernel.rationing import ration
from allotment.engine.kernel.rounding import rounding
from allotment.scenario.problem import CODES, PRIORITY, PROPORTIONAL, ROUNDING

NO_STOCK, PROTECTED = CODES["no_stock"], CODES["protected"]


@linked
def ration_block(
    table: int,
    units: int,
    owners: int,
    owner: int,
    low: int,
    high: int,
    claims: int,
    why: int,
    owes: int,
    first: World,
    count: int,
) -> None:
    """Ration limits (`LIMIT`) below the `REQUESTED` total of an owner's claims: in all worlds at once where many are short."""
    total, most, short = floats1(table, f.REQUESTED), floats1(table, f.LIMIT), 0
    for j in range(count):
        world = first + np.uint64(j)
        short += 1 if total[world] > most[world] else 0
    if short == 0:
        return
    rule = integers1(table, f.SETTINGS)[f.RULES_RATIONING]
    at_once = rule == PROPORTIONAL or (rule == PRIORITY and claims == 1)
    if at_once and claims <= floats2(table, f.REMAINDERS).shape[0] and short * 8 > count:
        share_at_once(table, units, owners, owner, low, high, why, owes, first, count)
        return
    for j in range(count):
        world = first + np.uint64(j)
        if total[world] > most[world]:
            ration_lanes(table, units, owners, owner, low, high, most[world], why, owes, world)


@linked
def share_at_once(
    table: int, units: int, owners: int, owner: int, low: int, high: int, why: int, owes: int, first: World, count: int
) -> None:
    """Share limits (`LIMIT`) below the total (`REQUESTED`) in proportion, in all worlds of a block, as `share` does in one."""
    order, owned, wanted = integers1(table, f.LANES_ORDER), integers1(table, owners), floats3(table, units)
    total, most, left = floats1(table, f.REQUESTED), floats1(table, f.LIMIT), floats1(table, f.UNITS_LEFT)
    whole, rests, claims = integers1(table, f.SETTINGS)[f.RULES_WHOLE], floats2(table, f.REMAINDERS), 0
    for j in range(count):
        world = first + np.uint64(j)
        most[world] = min(most[world], total[world])
        left[world], total[world] = most[world], max(total[world], SMALLEST)
    for lane in order:
        for sku in range(low, high if owned[lane] == owner and whole else low):
            for j in range(count):
                world = first + np.uint64(j)
                exact = wanted[lane, sku, world] * most[world] / total[world]
                rests[claims, world] = exact - math.floor(exact)
                left[world] -= math.floor(exact)
            claims += 1
    claim = 0
    for lane in order:
        for sku in range(low, high if owned[lane] == owner else low):
            if whole:
                share_whole(table, units, lane, sku, claim, claims, first, count)
            else:
                share_part(table, units, lane, sku, first, count)
            take_share(table, units, lane, sku, why, owes, first, count)
            claim += 1


@linked
def share_whole(table: int, units: int, lane: int, sku: int, claim: int, claims: int, first: World, count: int) -> None:
    """Write the whole units of a claim's share into `GIVEN`: the integer part, and one more for the largest remainders."""
    wanted, total, most = floats3(table, units), floats1(table, f.REQUESTED), floats1(table, f.LIMIT)
    left, given, rests = floats1(table, f.UNITS_LEFT), floats1(table, f.GIVEN), floats2(table, f.REMAINDERS)
    rank = floats1(table, f.REMAINDER_RANK)
    for j in range(count):
        rank[first + np.uint64(j)] = 1.0
    for other in range(claims if integers1(table, f.SETTINGS)[f.RULES_LARGEST_REMAINDER] else 0):
        if other < claim:
            for j in range(count):
                world = first + np.uint64(j)
                rank[world] += 1.0 if rests[other, world] >= rests[claim, world] else 0.0
        elif other > claim:
            for j in range(count):
                world = first + np.uint64(j)
                rank[world] += 1.0 if rests[other, world] > rests[claim, world] else 0.0
    another = 1.0 if integers1(table, f.SETTINGS)[f.RULES_LARGEST_REMAINDER] else 0.0
    for j in range(count):
        world = first + np.uint64(j)
        part = math.floor(wanted[lane, sku, world] * most[world] / total[world])
        part += another if rank[world] <= left[world] else 0.0
        given[world] = part if most[world] < total[world] else wanted[lane, sku, world]


@linked
def share_part(table: int, units: int, lane: int, sku: int, first: World, count: int) -> None:
    """Write a claim's share, in continuous units, into `GIVEN`."""
    wanted, total, most, given = (
        floats3(table, units),
        floats1(table, f.REQUESTED),
        floats1(table, f.LIMIT),
        floats1(table, f.GIVEN),
    )
    for j in range(count):
        world = first + np.uint64(j)
        given[world] = wanted[lane, sku, world] * (most[world] / total[world])


@linked
def take_share(table: int, units: int, lane: int, sku: int, why: int, owes: int, first: World, count: int) -> None:
    """Let a claim's share through, in `GIVEN`; of new requests, note the reason and what the source owes."""
    wanted, given, reason = floats3(table, units), floats1(table, f.GIVEN), integers3(table, f.FLOWS_CUT_REASON)
    owed, site, keeps = (
        floats3(table, f.OWED),
        integers1(table, f.LANES_SITE)[lane],
        owes and integers1(table, f.LANES_BACKLOG)[lane],
    )
    guards = floats4(table, f.RESERVED).shape[0] > 0 or floats4(table, f.PROTECTED).shape[1] > 0
    if units == f.FLOWS_EXECUTED:
        if keeps:
            for j in range(count):
                world = first + np.uint64(j)
                owed[lane, sku, world] += wanted[lane, sku, world] - min(wanted[lane, sku, world], given[world])
        for j in range(count):
            world = first + np.uint64(j)
            short = given[world] < wanted[lane, sku, world] - rounding(wanted[lane, sku, world])
            reason[lane, sku, world] = why if short else reason[lane, sku, world]
        for j in range(count if guards and why == NO_STOCK and site >= 0 else 0):
            world = first + np.uint64(j)
            short = given[world] < wanted[lane, sku, world] - rounding(wanted[lane, sku, world])
            if short and kept(table, site, sku, world) > ROUNDING:
                reason[lane, sku, world] = PROTECTED
    for j in range(count):
        world = first + np.uint64(j)
        wanted[lane, sku, world] = min(wanted[lane, sku, world], given[world])


@linked
def ration_lanes(
    table: int, units: int, owners: int, owner: int, low: int, high: int, limit: float, why: int, owes: int, world: World
) -> None:
    """Ration a limit in one world over SKUs low, …, high − 1 of an owner's lanes, by lane priority and file order."""
    order, priority, owned = integers1(table, f.LANES_ORDER), integers1(table, f.LANES_PRIORITY), integers1(table, owners)
    wanted, amounts, levels = floats3(table, units), floats1(table, f.AMOUNTS), integers1(table, f.LEVELS)
    starts, scales, to = floats1(table, f.STARTS), floats1(table, f.SCALES), integers1(table, f.LANES_TO)
    positions, expected, claims = floats3(table, f.POSITION), floats2(table, f.SITES_EXPECTED_DEMAND), 0
    for lane in order:
        if owned[lane] == owner:
            for sku in range(low, high):
                amounts[claims], levels[claims] = wanted[lane, sku, world], priority[lane]
                if positions.shape[0] > 0:
                    starts[claims], scales[claims] = positions[to[lane], sku, world], expected[to[lane], sku]
                claims += 1
    ration(table, claims, limit)
    take_back(table, units, owners, owner, low, high, why, owes, world)


@linked
def take_back(table: int, units: int, owners: int, owner: int, low: int, high: int, why: int, owes: int, world: World) -> None:
    """Let through what rationing allows; of new requests, note the reason and what the source owes."""
    order, owned, sources = integers1(table, f.LANES_ORDER), integers1(table, owners), integers1(table, f.LANES_SITE)
    wanted, amounts, claims = floats3(table, units), floats1(table, f.AMOUNTS), 0
    reason, backlog, owed = integers3(table, f.FLOWS_CUT_REASON), integers1(table, f.LANES_BACKLOG), floats3(table, f.OWED)
    for lane in order:
        if owned[lane] != owner:
            continue
        keeps = owes and backlog[lane] and units == f.FLOWS_EXECUTED
        for sku in range(low, high):
            before, after = wanted[lane, sku, world], min(wanted[lane, sku, world], amounts[claims])
            claims += 1
            wanted[lane, sku, world] = after
            if keeps:
                owed[lane, sku, world] += before - after
            if units == f.FLOWS_EXECUTED and after < before - rounding(before):
                guarded = why == NO_STOCK and sources[lane] >= 0 and kept(table, sources[lane], sku, world) > ROUNDING
                reason[lane, sku, world] = PROTECTED if guarded else why


@linked
def kept(table: int, site: int, sku: int, world: World) -> float:
    """Return what is reserved in a site, and what nobody but the classes above may use at its most."""
    reserved, protected = floats4(table, f.RESERVED), floats4(table, f.PROTECTED)
    units = 0.0
    if reserved.shape[0] > 0:
        for channel in range(reserved.shape[1]):
            units += reserved[site, channel, sku, world]
    highest = 0.0
    for rank in range(protected.shape[1]):
        highest = max(highest, protected[site, rank, sku, world])
    return units + highest
