"""Money: what a period earned and cost, term by term and SKU by SKU. Prices are those of the period.

reward = revenue + salvage − every other term. Terms are kept by SKU; a cost that several SKUs cause together (the fixed cost
of a lane, an overfull site) is shared among those that caused it: equally, or by volume.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from allotment.engine.dynamics.arrays import Array, guarded, like, namespace, now, only, straight_through
from allotment.engine.dynamics.treasury import book, interest_and_discounts
from allotment.engine.exponential import exponential
from allotment.engine.state import MOVEMENTS, Flows, State
from allotment.scenario.problem import ARRIVALS, LINEAR, SIGNS, TERMS, Floats, Linear, Problem

SMOOTH = 0.03  # of a period's mean demand: units by which most of a smooth fixed cost has come
Quantity = Callable[[Problem, State, Flows], Array]


def charge(problem: Problem, state: State, flows: Flows) -> tuple[State, Flows]:
    """Close the record: the period's movements, stocks and money; what follows belongs to the next one."""
    xp = namespace(state.on_hand)
    flows = flows._replace(
        **{name: getattr(state, name) for name in MOVEMENTS},
        on_hand=xp.sum(state.on_hand, axis=-1),
        in_transit=state.in_transit,
        owed=state.owed if state.owed.shape[1] else flows.owed,
        open_demand=xp.sum(state.open_demand, axis=-1),
    )
    terms = _terms(problem, state, flows)
    money = xp.stack([terms[name] for name in TERMS], axis=1)
    flows = flows._replace(money=money, terms=xp.sum(money, axis=-1), reward=_reward(problem, state, money))
    if problem.treasury.exists:
        state, flows = book(problem, state, flows, _paid(problem, state, flows))
    return state._replace(**{name: xp.zeros_like(getattr(state, name)) for name in MOVEMENTS}), flows


def pay_at_the_end(problem: Problem, state: State, flows: Flows) -> tuple[State, Flows]:
    """Add to the last record what arrived after it was closed, and in a season what is left is worth."""
    last = state.period == problem.clock.length - 1
    if not last.any():
        return state, flows
    xp = namespace(state.on_hand)
    money = flows.money
    late = {name: only(getattr(state, name), last[:, None, None]) for name in ("received", "discarded", "vanished")}
    arrived = flows._replace(executed=xp.zeros_like(flows.executed), **late)
    for addend in LINEAR:
        if addend.units in ARRIVALS:
            amount = _amount(problem, state, arrived, addend)
        elif addend.at == "end" and problem.clock.season:
            amount = only(_amount(problem, state, flows, addend), last[:, None])
        else:
            continue
        place = TERMS.index(addend.term)
        money = xp.concat([money[:, :place], (money[:, place] + amount)[:, None], money[:, place + 1 :]], axis=1)
    closed = {name: getattr(flows, name) + units for name, units in late.items()}
    opened = {name: getattr(state, name) - units for name, units in late.items()}
    terms = xp.sum(money, axis=-1)
    flows = flows._replace(money=money, terms=terms, reward=_reward(problem, state, money), **closed)
    return state._replace(**opened), flows


def _reward(problem: Problem, state: State, money: Array) -> Array:
    """Sum the terms (B, terms, K) in declared order, as a matrix product, whose order depends on the batch, would not."""
    terms = namespace(money).sum(money, axis=-1)
    reward = terms[:, 0] * 0.0
    for place, sign in enumerate(SIGNS.tolist()):
        reward = reward + sign * terms[:, place]
    if problem.clock.discount == 1.0:
        return reward
    measured = np.maximum(state.period - problem.clock.warm_up, 0)
    return reward * like(reward, problem.clock.discount**measured)


def _terms(problem: Problem, state: State, flows: Flows) -> dict[str, Array]:
    """Return each term by SKU, (B, K) in money."""
    terms = dict.fromkeys(TERMS, namespace(flows.on_hand).zeros_like(flows.on_hand[:, 0]))
    for addend in LINEAR:
        if addend.at == "charge":
            terms[addend.term] = terms[addend.term] + _amount(problem, state, flows, addend)
    return {
        **terms,
        "fixed_ordering": _fixed_ordering(problem, state, flows),
        "overflow": _overflow(problem, state, flows),
        **interest_and_discounts(problem, state),
    }


def _amount(problem: Problem, state: State, flows: Flows, addend: Linear) -> Array:
    """Return units × price of a linear addend, summed over places, (B, K) in money."""
    price: Floats = getattr(problem.prices, addend.price)
    xp, nothing = namespace(flows.on_hand), flows.on_hand[:, 0] * 0.0
    if not price.any():
        return nothing
    units = UNITS[addend.units](problem, state, flows) if addend.units in UNITS else getattr(flows, addend.units)
    return xp.sum(units * now(price, state), axis=1)


def _paid(problem: Problem, state: State, flows: Flows) -> Array:
    """Return the units on supply lanes that are paid for now, (B, L, K): at shipment, or at receipt where the lane says so."""
    on_receipt = problem.lanes.on_receipt
    if not on_receipt.any():
        return flows.executed
    return namespace(flows.executed).where(like(flows.executed, on_receipt[:, None]), flows.received, flows.executed)


def _due(problem: Problem, state: State, flows: Flows) -> Array:
    """Return the units still open that are due by now, (B, C, K)."""
    due = np.arange(state.open_demand.shape[-1]) >= problem.channels.due[:, None]
    return namespace(state.open_demand).sum(only(state.open_demand, due[:, None]), axis=-1)


def _fixed_ordering(problem: Problem, state: State, flows: Flows) -> Array:
    xp, prices = namespace(flows.executed), problem.prices
    if not (prices.fixed.any() or prices.line.any()):
        return xp.zeros_like(flows.on_hand[:, 0])
    shipped = xp.where(flows.executed > 0.0, xp.ones_like(flows.executed), xp.zeros_like(flows.executed))
    if problem.rules.smooth_fixed > 0.0:
        return _smooth_fixed(problem, state, flows, shipped)
    share = now(prices.fixed, state) / xp.clip(xp.sum(shipped, axis=-1), min=1.0)
    return xp.sum(shipped * (share[..., None] + now(prices.line, state)), axis=1)


def _smooth_fixed(problem: Problem, state: State, flows: Flows, shipped: Array) -> Array:
    """Return fixed costs with the slope of cost × (1 − exp(−units ÷ some)): a shipment begins and ends little by little.

    Some are a part of a period's mean demand where the lane leads, and not less than one unit where they are whole, or than a
    multiple that the lane ships in. What a lane that ships nothing would cost goes to its SKUs alike.
    """
    xp, prices, lanes = namespace(shipped), problem.prices, problem.lanes
    some = SMOOTH * np.where(lanes.allowed, problem.sites.expected_demand[lanes.to], 0.0)  # (L, K)
    least = problem.rules.smooth_fixed
    of_lane, count = xp.sum(flows.executed, axis=-1), xp.sum(shipped, axis=-1)
    anything = straight_through(xp.clip(count, max=1.0), _begun(of_lane, np.maximum(some.sum(axis=-1), least)))
    of_sku = straight_through(shipped, _begun(flows.executed, np.maximum(some, np.maximum(lanes.multiple, least))))
    alike = xp.ones_like(shipped) / shipped.shape[-1]
    share = xp.where((count > 0.0)[..., None], shipped / xp.clip(count, min=1.0)[..., None], alike)
    fixed, line = now(prices.fixed, state) * anything, now(prices.line, state) * of_sku
    return xp.sum(share * fixed[..., None] + line, axis=1)


def _begun(units: Array, some: Floats) -> Array:
    """Return 1 − exp(−units ÷ some)."""
    return 1.0 - exponential(units / like(units, -some))


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


UNITS: dict[str, Quantity] = {  # the units of linear addends that are no flow of the record
    "paid": _paid,
    "due": _due,
    "remaining_in_transit": lambda problem, state, flows: state.in_transit,
    "remaining_stock": lambda problem, state, flows: namespace(state.on_hand).sum(state.on_hand, axis=-1),
    "remaining_demand": lambda problem, state, flows: namespace(state.open_demand).sum(state.open_demand, axis=-1),
}
