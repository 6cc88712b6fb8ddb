"""What a policy's network sees of a block of worlds: named groups of the state as vectors, scaled and within bounds.

`env.flatten` says which groups there are and in which order; these functions write what its own write, in one pass.
"""

from __future__ import annotations

import math

import numpy as np

from allotment.engine import fields as f
from allotment.engine.compiled import (
    World,
    entry,
    far,
    floats1,
    floats2,
    floats3,
    floats4,
    floats5,
    integers1,
    integers2,
    singles2,
)
from allotment.engine.kernel import block_at

ON_HAND, BY_LIFE, BY_AGE, BY_LANE, BY_SITE_AND_AGE, BY_SITE, OPEN, OPEN_BY_SLOT = range(8)
HISTORY, FORECAST_MEAN, FORECAST_DEVIATION, CALENDAR, OWED, GOODWILL = range(8, 14)


@entry
def observe(table):  # type: ignore[no-untyped-def]
    """Write the vector of every world into `SEEN`, (worlds, n)."""
    see(table)


@far
def see(table: int) -> None:
    """Write the vector of every world, block by block of worlds that are in the same period."""
    period, first = integers1(table, f.PERIOD), 0
    while first < period.shape[0]:
        count = block_at(table, first)
        see_block(table, period[first], np.uint64(first), count)
        first += count


@far
def see_block(table: int, now: int, first: World, count: int) -> None:
    """Write every group."""
    groups = integers2(table, f.SEEN_GROUPS)
    for place in range(groups.shape[0]):
        group, start, length = groups[place, 0], groups[place, 1], groups[place, 2]
        if group == ON_HAND:
            see_on_hand(table, start, first, count)
        elif group == BY_LIFE:
            see_parts(table, f.ON_HAND, start, first, count)
        elif group in (BY_AGE, BY_SITE_AND_AGE):
            see_ages(table, group == BY_SITE_AND_AGE, start, length, now, first, count)
        elif group in (BY_LANE, BY_SITE):
            see_under_way(table, group == BY_SITE, start, first, count)
        elif group == OPEN:
            see_open(table, start, first, count)
        elif group == OPEN_BY_SLOT:
            see_parts(table, f.OPEN_ORDERS, start, first, count)
        elif group == HISTORY:
            see_history(table, start, length, now, first, count)
        elif group in (FORECAST_MEAN, FORECAST_DEVIATION):
            see_forecast(table, group - FORECAST_MEAN, start, length, now, first, count)
        elif group == CALENDAR:
            see_calendar(table, start, length, now, first, count)
        elif group == OWED:
            see_owed(table, start, first, count)
        elif group == GOODWILL:
            see_goodwill(table, start, first, count)


@far
def write(table: int, place: int, first: World, count: int) -> None:
    """Write row A, scaled and within bounds, into a place of every world's vector."""
    row, seen, bounds = floats1(table, f.ROW_A), singles2(table, f.SEEN), floats2(table, f.SEEN_BOUNDS)
    scale, low, high = bounds[0, place], bounds[1, place], bounds[2, place]
    for j in range(count):
        world = first + np.uint64(j)
        seen[world, place] = min(max(row[world] / scale, low), high)


@far
def write_all(table: int, place: int, value: float, first: World, count: int) -> None:
    """Write one number, scaled and within bounds, into a place of every world's vector."""
    seen, bounds = singles2(table, f.SEEN), floats2(table, f.SEEN_BOUNDS)
    scaled = min(max(value / bounds[0, place], bounds[1, place]), bounds[2, place])
    for j in range(count):
        seen[first + np.uint64(j), place] = scaled


@far
def see_on_hand(table: int, start: int, first: World, count: int) -> None:
    """Stock on hand as the records have it."""
    on_hand, hidden, row = floats4(table, f.ON_HAND), floats3(table, f.HIDDEN), floats1(table, f.ROW_A)
    for site in range(on_hand.shape[0]):
        for sku in range(on_hand.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                row[world] = on_hand[site, sku, 0, world]
            for life in range(1, on_hand.shape[2]):
                for j in range(count):
                    world = first + np.uint64(j)
                    row[world] += on_hand[site, sku, life, world]
            if hidden.shape[0] > 0:
                for j in range(count):
                    world = first + np.uint64(j)
                    row[world] += hidden[site, sku, world]
            write(table, start + site * on_hand.shape[1] + sku, first, count)


@far
def see_parts(table: int, field: int, start: int, first: World, count: int) -> None:
    """Every entry of a field with four axes: stock by remaining life, or open orders by due slot."""
    parts, row = floats4(table, field), floats1(table, f.ROW_A)
    place = start
    for a in range(parts.shape[0]):
        for b in range(parts.shape[1]):
            for c in range(parts.shape[2]):
                for j in range(count):
                    world = first + np.uint64(j)
                    row[world] = parts[a, b, c, world]
                write(table, place, first, count)
                place += 1


@far
def see_ages(table: int, by_site: int, start: int, ages: int, now: int, first: World, count: int) -> None:
    """What is under way by the age of its order, the youngest first: by lane, or by the site that it leads to."""
    in_transit, to, row = floats5(table, f.IN_TRANSIT), integers1(table, f.LANES_TO), floats1(table, f.ROW_A)
    owners = floats4(table, f.ON_HAND).shape[0] if by_site else to.shape[0]
    place = start
    for age in range(1, ages + 1):
        slot = (now - age) % in_transit.shape[0]
        for owner in range(owners):
            for sku in range(in_transit.shape[2]):
                for j in range(count):
                    row[first + np.uint64(j)] = 0.0
                for lane in range(to.shape[0]):
                    if (to[lane] if by_site else lane) == owner:
                        for life in range(in_transit.shape[3]):
                            for j in range(count):
                                world = first + np.uint64(j)
                                row[world] += in_transit[slot, lane, sku, life, world]
                write(table, place, first, count)
                place += 1


@far
def see_under_way(table: int, by_site: int, start: int, first: World, count: int) -> None:
    """What is under way: by lane, or by the site that it leads to."""
    under_way, to, row = floats3(table, f.UNDER_WAY), integers1(table, f.LANES_TO), floats1(table, f.ROW_A)
    owners = floats4(table, f.ON_HAND).shape[0] if by_site else to.shape[0]
    for owner in range(owners):
        for sku in range(under_way.shape[1]):
            for j in range(count):
                row[first + np.uint64(j)] = 0.0
            for lane in range(to.shape[0]):
                if (to[lane] if by_site else lane) == owner:
                    for j in range(count):
                        world = first + np.uint64(j)
                        row[world] += under_way[lane, sku, world]
            write(table, start + owner * under_way.shape[1] + sku, first, count)


@far
def see_open(table: int, start: int, first: World, count: int) -> None:
    """Open orders, whenever they are due."""
    open_orders, row = floats4(table, f.OPEN_ORDERS), floats1(table, f.ROW_A)
    for channel in range(open_orders.shape[0]):
        for sku in range(open_orders.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                row[world] = open_orders[channel, sku, 0, world]
            for slot in range(1, open_orders.shape[2]):
                for j in range(count):
                    world = first + np.uint64(j)
                    row[world] += open_orders[channel, sku, slot, world]
            write(table, start + channel * open_orders.shape[1] + sku, first, count)


@far
def see_history(table: int, start: int, periods: int, now: int, first: World, count: int) -> None:
    """Past demand, or sales, the latest period first."""
    history, row, settings = floats4(table, f.DEMAND_HISTORY), floats1(table, f.ROW_A), integers1(table, f.SETTINGS)
    latest = now if settings[f.DEMAND_FIRST] and not settings[f.OF_SALES] else now - 1
    place = start
    for back in range(periods):
        slot = (latest - back) % history.shape[0]
        for channel in range(history.shape[1]):
            for sku in range(history.shape[2]):
                for j in range(count):
                    world = first + np.uint64(j)
                    row[world] = history[slot, channel, sku, world]
                write(table, place, first, count)
                place += 1


@far
def see_forecast(table: int, which: int, start: int, periods: int, now: int, first: World, count: int) -> None:
    """Mean, or standard deviation, of the demand near each site in the coming periods."""
    forecast, settings = floats4(table, f.SEEN_FORECAST), integers1(table, f.SETTINGS)
    known, place = forecast.shape[1], start
    for ahead in range(periods):
        period = now + settings[f.DEMAND_FIRST] + ahead
        period = period % known if settings[f.REPEATS] else min(period, known - 1)
        for site in range(forecast.shape[2]):
            for sku in range(forecast.shape[3]):
                write_all(table, place, forecast[which, period, site, sku], first, count)
                place += 1


@far
def see_calendar(table: int, start: int, columns: int, now: int, first: World, count: int) -> None:
    """Where the cycle of seasons and calendars stands, and where it matters how much of the episode is left."""
    settings = integers1(table, f.SETTINGS)
    angle = 2.0 * math.pi * now / settings[f.CYCLE]
    write_all(table, start, math.sin(angle), first, count)
    write_all(table, start + 1, math.cos(angle), first, count)
    if columns > 2:
        write_all(table, start + 2, (settings[f.LENGTH] - now) / settings[f.LENGTH], first, count)


@far
def see_owed(table: int, start: int, first: World, count: int) -> None:
    """What sources owe."""
    owed, row = floats3(table, f.OWED), floats1(table, f.ROW_A)
    for lane in range(owed.shape[0]):
        for sku in range(owed.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                row[world] = owed[lane, sku, world]
            write(table, start + lane * owed.shape[1] + sku, first, count)


@far
def see_goodwill(table: int, start: int, first: World, count: int) -> None:
    """What past service makes of demand."""
    goodwill, row = floats2(table, f.GOODWILL), floats1(table, f.ROW_A)
    for group in range(goodwill.shape[0]):
        for j in range(count):
            world = first + np.uint64(j)
            row[world] = goodwill[group, world]
        write(table, start + group, first, count)
