"""Closing the record of a block of worlds: the money terms of `dynamics.money`, in the same order, fused by Numba."""

from __future__ import annotations

import math

import numpy as np

from allotment.engine import layout as f
from allotment.engine.compiled import World, floats1, floats2, floats3, floats4, integers1, linked
from allotment.engine.kernel.rows import add_over, add_up, copy, hand_over
from allotment.engine.kernel.treasury import add_interest_and_discounts, book
from allotment.engine.state import MOVEMENTS
from allotment.scenario.problem import ARRIVALS, LINEAR, ROUNDING, SIGNS, TERMS

UNITS = {  # where the units of a linear term stand that are no flow of the record
    "paid": f.PAID,
    "due": f.DUE,
    "remaining_in_transit": f.IN_TRANSIT,
    "remaining_stock": f.REMAINING_STOCK,
    "remaining_demand": f.REMAINING_DEMAND,
}
NOTHING = -1
# of each linear addend: its term, where its units and prices stand, and whether it is paid when a season has ended
TERM = tuple(TERMS.index(each.term) for each in LINEAR)
UNITS_OF = tuple(int(UNITS.get(each.units) or f.PLACES[f"FLOWS_{each.units.upper()}"]) for each in LINEAR)
PRICE_OF = tuple(int(f.PLACES[f"PRICES_{each.price.upper()}"]) for each in LINEAR)
AT_END = tuple(int(each.at == "end") for each in LINEAR)
# where the units stand that arrive after the last record was closed, or nothing
LATE = {"paid": f.PAID, "received": f.RECEIVED, "discarded": f.DISCARDED, "vanished": f.VANISHED}
ARRIVES = tuple(int(LATE[each.units]) if each.units in ARRIVALS else NOTHING for each in LINEAR)
SIGN = tuple(SIGNS.tolist())
FIXED, OVERFLOW = TERMS.index("fixed_ordering"), TERMS.index("overflow")
# of each movement: where it is collected and recorded, and the feature without which there is none
COLLECTED = tuple(int(f.PLACES[name.upper()]) for name in MOVEMENTS)
RECORDED = tuple(int(f.PLACES[f"FLOWS_{name.upper()}"]) for name in MOVEMENTS)
COLLECTED_IF = tuple(int(f.PLACES[feature.upper()]) if feature else NOTHING for feature in MOVEMENTS.values())


@linked
def charge(table: int, now: int, first: World, count: int) -> None:
    """Close the record: the period's movements, stocks and money; what follows belongs to the next one."""
    settings = integers1(table, f.SETTINGS)
    close(table, first, count)
    clear_money(table, first, count)
    if settings[f.ON_RECEIPT]:
        choose_paid(table, f.FLOWS_RECEIVED, f.FLOWS_EXECUTED, first, count)
    if settings[f.PART_IS_DUE]:
        find_due(table, now, first, count)
    for addend in integers1(table, f.ADDENDS_PAID):
        units = UNITS_OF[addend]
        if units == f.PAID and not settings[f.ON_RECEIPT]:
            units = f.FLOWS_EXECUTED
        if units == f.DUE and not settings[f.PART_IS_DUE]:
            units = f.FLOWS_OPEN_DEMAND
        value(table, units, PRICE_OF[addend], TERM[addend], now, first, count)
    if settings[f.FIXED_COSTS]:
        charge_orders(table, now, first, count)
    if settings[f.OVERFLOWS]:
        charge_overflow(table, now, first, count)
    if settings[f.TREASURY_EXISTS]:
        add_interest_and_discounts(table, now, first, count)
    reward(table, now, first, count)
    if settings[f.TREASURY_EXISTS]:
        book(table, f.PAID if settings[f.ON_RECEIPT] else f.FLOWS_EXECUTED, now, first, count)
    if settings[f.REMEMBERS]:
        remember(table, now, first, count)


@linked
def clear_money(table: int, first: World, count: int) -> None:
    """Put the terms that a world may have to nothing; the others always are."""
    money = floats3(table, f.FLOWS_MONEY)
    for term in integers1(table, f.TERMS_PAID):
        for sku in range(money.shape[1]):
            for j in range(count):
                money[term, sku, first + np.uint64(j)] = 0.0


@linked
def close(table: int, first: World, count: int) -> None:
    """Move what has happened since the last record into this one, and note the stocks; what a world lacks stays at nothing."""
    settings = integers1(table, f.SETTINGS)
    for movement in range(len(COLLECTED)):
        if COLLECTED_IF[movement] < 0 or settings[COLLECTED_IF[movement]]:
            hand_over(table, COLLECTED[movement], RECORDED[movement], first, count)
    add_up(table, f.ON_HAND, f.FLOWS_ON_HAND, first, count)
    add_up(table, f.OPEN_DEMAND, f.FLOWS_OPEN_DEMAND, first, count)
    copy(table, f.IN_TRANSIT, f.FLOWS_IN_TRANSIT, first, count)
    copy(table, f.OWED, f.FLOWS_OWED, first, count)


@linked
def value(table: int, field: int, prices: int, term: int, now: int, first: World, count: int) -> None:
    """Add what the units of a field (n, skus, worlds) are worth at the prices of another (periods, n, skus) to a term."""
    money, units, price = floats3(table, f.FLOWS_MONEY), floats3(table, field), floats3(table, prices)
    period = now % price.shape[0]
    for place in range(price.shape[1]):
        for sku in range(price.shape[2]):
            each = price[period, place, sku]
            if each != 0.0:
                for j in range(count):
                    world = first + np.uint64(j)
                    money[term, sku, world] += units[place, sku, world] * each


@linked
def choose_paid(table: int, received: int, shipped: int, first: World, count: int) -> None:
    """Write what is paid of each lane: the units of one field where that is at receipt, else those of another, or nothing."""
    on_receipt, paid = integers1(table, f.LANES_ON_RECEIPT), floats3(table, f.PAID)
    for lane in range(paid.shape[0]):
        field = received if on_receipt[lane] else shipped
        for sku in range(paid.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                paid[lane, sku, world] = floats3(table, field)[lane, sku, world] if field >= 0 else 0.0


@linked
def find_due(table: int, now: int, first: World, count: int) -> None:
    """Write the units still open that are due by now, where they cost something."""
    open_demand, units, price = floats4(table, f.OPEN_DEMAND), floats3(table, f.DUE), floats3(table, f.PRICES_BACKORDER)
    due, last, period = integers1(table, f.CHANNELS_DUE), integers1(table, f.CHANNELS_LAST), now % price.shape[0]
    for channel in range(open_demand.shape[0]):
        first_slot = due[channel]
        for sku in range(open_demand.shape[1]):
            if price[period, channel, sku] == 0.0:
                continue
            for j in range(count):
                world = first + np.uint64(j)
                units[channel, sku, world] = open_demand[channel, sku, first_slot, world]
            for slot in range(first_slot + 1, last[channel] + 1):
                for j in range(count):
                    world = first + np.uint64(j)
                    units[channel, sku, world] += open_demand[channel, sku, slot, world]


@linked
def charge_orders(table: int, now: int, first: World, count: int) -> None:
    """Fixed cost of a lane with a shipment, shared equally by the SKUs it carries, and of each SKU on it."""
    money, executed, skus = floats3(table, f.FLOWS_MONEY), floats3(table, f.FLOWS_EXECUTED), floats1(table, f.SKUS_SHIPPED)
    fixed, line = floats2(table, f.PRICES_FIXED), floats3(table, f.PRICES_LINE)
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


@linked
def charge_overflow(table: int, now: int, first: World, count: int) -> None:
    """What storage beyond a site's own costs, shared by volume."""
    money, on_hand, volume = floats3(table, f.FLOWS_MONEY), floats3(table, f.FLOWS_ON_HAND), floats1(table, f.GOODS_VOLUME)
    storage, prices, charged = (
        floats2(table, f.SITES_STORAGE),
        floats2(table, f.PRICES_OVERFLOW),
        integers1(table, f.SITES_OVERFLOW_CHARGED),
    )
    held, part = floats1(table, f.VOLUME_HELD), floats1(table, f.OVERFLOW_PRICE)
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


@linked
def reward(table: int, now: int, first: World, count: int) -> None:
    """Sum the terms in declared order, and discount them where rewards are."""
    money, rewards, total = floats3(table, f.FLOWS_MONEY), floats1(table, f.FLOWS_REWARD), floats2(table, f.FLOWS_TERMS)
    discount, warm_up = floats1(table, f.CLOCK_DISCOUNT)[0], integers1(table, f.SETTINGS)[f.CLOCK_WARM_UP]
    for j in range(count):
        rewards[first + np.uint64(j)] = 0.0
    for term in integers1(table, f.TERMS_PAID):
        sign = SIGN[term]
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


@linked
def remember(table: int, now: int, first: World, count: int) -> None:
    """Let goodwill follow the period's service, and sales enter the history where demand is not seen."""
    settings, goodwill = integers1(table, f.SETTINGS), floats2(table, f.GOODWILL)
    rule = floats1(table, f.MODULATION_GOODWILL)
    growth, decay, cap, floor = rule[0], rule[1], rule[2], rule[3]
    groups, unmet = integers1(table, f.MODULATION_GOODWILL_GROUP), floats1(table, f.UNMET)
    open_demand, lost = floats3(table, f.FLOWS_OPEN_DEMAND), floats3(table, f.FLOWS_LOST)
    for group in range(goodwill.shape[0]):
        for j in range(count):
            unmet[first + np.uint64(j)] = 0.0
        for channel in range(lost.shape[0]):
            if groups[channel] == group:
                for sku in range(lost.shape[1]):
                    for j in range(count):
                        world = first + np.uint64(j)
                        unmet[world] += open_demand[channel, sku, world] + lost[channel, sku, world]
        for j in range(count):
            world = first + np.uint64(j)
            better, worse = min(goodwill[group, world] * growth, cap), max(goodwill[group, world] * decay, floor)
            goodwill[group, world] = worse if unmet[world] > ROUNDING else better
    if settings[f.DEMAND_HISTORY_SLOTS] > 0 and settings[f.DEMAND_OF_SALES]:
        note_sales(table, now % settings[f.DEMAND_HISTORY_SLOTS], first, count)


@linked
def note_sales(table: int, slot: int, first: World, count: int) -> None:
    """Write the period's sales into the history."""
    history, shipped = floats4(table, f.DEMAND_HISTORY), floats3(table, f.FLOWS_SHIPPED)
    lanes = integers1(table, f.FULFILMENT_OF_CHANNEL)
    for channel in range(history.shape[1]):
        for sku in range(history.shape[2]):
            for j in range(count):
                history[slot, channel, sku, first + np.uint64(j)] = 0.0
            for place in range(lanes[channel], lanes[channel + 1]):
                lane = lanes[place]
                for j in range(count):
                    world = first + np.uint64(j)
                    history[slot, channel, sku, world] += shipped[lane, sku, world]


@linked
def pay_at_the_end(table: int, now: int, first: World, count: int) -> None:
    """Add to the last record what arrived after it was closed, and in a season what is left is worth."""
    settings = integers1(table, f.SETTINGS)
    if now != settings[f.CLOCK_LENGTH] - 1:
        return
    if settings[f.ON_RECEIPT]:
        choose_paid(table, f.RECEIVED, NOTHING, first, count)
    if settings[f.CLOCK_SEASON]:
        add_up(table, f.ON_HAND, f.REMAINING_STOCK, first, count)
        add_up(table, f.OPEN_DEMAND, f.REMAINING_DEMAND, first, count)
    for addend in range(len(TERM)):
        if ARRIVES[addend] >= 0 and (ARRIVES[addend] != f.PAID or settings[f.ON_RECEIPT]):
            value(table, ARRIVES[addend], PRICE_OF[addend], TERM[addend], now, first, count)
        elif AT_END[addend] and settings[f.CLOCK_SEASON]:
            value(table, UNITS_OF[addend], PRICE_OF[addend], TERM[addend], now, first, count)
    add_over(table, f.RECEIVED, f.FLOWS_RECEIVED, first, count)
    add_over(table, f.DISCARDED, f.FLOWS_DISCARDED, first, count)
    add_over(table, f.VANISHED, f.FLOWS_VANISHED, first, count)
    reward(table, now, first, count)
