"""Money: what a period earned and cost, term by term and SKU by SKU. Prices are those of the period.

reward = revenue + salvage − every other term. Terms are kept by SKU; a cost that several SKUs cause together (the fixed cost
of a lane, an overfull site) is shared among those that caused it: equally, or by volume.
"""

from __future__ import annotations

import numpy as np

from allotment.engine.arrays import Array, guarded, like, namespace, now, only, take
from allotment.engine.state import Flows, State
from allotment.scenario.problem import INCOME, TERMS, Flags, Floats, Problem

SIGNS = [1.0 if term in INCOME else -1.0 for term in TERMS]


def charge(problem: Problem, state: State, flows: Flows) -> tuple[State, Flows]:
    """Close the record: the period's movements, stocks and money; what follows belongs to the next one."""
    xp = namespace(state.on_hand)
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
    last = state.period == problem.clock.length - 1
    if not last.any():
        return state, flows
    xp = namespace(state.on_hand)
    received = only(state.received, last[:, None, None])
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
        of_last = only(arrived, last[:, None, None])
        closed[name], opened[name] = getattr(flows, name) + of_last, arrived - of_last
    terms = xp.sum(money, axis=-1)
    flows = flows._replace(money=money, terms=terms, reward=_reward(problem, state, money), **closed)
    return state._replace(**opened), flows


def _reward(problem: Problem, state: State, money: Array) -> Array:
    """Sum the terms (B, terms, K) in declared order, as a matrix product, whose order depends on the batch, would not."""
    terms = namespace(money).sum(money, axis=-1)
    reward = SIGNS[0] * terms[:, 0]
    for place, sign in enumerate(SIGNS[1:], 1):
        reward = reward + sign * terms[:, place]
    if problem.clock.discount == 1.0:
        return reward
    measured = np.maximum(state.period - problem.clock.warm_up, 0)
    return reward * like(reward, problem.clock.discount**measured)


def _terms(problem: Problem, state: State, flows: Flows) -> dict[str, Array]:
    """Return each term by SKU, (B, K) in money."""
    xp, prices, paid = namespace(flows.on_hand), problem.prices, _paid_for(problem, flows)

    nothing = xp.zeros_like(flows.on_hand[:, 0])

    def each(units: Array, price: Floats) -> Array:
        return xp.sum(units * now(price, state), axis=1) if price.any() else nothing

    return {
        "revenue": xp.sum(flows.shipped * take(now(prices.price, state), problem.serving.channel, 1), axis=1),
        "purchase": each(paid, prices.purchase),
        "production": each(paid, prices.production),
        "inbound_freight": each(paid, prices.inbound_freight),
        "outbound_freight": each(flows.shipped, prices.outbound_freight),
        "fixed_ordering": _fixed_ordering(problem, state, flows),
        "holding": each(flows.on_hand, prices.holding),
        "in_transit": each(flows.in_transit, prices.in_transit),
        "backorder": each(_due(problem, state), prices.backorder),
        "lost_sale": each(flows.lost, prices.shortage),
        "lateness": each(flows.late, prices.late),
        "waste": xp.sum(flows.expired, axis=1) * now(prices.waste, state),
        "overflow": _overflow(problem, state, flows),
        "salvage": nothing,
    }


def _paid_for(problem: Problem, flows: Flows) -> Array:
    """Return the units on supply lanes that are paid for now, (B, L, K): at shipment, or at receipt where the lane says so."""
    on_receipt = problem.lanes.on_receipt
    if not on_receipt.any():
        return flows.executed
    return namespace(flows.executed).where(like(flows.executed, on_receipt[:, None]), flows.received, flows.executed)


def _at_receipt(problem: Problem, price: Array, state: State, received: Array) -> Array:
    units = only(received, problem.lanes.on_receipt[:, None])
    return namespace(received).sum(units * now(price, state), axis=1)


def _due(problem: Problem, state: State) -> Array:
    """Return the units still open that are due by now, (B, C, K)."""
    due = np.arange(state.open_orders.shape[-1]) >= problem.serving.due[:, None]
    return namespace(state.open_orders).sum(only(state.open_orders, due[:, None]), axis=-1)


def _fixed_ordering(problem: Problem, state: State, flows: Flows) -> Array:
    xp, prices = namespace(flows.executed), problem.prices
    if not (prices.fixed.any() or prices.line.any()):
        return xp.zeros_like(flows.on_hand[:, 0])
    shipped = xp.where(flows.executed > 0.0, xp.ones_like(flows.executed), xp.zeros_like(flows.executed))
    share = now(prices.fixed, state) / xp.clip(xp.sum(shipped, axis=-1), min=1.0)
    return xp.sum(shipped * (share[..., None] + now(prices.line, state)), axis=1)


def _overflow(problem: Problem, state: State, flows: Flows) -> Array:
    """Return what storage beyond a site's own costs, (B, K), shared by volume."""
    xp = namespace(flows.on_hand)
    if np.isinf(problem.sites.storage).all() or not problem.sites.overflow_charged.any():
        return xp.zeros_like(flows.on_hand[:, 0])
    volume = flows.on_hand * like(flows.on_hand, problem.goods.volume)
    total = xp.sum(volume, axis=-1)
    beyond = only(xp.clip(total - now(problem.sites.storage, state), min=0.0), problem.sites.overflow_charged)
    cost = beyond * now(problem.prices.overflow, state)
    return xp.sum(volume * guarded(cost, total)[..., None], axis=1)


def _salvage(problem: Problem, state: State, last: Flags) -> Array:
    """Return what is left at the end of a season is worth, (B, K): goods at their site, open orders at their channel."""
    xp, prices = namespace(state.on_hand), problem.prices
    if not problem.clock.season:
        return xp.zeros_like(state.on_hand[:, 0, :, 0])
    under_way = state.under_way * like(state.under_way, prices.site_salvage[problem.lanes.to])
    on_hand = xp.sum(state.on_hand, axis=-1) * like(state.on_hand, prices.site_salvage)
    still_open = xp.sum(state.open_orders, axis=-1) * like(state.open_orders, prices.channel_salvage)
    worth = xp.sum(under_way, axis=1) + xp.sum(on_hand, axis=1) + xp.sum(still_open, axis=1)
    return only(worth, last[:, None])
