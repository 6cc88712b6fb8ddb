"""Closing a period's record, one world at a time: the money terms of `money`, in the same order, fused by Numba."""

from __future__ import annotations

from allotment.engine.compiled import inner
from allotment.scenario.problem import INCOME, TERMS

SIGNS = tuple(1.0 if term in INCOME else -1.0 for term in TERMS)
REVENUE, PURCHASE, INBOUND, OUTBOUND, FIXED, HOLDING, IN_TRANSIT, BACKORDER, LOST_SALE, SALVAGE = range(len(TERMS))


@inner
def charge(clock, destinations, serving, prices, state, flows, world):  # type: ignore[no-untyped-def]
    """Copy the period's movements and stocks into the record and put a price on them."""
    flows.money[world] = 0.0
    last = clock.season and state.period[world] == clock.length - 1
    charge_lanes(destinations, prices, state, flows, world, last)
    charge_sites(prices, state.on_hand, flows, world, last)
    charge_channels(prices, state, flows, world, last)
    charge_shipments(serving.channel, prices, flows, world)
    reward = 0.0
    for term in range(len(SIGNS)):
        total = 0.0
        for sku in range(flows.money.shape[2]):
            total += flows.money[world, term, sku]
        reward += SIGNS[term] * total
    flows.reward[world] = reward


@inner
def charge_lanes(destinations, prices, state, flows, world, last):  # type: ignore[no-untyped-def]
    """Purchase, inbound freight, fixed ordering and in-transit cost; goods under way are salvaged at their destination."""
    lanes, skus = prices.purchase.shape
    for lane in range(lanes):
        shipped_skus = 0
        for sku in range(skus):
            shipped_skus += flows.executed[world, lane, sku] > 0.0
        for sku in range(skus):
            units = flows.executed[world, lane, sku]
            under_way = 0.0
            for slot in range(state.in_transit.shape[1]):
                under_way += state.in_transit[world, slot, lane, sku, 0]
            flows.received[world, lane, sku] = state.received[world, lane, sku]
            flows.in_transit[world, lane, sku] = under_way
            flows.money[world, PURCHASE, sku] += units * prices.purchase[lane, sku]
            flows.money[world, INBOUND, sku] += units * prices.inbound_freight[lane, sku]
            flows.money[world, IN_TRANSIT, sku] += under_way * prices.in_transit[lane, sku]
            if units > 0.0:
                joint = prices.fixed[lane] / shipped_skus
                flows.money[world, FIXED, sku] += joint + prices.line[lane, sku]
            if last:
                flows.money[world, SALVAGE, sku] += under_way * prices.site_salvage[destinations[lane], sku]


@inner
def charge_sites(prices, on_hand, flows, world, last):  # type: ignore[no-untyped-def]
    """Holding cost on stock at the end of the period, and its salvage at the end of a season."""
    sites, skus = prices.holding.shape
    for site in range(sites):
        for sku in range(skus):
            units = on_hand[world, site, sku, 0]
            flows.on_hand[world, site, sku] = units
            flows.money[world, HOLDING, sku] += units * prices.holding[site, sku]
            if last:
                flows.money[world, SALVAGE, sku] += units * prices.site_salvage[site, sku]


@inner
def charge_channels(prices, state, flows, world, last):  # type: ignore[no-untyped-def]
    """Backorder cost on what is still open and lost-sale cost on what was lost."""
    channels, skus = prices.price.shape
    for channel in range(channels):
        for sku in range(skus):
            still_open = state.open_orders[world, channel, sku, 0]
            flows.demand[world, channel, sku] = state.demand[world, channel, sku]
            flows.open_orders[world, channel, sku] = still_open
            flows.money[world, BACKORDER, sku] += still_open * prices.backorder[channel, sku]
            flows.money[world, LOST_SALE, sku] += flows.lost[world, channel, sku] * prices.shortage[channel, sku]
            if last:
                flows.money[world, SALVAGE, sku] += still_open * prices.channel_salvage[channel, sku]


@inner
def charge_shipments(channels, prices, flows, world):  # type: ignore[no-untyped-def]
    """Revenue and outbound freight, booked at shipment."""
    lanes, skus = prices.outbound_freight.shape
    for lane in range(lanes):
        channel = channels[lane]
        for sku in range(skus):
            units = flows.shipped[world, lane, sku]
            flows.money[world, REVENUE, sku] += units * prices.price[channel, sku]
            flows.money[world, OUTBOUND, sku] += units * prices.outbound_freight[lane, sku]
