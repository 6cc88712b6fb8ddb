"""Summing the records of a block of worlds over the measured periods of an episode."""

from __future__ import annotations

import numpy as np

from allotment.engine import layout as f
from allotment.engine.compiled import World, entry, floats1, floats3, integers1, linked
from allotment.engine.kernel.period import block_at
from allotment.engine.kernel.rounding import rounding
from allotment.engine.kernel.rows import add_rows
from allotment.engine.kernel.treasury import measure_treasury
from allotment.engine.state import MOVEMENTS

NAMES = (
    "demand",
    "shipped",
    "on_time",
    "lost",
    "late",
    "open_demand",
    "on_hand",
    "in_transit",
    "expired",
    "shrunk",
    "vanished",
)
# of each sum: where it is recorded and summed, and the feature without which there is nothing to sum
RECORDED = tuple(int(f.PLACES[f"FLOWS_{name.upper()}"]) for name in NAMES)
SUMMED = tuple(int(f.PLACES[f"SUMMED_{name.upper()}"]) for name in NAMES)
SUMMED_IF = tuple(int(f.PLACES[MOVEMENTS[name].upper()]) if MOVEMENTS.get(name) else -1 for name in NAMES)

BALANCES = tuple(int(f.PLACES[f"FLOWS_{name.upper()}"]) for name in ("cash", "debt", "payable", "receivable"))
BALANCES_SUMMED = tuple(int(f.PLACES[f"SUMMED_{name.upper()}"]) for name in ("cash", "debt", "payable", "receivable"))


@entry
def measure(table):  # type: ignore[no-untyped-def]
    """Add the record of the period that every world has just played to the sums."""
    period, first = integers1(table, f.PERIOD), 0
    while first < period.shape[0]:
        count = block_at(table, first)
        measure_block(table, period[first] - 1, np.uint64(first), count)
        first += count


@linked
def measure_block(table: int, now: int, first: World, count: int) -> None:
    """Add the record of a period to the sums, unless it belongs to the warm-up."""
    settings = integers1(table, f.SETTINGS)
    measured = now - settings[f.CLOCK_WARM_UP]
    if measured < 0:
        return
    for place in range(len(NAMES)):
        if SUMMED_IF[place] < 0 or settings[SUMMED_IF[place]]:
            add_rows(table, RECORDED[place], SUMMED[place], first, count)
    if settings[f.TREASURY_EXISTS]:
        for place in range(len(BALANCES)):
            add_rows(table, BALANCES[place], BALANCES_SUMMED[place], first, count)
        measure_treasury(table, first, count)
    sum_money(table, measured, first, count)
    if floats3(table, f.MEASURED_MARGIN).shape[0] > 1:
        sum_margin(table, now, first, count)
    count_cells(table, first, count)


@linked
def sum_money(table: int, measured: int, first: World, count: int) -> None:
    """Add money by term, and rewards discounted from the first measured period on."""
    money, sums = floats3(table, f.FLOWS_MONEY), floats3(table, f.SUMMED_MONEY)
    for term in integers1(table, f.TERMS_PAID):
        for sku in range(money.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                sums[term, sku, world] += money[term, sku, world]
    rewards, discounted = floats1(table, f.FLOWS_REWARD), floats1(table, f.SUMMED_REWARD)
    part = floats1(table, f.MEASURED_DISCOUNT)[measured]
    for j in range(count):
        world = first + np.uint64(j)
        discounted[world] += part * rewards[world]


@linked
def sum_margin(table: int, now: int, first: World, count: int) -> None:
    """Add what lost units would have earned in the prices of the period."""
    margin, lost, sums = floats3(table, f.MEASURED_MARGIN), floats3(table, f.FLOWS_LOST), floats3(table, f.SUMMED_LOST_MARGIN)
    period = now % margin.shape[0]
    for channel in range(lost.shape[0]):
        for sku in range(lost.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                sums[channel, sku, world] += lost[channel, sku, world] * margin[period, channel, sku]


@linked
def count_cells(table: int, first: World, count: int) -> None:
    """Count the channels and SKUs with demand, and those of which nothing became late or was lost."""
    demand, late, lost = floats3(table, f.FLOWS_DEMAND), floats3(table, f.FLOWS_LATE), floats3(table, f.FLOWS_LOST)
    some, full = floats1(table, f.SUMMED_CELLS_WITH_DEMAND), floats1(table, f.SUMMED_CELLS_IN_FULL)
    for channel in range(demand.shape[0]):
        for sku in range(demand.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                units = demand[channel, sku, world]
                asked = 1.0 if units > 0.0 else 0.0
                some[world] += asked
                full[world] += asked if late[channel, sku, world] + lost[channel, sku, world] <= rounding(units) else 0.0
