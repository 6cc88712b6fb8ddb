"""Closing the record of a block of worlds: the money terms of `money`, in the same order, fused by Numba."""

from __future__ import annotations

import math

import numpy as np

from allotment.engine import fields as f
from allotment.engine.compiled import World, far, floats1, floats2, floats3, floats4, integers1
from allotment.engine.kernel_moves import add_over, add_up, copy, hand_over
from allotment.scenario.problem import ROUNDING, TERMS

(
    *(REVENUE, PURCHASE, MADE, INBOUND, OUTBOUND, FIXED, HOLDING, IN_TRANSIT, BACKORDER, LOST_SALE, LATENESS, WASTE, OVERFLOW),
    SALVAGE,
) = range(len(TERMS))


@far
def charge(table: int, now: int, first: World, count: int) -> None:
    """Close the record: the period's movements, stocks and money; what follows belongs to the next one."""
    settings = integers1(table, f.SETTINGS)
    close(table, first, count)
    clear_money(table, first, count)
    value(table, f.R_SHIPPED, f.PRICE, REVENUE, now, first, count)
    pay_lanes(table, now, first, count)
    value(table, f.R_SHIPPED, f.OUTBOUND, OUTBOUND, now, first, count)
    if settings[f.FIXED_COSTS]:
        charge_orders(table, now, first, count)
    value(table, f.R_ON_HAND, f.HOLDING_COST, HOLDING, now, first, count)
    value(table, f.R_IN_TRANSIT, f.IN_TRANSIT_COST, IN_TRANSIT, now, first, count)
    charge_backorders(table, now, first, count)
    value(table, f.R_LOST, f.SHORTAGE, LOST_SALE, now, first, count)
    if settings[f.COMES_LATE]:
        value(table, f.R_LATE, f.LATE_COST, LATENESS, now, first, count)
    if settings[f.PERISHES]:
        value(table, f.R_EXPIRED, f.WASTE_COST, WASTE, now, first, count)
    if settings[f.OVERFLOWS]:
        charge_overflow(table, now, first, count)
    reward(table, now, first, count)
    if settings[f.REMEMBERS]:
        remember(table, now, first, count)


@far
def close(table: int, first: World, count: int) -> None:
    """Move what has happened since the last record into this one, and note the stocks; what a world lacks stays at nothing."""
    settings = integers1(table, f.SETTINGS)
    hand_over(table, f.DEMAND, f.R_DEMAND, first, count)
    hand_over(table, f.RECEIVED, f.R_RECEIVED, first, count)
    hand_over(table, f.SHIPPED, f.R_SHIPPED, first, count)
    hand_over(table, f.ON_TIME, f.R_ON_TIME, first, count)
    hand_over(table, f.LOST, f.R_LOST, first, count)
    if settings[f.STORES]:
        hand_over(table, f.DISCARDED, f.R_DISCARDED, first, count)
    if settings[f.COMES_LATE]:
        hand_over(table, f.LATE, f.R_LATE, first, count)
    if settings[f.PERISHES]:
        hand_over(table, f.EXPIRED, f.R_EXPIRED, first, count)
    if settings[f.SHRINKS]:
        hand_over(table, f.SHRUNK, f.R_SHRUNK, first, count)
    add_up(table, f.ON_HAND, f.R_ON_HAND, first, count)
    add_up(table, f.OPEN_ORDERS, f.R_OPEN_ORDERS, first, count)
    copy(table, f.UNDER_WAY, f.R_IN_TRANSIT, first, count)
    copy(table, f.OWED, f.R_OWED, first, count)


@far
def clear_money(table: int, first: World, count: int) -> None:
    """Write zeros into every term."""
    money = floats3(table, f.R_MONEY)
    for term in range(money.shape[0]):
        for sku in range(money.shape[1]):
            for j in range(count):
                money[term, sku, first + np.uint64(j)] = 0.0


@far
def value(table: int, field: int, prices: int, term: int, now: int, first: World, count: int) -> None:
    """Add what the units of a field (n, skus, worlds) are worth at the prices of another (periods, n, skus) to a term."""
    money, units, price = floats3(table, f.R_MONEY), floats3(table, field), floats3(table, prices)
    period = now % price.shape[0]
    for place in range(price.shape[1]):
        for sku in range(price.shape[2]):
            each = price[period, place, sku]
            if each != 0.0:
                for j in range(count):
                    world = first + np.uint64(j)
                    money[term, sku, world] += units[place, sku, world] * each


@far
def pay_lanes(table: int, now: int, first: World, count: int) -> None:
    """Pay goods and freight on supply lanes: at shipment, or at receipt where the lane says so."""
    paid = f.R_EXECUTED
    if integers1(table, f.SETTINGS)[f.ON_RECEIPT]:
        choose_paid(table, f.R_RECEIVED, f.R_EXECUTED, first, count)
        paid = f.PAID
    value(table, paid, f.PURCHASE, PURCHASE, now, first, count)
    value(table, paid, f.PRODUCTION_COST, MADE, now, first, count)
    value(table, paid, f.INBOUND, INBOUND, now, first, count)


@far
def choose_paid(table: int, received: int, shipped: int, first: World, count: int) -> None:
    """Write what is paid of each lane: the units of one field where that is at receipt, else those of another, or nothing."""
    on_receipt, paid = integers1(table, f.LANES_ON_RECEIPT), floats3(table, f.PAID)
    for lane in range(paid.shape[0]):
        field = received if on_receipt[lane] else shipped
        for sku in range(paid.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                paid[lane, sku, world] = floats3(table, field)[lane, sku, world] if field >= 0 else 0.0


@far
def charge_orders(table: int, now: int, first: World, count: int) -> None:
    """Fixed cost of a lane with a shipment, shared equally by the SKUs it carries, and of each SKU on it."""
    money, executed, skus = floats3(table, f.R_MONEY), floats3(table, f.R_EXECUTED), floats1(table, f.ROW_A)
    fixed, line = floats2(table, f.FIXED), floats3(table, f.LINE)
    for lane in range(executed.shape[0]):
        cost = fixed[now % fixed.shape[0], lane]
        for j in range(count):
            skus[first + np.uint64(j)] = 0.0
        for sku in range(executed.shape[1] if cost != 0.0 else 0):
            for j in range(count):
                world = first + np.uint64(j)
                skus[world] += 1.0 if executed[lane, sku, world] > 0.0 else 0.0
        for sku in range(executed.shape[1]):
            own = line[now % line.shape[0], lane, sku]
            for j in range(count if cost != 0.0 or own != 0.0 else 0):
                world = first + np.uint64(j)
                paid = cost / max(1.0, skus[world]) + own
                money[FIXED, sku, world] += paid if executed[lane, sku, world] > 0.0 else 0.0


@far
def charge_overflow(table: int, now: int, first: World, count: int) -> None:
    """What storage beyond a site's own costs, shared by volume."""
    money, on_hand, volume = floats3(table, f.R_MONEY), floats3(table, f.R_ON_HAND), floats1(table, f.GOODS_VOLUME)
    storage, prices, charged = (
        floats2(table, f.SITES_STORAGE),
        floats2(table, f.OVERFLOW_COST),
        integers1(table, f.SITES_OVERFLOW_CHARGED),
    )
    held, part = floats1(table, f.ROW_A), floats1(table, f.ROW_B)
    for site in range(on_hand.shape[0]):
        limit, price = storage[now % storage.shape[0], site], prices[now % prices.shape[0], site]
        if not charged[site] or math.isinf(limit):
            continue
        for j in range(count):
            held[first + np.uint64(j)] = 0.0
        for sku in range(on_hand.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                held[world] += on_hand[site, sku, world] * volume[sku]
        for j in range(count):
            world = first + np.uint64(j)
            beyond = max(0.0, held[world] - limit)
            part[world] = beyond * price / held[world] if held[world] > 0.0 else 0.0
        for sku in range(on_hand.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                money[OVERFLOW, sku, world] += on_hand[site, sku, world] * volume[sku] * part[world]


@far
def charge_backorders(table: int, now: int, first: World, count: int) -> None:
    """Charge what is due and still open."""
    money, open_orders, prices = floats3(table, f.R_MONEY), floats4(table, f.OPEN_ORDERS), floats3(table, f.BACKORDER_COST)
    due, last = integers1(table, f.CHANNELS_DUE), integers1(table, f.CHANNELS_LAST)
    for channel in range(open_orders.shape[0]):
        for sku in range(open_orders.shape[1]):
            price = prices[now % prices.shape[0], channel, sku]
            if price != 0.0:
                for slot in range(due[channel], last[channel] + 1):
                    for j in range(count):
                        world = first + np.uint64(j)
                        money[BACKORDER, sku, world] += open_orders[channel, sku, slot, world] * price


@far
def reward(table: int, now: int, first: World, count: int) -> None:
    """Sum the terms in declared order, and discount them where rewards are."""
    money, rewards, total = floats3(table, f.R_MONEY), floats1(table, f.R_REWARD), floats2(table, f.R_TERMS)
    discount, warm_up = floats1(table, f.REALS)[0], integers1(table, f.SETTINGS)[f.WARM_UP]
    for j in range(count):
        rewards[first + np.uint64(j)] = 0.0
    for term in range(money.shape[0]):
        sign = 1.0 if term in (REVENUE, SALVAGE) else -1.0
        for j in range(count):
            total[term, first + np.uint64(j)] = 0.0
        for sku in range(money.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                total[term, world] += money[term, sku, world]
        for j in range(count):
            world = first + np.uint64(j)
            rewards[world] += sign * total[term, world]
    if discount != 1.0:
        part = discount ** max(0, now - warm_up)
        for j in range(count):
            rewards[first + np.uint64(j)] *= part


@far
def remember(table: int, now: int, first: World, count: int) -> None:
    """Let goodwill follow the period's service, and sales enter the history where demand is not seen."""
    settings, goodwill, moods = integers1(table, f.SETTINGS), floats2(table, f.GOODWILL), floats1(table, f.MOODS_GOODWILL)
    groups, unmet = integers1(table, f.MOODS_GROUP), floats1(table, f.ROW_A)
    open_orders, lost = floats3(table, f.R_OPEN_ORDERS), floats3(table, f.R_LOST)
    for group in range(goodwill.shape[0]):
        for j in range(count):
            unmet[first + np.uint64(j)] = 0.0
        for channel in range(lost.shape[0]):
            if groups[channel] == group:
                for sku in range(lost.shape[1]):
                    for j in range(count):
                        world = first + np.uint64(j)
                        unmet[world] += open_orders[channel, sku, world] + lost[channel, sku, world]
        for j in range(count):
            world = first + np.uint64(j)
            better, worse = min(goodwill[group, world] * moods[0], moods[2]), max(goodwill[group, world] * moods[1], moods[3])
            goodwill[group, world] = worse if unmet[world] > ROUNDING else better
    if settings[f.HISTORY_SLOTS] > 0 and settings[f.OF_SALES]:
        note_sales(table, now % settings[f.HISTORY_SLOTS], first, count)


@far
def note_sales(table: int, slot: int, first: World, count: int) -> None:
    """Write the period's sales into the history."""
    history, shipped = floats4(table, f.DEMAND_HISTORY), floats3(table, f.R_SHIPPED)
    channels = integers1(table, f.SERVING_CHANNEL)
    for channel in range(history.shape[1]):
        for sku in range(history.shape[2]):
            for j in range(count):
                history[slot, channel, sku, first + np.uint64(j)] = 0.0
            for lane in range(shipped.shape[0]):
                if channels[lane] == channel:
                    for j in range(count):
                        world = first + np.uint64(j)
                        history[slot, channel, sku, world] += shipped[lane, sku, world]


@far
def pay_at_the_end(table: int, now: int, first: World, count: int) -> None:
    """Add to the last record what arrived after it was closed, and in a season what is left is worth."""
    settings = integers1(table, f.SETTINGS)
    if now != settings[f.LENGTH] - 1:
        return
    pay_arrivals(table, now, first, count)
    if settings[f.SEASON]:
        salvage(table, now, first, count)
    reward(table, now, first, count)


@far
def pay_arrivals(table: int, now: int, first: World, count: int) -> None:
    """Add what arrived, and what of it was turned away, after the record was closed."""
    if integers1(table, f.SETTINGS)[f.ON_RECEIPT]:
        choose_paid(table, f.RECEIVED, -1, first, count)
        value(table, f.PAID, f.PURCHASE, PURCHASE, now, first, count)
        value(table, f.PAID, f.PRODUCTION_COST, MADE, now, first, count)
        value(table, f.PAID, f.INBOUND, INBOUND, now, first, count)
    add_over(table, f.RECEIVED, f.R_RECEIVED, first, count)
    add_over(table, f.DISCARDED, f.R_DISCARDED, first, count)


@far
def salvage(table: int, now: int, first: World, count: int) -> None:
    """Stock on hand and under way at the worth of its site, open orders at that of their channel."""
    value(table, f.UNDER_WAY, f.LANE_SALVAGE, SALVAGE, now, first, count)
    add_up(table, f.ON_HAND, f.SITE_SKU_ROWS, first, count)
    value(table, f.SITE_SKU_ROWS, f.SITE_SALVAGE, SALVAGE, now, first, count)
    add_up(table, f.OPEN_ORDERS, f.PROMISE_ROWS, first, count)
    value(table, f.PROMISE_ROWS, f.CHANNEL_SALVAGE, SALVAGE, now, first, count)
