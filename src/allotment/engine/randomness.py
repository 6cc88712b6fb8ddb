"""Every random number of a world: a pure function of (seed, episode, stream, period), whatever is decided.

Philox-4x32-10 (Salmon et al. 2011) with the stream as key and (seed, episode, period) as counter gives the uniform
number, which inverts the distribution function. One generator serves the kernel, the array dynamics and the tests.

What the array dynamics draw can be given instead (`drawing`): that is how all outcomes of a period are enumerated.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from allotment.engine import layout as f
from allotment.engine.compiled import Key, World, entry, floats1, inline, inner, integers1, linked
from allotment.engine.dynamics.arrays import Array, like, plain
from allotment.engine.inversion import binomial_quantile, inverted, normal_cumulative, normal_quantile
from allotment.scenario.distributions import EVENT, HISTORY, NO_DEMAND, TABLE
from allotment.scenario.problem import Floats, Integers, Keys, Problem

MULTIPLIER_0 = np.uint64(0xD2511F53)
MULTIPLIER_1 = np.uint64(0xCD9E8D57)
WEYL_0 = np.uint64(0x9E3779B9)
WEYL_1 = np.uint64(0xBB67AE85)
LOW = np.uint64(0xFFFFFFFF)
WORD = np.uint64(32)
TWELVE = np.uint64(12)
NEXT = np.uint64(0x9E3779B97F4A7C15)  # from one stream to the next of several draws of a kind


@inline
def philox(c0, c1, c2, c3, k0, k1):  # type: ignore[no-untyped-def]
    """Return four 32-bit words (in uint64) from a counter of four and a key of two 32-bit words (in uint64)."""
    for _ in range(10):
        product_0 = MULTIPLIER_0 * c0
        product_1 = MULTIPLIER_1 * c2
        c0, c1, c2, c3 = (
            (product_1 >> WORD) ^ c1 ^ k0,
            product_1 & LOW,
            (product_0 >> WORD) ^ c3 ^ k1,
            product_0 & LOW,
        )
        k0 = (k0 + WEYL_0) & LOW
        k1 = (k1 + WEYL_1) & LOW
    return c0, c1, c2, c3


@inline
def fraction(high, low):  # type: ignore[no-untyped-def]
    """Return the number in (0, 1) that two 32-bit words stand for; with 52 bits, adding a half is exact and 1 is never met."""
    return (np.float64(((high << WORD) | low) >> TWELVE) + 0.5) * (1.0 / 4503599627370496.0)


@inner
def uniform(stream, seed, episode, period):  # type: ignore[no-untyped-def]
    """Return a uniform number in (0, 1)."""
    key = np.uint64(stream)
    world = np.uint64(seed)
    c0, c1, _, _ = philox(world & LOW, world >> WORD, np.uint64(episode) & LOW, np.uint64(period) & LOW, key & LOW, key >> WORD)
    return fraction(c0, c1)


@linked
def fill_uniforms(table: int, row: int, stream: Key, period: int, first: World, count: int) -> None:
    """Write a uniform number for each world of a block that is in one period into the row of some field."""
    drawn, seeds, episodes = floats1(table, row), integers1(table, f.SEED), integers1(table, f.EPISODE)
    low, high, now = stream & LOW, stream >> WORD, np.uint64(period) & LOW
    for j in range(count):
        place = first + np.uint64(j)
        world = np.uint64(seeds[place])
        c0, c1, _, _ = philox(world & LOW, world >> WORD, np.uint64(episodes[place]) & LOW, now, low, high)
        drawn[place] = fraction(c0, c1)


@linked
def fill_binomials(table: int, row: int, stream: Key, probability: float, period: int, first: World, count: int) -> None:
    """Replace the units of each world of a block by how many of them come through, each by a probability."""
    units, chance = floats1(table, row), floats1(table, f.BINOMIAL_CHANCE)
    fill_uniforms(table, f.BINOMIAL_CHANCE, stream, period, first, count)
    for j in range(count):
        world = first + np.uint64(j)
        units[world] = binomial_quantile(chance[world], units[world], probability)


@inner
def further_stream(stream, number):  # type: ignore[no-untyped-def]
    """Return the stream of the next of several draws of a kind in one period."""
    return np.uint64(stream) + np.uint64(number) * NEXT


@inline
def table_value(first, start, cumulative, guide_start, guide, row, chance):  # type: ignore[no-untyped-def]
    """Return the smallest value of a table whose cumulative probability reaches `chance`."""
    begin = guide_start[row]
    place = guide[begin + int(chance * (guide_start[row + 1] - begin))]
    while cumulative[start[row] + place] < chance:
        place += 1
    return first[row] + place


@inner
def finished(draw, mean, noise, maximum, rounded):  # type: ignore[no-untyped-def]
    """Return a draw with its noise scaled, not negative, in whole units where it is rounded, and at most the maximum."""
    if noise != 1.0:
        draw = mean + noise * (draw - mean)
    draw = max(0.0, draw)
    if rounded:
        draw = math.floor(draw + 0.5)
    return min(draw, maximum)


@inner
def with_factor(chance, factor_chance, loading):  # type: ignore[no-untyped-def]
    """Return the uniform number that moves together with others that share a factor (Gaussian copula)."""
    own = math.sqrt(max(0.0, 1.0 - loading * loading))
    return normal_cumulative(loading * normal_quantile(factor_chance) + own * normal_quantile(chance))


@inner
def recorded_period(periods, replayed, window, chance, period):  # type: ignore[no-untyped-def]
    """Return which period of the recorded history a period takes its demand from."""
    if replayed or periods == 1:
        return period % periods
    if window < 0:
        return int(chance * periods)
    return (period + int(chance * (2 * window + 1)) - window) % periods


class Draws(Protocol):
    """What the array dynamics take instead of random numbers; functions and arguments are those of this module."""

    def uniforms(self, streams: Keys, seed: Integers, episode: Integers, period: Integers) -> Floats:
        """Return numbers in (0, 1), (B, streams)."""
        ...

    def coming_through(self, units: Floats, probability: Floats) -> Floats:
        """Return how many of some units (B, …) come through."""
        ...

    def demands(self, problem: Problem, multiplier: Floats, seed: Integers, episode: Integers, period: Integers) -> Floats:
        """Return demand, (B, C, K) units."""
        ...

    def lead_times(self, problem: Problem, seed: Integers, episode: Integers, period: Integers) -> NDArray[np.int64]:
        """Return lead times, (B, L, draws) periods."""
        ...


GIVEN: ContextVar[Draws | None] = ContextVar("GIVEN", default=None)


@contextmanager
def drawing(draws: Draws | None) -> Iterator[None]:
    """Let the array dynamics take these draws instead of random ones; none are random ones again."""
    token = GIVEN.set(draws)
    try:
        yield
    finally:
        GIVEN.reset(token)


def uniforms(streams: Keys, seeds: Integers, episodes: Integers, periods: Integers) -> Floats:
    """Return a uniform number for each stream (n,) and world (B,), (B, n)."""
    given = GIVEN.get()
    return _uniforms(streams, seeds, episodes, periods) if given is None else given.uniforms(streams, seeds, episodes, periods)


@entry
def _uniforms(streams, seeds, episodes, periods):  # type: ignore[no-untyped-def]
    drawn = np.empty((seeds.shape[0], streams.shape[0]))
    for world in range(seeds.shape[0]):
        for place in range(streams.shape[0]):
            drawn[world, place] = uniform(streams[place], seeds[world], episodes[world], periods[world])
    return drawn


@entry
def binomials(chances, trials, probability):  # type: ignore[no-untyped-def]
    """Return binomial draws, element by element of arrays (n,)."""
    drawn = np.empty(chances.shape[0])
    for place in range(chances.shape[0]):
        drawn[place] = binomial_quantile(chances[place], trials[place], probability[place])
    return drawn


def coming_through(
    streams: Keys, units: Array, probability: Floats, seed: Integers, episode: Integers, period: Integers
) -> Array:
    """Return how many of some units (B, …) come through, each by a probability that broadcasts; streams are (…)."""
    if (given := GIVEN.get()) is not None:
        return given.coming_through(units, np.broadcast_to(probability, units.shape))
    chances = _uniforms(streams.ravel(), seed, episode, period)
    drawn = binomials(chances.ravel(), plain(units).ravel(), np.broadcast_to(probability, units.shape).ravel())
    return like(units, drawn.reshape(units.shape))


@entry
def from_tables(tables, rows, chances):  # type: ignore[no-untyped-def]
    """Return draws from tables; rows (n,), chances (B, n); a constant needs no chance."""
    drawn = np.empty(chances.shape)
    for world in range(chances.shape[0]):
        for place in range(rows.shape[0]):
            row = rows[place]
            if tables.start[row + 1] - tables.start[row] == 1:
                drawn[world, place] = tables.first[row]
            else:
                drawn[world, place] = table_value(
                    tables.first, tables.start, tables.cumulative, tables.guide_start, tables.guide, row, chances[world, place]
                )
    return drawn


@inner
def demand_at(demand, tables, channel, sku, now, modulation, chance):  # type: ignore[no-untyped-def]
    """Return the units of a demand of its own whose distribution function reaches `chance`."""
    if demand.kind[channel, sku] == TABLE:
        row = demand.row[now, channel, sku]
        if tables.start[row + 1] - tables.start[row] == 1:
            return tables.first[row]
        return table_value(tables.first, tables.start, tables.cumulative, tables.guide_start, tables.guide, row, chance)
    mean = max(demand.floor[channel, sku], demand.centre[now, channel, sku] * modulation)
    draw = inverted(demand.kind[channel, sku], chance, mean, demand.shape[channel, sku])
    return finished(draw, mean, demand.noise[channel, sku], demand.maximum[channel, sku], demand.rounded[channel, sku])


@entry
def demand_quantiles(demand, tables, channel, sku, now, modulation, chances):  # type: ignore[no-untyped-def]
    """Return the units that a demand's distribution function reaches at chances (n,)."""
    units = np.empty(chances.shape[0])
    for place in range(chances.shape[0]):
        units[place] = demand_at(demand, tables, channel, sku, now, modulation, chances[place])
    return units


@entry
def _demands(demand, tables, place, multiplier, recorded, seeds, episodes, periods, drawn):  # type: ignore[no-untyped-def]
    kinds, loadings, streams, rows = demand.kind, demand.loading, demand.stream, demand.row
    for channel in range(drawn.shape[1]):
        for sku in range(drawn.shape[2]):
            units = drawn[:, channel, sku]
            if kinds[channel, sku] == NO_DEMAND:
                units[:] = 0.0
            elif kinds[channel, sku] == TABLE and loadings[channel, sku] == 0.0:
                stream, of_periods = streams[channel, sku], rows[:, channel, sku]
                _draw_from_tables(tables, of_periods, place, stream, seeds, episodes, periods, units)
            else:
                modulation = multiplier[:, channel, sku]
                _draw(demand, tables, channel, sku, place, modulation, recorded, seeds, episodes, periods, units)


@inner
def _draw_from_tables(tables, rows, place, stream, seeds, episodes, periods, units):  # type: ignore[no-untyped-def]
    firsts, starts, cumulative, guide_start, guide = (
        tables.first,
        tables.start,
        tables.cumulative,
        tables.guide_start,
        tables.guide,
    )
    for world in range(units.shape[0]):
        row = rows[place[world]]
        if starts[row + 1] - starts[row] == 1:
            units[world] = firsts[row]
        else:
            chance = uniform(stream, seeds[world], episodes[world], periods[world])
            units[world] = table_value(firsts, starts, cumulative, guide_start, guide, row, chance)


@inner
def _draw(demand, tables, channel, sku, place, modulation, recorded, seeds, episodes, periods, units):  # type: ignore[no-untyped-def]
    kind, noise, maximum = demand.kind[channel, sku], demand.noise[channel, sku], demand.maximum[channel, sku]
    floor, shape, rounded = demand.floor[channel, sku], demand.shape[channel, sku], demand.rounded[channel, sku]
    centre, found, loading = demand.centre[:, channel, sku], demand.recorded[:, channel, sku], demand.loading[channel, sku]
    low, high = demand.event_low[channel, sku], demand.event_high[channel, sku]
    stream, shared, of_events = demand.stream[channel, sku], demand.factor_stream[channel, sku], demand.event_stream
    for world in range(units.shape[0]):
        seed, episode, period = seeds[world], episodes[world], periods[world]
        mean = centre[place[world]] * modulation[world]
        if kind == EVENT:
            units[world] = 1.0 if low <= uniform(of_events, seed, episode, period) < high else 0.0
        elif kind == HISTORY:
            units[world] = finished(found[recorded[world]] * modulation[world], mean, noise, maximum, False)
        else:
            chance = uniform(stream, seed, episode, period)
            if loading > 0.0:
                chance = with_factor(chance, uniform(shared, seed, episode, period), loading)
            if kind == TABLE:
                units[world] = demand_at(demand, tables, channel, sku, place[world], modulation[world], chance)
            else:
                mean = max(floor, mean)
                units[world] = finished(inverted(kind, chance, mean, shape), mean, noise, maximum, rounded)


def demands(problem: Problem, multiplier: Floats, seed: Integers, episode: Integers, period: Integers) -> Floats:
    """Return the demand of a batch of worlds, (batch, channels, skus) in units.

    `multiplier` (batch, channels, skus) is what goodwill and regimes make of the mean; the other arguments are (batch,).
    """
    if (given := GIVEN.get()) is not None:
        return given.demands(problem, multiplier, seed, episode, period)
    demand = problem.demand
    chances = _uniforms(np.array([demand.history_stream]), seed, episode, period)[:, 0]
    recorded = _recorded(len(demand.recorded), demand.replayed, demand.window, chances, period)
    drawn = np.empty((len(seed), *demand.kind.shape))
    place = problem.table_period(period)
    _demands(demand, problem.tables, place, multiplier, recorded, seed, episode, period, drawn)
    return drawn


@entry
def _recorded(periods, replayed, window, chances, now):  # type: ignore[no-untyped-def]
    recorded = np.empty(now.shape[0], dtype=np.int64)
    for world in range(now.shape[0]):
        recorded[world] = recorded_period(periods, replayed, window, chances[world], now[world])
    return recorded


def lead_times(problem: Problem, seed: Integers, episode: Integers, period: Integers) -> NDArray[np.int64]:
    """Return the lead times of a batch of worlds, (batch, supply lanes, draws) in periods; the arguments are (batch,).

    On Kaplan's lanes it is the age from which on orders arrive in this period.
    """
    if (given := GIVEN.get()) is not None:
        return given.lead_times(problem, seed, episode, period)
    streams: Keys = problem.lanes.stream
    if (problem.lanes.constant >= 0).all():
        return np.broadcast_to(problem.lanes.constant[:, None], (len(seed), *streams.shape))
    chances = _uniforms(streams.ravel(), seed, episode, period)
    rows = np.repeat(problem.lanes.lead_row, streams.shape[1])
    return from_tables(problem.tables, rows, chances).astype(np.int64).reshape(len(seed), *streams.shape)
