"""Closing a period's record, one world at a time: the money terms of `money`, in the same order, fused by Numba."""

from __future__ import annotations

from allotment.engine.compiled import inner
from allotment.scenario.problem import INCOME, TERMS

SIGNS = tuple(1.0 if term in INCOME else -1.0 for term in TERMS)
REVENUE, PURCHASE, INBOUND, OUTBOUND, FIXED, HOLDING, IN_TRANSIT, BACKORDER, LOST_SALE, SALVAGE = range(len(TERMS))


@inner
def charge(clock, destinations, channels, prices, state, flows, first, last):  # type: ignore[no-untyped-def]
    """Copy the period's movements and stocks into the record and put a price on them."""
    flows.money[first:last] = 0.0
    flows.received[first:last] = state.received[first:last]
    flows.demand[first:last] = state.demand[first:last]
    charge_lanes(prices, state.in_transit, flows, first, last)
    charge_sites(prices, state.on_hand, flows, first, last)
    charge_channels(prices, state.open_orders, flows, first, last)
    charge_shipments(channels, prices, flows, first, last)
    if clock.season:
        for world in range(first, last):
            if state.period[world] == clock.length - 1:
                salvage(destinations, prices, flows, world)
    for world in range(first, last):
        reward = 0.0
        for term in range(len(SIGNS)):
            total = 0.0
            for sku in range(flows.money.shape[2]):
                total += flows.money[world, term, sku]
            reward += SIGNS[term] * total
        flows.reward[world] = reward


@inner
def charge_lanes(prices, in_transit, flows, first, last):  # type: ignore[no-untyped-def]
    """Purchase, inbound freight, fixed ordering and in-transit cost."""
    executed, under_way, money = flows.executed, flows.in_transit, flows.money
    for world in range(first, last):
        for lane in range(executed.shape[1]):
            shipped_skus = 0
            for sku in range(executed.shape[2]):
                shipped_skus += executed[world, lane, sku] > 0.0
            for sku in range(executed.shape[2]):
                units = executed[world, lane, sku]
                total = 0.0
                for slot in range(in_transit.shape[1]):
                    total += in_transit[world, slot, lane, sku, 0]
                under_way[world, lane, sku] = total
                money[world, IN_TRANSIT, sku] += total * prices.in_transit[lane, sku]
                if units > 0.0:
                    money[world, PURCHASE, sku] += units * prices.purchase[lane, sku]
                    money[world, INBOUND, sku] += units * prices.inbound_freight[lane, sku]
                    money[world, FIXED, sku] += prices.fixed[lane] / shipped_skus + prices.line[lane, sku]


@inner
def charge_sites(prices, on_hand, flows, first, last):  # type: ignore[no-untyped-def]
    """Holding cost on stock at the end of the period."""
    for world in range(first, last):
        for site in range(on_hand.shape[1]):
            for sku in range(on_hand.shape[2]):
                units = on_hand[world, site, sku, 0]
                flows.on_hand[world, site, sku] = units
                flows.money[world, HOLDING, sku] += units * prices.holding[site, sku]


@inner
def charge_channels(prices, open_orders, flows, first, last):  # type: ignore[no-untyped-def]
    """Backorder cost on what is still open and lost-sale cost on what was lost."""
    money = flows.money
    for world in range(first, last):
        for channel in range(open_orders.shape[1]):
            for sku in range(open_orders.shape[2]):
                still_open = open_orders[world, channel, sku, 0]
                flows.open_orders[world, channel, sku] = still_open
                money[world, BACKORDER, sku] += still_open * prices.backorder[channel, sku]
                money[world, LOST_SALE, sku] += flows.lost[world, channel, sku] * prices.shortage[channel, sku]


@inner
def charge_shipments(channels, prices, flows, first, last):  # type: ignore[no-untyped-def]
    """Revenue and outbound freight, booked at shipment."""
    shipped, money = flows.shipped, flows.money
    for world in range(first, last):
        for lane in range(shipped.shape[1]):
            channel = channels[lane]
            for sku in range(shipped.shape[2]):
                units = shipped[world, lane, sku]
                money[world, REVENUE, sku] += units * prices.price[channel, sku]
                money[world, OUTBOUND, sku] += units * prices.outbound_freight[lane, sku]


@inner
def salvage(destinations, prices, flows, world):  # type: ignore[no-untyped-def]
    """Stock on hand and under way at the worth of its site, open orders at that of their channel."""
    money = flows.money
    for sku in range(money.shape[2]):
        for lane in range(destinations.shape[0]):
            worth = prices.site_salvage[destinations[lane], sku]
            money[world, SALVAGE, sku] += flows.in_transit[world, lane, sku] * worth
        for site in range(flows.on_hand.shape[1]):
            money[world, SALVAGE, sku] += flows.on_hand[world, site, sku] * prices.site_salvage[site, sku]
        for channel in range(flows.open_orders.shape[1]):
            worth = prices.channel_salvage[channel, sku]
            money[world, SALVAGE, sku] += flows.open_orders[world, channel, sku] * worth
