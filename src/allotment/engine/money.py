"""Money: what a period earned and cost, term by term and SKU by SKU. Prices are those of the period.

reward = revenue + salvage − every other term. Terms are kept by SKU; a cost that several SKUs cause together (the fixed cost
of a lane, an overfull site) is shared among those that caused it: equally, or by volume.
"""

from __future__ import annotations

import numpy as np
from array_api_compat import array_namespace

from allotment.engine.arrays import Array, guarded, now, take
from allotment.engine.state import Flows, State
from allotment.scenario.problem import INCOME, TERMS, Problem

SIGNS = np.array([1.0 if term in INCOME else -1.0 for term in TERMS])


def charge(problem: Problem, state: State, flows: Flows) -> tuple[State, Flows]:
    """Close the record: the period's movements, stocks and money; what follows belongs to the next one."""
    xp = array_namespace(state.on_hand)
    closed = ("demand", "received", "discarded", "shipped", "on_time", "lost", "late", "expired", "shrunk")
    flows = flows._replace(
        **{name: getattr(state, name) for name in closed},
        on_hand=xp.sum(state.on_hand, axis=-1),
        in_transit=state.under_way,
        owed=state.owed if state.owed.shape[1] else flows.owed,
        open_orders=xp.sum(state.open_orders, axis=-1),
    )
    terms = _terms(problem, state, flows)
    money = xp.stack([terms[name] for name in TERMS], axis=1)
    flows = flows._replace(money=money, terms=xp.sum(money, axis=-1), reward=_reward(problem, state, money))
    return state._replace(**{name: xp.zeros_like(getattr(state, name)) for name in closed}), flows


def pay_at_the_end(problem: Problem, state: State, flows: Flows) -> tuple[State, Flows]:
    """Add to the last record what arrived after it was closed, and in a season what is left is worth."""
    xp = array_namespace(state.on_hand)
    last = xp.asarray(state.period == problem.clock.length - 1)
    received = xp.where(last[:, None, None], state.received, xp.zeros_like(state.received))
    money = flows.money
    for name, amount in (
        ("purchase", _at_receipt(problem, problem.prices.purchase, state, received)),
        ("production", _at_receipt(problem, problem.prices.production, state, received)),
        ("inbound_freight", _at_receipt(problem, problem.prices.inbound_freight, state, received)),
        ("salvage", _salvage(problem, state, last)),
    ):
        place = TERMS.index(name)
        money = xp.concat([money[:, :place], (money[:, place] + amount)[:, None], money[:, place + 1 :]], axis=1)
    closed, opened = {}, {}
    for name in ("received", "discarded"):
        arrived = getattr(state, name)
        of_last = xp.where(last[:, None, None], arrived, xp.zeros_like(arrived))
        closed[name], opened[name] = getattr(flows, name) + of_last, arrived - of_last
    terms = xp.sum(money, axis=-1)
    flows = flows._replace(money=money, terms=terms, reward=_reward(problem, state, money), **closed)
    return state._replace(**opened), flows


def _reward(problem: Problem, state: State, money: Array) -> Array:
    """Sum the terms (B, terms, K) in declared order, as a matrix product, whose order depends on the batch, would not."""
    xp = array_namespace(money)
    reward = xp.zeros_like(money[:, 0, 0])
    for place, sign in enumerate(SIGNS):
        reward = reward + float(sign) * xp.sum(money[:, place], axis=-1)
    if problem.clock.discount == 1.0:
        return reward
    measured = np.maximum(state.period - problem.clock.warm_up, 0)
    return reward * xp.asarray(problem.clock.discount**measured)


def _terms(problem: Problem, state: State, flows: Flows) -> dict[str, Array]:
    """Return each term by SKU, (B, K) in money."""
    xp, prices, period = array_namespace(flows.on_hand), problem.prices, state.period
    channel = problem.serving.channel

    def each(units: Array, price: Array) -> Array:
        return xp.sum(units * now(price, period), axis=1)

    return {
        "revenue": xp.sum(flows.shipped * take(now(prices.price, period), channel, 1), axis=1),
        "purchase": _paid(problem, prices.purchase, state, flows),
        "production": _paid(problem, prices.production, state, flows),
        "inbound_freight": _paid(problem, prices.inbound_freight, state, flows),
        "outbound_freight": each(flows.shipped, prices.outbound_freight),
        "fixed_ordering": _fixed_ordering(problem, state, flows),
        "holding": each(flows.on_hand, prices.holding),
        "in_transit": each(flows.in_transit, prices.in_transit),
        "backorder": each(_due(problem, state), prices.backorder),
        "lost_sale": each(flows.lost, prices.shortage),
        "lateness": each(flows.late, prices.late),
        "waste": xp.sum(flows.expired, axis=1) * now(prices.waste, period),
        "overflow": _overflow(problem, state, flows),
        "salvage": xp.zeros_like(flows.on_hand[:, 0]),
    }


def _paid(problem: Problem, price: Array, state: State, flows: Flows) -> Array:
    """Return what is paid for goods on supply lanes, (B, K): at shipment, or at receipt where the lane says so."""
    xp = array_namespace(flows.executed)
    on_receipt = problem.lanes.on_receipt
    if not on_receipt.any():
        return xp.sum(flows.executed * now(price, state.period), axis=1)
    units = xp.where(xp.asarray(on_receipt)[:, None], flows.received, flows.executed)
    return xp.sum(units * now(price, state.period), axis=1)


def _at_receipt(problem: Problem, price: Array, state: State, received: Array) -> Array:
    xp = array_namespace(received)
    units = xp.where(xp.asarray(problem.lanes.on_receipt)[:, None], received, xp.zeros_like(received))
    return xp.sum(units * now(price, state.period), axis=1)


def _due(problem: Problem, state: State) -> Array:
    """Return the units still open that are due by now, (B, C, K)."""
    xp = array_namespace(state.open_orders)
    due = np.arange(state.open_orders.shape[-1]) >= problem.serving.due[:, None]
    return xp.sum(xp.where(xp.asarray(due[:, None]), state.open_orders, xp.zeros_like(state.open_orders)), axis=-1)


def _fixed_ordering(problem: Problem, state: State, flows: Flows) -> Array:
    xp, prices = array_namespace(flows.executed), problem.prices
    if not (np.any(np.asarray(prices.fixed)) or np.any(np.asarray(prices.line))):
        return xp.zeros_like(flows.on_hand[:, 0])
    shipped = flows.executed > 0.0
    share = now(prices.fixed, state.period) / np.maximum(shipped.sum(axis=-1), 1)
    return np.where(shipped, share[..., None] + now(prices.line, state.period), 0.0).sum(axis=1)


def _overflow(problem: Problem, state: State, flows: Flows) -> Array:
    """Return what storage beyond a site's own costs, (B, K), shared by volume."""
    xp = array_namespace(flows.on_hand)
    if np.isinf(problem.sites.storage).all() or not problem.sites.overflow_charged.any():
        return xp.zeros_like(flows.on_hand[:, 0])
    volume = flows.on_hand * problem.goods.volume
    total = xp.sum(volume, axis=-1)
    beyond = xp.clip(total - now(problem.sites.storage, state.period), min=0.0) * problem.sites.overflow_charged
    cost = beyond * now(problem.prices.overflow, state.period)
    return xp.sum(volume * guarded(cost, total)[..., None], axis=1)


def _salvage(problem: Problem, state: State, last: Array) -> Array:
    """Return what is left at the end of a season is worth, (B, K): goods at their site, open orders at their channel."""
    xp, prices = array_namespace(state.on_hand), problem.prices
    if not problem.clock.season:
        return xp.zeros_like(state.on_hand[:, 0, :, 0])
    under_way = state.under_way * prices.site_salvage[problem.lanes.to]
    on_hand = xp.sum(state.on_hand, axis=-1) * prices.site_salvage
    still_open = xp.sum(state.open_orders, axis=-1) * prices.channel_salvage
    worth = xp.sum(under_way, axis=1) + xp.sum(on_hand, axis=1) + xp.sum(still_open, axis=1)
    return xp.where(last[:, None], worth, xp.zeros_like(worth))
