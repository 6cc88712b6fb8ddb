"""What a policy's network observes of a block of worlds: named groups of the state as vectors, scaled and within bounds.

`decisions.groups` says which groups there are; these functions write what those of array code do, in one pass.
"""

from __future__ import annotations

import math

import numpy as np

from allotment.engine import layout as f
from allotment.engine.compiled import (
    World,
    entry,
    float_rows,
    floats1,
    floats2,
    floats3,
    floats4,
    floats5,
    inner,
    integers1,
    integers2,
    linked,
    singles2,
)
from allotment.engine.kernel.period import block_at
from allotment.engine.kernel.rows import worlds

KINDS = (  # of groups that compiled code writes; their places here stand for them in `OBSERVED_GROUPS`
    *("on_hand", "on_hand_by_life", "in_transit_by_age", "in_transit_by_lane", "in_transit_by_site_and_age"),
    *("in_transit_by_site", "owed", "cash", "debt", "payables", "receivables", "budget_left", "budget_clock"),
    *("open_demand", "open_demand_by_slot", "demand_history"),
    *("forecast_mean", "forecast_deviation", "goodwill", "calendar"),
)
ON_HAND, BY_LIFE, BY_AGE, BY_LANE, BY_SITE_AND_AGE, BY_SITE, OWED = range(7)
CASH, DEBT, PAYABLES, RECEIVABLES, BUDGET_LEFT, BUDGET_CLOCK = range(7, 13)
OPEN, OPEN_BY_SLOT, HISTORY, FORECAST_MEAN, FORECAST_DEVIATION, GOODWILL, CALENDAR = range(13, len(KINDS))


@entry
def observe(table):  # type: ignore[no-untyped-def]
    """Write the vector of every world into `SEEN`, (worlds, n)."""
    observe_all(table)


@linked
def observe_all(table: int) -> None:
    """Write the vector of every world, block by block of worlds that are in the same period."""
    period, first = integers1(table, f.PERIOD), 0
    while first < period.shape[0]:
        count = block_at(table, first)
        observe_block(table, period[first], np.uint64(first), count)
        first += count


@linked
def observe_block(table: int, now: int, first: World, count: int) -> None:
    """Write every group."""
    groups = integers2(table, f.OBSERVED_GROUPS)
    for place in range(groups.shape[0]):
        group, start, length = groups[place, 0], groups[place, 1], groups[place, 2]
        if group == ON_HAND:
            observe_on_hand(table, start, first, count)
        elif group == BY_LIFE:
            observe_parts(table, f.ON_HAND, start, first, count)
        elif group in (BY_AGE, BY_SITE_AND_AGE):
            observe_ages(table, group == BY_SITE_AND_AGE, start, length, now, first, count)
        elif group in (BY_LANE, BY_SITE):
            observe_in_transit(table, group == BY_SITE, start, first, count)
        elif group == OPEN:
            observe_open(table, start, first, count)
        elif group == OPEN_BY_SLOT:
            observe_parts(table, f.OPEN_DEMAND, start, first, count)
        elif group == HISTORY:
            observe_history(table, start, length, now, first, count)
        elif group in (FORECAST_MEAN, FORECAST_DEVIATION):
            observe_forecast(table, group - FORECAST_MEAN, start, length, now, first, count)
        elif group == CALENDAR:
            observe_calendar(table, start, length, now, first, count)
        elif group == OWED:
            observe_owed(table, start, first, count)
        elif group == GOODWILL:
            observe_goodwill(table, start, first, count)
        elif CASH <= group <= BUDGET_CLOCK:
            observe_treasury(table, group, start, now, first, count)


@inner
def write(table, row, place, first, count):  # type: ignore[no-untyped-def]
    """Write a row, scaled and within bounds, into a place of every world's vector."""
    vectors, bounds = singles2(table, f.OBSERVATIONS), floats2(table, f.OBSERVED_BOUNDS)
    per_unit, low, high = bounds[0, place], bounds[1, place], bounds[2, place]
    for j in range(count):
        world = first + np.uint64(j)
        vectors[world, place] = min(max(row[world] * per_unit, low), high)


@linked
def write_rows(table: int, field: int, begin: int, number: int, start: int, first: World, count: int) -> None:
    """Write so many rows of a field, from one on, scaled and within bounds, into places of every world's vector."""
    rows, vectors = float_rows(table, field, worlds(table)), singles2(table, f.OBSERVATIONS)
    bounds = floats2(table, f.OBSERVED_BOUNDS)
    per_unit, low, high = bounds[0], bounds[1], bounds[2]
    if count == 1:
        for row in range(number):
            place = start + row
            vectors[first, place] = min(max(rows[begin + row, first] * per_unit[place], low[place]), high[place])
        return
    for row in range(number):
        place = start + row
        scale, least, most = per_unit[place], low[place], high[place]
        for j in range(count):
            world = first + np.uint64(j)
            vectors[world, place] = min(max(rows[begin + row, world] * scale, least), most)


@linked
def write_numbers(table: int, field: int, begin: int, number: int, start: int, first: World, count: int) -> None:
    """Write so many numbers of a field that is the same for all worlds, from one on, scaled and within bounds."""
    numbers, vectors = float_rows(table, field, 1), singles2(table, f.OBSERVATIONS)
    bounds = floats2(table, f.OBSERVED_BOUNDS)
    for row in range(number):
        place = start + row
        value = min(max(numbers[begin + row, 0] * bounds[0, place], bounds[1, place]), bounds[2, place])
        for j in range(count):
            vectors[first + np.uint64(j), place] = value


@linked
def write_all(table: int, place: int, value: float, first: World, count: int) -> None:
    """Write one number, scaled and within bounds, into a place of every world's vector."""
    vectors, bounds = singles2(table, f.OBSERVATIONS), floats2(table, f.OBSERVED_BOUNDS)
    scaled = min(max(value * bounds[0, place], bounds[1, place]), bounds[2, place])
    for j in range(count):
        vectors[first + np.uint64(j), place] = scaled


@linked
def observe_on_hand(table: int, start: int, first: World, count: int) -> None:
    """Stock on hand as the records have it."""
    on_hand, unrecorded_loss, row = floats4(table, f.ON_HAND), floats3(table, f.UNRECORDED_LOSS), floats1(table, f.OBSERVED)
    if on_hand.shape[2] == 1 and unrecorded_loss.shape[0] == 0:
        write_rows(table, f.ON_HAND, 0, on_hand.shape[0] * on_hand.shape[1], start, first, count)
        return
    for site in range(on_hand.shape[0]):
        for sku in range(on_hand.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                row[world] = on_hand[site, sku, 0, world]
            for life in range(1, on_hand.shape[2]):
                for j in range(count):
                    world = first + np.uint64(j)
                    row[world] += on_hand[site, sku, life, world]
            if unrecorded_loss.shape[0] > 0:
                for j in range(count):
                    world = first + np.uint64(j)
                    row[world] += unrecorded_loss[site, sku, world]
            write(table, row, start + site * on_hand.shape[1] + sku, first, count)


@linked
def observe_parts(table: int, field: int, start: int, first: World, count: int) -> None:
    """Every entry of a field: stock by remaining life, or open demand by due slot."""
    write_rows(table, field, 0, float_rows(table, field, worlds(table)).shape[0], start, first, count)


@linked
def observe_ages(table: int, by_site: int, start: int, ages: int, now: int, first: World, count: int) -> None:
    """What is in transit by the age of its order, the youngest first: by lane, or by the site that it leads to."""
    pipeline, to, sums = floats5(table, f.PIPELINE), integers1(table, f.LANES_TO), floats3(table, f.OBSERVED_CELLS)
    owners, skus = sums.shape[0] if by_site else to.shape[0], pipeline.shape[2]
    for age in range(1, ages + 1):
        slot, place = (now - age) % pipeline.shape[0], start + (age - 1) * owners * skus
        if not by_site and pipeline.shape[3] == 1:
            write_rows(table, f.PIPELINE, slot * owners * skus, owners * skus, place, first, count)
            continue
        if by_site:
            clear_cells(table, first, count)
        for lane in range(to.shape[0]):
            add_lane(table, slot, lane, to[lane] if by_site else 0, not by_site, first, count)
            if not by_site:
                write_rows(table, f.OBSERVED_CELLS, 0, skus, place + lane * skus, first, count)
        if by_site:
            write_rows(table, f.OBSERVED_CELLS, 0, owners * skus, place, first, count)


@linked
def clear_cells(table: int, first: World, count: int) -> None:
    """Begin sums by site and SKU."""
    sums = floats3(table, f.OBSERVED_CELLS)
    for site in range(sums.shape[0]):
        for sku in range(sums.shape[1]):
            for j in range(count):
                sums[site, sku, first + np.uint64(j)] = 0.0


@linked
def add_lane(table: int, slot: int, lane: int, row: int, alone: int, first: World, count: int) -> None:
    """Add what was ordered on a lane in one period, of any remaining life, to a row of sums, or put it there alone."""
    pipeline, sums = floats5(table, f.PIPELINE), floats3(table, f.OBSERVED_CELLS)
    lives, kept = pipeline.shape[3], 0.0 if alone else 1.0
    if count == 1 and lives == 1:
        for sku in range(pipeline.shape[2]):
            sums[row, sku, first] = kept * sums[row, sku, first] + pipeline[slot, lane, sku, 0, first]
        return
    for sku in range(pipeline.shape[2]):
        for j in range(count):
            world = first + np.uint64(j)
            units = pipeline[slot, lane, sku, 0, world]
            for life in range(1, lives):
                units += pipeline[slot, lane, sku, life, world]
            sums[row, sku, world] = kept * sums[row, sku, world] + units


@linked
def observe_in_transit(table: int, by_site: int, start: int, first: World, count: int) -> None:
    """What is in transit: by lane, or by the site that it leads to."""
    in_transit, to, sums = floats3(table, f.IN_TRANSIT), integers1(table, f.LANES_TO), floats3(table, f.OBSERVED_CELLS)
    if not by_site:
        write_rows(table, f.IN_TRANSIT, 0, in_transit.shape[0] * in_transit.shape[1], start, first, count)
        return
    clear_cells(table, first, count)
    for lane in range(to.shape[0]):
        for sku in range(in_transit.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                sums[to[lane], sku, world] += in_transit[lane, sku, world]
    write_rows(table, f.OBSERVED_CELLS, 0, sums.shape[0] * sums.shape[1], start, first, count)


@linked
def observe_open(table: int, start: int, first: World, count: int) -> None:
    """Open demand, whenever they are due."""
    open_demand, row = floats4(table, f.OPEN_DEMAND), floats1(table, f.OBSERVED)
    if open_demand.shape[2] == 1:
        observe_parts(table, f.OPEN_DEMAND, start, first, count)
        return
    for channel in range(open_demand.shape[0]):
        for sku in range(open_demand.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                row[world] = open_demand[channel, sku, 0, world]
            for slot in range(1, open_demand.shape[2]):
                for j in range(count):
                    world = first + np.uint64(j)
                    row[world] += open_demand[channel, sku, slot, world]
            write(table, row, start + channel * open_demand.shape[1] + sku, first, count)


@linked
def observe_history(table: int, start: int, periods: int, now: int, first: World, count: int) -> None:
    """Past demand, or sales, the latest period first."""
    history, settings = floats4(table, f.DEMAND_HISTORY), integers1(table, f.SETTINGS)
    latest = now if settings[f.CLOCK_DEMAND_FIRST] and not settings[f.DEMAND_OF_SALES] else now - 1
    cells = history.shape[1] * history.shape[2]
    for back in range(periods):
        slot = (latest - back) % history.shape[0]
        write_rows(table, f.DEMAND_HISTORY, slot * cells, cells, start + back * cells, first, count)


@linked
def observe_forecast(table: int, which: int, start: int, periods: int, now: int, first: World, count: int) -> None:
    """Mean, or standard deviation, of the demand near each site in the coming periods."""
    forecast, settings = floats4(table, f.OBSERVED_FORECAST), integers1(table, f.SETTINGS)
    known, cells = forecast.shape[1], forecast.shape[2] * forecast.shape[3]
    for ahead in range(periods):
        period = now + settings[f.CLOCK_DEMAND_FIRST] + ahead
        period = period % known if settings[f.DEMAND_REPEATS] else min(period, known - 1)
        begin = (which * known + period) * cells
        write_numbers(table, f.OBSERVED_FORECAST, begin, cells, start + ahead * cells, first, count)


@linked
def observe_calendar(table: int, start: int, columns: int, now: int, first: World, count: int) -> None:
    """Where the cycle of seasons and calendars stands, and where it matters how much of the episode is left."""
    settings = integers1(table, f.SETTINGS)
    angle = 2.0 * math.pi * now / settings[f.CLOCK_CYCLE]
    write_all(table, start, math.sin(angle), first, count)
    write_all(table, start + 1, math.cos(angle), first, count)
    if columns > 2:
        write_all(table, start + 2, (settings[f.CLOCK_LENGTH] - now) / settings[f.CLOCK_LENGTH], first, count)


@linked
def observe_owed(table: int, start: int, first: World, count: int) -> None:
    """What sources owe."""
    observe_parts(table, f.OWED, start, first, count)


@linked
def observe_goodwill(table: int, start: int, first: World, count: int) -> None:
    """What past service makes of demand."""
    observe_parts(table, f.GOODWILL, start, first, count)


@linked
def observe_treasury(table: int, group: int, start: int, now: int, first: World, count: int) -> None:
    """Cash, debt, what is due to and from whom, and budgets."""
    if group == CASH:
        observe_parts(table, f.CASH, start, first, count)
    elif group == DEBT:
        observe_parts(table, f.DEBT, start, first, count)
    elif group == PAYABLES:
        observe_due(table, f.PAYABLES, start, first, count)
    elif group == RECEIVABLES:
        observe_due(table, f.RECEIVABLES, start, first, count)
    elif group == BUDGET_LEFT:
        observe_parts(table, f.BUDGET_LEFT, start, first, count)
    elif group == BUDGET_CLOCK:
        per = integers1(table, f.SETTINGS)[f.TREASURY_PER]
        write_all(table, start, (per - now % per) / per, first, count)


@linked
def observe_due(table: int, field: int, start: int, first: World, count: int) -> None:
    """What is due to, or from, all together at each settlement, the next one first."""
    owed, row = floats3(table, field), floats1(table, f.OBSERVED)
    for slot in range(owed.shape[0]):
        for j in range(count):
            row[first + np.uint64(j)] = 0.0
        for place in range(owed.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                row[world] += owed[slot, place, world]
        write(table, row, start + slot, first, count)
