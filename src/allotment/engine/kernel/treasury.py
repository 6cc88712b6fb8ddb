"""Cash in a block of worlds: settling and booking, as in `dynamics.treasury`, fused by Numba."""

from __future__ import annotations

import numpy as np

from allotment.engine import layout as f
from allotment.engine.compiled import World, floats1, floats2, floats3, floats4, inline, integers1, linked
from allotment.engine.dynamics.arrays import LEAST_DIVISOR
from allotment.engine.kernel.rounding import rounding
from allotment.engine.kernel.rows import copy, hand_over
from allotment.scenario.problem import PAID_AT_ONCE, TERMS

AT_ONCE = tuple(TERMS.index(term) for term in PAID_AT_ONCE)
INTEREST, DISCOUNT_TAKEN = TERMS.index("interest"), TERMS.index("discount_taken")


@linked
def settle_payments(table: int, first: World, count: int) -> None:
    """Let in what channels owe by now, pay what is due to suppliers, and then early what is worth it."""
    collect(table, f.RECEIVABLES, f.RECEIPTS, 1.0, first, count)
    collect(table, f.PAYABLES, f.PAYMENTS, -1.0, first, count)
    pay_early(table, first, count)
    balance(table, first, count)


@linked
def collect(table: int, owed: int, noted: int, sign: float, first: World, count: int) -> None:
    """Move what is owed now into cash, or out of it, and the rest a settlement nearer."""
    slots, cash, moved = floats3(table, owed), floats2(table, f.CASH), floats2(table, noted)
    for place in range(slots.shape[1]):
        for j in range(count):
            world = first + np.uint64(j)
            cash[0, world] += sign * slots[0, place, world]
            moved[0, world] += slots[0, place, world]
    for slot in range(slots.shape[0]):
        last = slot + 1 == slots.shape[0]
        for place in range(slots.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                slots[slot, place, world] = 0.0 if last else slots[slot + 1, place, world]


@inline
def available(table, world):  # type: ignore[no-untyped-def]
    """Return cash above the floor and credit not drawn."""
    above = floats2(table, f.CASH)[0, world] - floats1(table, f.TREASURY_FLOOR)[0]
    return above + (floats1(table, f.TREASURY_LIMIT)[0] - floats2(table, f.DEBT)[0, world])


@linked
def pay_early(table: int, first: World, count: int) -> None:
    """Pay invoices whose discount is about to lapse, as far as cash and credit reach; all suppliers get the same share."""
    payables, early, discount = (
        floats3(table, f.PAYABLES),
        integers1(table, f.TREASURY_EARLY),
        floats1(table, f.TREASURY_DISCOUNT),
    )
    cash, payments, discounts = floats2(table, f.CASH), floats2(table, f.PAYMENTS), floats2(table, f.DISCOUNTS)
    for j in range(count):
        world, cost, saved = first + np.uint64(j), 0.0, 0.0
        for supplier in range(early.shape[0]):
            if discount[supplier] > 0.0:
                invoice = payables[early[supplier], supplier, world]
                cost, saved = cost + invoice, saved + invoice * discount[supplier]
        cost -= saved
        if cost <= LEAST_DIVISOR:
            continue
        share = min(1.0, max(0.0, available(table, world)) / cost)
        cash[0, world] -= share * cost
        payments[0, world] += share * cost
        discounts[0, world] += share * saved
        for supplier in range(early.shape[0]):
            if discount[supplier] > 0.0:
                payables[early[supplier], supplier, world] -= share * payables[early[supplier], supplier, world]


@linked
def balance(table: int, first: World, count: int) -> None:
    """Draw credit up to the floor of cash, as far as it goes, or repay it with what lies above."""
    cash, debt = floats2(table, f.CASH), floats2(table, f.DEBT)
    floor, limit = floats1(table, f.TREASURY_FLOOR)[0], floats1(table, f.TREASURY_LIMIT)[0]
    for j in range(count):
        world = first + np.uint64(j)
        drawn = max(min(floor - cash[0, world], limit - debt[0, world]), -debt[0, world])
        cash[0, world] += drawn
        debt[0, world] += drawn


@linked
def add_interest_and_discounts(table: int, now: int, first: World, count: int) -> None:
    """Add interest on what is drawn, and what early payment saved, to the terms: shared by stock at cost, or alike."""
    money, on_hand, in_transit = floats3(table, f.FLOWS_MONEY), floats4(table, f.ON_HAND), floats3(table, f.IN_TRANSIT)
    cost, value, total = floats2(table, f.GOODS_UNIT_COST), floats2(table, f.STOCK_VALUE), floats1(table, f.STOCK_VALUE_TOTAL)
    debt, discounts, rate = floats2(table, f.DEBT), floats2(table, f.DISCOUNTS), floats1(table, f.TREASURY_INTEREST)[0]
    skus = money.shape[1]
    for j in range(count):
        total[first + np.uint64(j)] = 0.0
    for sku in range(skus):
        each = cost[now % cost.shape[0], sku]
        for j in range(count):
            world, units = first + np.uint64(j), 0.0
            for site in range(on_hand.shape[0]):
                for life in range(on_hand.shape[2]):
                    units += on_hand[site, sku, life, world]
            for lane in range(in_transit.shape[0]):
                units += in_transit[lane, sku, world]
            value[sku, world] = units * each
            total[world] += units * each
    for sku in range(skus):
        for j in range(count):
            world = first + np.uint64(j)
            share = value[sku, world] / total[world] if total[world] > LEAST_DIVISOR else 1.0 / skus
            money[INTEREST, sku, world] += share * (debt[0, world] * rate)
            money[DISCOUNT_TAKEN, sku, world] += share * discounts[0, world]


@linked
def book(table: int, paid: int, now: int, first: World, count: int) -> None:
    """Book a closed record: what is due later is owed, the rest is paid; `paid` is the field of the units that are invoiced."""
    book_sales(table, now, first, count)
    book_invoices(table, paid, now, first, count)
    cash, payments, terms = floats2(table, f.CASH), floats2(table, f.PAYMENTS), floats2(table, f.FLOWS_TERMS)
    for j in range(count):
        world = first + np.uint64(j)
        out = terms[INTEREST, world]
        for place in range(len(AT_ONCE)):
            out += terms[AT_ONCE[place], world]
        cash[0, world] -= out
        payments[0, world] += out
    balance(table, first, count)
    copy(table, f.CASH, f.FLOWS_CASH, first, count)
    copy(table, f.DEBT, f.FLOWS_DEBT, first, count)
    copy(table, f.BUDGET_LEFT, f.FLOWS_BUDGET_LEFT, first, count)
    hand_over(table, f.RECEIPTS, f.FLOWS_RECEIPTS, first, count)
    hand_over(table, f.PAYMENTS, f.FLOWS_PAYMENTS, first, count)
    add_all(table, f.PAYABLES, f.FLOWS_PAYABLE, first, count)
    add_all(table, f.RECEIVABLES, f.FLOWS_RECEIVABLE, first, count)
    discounts = floats2(table, f.DISCOUNTS)
    for j in range(count):
        discounts[0, first + np.uint64(j)] = 0.0


@linked
def add_all(table: int, owed: int, noted: int, first: World, count: int) -> None:
    """Write what is owed in all slots, by all, into the record."""
    slots, record = floats3(table, owed), floats2(table, noted)
    for j in range(count):
        record[0, first + np.uint64(j)] = 0.0
    for slot in range(slots.shape[0]):
        for place in range(slots.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                record[0, world] += slots[slot, place, world]


@linked
def book_sales(table: int, now: int, first: World, count: int) -> None:
    """Book what each channel pays for what was shipped to it: now, or when it is collected."""
    shipped, channel = floats3(table, f.FLOWS_SHIPPED), integers1(table, f.FULFILMENT_CHANNEL)
    collection, owed = integers1(table, f.TREASURY_COLLECTION), floats3(table, f.RECEIVABLES)
    cash, receipts, amount = floats2(table, f.CASH), floats2(table, f.RECEIPTS), floats1(table, f.AMOUNT)
    for lane in range(shipped.shape[0]):
        multiply_out(table, f.FLOWS_SHIPPED, f.PRICES_REVENUE, lane, now, first, count)
        slot = collection[channel[lane]] - 1
        for j in range(count):
            world = first + np.uint64(j)
            if slot < 0:
                cash[0, world] += amount[world]
                receipts[0, world] += amount[world]
            else:
                owed[slot, channel[lane], world] += amount[world]


@linked
def book_invoices(table: int, paid: int, now: int, first: World, count: int) -> None:
    """Book what each supplier is paid for what is invoiced: now, or when it is due."""
    supplier, net, owed = integers1(table, f.LANES_SUPPLIER), integers1(table, f.TREASURY_NET), floats3(table, f.PAYABLES)
    cash, payments, amount = floats2(table, f.CASH), floats2(table, f.PAYMENTS), floats1(table, f.AMOUNT)
    for lane in range(supplier.shape[0]):
        if supplier[lane] < 0:
            continue
        multiply_out(table, paid, f.PRICES_PURCHASE, lane, now, first, count)
        slot = net[supplier[lane]] - 1
        for j in range(count):
            world = first + np.uint64(j)
            if slot < 0:
                cash[0, world] -= amount[world]
                payments[0, world] += amount[world]
            else:
                owed[slot, supplier[lane], world] += amount[world]


@linked
def multiply_out(table: int, units: int, prices: int, lane: int, now: int, first: World, count: int) -> None:
    """Write what the units of a lane come to in money, over its SKUs."""
    moved, price, amount = floats3(table, units), floats3(table, prices), floats1(table, f.AMOUNT)
    for j in range(count):
        amount[first + np.uint64(j)] = 0.0
    for sku in range(moved.shape[1]):
        each = price[now % price.shape[0], lane, sku]
        for j in range(count if each != 0.0 else 0):
            world = first + np.uint64(j)
            amount[world] += moved[lane, sku, world] * each


@linked
def measure_treasury(table: int, first: World, count: int) -> None:
    """Add what a record closed with to the sums, and note the least cash and whether it lay below the floor."""
    cash, lowest, below = (
        floats2(table, f.FLOWS_CASH),
        floats2(table, f.SUMMED_LOWEST_CASH),
        floats2(table, f.SUMMED_BELOW_FLOOR),
    )
    floor = floats1(table, f.TREASURY_FLOOR)[0]
    for j in range(count):
        world = first + np.uint64(j)
        lowest[0, world] = min(lowest[0, world], cash[0, world])
        below[0, world] += 1.0 if cash[0, world] < floor - rounding(floor) else 0.0
