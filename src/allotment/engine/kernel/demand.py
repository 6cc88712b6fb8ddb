"""Drawing the demand of a block of worlds: the functions of `dynamics` and `randomness`, in the same order, fused by Numba."""

from __future__ import annotations

import numpy as np

from allotment.engine import layout as f
from allotment.engine.compiled import (
    World,
    floats1,
    floats2,
    floats3,
    floats4,
    inline,
    integers1,
    integers2,
    integers3,
    keys1,
    keys2,
    linked,
)
from allotment.engine.inversion import NEGLIGIBLE, SMALL, SMALLEST, inverted, of_negative_binomial, of_poisson
from allotment.engine.randomness import fill_uniforms, finished, recorded_period, table_value, with_factor
from allotment.scenario.distributions import EVENT, HISTORY, NEGATIVE_BINOMIAL, NO_DEMAND, POISSON, TABLE

FEW = 4  # worlds up to which drawing demand waits mostly for the tables to come from memory


@linked
def demand(table: int, now: int, first: World, count: int) -> None:
    """Let regimes change, draw the period's demand and add it to the open demand."""
    settings, kinds = integers1(table, f.SETTINGS), integers2(table, f.DEMAND_KIND)
    demanded, open_demand, drawn = floats3(table, f.DEMAND), floats4(table, f.OPEN_DEMAND), floats1(table, f.DRAWN)
    history, slots = floats4(table, f.DEMAND_HISTORY), settings[f.DEMAND_HISTORY_SLOTS]
    if integers2(table, f.REGIME).shape[0] > 0:
        change_regimes(table, now, first, count)
    if settings[f.DEMAND_EVENTS] or settings[f.HISTORIES]:
        draw_shared(table, now, first, count)
    few = count <= FEW
    if few:
        draw_chances_first(table, now, first, count)
    for channel in range(kinds.shape[0]):
        for sku in range(kinds.shape[1]):
            if few and kinds[channel, sku] == TABLE:
                continue
            draw_demand(table, channel, sku, now, first, count)
            for j in range(count):
                world = first + np.uint64(j)
                demanded[channel, sku, world] += drawn[world]
                open_demand[channel, sku, 0, world] += drawn[world]
            if slots > 0 and not settings[f.DEMAND_OF_SALES]:
                for j in range(count):
                    world = first + np.uint64(j)
                    history[now % slots, channel, sku, world] = drawn[world]


@linked
def draw_chances_first(table: int, now: int, first: World, count: int) -> None:
    """Draw all demand from tables in few worlds: first every uniform number, then look all up, which waits for memory once."""
    kinds, chances, chance = integers2(table, f.DEMAND_KIND), floats3(table, f.CHANCES), floats1(table, f.DEMAND_CHANCE)
    for channel in range(kinds.shape[0]):
        for sku in range(kinds.shape[1]):
            if kinds[channel, sku] == TABLE:
                draw_chances(table, channel, sku, now, first, count)
                for j in range(count):
                    world = first + np.uint64(j)
                    chances[channel, sku, world] = chance[world]
    look_up(table, table_place(table, now), first, count)
    settings, slots = integers1(table, f.SETTINGS), integers1(table, f.SETTINGS)[f.DEMAND_HISTORY_SLOTS]
    if slots > 0 and not settings[f.DEMAND_OF_SALES]:
        note_drawn(table, now % slots, first, count)


@linked
def look_up(table: int, place: int, first: World, count: int) -> None:
    """Put the values of tables in the place of the chances of their demands, and add them to what is demanded and open."""
    kinds, chances, rows = integers2(table, f.DEMAND_KIND), floats3(table, f.CHANCES), integers3(table, f.DEMAND_ROW)
    cumulative, guide, heads = (
        floats1(table, f.TABLES_CUMULATIVE),
        integers1(table, f.TABLES_GUIDE),
        floats2(table, f.TABLES_HEAD),
    )
    demanded, open_demand = floats3(table, f.DEMAND), floats4(table, f.OPEN_DEMAND)
    for channel in range(kinds.shape[0]):
        for sku in range(kinds.shape[1]):
            row = rows[place, channel, sku]
            for j in range(count if kinds[channel, sku] == TABLE else 0):
                world = first + np.uint64(j)
                units = value_of(heads[row], cumulative, guide, chances[channel, sku, world])
                chances[channel, sku, world] = units
                demanded[channel, sku, world] += units
                open_demand[channel, sku, 0, world] += units


@inline
def value_of(head, cumulative, guide, chance):  # type: ignore[no-untyped-def]
    """Return the smallest value of a table whose cumulative probability reaches `chance`, as `table_value` does."""
    begin, place = int(head[0]), guide[int(head[2]) + int(chance * head[3])]
    while cumulative[begin + place] < chance:
        place += 1
    return head[1] + place


@linked
def note_drawn(table: int, slot: int, first: World, count: int) -> None:
    """Write the demand that was looked up into the history."""
    history, drawn, kinds = floats4(table, f.DEMAND_HISTORY), floats3(table, f.CHANCES), integers2(table, f.DEMAND_KIND)
    for channel in range(kinds.shape[0]):
        for sku in range(kinds.shape[1]):
            for j in range(count if kinds[channel, sku] == TABLE else 0):
                world = first + np.uint64(j)
                history[slot, channel, sku, world] = drawn[channel, sku, world]


@linked
def change_regimes(table: int, now: int, first: World, count: int) -> None:
    """Let each Markov chain move on, but for an episode's first period."""
    regime, transition, streams = (
        integers2(table, f.REGIME),
        floats3(table, f.MODULATION_TRANSITION),
        keys1(table, f.MODULATION_STREAM),
    )
    chance = floats1(table, f.REGIME_CHANCE)
    for chain in range(regime.shape[0] if now > 0 else 0):
        fill_uniforms(table, f.REGIME_CHANCE, streams[chain], now, first, count)
        for j in range(count):
            world = first + np.uint64(j)
            before, after = regime[chain, world], 0
            for state in range(transition.shape[2]):
                if transition[chain, before, state] < chance[world]:
                    after += 1
            regime[chain, world] = after


@linked
def draw_shared(table: int, now: int, first: World, count: int) -> None:
    """Write the numbers that all demands of a period share: the event's, and the period taken from the history."""
    settings = integers1(table, f.SETTINGS)
    recorded = floats1(table, f.RECORDED_PERIOD)
    if settings[f.DEMAND_EVENTS]:
        fill_uniforms(table, f.EVENT_CHANCE, keys1(table, f.DEMAND_EVENT_STREAM)[0], now, first, count)
    if settings[f.HISTORIES]:
        periods = floats3(table, f.DEMAND_RECORDED).shape[0]
        fill_uniforms(table, f.RECORDED_PERIOD, keys1(table, f.DEMAND_HISTORY_STREAM)[0], now, first, count)
        for j in range(count):
            world = first + np.uint64(j)
            recorded[world] = recorded_period(
                periods, settings[f.DEMAND_REPLAYED], settings[f.DEMAND_WINDOW], recorded[world], now
            )


@linked
def draw_demand(table: int, channel: int, sku: int, now: int, first: World, count: int) -> None:
    """Write a period's demand of a channel for a SKU into `DRAWN`."""
    kind, drawn = integers2(table, f.DEMAND_KIND)[channel, sku], floats1(table, f.DRAWN)
    if kind == NO_DEMAND:
        for j in range(count):
            drawn[first + np.uint64(j)] = 0.0
    elif kind == EVENT:
        low, high = floats2(table, f.DEMAND_EVENT_LOW)[channel, sku], floats2(table, f.DEMAND_EVENT_HIGH)[channel, sku]
        event = floats1(table, f.EVENT_CHANCE)
        for j in range(count):
            world = first + np.uint64(j)
            drawn[world] = 1.0 if low <= event[world] and event[world] < high else 0.0
    elif kind == HISTORY:
        take_recorded(table, channel, sku, now, first, count)
    elif kind == TABLE:
        draw_from_table(table, channel, sku, now, first, count)
    else:
        invert(table, channel, sku, now, first, count)


@linked
def table_place(table: int, now: int) -> int:
    """Return which of the periods of demand's tables a period of the episode is."""
    periods = integers3(table, f.DEMAND_ROW).shape[0]
    return now % periods if integers1(table, f.SETTINGS)[f.DEMAND_REPEATS] else min(now, periods - 1)


@linked
def draw_chances(table: int, channel: int, sku: int, now: int, first: World, count: int) -> None:
    """Write a uniform number, which moves together with others where demands share a factor."""
    chance, factor = floats1(table, f.DEMAND_CHANCE), floats1(table, f.FACTOR_CHANCE)
    loading = floats2(table, f.DEMAND_LOADING)[channel, sku]
    fill_uniforms(table, f.DEMAND_CHANCE, keys2(table, f.DEMAND_STREAM)[channel, sku], now, first, count)
    if loading > 0.0:
        fill_uniforms(table, f.FACTOR_CHANCE, keys2(table, f.DEMAND_FACTOR_STREAM)[channel, sku], now, first, count)
        for j in range(count):
            world = first + np.uint64(j)
            chance[world] = with_factor(chance[world], factor[world], loading)


@linked
def draw_from_table(table: int, channel: int, sku: int, now: int, first: World, count: int) -> None:
    """Invert a tabulated distribution; a constant needs no random number."""
    row = integers3(table, f.DEMAND_ROW)[table_place(table, now), channel, sku]
    start, values = integers1(table, f.TABLES_START), floats1(table, f.TABLES_FIRST)
    cumulative, guide = floats1(table, f.TABLES_CUMULATIVE), integers1(table, f.TABLES_GUIDE)
    guide_start, drawn = integers1(table, f.TABLES_GUIDE_START), floats1(table, f.DRAWN)
    chance = floats1(table, f.DEMAND_CHANCE)
    if start[row + 1] - start[row] == 1:
        for j in range(count):
            drawn[first + np.uint64(j)] = values[row]
        return
    draw_chances(table, channel, sku, now, first, count)
    for j in range(count):
        world = first + np.uint64(j)
        drawn[world] = table_value(values, start, cumulative, guide_start, guide, row, chance[world])


@linked
def multiply_modulation(table: int, channel: int, sku: int, first: World, count: int) -> None:
    """Write what goodwill and regimes make of the mean of a demand."""
    group, chain = integers1(table, f.MODULATION_GOODWILL_GROUP)[channel], integers2(table, f.MODULATION_REGIME)[channel, sku]
    goodwill, regime, of_state = floats2(table, f.GOODWILL), integers2(table, f.REGIME), floats2(table, f.MODULATION_MULTIPLIER)
    multiplier = floats1(table, f.MULTIPLIER)
    for j in range(count):
        world = first + np.uint64(j)
        part = 1.0
        if group >= 0:
            part *= goodwill[group, world]
        if chain >= 0:
            part *= of_state[chain, regime[chain, world]]
        multiplier[world] = part


@linked
def take_recorded(table: int, channel: int, sku: int, now: int, first: World, count: int) -> None:
    """Take demand from the history."""
    history, recorded = floats3(table, f.DEMAND_RECORDED), floats1(table, f.RECORDED_PERIOD)
    centre = floats3(table, f.DEMAND_CENTRE)[table_place(table, now), channel, sku]
    noise, maximum = floats2(table, f.DEMAND_NOISE)[channel, sku], floats2(table, f.DEMAND_MAXIMUM)[channel, sku]
    drawn, multiplier = floats1(table, f.DRAWN), floats1(table, f.MULTIPLIER)
    multiply_modulation(table, channel, sku, first, count)
    for j in range(count):
        world = first + np.uint64(j)
        units = history[int(recorded[world]), channel, sku] * multiplier[world]
        drawn[world] = finished(units, centre * multiplier[world], noise, maximum, False)


@linked
def invert(table: int, channel: int, sku: int, now: int, first: World, count: int) -> None:
    """Invert a distribution at the mean that goodwill and regimes make of it."""
    centre = floats3(table, f.DEMAND_CENTRE)[table_place(table, now), channel, sku]
    floor, shape = floats2(table, f.DEMAND_FLOOR)[channel, sku], floats2(table, f.DEMAND_SHAPE)[channel, sku]
    noise, maximum = floats2(table, f.DEMAND_NOISE)[channel, sku], floats2(table, f.DEMAND_MAXIMUM)[channel, sku]
    kind, rounded = integers2(table, f.DEMAND_KIND)[channel, sku], integers2(table, f.DEMAND_ROUNDED)[channel, sku]
    drawn, chance = floats1(table, f.DRAWN), floats1(table, f.DEMAND_CHANCE)
    multiplier = floats1(table, f.MULTIPLIER)
    modulated = (
        integers1(table, f.MODULATION_GOODWILL_GROUP)[channel] >= 0 or integers2(table, f.MODULATION_REGIME)[channel, sku] >= 0
    )
    draw_chances(table, channel, sku, now, first, count)
    mean = max(floor, centre)
    if not modulated and kind in (POISSON, NEGATIVE_BINOMIAL) and mean <= SMALL:
        count_up(table, kind, mean, shape, first, count)
        for j in range(count):
            world = first + np.uint64(j)
            drawn[world] = finished(drawn[world], mean, noise, maximum, rounded)
        return
    multiply_modulation(table, channel, sku, first, count)
    for j in range(count):
        world = first + np.uint64(j)
        mean = max(floor, centre * multiplier[world])
        drawn[world] = finished(inverted(kind, chance[world], mean, shape), mean, noise, maximum, rounded)


@linked
def count_up(table: int, kind: int, mean: float, shape: float, first: World, count: int) -> None:
    """Invert a counting distribution at one small mean for all worlds of a block, from their chances.

    A quantile is how many cumulative probabilities lie below its chance; each of them is computed once for all.
    """
    drawn, chance, most = floats1(table, f.DRAWN), floats1(table, f.DEMAND_CHANCE), 0.0
    for j in range(count):
        world = first + np.uint64(j)
        drawn[world] = 0.0
        most = max(most, chance[world])
    if mean <= 0.0:
        return
    a, b, term = of_poisson(mean) if kind == POISSON else of_negative_binomial(mean, shape)
    below, k = term, 0.0
    while below < most:
        factor = (a + b * k) / (k + 1.0)
        if factor <= 0.0 or term < SMALLEST:
            return
        for j in range(count):
            world = first + np.uint64(j)
            drawn[world] += 1.0 if below < chance[world] else 0.0
        term *= factor
        below += term
        k += 1.0
        if factor < 1.0 and term < NEGLIGIBLE:
            return
