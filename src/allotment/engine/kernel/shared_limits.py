"""Sharing a limit among an owner's lanes and SKUs, in a block of worlds: what `feasibility` does with the rules of `rationing`.

Whether a limit binds is asked of all worlds at once. Where many are short, proportional shares are made in all of them at once
as well, lane by lane; else one world after the other is rationed. The place of a remainder is counted among those of a few
claims, which the processor does for several worlds together; among many, the last that gets a unit is selected.

Who shares a limit stands in a list of lanes by owner (`LANES_OF_SUPPLIER`, …), in places begin, …, end − 1 of it.
"""

from __future__ import annotations

import numpy as np

from allotment.engine import layout as f
from allotment.engine.compiled import World, floats1, floats2, floats3, floats4, integers1, integers3, linked
from allotment.engine.inversion import SMALLEST
from allotment.engine.kernel.rationing import ration
from allotment.engine.kernel.rounding import rounding
from allotment.engine.kernel.selection import select_last
from allotment.scenario.problem import CODES, PRIORITY, PROPORTIONAL, ROUNDING

NO_STOCK, PROTECTED = CODES["no_stock"], CODES["protected"]
MOST_COUNTED = f.MOST_COUNTED


@linked
def add_requested(
    table: int, units: int, lists: int, begin: int, end: int, low: int, high: int, first: World, count: int
) -> None:
    """Write what some lanes of a list request of some SKUs together into `REQUESTED`."""
    wanted, total, lanes = floats3(table, units), floats1(table, f.REQUESTED), integers1(table, lists)
    for j in range(count):
        total[first + np.uint64(j)] = 0.0
    for place in range(begin, end):
        lane = lanes[place]
        for sku in range(low, high):
            for j in range(count):
                world = first + np.uint64(j)
                total[world] += wanted[lane, sku, world]


@linked
def ration_block(
    table: int, units: int, lists: int, begin: int, end: int, low: int, high: int, why: int, owes: int, first: World, count: int
) -> None:
    """Ration limits (`LIMIT`) below the `REQUESTED` total of some lanes of a list, for SKUs low, …, high − 1 of them.

    All worlds are rationed at once where many are short.
    """
    total, most, short = floats1(table, f.REQUESTED), floats1(table, f.LIMIT), 0
    for j in range(count):
        world = first + np.uint64(j)
        short += 1 if total[world] > most[world] else 0
    if short == 0:
        return
    rule = integers1(table, f.SETTINGS)[f.RULES_RATIONING]
    at_once = short * 8 > count
    if at_once and (rule == PROPORTIONAL or (rule == PRIORITY and end == begin + 1)):
        share_at_once(table, units, lists, begin, end, low, high, why, owes, first, count)
        return
    if at_once and rule == PRIORITY:
        share_by_level(table, units, lists, begin, end, low, high, why, owes, first, count)
        return
    for j in range(count):
        world = first + np.uint64(j)
        if total[world] > most[world]:
            ration_lanes(table, units, lists, begin, end, low, high, most[world], why, owes, world)


@linked
def share_by_level(
    table: int, units: int, lists: int, begin: int, end: int, low: int, high: int, why: int, owes: int, first: World, count: int
) -> None:
    """Serve the lanes level by level, the lowest first, in proportion within one, in all worlds of a block."""
    total, most, left = floats1(table, f.REQUESTED), floats1(table, f.LIMIT), floats1(table, f.LIMIT_LEFT)
    lanes, priority = integers1(table, lists), integers1(table, f.LANES_PRIORITY)
    for j in range(count):
        world = first + np.uint64(j)
        left[world] = most[world]
    start = begin
    while start < end:
        stop = start + 1
        while stop < end and priority[lanes[stop]] == priority[lanes[start]]:
            stop += 1
        add_requested(table, units, lists, start, stop, low, high, first, count)
        for j in range(count):
            world = first + np.uint64(j)
            most[world] = left[world]
            left[world] -= min(total[world], left[world])
        share_at_once(table, units, lists, start, stop, low, high, why, owes, first, count)
        start = stop


@linked
def share_at_once(
    table: int, units: int, lists: int, begin: int, end: int, low: int, high: int, why: int, owes: int, first: World, count: int
) -> None:
    """Share limits (`LIMIT`) below the total (`REQUESTED`) in proportion, in all worlds of a block, as `share` does in one."""
    settings, lanes, total, most = (
        integers1(table, f.SETTINGS),
        integers1(table, lists),
        floats1(table, f.REQUESTED),
        floats1(table, f.LIMIT),
    )
    for j in range(count):
        world = first + np.uint64(j)
        most[world] = min(most[world], total[world])
        total[world] = max(total[world], SMALLEST)
    compared = (end - begin) * (high - low) if settings[f.RULES_WHOLE] and settings[f.RULES_LARGEST_REMAINDER] else 0
    if compared > 0:
        find_remainders(table, units, lists, begin, end, low, high, first, count)
    if compared > MOST_COUNTED:
        select_last(table, compared, first, count)
    for place in range(begin, end):
        if not settings[f.RULES_WHOLE]:
            share_part(table, units, lanes[place], low, high, first, count)
        elif compared > MOST_COUNTED:
            share_selected(table, units, lanes[place], low, high, first, count)
        else:
            share_whole(table, units, lanes[place], low, high, (place - begin) * (high - low), compared, first, count)
        take_share(table, units, lanes[place], low, high, why, owes, first, count)


@linked
def find_remainders(
    table: int, units: int, lists: int, begin: int, end: int, low: int, high: int, first: World, count: int
) -> None:
    """Write what shares have beyond whole units into `REMAINDERS`, and what those whole units leave into `UNITS_LEFT`."""
    wanted, lanes, rests = floats3(table, units), integers1(table, lists), floats2(table, f.REMAINDERS)
    total, most, left, claim = floats1(table, f.REQUESTED), floats1(table, f.LIMIT), floats1(table, f.UNITS_LEFT), 0
    for j in range(count):
        world = first + np.uint64(j)
        left[world] = most[world]
    for place in range(begin, end):
        lane = lanes[place]
        for sku in range(low, high):
            for j in range(count):
                world = first + np.uint64(j)
                exact = wanted[lane, sku, world] * most[world] / total[world]
                rests[claim, world] = exact - np.floor(exact)
                left[world] -= np.floor(exact)
            claim += 1


@linked
def share_selected(table: int, units: int, lane: int, low: int, high: int, first: World, count: int) -> None:
    """Write the whole units of a lane's shares into `GIVEN`: one more for larger remainders than the last, and first equals."""
    wanted, total, most = floats3(table, units), floats1(table, f.REQUESTED), floats1(table, f.LIMIT)
    last, left, given = floats1(table, f.LAST_REMAINDER), floats1(table, f.LAST_UNITS), floats2(table, f.GIVEN)
    for sku in range(low, high):
        for j in range(count):
            world = first + np.uint64(j)
            exact = wanted[lane, sku, world] * most[world] / total[world]
            rest = exact - np.floor(exact)
            equal = 1.0 if rest == last[world] and left[world] >= 1.0 else 0.0
            left[world] -= equal
            part = np.floor(exact) + (1.0 if rest > last[world] else equal)
            given[sku, world] = part if most[world] < total[world] else wanted[lane, sku, world]


@linked
def share_whole(
    table: int, units: int, lane: int, low: int, high: int, claim: int, claims: int, first: World, count: int
) -> None:
    """Write the whole units of a lane's shares into `GIVEN`: the integer part, and one more for the largest remainders.

    The place of each remainder is counted among those of all claims, of which `claim` is the lane's first; no claims, no unit
    more.
    """
    wanted, total, most = floats3(table, units), floats1(table, f.REQUESTED), floats1(table, f.LIMIT)
    left, given, rests = floats1(table, f.UNITS_LEFT), floats2(table, f.GIVEN), floats2(table, f.REMAINDERS)
    rank, another = floats1(table, f.REMAINDER_RANK), 1.0 if claims > 0 else 0.0
    for sku in range(low, high):
        for j in range(count):
            rank[first + np.uint64(j)] = 1.0
        for other in range(claims):
            if other < claim:
                for j in range(count):
                    world = first + np.uint64(j)
                    rank[world] += 1.0 if rests[other, world] >= rests[claim, world] else 0.0
            elif other > claim:
                for j in range(count):
                    world = first + np.uint64(j)
                    rank[world] += 1.0 if rests[other, world] > rests[claim, world] else 0.0
        for j in range(count):
            world = first + np.uint64(j)
            part = np.floor(wanted[lane, sku, world] * most[world] / total[world])
            part += another if rank[world] <= left[world] else 0.0
            given[sku, world] = part if most[world] < total[world] else wanted[lane, sku, world]
        claim += 1


@linked
def share_part(table: int, units: int, lane: int, low: int, high: int, first: World, count: int) -> None:
    """Write a lane's shares, in continuous units, into `GIVEN`."""
    wanted, total, most, given = (
        floats3(table, units),
        floats1(table, f.REQUESTED),
        floats1(table, f.LIMIT),
        floats2(table, f.GIVEN),
    )
    for sku in range(low, high):
        for j in range(count):
            world = first + np.uint64(j)
            given[sku, world] = wanted[lane, sku, world] * (most[world] / total[world])


@linked
def take_share(table: int, units: int, lane: int, low: int, high: int, why: int, owes: int, first: World, count: int) -> None:
    """Let a lane's shares through, in `GIVEN`; of new requests, note the reason and what the source owes."""
    wanted, given, reason = floats3(table, units), floats2(table, f.GIVEN), integers3(table, f.FLOWS_CUT_REASON)
    explained = units == f.FLOWS_EXECUTED
    site, keeps = integers1(table, f.LANES_SITE)[lane], explained and owes and integers1(table, f.LANES_BACKLOG)[lane]
    guards = explained and why == NO_STOCK and site >= 0
    if guards:
        guards = floats4(table, f.RESERVED).shape[0] > 0 or floats4(table, f.PROTECTED).shape[1] > 0
    for sku in range(low, high):
        if keeps:
            owe(table, lane, sku, first, count)
        if guards:
            explain_guarded(table, lane, sku, first, count)
        elif explained:
            for j in range(count):
                world = first + np.uint64(j)
                short = given[sku, world] < wanted[lane, sku, world] - rounding(wanted[lane, sku, world])
                reason[lane, sku, world] = why if short else reason[lane, sku, world]
        for j in range(count):
            world = first + np.uint64(j)
            wanted[lane, sku, world] = min(wanted[lane, sku, world], given[sku, world])


@linked
def owe(table: int, lane: int, sku: int, first: World, count: int) -> None:
    """Add what shares, in `GIVEN`, leave of new requests to what the source owes."""
    wanted, given, owed = floats3(table, f.FLOWS_EXECUTED), floats2(table, f.GIVEN), floats3(table, f.OWED)
    for j in range(count):
        world = first + np.uint64(j)
        owed[lane, sku, world] += wanted[lane, sku, world] - min(wanted[lane, sku, world], given[sku, world])


@linked
def explain_guarded(table: int, lane: int, sku: int, first: World, count: int) -> None:
    """Note why shares, in `GIVEN`, are less than new requests, at a site that keeps units for some."""
    wanted, given, reason = floats3(table, f.FLOWS_EXECUTED), floats2(table, f.GIVEN), integers3(table, f.FLOWS_CUT_REASON)
    site = integers1(table, f.LANES_SITE)[lane]
    for j in range(count):
        world = first + np.uint64(j)
        if given[sku, world] < wanted[lane, sku, world] - rounding(wanted[lane, sku, world]):
            reason[lane, sku, world] = PROTECTED if kept(table, site, sku, world) > ROUNDING else NO_STOCK


@linked
def ration_lanes(
    table: int,
    units: int,
    lists: int,
    begin: int,
    end: int,
    low: int,
    high: int,
    limit: float,
    why: int,
    owes: int,
    world: World,
) -> None:
    """Ration a limit in one world over SKUs low, …, high − 1 of some lanes of a list, by lane priority and file order."""
    lanes, priority = integers1(table, lists), integers1(table, f.LANES_PRIORITY)
    wanted, amounts, levels = floats3(table, units), floats1(table, f.AMOUNTS), integers1(table, f.LEVELS)
    starts, scales, to = floats1(table, f.STARTS), floats1(table, f.SCALES), integers1(table, f.LANES_TO)
    positions, expected, claims = floats3(table, f.POSITION), floats2(table, f.SITES_EXPECTED_DEMAND), 0
    for place in range(begin, end):
        lane = lanes[place]
        for sku in range(low, high):
            amounts[claims], levels[claims] = wanted[lane, sku, world], priority[lane]
            if positions.shape[0] > 0:
                starts[claims], scales[claims] = positions[to[lane], sku, world], expected[to[lane], sku]
            claims += 1
    ration(table, claims, limit)
    take_back(table, units, lists, begin, end, low, high, why, owes, world)


@linked
def take_back(
    table: int, units: int, lists: int, begin: int, end: int, low: int, high: int, why: int, owes: int, world: World
) -> None:
    """Let through what rationing allows; of new requests, note the reason and what the source owes."""
    lanes, sources = integers1(table, lists), integers1(table, f.LANES_SITE)
    wanted, amounts, claims = floats3(table, units), floats1(table, f.AMOUNTS), 0
    reason, backlog, owed = integers3(table, f.FLOWS_CUT_REASON), integers1(table, f.LANES_BACKLOG), floats3(table, f.OWED)
    for place in range(begin, end):
        lane = lanes[place]
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
