"""Every random number of a world: a pure function of (seed, episode, stream, period), whatever is decided.

Philox-4x32-10 (Salmon et al. 2011) with the stream as key and (seed, episode, period) as counter gives the uniform
number, which inverts the distribution function. One generator serves the kernel, the array dynamics and the tests.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from allotment.engine.compiled import entry, inline, inner
from allotment.scenario.problem import HISTORY, NO_DEMAND, TABLE, Floats, Integers, Problem

MULTIPLIER_0 = np.uint64(0xD2511F53)
MULTIPLIER_1 = np.uint64(0xCD9E8D57)
WEYL_0 = np.uint64(0x9E3779B9)
WEYL_1 = np.uint64(0xBB67AE85)
LOW = np.uint64(0xFFFFFFFF)
WORD = np.uint64(32)
TWELVE = np.uint64(12)


@inner
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


@inner
def uniform(stream, seed, episode, period):  # type: ignore[no-untyped-def]
    """Return a uniform number in (0, 1)."""
    key = np.uint64(stream)
    world = np.uint64(seed)
    c0, c1, _, _ = philox(world & LOW, world >> WORD, np.uint64(episode) & LOW, np.uint64(period) & LOW, key & LOW, key >> WORD)
    return fraction(c0, c1)


@inner
def fraction(high, low):  # type: ignore[no-untyped-def]
    """Return the number in (0, 1) that two 32-bit words stand for; with 52 bits, adding a half is exact and 1 is never met."""
    return (np.float64(((high << WORD) | low) >> TWELVE) + 0.5) * (1.0 / 4503599627370496.0)


@inline
def table_value(tables, row, chance):  # type: ignore[no-untyped-def]
    """Return the smallest value of a table whose cumulative probability reaches `chance`."""
    guide = tables.guide_start[row]
    slices = tables.guide_start[row + 1] - guide
    start = tables.start[row]
    place = tables.guide[guide + int(chance * slices)]
    while tables.cumulative[start + place] < chance:
        place += 1
    return tables.first[row] + place


@inline
def table_draw(tables, row, stream, seed, episode, period):  # type: ignore[no-untyped-def]
    """Return a draw from a table; a constant needs no random number."""
    if tables.start[row + 1] - tables.start[row] == 1:
        return tables.first[row]
    return table_value(tables, row, uniform(stream, seed, episode, period))


@inline
def demand_draw(demand, tables, seed, episode, period, channel, sku, recorded):  # type: ignore[no-untyped-def]
    """Return the demand of a channel for a SKU in a period (units); `recorded` is the history's period."""
    kind = demand.kind[channel, sku]
    if kind == NO_DEMAND:
        return 0.0
    if kind == HISTORY:
        return demand.history[recorded, channel, sku]
    place = period % demand.mean.shape[0]
    if kind == TABLE:
        return table_draw(tables, demand.row[place, channel, sku], demand.stream[channel, sku], seed, episode, period)
    chance = uniform(demand.stream[channel, sku], seed, episode, period)
    deviate = demand.deviation[place, channel, sku] * normal_quantile(chance)
    return max(0.0, demand.mean[place, channel, sku] + deviate)


@inline
def recorded_period(demand, seed, episode, period):  # type: ignore[no-untyped-def]
    """Return which period of the recorded history a period takes its demand from."""
    periods = demand.history.shape[0]
    if demand.replayed or periods == 1:
        return period % periods
    chance = uniform(demand.history_stream, seed, episode, period)
    if demand.window < 0:
        return int(chance * periods)
    offset = int(chance * (2 * demand.window + 1)) - demand.window
    return (period + offset) % periods


@entry
def _demand(demand, tables, seed, episode, period, drawn):  # type: ignore[no-untyped-def]
    for world in range(seed.shape[0]):
        recorded = recorded_period(demand, seed[world], episode[world], period[world])
        for channel in range(drawn.shape[1]):
            for sku in range(drawn.shape[2]):
                drawn[world, channel, sku] = demand_draw(
                    demand, tables, seed[world], episode[world], period[world], channel, sku, recorded
                )


@entry
def _lead_times(lanes, tables, seed, episode, period, drawn):  # type: ignore[no-untyped-def]
    for world in range(seed.shape[0]):
        for lane in range(drawn.shape[1]):
            drawn[world, lane] = table_draw(
                tables, lanes.lead_row[lane], lanes.stream[lane], seed[world], episode[world], period[world]
            )


def demand(problem: Problem, seed: Integers, episode: Integers, period: Integers) -> Floats:
    """Return the demand of a batch of worlds, (batch, channels, skus) in units; the arguments are (batch,)."""
    drawn = np.empty((len(seed), *problem.demand.kind.shape))
    _demand(problem.demand, problem.tables, seed, episode, period, drawn)
    return drawn


def lead_times(problem: Problem, seed: Integers, episode: Integers, period: Integers) -> NDArray[np.int64]:
    """Return the lead times of a batch of worlds, (batch, supply lanes) in periods; the arguments are (batch,)."""
    drawn = np.empty((len(seed), len(problem.lanes.lead_row)), dtype=np.int64)
    _lead_times(problem.lanes, problem.tables, seed, episode, period, drawn)
    return drawn


@entry
def normal_quantile(chance):  # type: ignore[no-untyped-def]
    """Return the standard normal quantile by two Newton-Halley steps on the error function.

    The start is the rational approximation 26.2.23 of Abramowitz and Stegun (error below 4.5e-4); two steps of third
    order bring it to rounding error.
    """
    tail = min(chance, 1.0 - chance)
    t = math.sqrt(-2.0 * math.log(tail))
    z = (2.515517 + t * (0.802853 + t * 0.010328)) / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308))) - t
    for _ in range(2):
        error = (0.5 * math.erfc(-z / math.sqrt(2.0)) - tail) * math.sqrt(2.0 * math.pi) * math.exp(0.5 * z * z)
        z -= error / (1.0 + 0.5 * z * error)
    return z if chance < 0.5 else -z
