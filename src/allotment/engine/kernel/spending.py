"""Spending in a block of worlds: budgets, and orders cut to what they and cash can pay, as in `dynamics.treasury`."""

from __future__ import annotations

import math

import numpy as np

from allotment.engine import layout as f
from allotment.engine.compiled import World, floats1, floats2, floats3, inline, integers1, integers2, integers3, linked
from allotment.engine.dynamics.arrays import LEAST_DIVISOR
from allotment.engine.kernel.rounding import rounding
from allotment.engine.kernel.treasury import available
from allotment.scenario.problem import CODES, PRIORITY

BUDGET, CASH = CODES["budget"], CODES["cash"]


@linked
def open_budgets(table: int, now: int, first: World, count: int) -> None:
    """Begin a budget period: what was left lapses, and what the scenario states may be spent."""
    left, amounts, per = floats2(table, f.BUDGET_LEFT), floats2(table, f.TREASURY_AMOUNTS), integers1(table, f.SETTINGS)
    if now % per[f.TREASURY_PER] == 0:
        turn = now // per[f.TREASURY_PER] % amounts.shape[0]
        for budget in range(left.shape[0]):
            for j in range(count):
                left[budget, first + np.uint64(j)] = amounts[turn, budget]


@linked
def divide_budgets(table: int, now: int, first: World, count: int) -> None:
    """Let the policy divide the total where a budget period begins; shares that exceed it are cut alike."""
    left, decided, totals = floats2(table, f.BUDGET_LEFT), floats2(table, f.DECISION_BUDGET), floats1(table, f.TREASURY_TOTAL)
    per = integers1(table, f.SETTINGS)[f.TREASURY_PER]
    if now % per != 0:
        return
    total = totals[now // per % totals.shape[0]]
    for j in range(count):
        world, asked = first + np.uint64(j), 0.0
        for budget in range(left.shape[0]):
            asked += max(0.0, decided[budget, world])
        share = min(1.0, total / asked) if asked > LEAST_DIVISOR else 1.0
        for budget in range(left.shape[0]):
            left[budget, world] = max(0.0, decided[budget, world]) * share


@linked
def cut_to_means(table: int, now: int, first: World, count: int) -> None:
    """Cut what is executed to what budgets, then cash and credit, can pay."""
    limit, left = floats1(table, f.MEANS), floats2(table, f.BUDGET_LEFT)
    for budget in range(left.shape[0]):
        for j in range(count):
            world = first + np.uint64(j)
            limit[world] = left[budget, world]
        afford(table, budget, now, first, count)
    find_headroom(table, now, first, count)
    nothing = floats1(table, f.MEANS_NONE)
    for j in range(count):
        world = first + np.uint64(j)
        nothing[world] = 1.0 if limit[world] <= 0.0 else 0.0
    afford(table, -1, now, first, count)


@inline
def price_of_order(table, lane, sku, now):  # type: ignore[no-untyped-def]
    """Return what a unit on a lane costs in cash: goods, freight and production."""
    purchase, freight, production = (
        floats3(table, f.PRICES_PURCHASE),
        floats3(table, f.PRICES_INBOUND_FREIGHT),
        floats3(table, f.PRICES_PRODUCTION),
    )
    goods = purchase[now % purchase.shape[0], lane, sku] + freight[now % freight.shape[0], lane, sku]
    return goods + production[now % production.shape[0], lane, sku]


@inline
def price_to(table, budget, lane, sku, now):  # type: ignore[no-untyped-def]
    """Return what a unit on a lane takes of a budget, 0 where another or none pays; of cash where there is no budget."""
    if budget < 0:
        return price_of_order(table, lane, sku, now)
    if integers2(table, f.TREASURY_BUDGET)[lane, sku] != budget:
        return 0.0
    purchase = floats3(table, f.PRICES_PURCHASE)
    return purchase[now % purchase.shape[0], lane, sku]


@linked
def find_headroom(table: int, now: int, first: World, count: int) -> None:
    """Write what orders may cost besides fixed costs: what is owed already, or will be on receipt, is kept back."""
    limit, payables, executed = floats1(table, f.MEANS), floats3(table, f.PAYABLES), floats3(table, f.FLOWS_EXECUTED)
    for j in range(count):
        world = first + np.uint64(j)
        limit[world] = available(table, world)
    for slot in range(payables.shape[0]):
        for supplier in range(payables.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                limit[world] -= payables[slot, supplier, world]
    if integers1(table, f.SETTINGS)[f.ON_RECEIPT]:
        keep_for_receipts(table, now, first, count)
    for j in range(count):
        world = first + np.uint64(j)
        limit[world] = max(0.0, limit[world])
    fixed, line = floats2(table, f.PRICES_FIXED), floats3(table, f.PRICES_LINE)
    used = floats1(table, f.SKUS_SHIPPED)
    for lane in range(executed.shape[0]):
        for j in range(count):
            used[first + np.uint64(j)] = 0.0
        for sku in range(executed.shape[1]):
            own = line[now % line.shape[0], lane, sku]
            for j in range(count):
                world = first + np.uint64(j)
                shipped = 1.0 if executed[lane, sku, world] > 0.0 else 0.0
                used[world] = max(used[world], shipped)
                limit[world] -= shipped * own
        cost = fixed[now % fixed.shape[0], lane]
        for j in range(count):
            world = first + np.uint64(j)
            limit[world] -= used[world] * cost
    for j in range(count):
        world = first + np.uint64(j)
        limit[world] = max(0.0, limit[world])


@linked
def keep_for_receipts(table: int, now: int, first: World, count: int) -> None:
    """Keep back what will be paid when goods arrive that are on their way, or have come and are not booked."""
    limit, in_transit, received = floats1(table, f.MEANS), floats3(table, f.IN_TRANSIT), floats3(table, f.RECEIVED)
    on_receipt = integers1(table, f.LANES_ON_RECEIPT)
    for lane in range(on_receipt.shape[0]):
        for sku in range(in_transit.shape[1] if on_receipt[lane] else 0):
            price = price_of_order(table, lane, sku, now)
            for j in range(count):
                world = first + np.uint64(j)
                limit[world] -= (in_transit[lane, sku, world] + received[lane, sku, world]) * price


@linked
def afford(table: int, budget: int, now: int, first: World, count: int) -> None:
    """Cut what a budget pays for, or cash where that is -1, to its means, level by level where the world rations so."""
    order, priority = integers1(table, f.LANES_ORDER), integers1(table, f.LANES_PRIORITY)
    by_level, start = integers1(table, f.SETTINGS)[f.RULES_RATIONING] == PRIORITY, 0
    while start < order.shape[0]:
        stop = start + 1 if by_level else order.shape[0]
        while stop < order.shape[0] and priority[order[stop]] == priority[order[start]]:
            stop += 1
        afford_level(table, budget, by_level, start, stop, now, first, count)
        start = stop


@linked
def afford_level(table: int, budget: int, by_level: int, start: int, stop: int, now: int, first: World, count: int) -> None:
    """Share what is left of the means among lanes of one level, in proportion to what they ask for in money."""
    limit, total, part = floats1(table, f.MEANS), floats1(table, f.MEANS_ASKED), floats1(table, f.MEANS_PART)
    executed, order = floats3(table, f.FLOWS_EXECUTED), integers1(table, f.LANES_ORDER)
    for j in range(count):
        total[first + np.uint64(j)] = 0.0
    for place in range(start, stop):
        lane = order[place] if by_level else place
        for sku in range(executed.shape[1]):
            price = price_to(table, budget, lane, sku, now)
            for j in range(count if price > 0.0 else 0):
                world = first + np.uint64(j)
                total[world] += executed[lane, sku, world] * price
    for j in range(count):
        world = first + np.uint64(j)
        asked, left = total[world], limit[world]
        short = asked > left
        part[world] = (left / asked if asked > LEAST_DIVISOR else 0.0) if short else 1.0
        limit[world] = 0.0 if short else left - asked
    for place in range(start, stop):
        lane = order[place] if by_level else place
        for sku in range(executed.shape[1]):
            take_affordable(table, budget, lane, sku, now, first, count)


@linked
def take_affordable(table: int, budget: int, lane: int, sku: int, now: int, first: World, count: int) -> None:
    """Execute the part that can be paid for, and note why less."""
    executed, reason = floats3(table, f.FLOWS_EXECUTED), integers3(table, f.FLOWS_CUT_REASON)
    part, nothing, whole = (
        floats1(table, f.MEANS_PART),
        floats1(table, f.MEANS_NONE),
        integers1(table, f.SETTINGS)[f.RULES_WHOLE],
    )
    price, fixed, line = (
        price_to(table, budget, lane, sku, now),
        floats2(table, f.PRICES_FIXED),
        floats3(table, f.PRICES_LINE),
    )
    costly = budget < 0 and price + (fixed[now % fixed.shape[0], lane] + line[now % line.shape[0], lane, sku]) > 0.0
    why = BUDGET if budget >= 0 else CASH
    for j in range(count if price > 0.0 or costly else 0):
        world = first + np.uint64(j)
        units = executed[lane, sku, world]
        left = units
        if price > 0.0 and part[world] < 1.0:
            left = units * part[world]
            if whole:
                left = math.floor(left + rounding(left))
        if costly and nothing[world] > 0.0:
            left = 0.0
        executed[lane, sku, world] = left
        if left < units - rounding(units):
            reason[lane, sku, world] = why


@linked
def spend(table: int, now: int, first: World, count: int) -> None:
    """Take what was ordered out of the budgets, at purchase prices."""
    left, spent, executed = floats2(table, f.BUDGET_LEFT), floats2(table, f.FLOWS_SPENT), floats3(table, f.FLOWS_EXECUTED)
    of, purchase = integers2(table, f.TREASURY_BUDGET), floats3(table, f.PRICES_PURCHASE)
    for budget in range(left.shape[0]):
        for j in range(count):
            spent[budget, first + np.uint64(j)] = 0.0
    for lane in range(executed.shape[0]):
        for sku in range(executed.shape[1]):
            budget, price = of[lane, sku], purchase[now % purchase.shape[0], lane, sku]
            for j in range(count if budget >= 0 else 0):
                world = first + np.uint64(j)
                spent[budget, world] += executed[lane, sku, world] * price
    for budget in range(left.shape[0]):
        for j in range(count):
            world = first + np.uint64(j)
            left[budget, world] = max(0.0, left[budget, world] - spent[budget, world])
