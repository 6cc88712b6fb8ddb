"""Closing the record of a block of worlds: the money terms of `money`, in the same order, fused by Numba."""

from __future__ import annotations

import math

import numpy as np

from allotment.engine import fields as f
from allotment.engine.compiled import floats1, floats2, floats3, floats4, inner, integers1
from allotment.scenario.problem import INCOME, ROUNDING, TERMS

SIGNS = tuple(1.0 if term in INCOME else -1.0 for term in TERMS)
(
    *(REVENUE, PURCHASE, MADE, INBOUND, OUTBOUND, FIXED, HOLDING, IN_TRANSIT, BACKORDER, LOST_SALE, LATENESS, WASTE, OVERFLOW),
    SALVAGE,
) = range(len(TERMS))


@inner
def charge(table, now, first, count):  # type: ignore[no-untyped-def]
    """Close the record: the period's movements, stocks and money; what follows belongs to the next one."""
    settings, money = integers1(table, f.SETTINGS), floats3(table, f.R_MONEY)
    close(table, first, count)
    for term in range(money.shape[0]):
        for sku in range(money.shape[1]):
            for j in range(count):
                money[term, sku, first + np.uint64(j)] = 0.0
    charge_lanes(table, now, first, count)
    if settings[f.FIXED_COSTS]:
        charge_orders(table, now, first, count)
    charge_sites(table, now, first, count)
    if settings[f.OVERFLOWS]:
        charge_overflow(table, now, first, count)
    charge_channels(table, now, first, count)
    charge_shipments(table, now, first, count)
    reward(table, now, first, count)
    remember(table, now, first, count)


@inner
def close(table, first, count):  # type: ignore[no-untyped-def]
    """Move what has happened since the last record into this one, and note the stocks."""
    hand_over(floats3(table, f.DEMAND), floats3(table, f.R_DEMAND), first, count)
    hand_over(floats3(table, f.RECEIVED), floats3(table, f.R_RECEIVED), first, count)
    hand_over(floats3(table, f.DISCARDED), floats3(table, f.R_DISCARDED), first, count)
    hand_over(floats3(table, f.SHIPPED), floats3(table, f.R_SHIPPED), first, count)
    hand_over(floats3(table, f.LOST), floats3(table, f.R_LOST), first, count)
    hand_over(floats3(table, f.LATE), floats3(table, f.R_LATE), first, count)
    hand_over(floats3(table, f.EXPIRED), floats3(table, f.R_EXPIRED), first, count)
    hand_over(floats3(table, f.SHRUNK), floats3(table, f.R_SHRUNK), first, count)
    add_up(floats4(table, f.ON_HAND), floats3(table, f.R_ON_HAND), first, count)
    add_up(floats4(table, f.OPEN_ORDERS), floats3(table, f.R_OPEN_ORDERS), first, count)
    copy(floats3(table, f.UNDER_WAY), floats3(table, f.R_IN_TRANSIT), first, count)
    copy(floats3(table, f.OWED), floats3(table, f.R_OWED), first, count)


@inner
def hand_over(state, record, first, count):  # type: ignore[no-untyped-def]
    """Move units into the record."""
    for a in range(state.shape[0]):
        for b in range(state.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                record[a, b, world] = state[a, b, world]
                state[a, b, world] = 0.0


@inner
def copy(state, record, first, count):  # type: ignore[no-untyped-def]
    """Note units in the record."""
    for a in range(state.shape[0]):
        for b in range(state.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                record[a, b, world] = state[a, b, world]


@inner
def add_up(state, record, first, count):  # type: ignore[no-untyped-def]
    """Note units, summed over their last axis, in the record."""
    for a in range(state.shape[0]):
        for b in range(state.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                record[a, b, world] = state[a, b, 0, world]
            for c in range(1, state.shape[2]):
                for j in range(count):
                    world = first + np.uint64(j)
                    record[a, b, world] += state[a, b, c, world]


@inner
def book(money, units, row, price, first, count):  # type: ignore[no-untyped-def]
    """Add what units (worlds,) are worth to a term of a SKU."""
    if price != 0.0:
        for j in range(count):
            world = first + np.uint64(j)
            money[row[0], row[1], world] += units[world] * price


@inner
def charge_lanes(table, now, first, count):  # type: ignore[no-untyped-def]
    """Purchase, production, inbound freight and in-transit cost."""
    money, executed, received = floats3(table, f.R_MONEY), floats3(table, f.R_EXECUTED), floats3(table, f.R_RECEIVED)
    under_way, on_receipt = floats3(table, f.R_IN_TRANSIT), integers1(table, f.LANES_ON_RECEIPT)
    purchase, production = floats3(table, f.PURCHASE), floats3(table, f.PRODUCTION_COST)
    freight, transit = floats3(table, f.INBOUND), floats3(table, f.IN_TRANSIT_COST)
    for lane in range(executed.shape[0]):
        for sku in range(executed.shape[1]):
            paid = received[lane, sku] if on_receipt[lane] else executed[lane, sku]
            book(money, paid, (PURCHASE, sku), purchase[now % purchase.shape[0], lane, sku], first, count)
            book(money, paid, (MADE, sku), production[now % production.shape[0], lane, sku], first, count)
            book(money, paid, (INBOUND, sku), freight[now % freight.shape[0], lane, sku], first, count)
            price = transit[now % transit.shape[0], lane, sku]
            book(money, under_way[lane, sku], (IN_TRANSIT, sku), price, first, count)


@inner
def charge_orders(table, now, first, count):  # type: ignore[no-untyped-def]
    """Fixed cost of a lane with a shipment, shared equally by the SKUs it carries, and of each SKU on it."""
    money, executed, skus = floats3(table, f.R_MONEY), floats3(table, f.R_EXECUTED), floats1(table, f.ROW_A)
    fixed, line = floats2(table, f.FIXED), floats3(table, f.LINE)
    for lane in range(executed.shape[0]):
        cost = fixed[now % fixed.shape[0], lane]
        for j in range(count):
            skus[first + np.uint64(j)] = 0.0
        for sku in range(executed.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                skus[world] += 1.0 if executed[lane, sku, world] > 0.0 else 0.0
        for sku in range(executed.shape[1]):
            own = line[now % line.shape[0], lane, sku]
            for j in range(count):
                world = first + np.uint64(j)
                paid = cost / max(1.0, skus[world]) + own
                money[FIXED, sku, world] += paid if executed[lane, sku, world] > 0.0 else 0.0


@inner
def charge_sites(table, now, first, count):  # type: ignore[no-untyped-def]
    """Holding cost on stock at the end of the period, and what expired stock costs."""
    money, on_hand, expired = floats3(table, f.R_MONEY), floats3(table, f.R_ON_HAND), floats3(table, f.R_EXPIRED)
    holding, waste = floats3(table, f.HOLDING_COST), floats2(table, f.WASTE_COST)
    for site in range(on_hand.shape[0]):
        for sku in range(on_hand.shape[1]):
            book(money, on_hand[site, sku], (HOLDING, sku), holding[now % holding.shape[0], site, sku], first, count)
            book(money, expired[site, sku], (WASTE, sku), waste[now % waste.shape[0], sku], first, count)


@inner
def charge_overflow(table, now, first, count):  # type: ignore[no-untyped-def]
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


@inner
def charge_channels(table, now, first, count):  # type: ignore[no-untyped-def]
    """Backorder cost on what is due and still open, and what lost and late units cost."""
    money, open_orders, lost = floats3(table, f.R_MONEY), floats4(table, f.OPEN_ORDERS), floats3(table, f.R_LOST)
    late, backorder, shortage = floats3(table, f.R_LATE), floats3(table, f.BACKORDER_COST), floats3(table, f.SHORTAGE)
    lateness, due, last = floats3(table, f.LATE_COST), integers1(table, f.CHANNELS_DUE), integers1(table, f.CHANNELS_LAST)
    for channel in range(lost.shape[0]):
        for sku in range(lost.shape[1]):
            price = backorder[now % backorder.shape[0], channel, sku]
            for slot in range(due[channel], last[channel] + 1):
                book(money, open_orders[channel, sku, slot], (BACKORDER, sku), price, first, count)
            price = shortage[now % shortage.shape[0], channel, sku]
            book(money, lost[channel, sku], (LOST_SALE, sku), price, first, count)
            price = lateness[now % lateness.shape[0], channel, sku]
            book(money, late[channel, sku], (LATENESS, sku), price, first, count)


@inner
def charge_shipments(table, now, first, count):  # type: ignore[no-untyped-def]
    """Revenue and outbound freight, booked at shipment."""
    money, shipped, channels = floats3(table, f.R_MONEY), floats3(table, f.R_SHIPPED), integers1(table, f.SERVING_CHANNEL)
    price, freight = floats3(table, f.PRICE), floats3(table, f.OUTBOUND)
    for lane in range(shipped.shape[0]):
        for sku in range(shipped.shape[1]):
            units = shipped[lane, sku]
            book(money, units, (REVENUE, sku), price[now % price.shape[0], channels[lane], sku], first, count)
            book(money, units, (OUTBOUND, sku), freight[now % freight.shape[0], lane, sku], first, count)


@inner
def reward(table, now, first, count):  # type: ignore[no-untyped-def]
    """Sum the terms in declared order, and discount them where rewards are."""
    money, rewards, total = floats3(table, f.R_MONEY), floats1(table, f.R_REWARD), floats1(table, f.ROW_A)
    discount, warm_up = floats1(table, f.REALS)[0], integers1(table, f.SETTINGS)[f.WARM_UP]
    for j in range(count):
        rewards[first + np.uint64(j)] = 0.0
    for term in range(money.shape[0]):
        sign = 1.0 if term == REVENUE or term == SALVAGE else -1.0
        for j in range(count):
            total[first + np.uint64(j)] = 0.0
        for sku in range(money.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                total[world] += money[term, sku, world]
        for j in range(count):
            world = first + np.uint64(j)
            rewards[world] += sign * total[world]
    if discount != 1.0:
        part = discount ** max(0, now - warm_up)
        for j in range(count):
            rewards[first + np.uint64(j)] *= part


@inner
def remember(table, now, first, count):  # type: ignore[no-untyped-def]
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


@inner
def note_sales(table, slot, first, count):  # type: ignore[no-untyped-def]
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


@inner
def pay_at_the_end(table, now, first, count):  # type: ignore[no-untyped-def]
    """Add to the last record what arrived after it was closed, and in a season what is left is worth."""
    settings = integers1(table, f.SETTINGS)
    if now != settings[f.LENGTH] - 1:
        return
    pay_arrivals(table, now, first, count)
    if settings[f.SEASON]:
        salvage(table, first, count)
    reward(table, now, first, count)


@inner
def pay_arrivals(table, now, first, count):  # type: ignore[no-untyped-def]
    """Add what arrived, and what of it was turned away, after the record was closed."""
    money, received, on_receipt = floats3(table, f.R_MONEY), floats3(table, f.RECEIVED), integers1(table, f.LANES_ON_RECEIPT)
    purchase, production, freight = floats3(table, f.PURCHASE), floats3(table, f.PRODUCTION_COST), floats3(table, f.INBOUND)
    for lane in range(received.shape[0]):
        for sku in range(received.shape[1]):
            if on_receipt[lane]:
                units = received[lane, sku]
                book(money, units, (PURCHASE, sku), purchase[now % purchase.shape[0], lane, sku], first, count)
                book(money, units, (MADE, sku), production[now % production.shape[0], lane, sku], first, count)
                book(money, units, (INBOUND, sku), freight[now % freight.shape[0], lane, sku], first, count)
    add_over(received, floats3(table, f.R_RECEIVED), first, count)
    add_over(floats3(table, f.DISCARDED), floats3(table, f.R_DISCARDED), first, count)


@inner
def add_over(state, record, first, count):  # type: ignore[no-untyped-def]
    """Move units into the record, beside what it holds."""
    for a in range(state.shape[0]):
        for b in range(state.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                record[a, b, world] += state[a, b, world]
                state[a, b, world] = 0.0


@inner
def salvage(table, first, count):  # type: ignore[no-untyped-def]
    """Stock on hand and under way at the worth of its site, open orders at that of their channel."""
    money, under_way, on_hand = floats3(table, f.R_MONEY), floats3(table, f.UNDER_WAY), floats4(table, f.ON_HAND)
    open_orders, to = floats4(table, f.OPEN_ORDERS), integers1(table, f.LANES_TO)
    at_site, at_channel = floats2(table, f.SITE_SALVAGE), floats2(table, f.CHANNEL_SALVAGE)
    for sku in range(money.shape[1]):
        for lane in range(under_way.shape[0]):
            book(money, under_way[lane, sku], (SALVAGE, sku), at_site[to[lane], sku], first, count)
        for site in range(on_hand.shape[0]):
            for life in range(on_hand.shape[2]):
                book(money, on_hand[site, sku, life], (SALVAGE, sku), at_site[site, sku], first, count)
        for channel in range(open_orders.shape[0]):
            for slot in range(open_orders.shape[2]):
                book(money, open_orders[channel, sku, slot], (SALVAGE, sku), at_channel[channel, sku], first, count)
