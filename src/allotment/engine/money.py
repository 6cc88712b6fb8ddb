"""Closing a period's record: what moved and what is in stock, with a price on each.

reward = revenue + salvage − every other term. Terms are kept by SKU; a cost that several SKUs cause together (the fixed cost
of a lane) is shared equally among those that caused it.
"""

from __future__ import annotations

import numpy as np

from allotment.engine.state import Flows, State
from allotment.scenario.problem import INCOME, TERMS, Floats, Problem

SIGNS = np.array([1.0 if term in INCOME else -1.0 for term in TERMS])


def charge(problem: Problem, state: State, flows: Flows) -> Flows:
    """Return the record with the period's movements, stocks and money."""
    flows = flows._replace(
        demand=state.demand,
        received=state.received,
        on_hand=state.on_hand.sum(axis=-1),
        in_transit=state.in_transit.sum(axis=(1, -1)),
        open_orders=state.open_orders.sum(axis=-1),
    )
    last = problem.clock.season & (state.period == problem.clock.length - 1)
    terms = _terms(problem, flows, last)
    money = np.stack([terms[name] for name in TERMS], axis=1)
    return flows._replace(money=money, reward=_reward(money.sum(axis=-1)))


def _reward(terms: Floats) -> Floats:
    """Sum the terms (B, terms) in declared order, as a matrix product, whose order depends on the batch, would not."""
    reward = np.zeros(len(terms))
    for sign, term in zip(SIGNS, terms.T, strict=True):
        reward = reward + sign * term
    return reward


def _terms(problem: Problem, flows: Flows, last: np.ndarray) -> dict[str, Floats]:
    """Return each term by SKU, (B, K) in money."""
    price_by_lane = problem.prices.price[problem.serving.channel]
    return {
        "revenue": (flows.shipped * price_by_lane).sum(axis=1),
        "purchase": (flows.executed * problem.prices.purchase).sum(axis=1),
        "inbound_freight": (flows.executed * problem.prices.inbound_freight).sum(axis=1),
        "outbound_freight": (flows.shipped * problem.prices.outbound_freight).sum(axis=1),
        "fixed_ordering": _fixed_ordering(problem, flows),
        "holding": (flows.on_hand * problem.prices.holding).sum(axis=1),
        "in_transit": (flows.in_transit * problem.prices.in_transit).sum(axis=1),
        "backorder": (flows.open_orders * problem.prices.backorder).sum(axis=1),
        "lost_sale": (flows.lost * problem.prices.shortage).sum(axis=1),
        "salvage": np.where(last[:, None], _salvage(problem, flows), 0.0),
    }


def _fixed_ordering(problem: Problem, flows: Flows) -> Floats:
    shipped = flows.executed > 0.0
    share = problem.prices.fixed / np.maximum(shipped.sum(axis=-1), 1)
    return np.where(shipped, share[..., None] + problem.prices.line, 0.0).sum(axis=1)


def _salvage(problem: Problem, flows: Flows) -> Floats:
    """Stock on hand and under way at the worth of its site, open orders at that of their channel."""
    under_way = flows.in_transit * problem.prices.site_salvage[problem.lanes.to]
    on_hand = flows.on_hand * problem.prices.site_salvage
    still_open = flows.open_orders * problem.prices.channel_salvage
    return under_way.sum(axis=1) + on_hand.sum(axis=1) + still_open.sum(axis=1)
