"""Cash: what is due is settled, what is bought and sold is booked to be settled, and orders are cut to what can be paid.

Headroom = cash − floor + credit not drawn − everything that is owed to suppliers − goods on their way that are paid for on
receipt: what an order may cost, so that it can be paid whatever is sold. What it costs besides (freight, production, fixed
costs) is counted too. A budget pays for goods alone, at purchase prices. Credit is drawn where cash would fall below its floor,
and repaid by what lies above.
"""

from __future__ import annotations

import numpy as np

from allotment.engine.dynamics.arrays import Array, guarded, like, namespace, now, only, plain, rounding_error, sum_into, take
from allotment.engine.dynamics.rationing import noted, shares
from allotment.engine.state import Flows, State
from allotment.scenario.problem import PAID_AT_ONCE, PRIORITY, TERMS, Integers, Problem


def settle(problem: Problem, state: State) -> State:
    """Let in what channels owe by now, pay what is due to suppliers, and then early what is worth it."""
    xp = namespace(state.cash)
    collected, paid = (
        xp.sum(state.receivables[:, 0], axis=-1, keepdims=True),
        xp.sum(state.payables[:, 0], axis=-1, keepdims=True),
    )
    state = state._replace(
        cash=state.cash + collected - paid,
        receipts=state.receipts + collected,
        payments=state.payments + paid,
        receivables=_nearer(state.receivables),
        payables=_nearer(state.payables),
    )
    return balance(problem, pay_early(problem, state))


def _nearer(owed: Array) -> Array:
    """Move what is owed (B, V, n) a settlement nearer."""
    xp = namespace(owed)
    return xp.concat([owed[:, 1:], xp.zeros_like(owed[:, :1])], axis=1)


def pay_early(problem: Problem, state: State) -> State:
    """Pay invoices whose discount is about to lapse, as far as cash and credit reach; all suppliers get the same share."""
    treasury = problem.treasury
    if not (treasury.discount > 0.0).any():
        return state
    xp = namespace(state.cash)
    there = (np.arange(treasury.slots)[:, None] == treasury.early) & (treasury.discount > 0.0)  # (V, U)
    invoices = only(state.payables, there)
    saved = xp.sum(xp.sum(invoices * like(invoices, treasury.discount), axis=2), axis=1)[:, None]
    cost = xp.sum(xp.sum(invoices, axis=2), axis=1)[:, None] - saved
    share = xp.minimum(guarded(xp.clip(available(problem, state), min=0.0), cost, 1.0), xp.ones_like(cost))
    return state._replace(
        cash=state.cash - share * cost,
        payments=state.payments + share * cost,
        payables=state.payables - share[..., None] * invoices,
        discounts=state.discounts + share * saved,
    )


def available(problem: Problem, state: State) -> Array:
    """Return cash above the floor and credit not drawn, (B, M) money; less than nothing where cash is short."""
    return state.cash - problem.treasury.floor + (problem.treasury.limit - state.debt)


def balance(problem: Problem, state: State) -> State:
    """Draw credit up to the floor of cash, as far as it goes, or repay it with what lies above."""
    xp = namespace(state.cash)
    lacking = problem.treasury.floor - state.cash
    drawn = xp.maximum(xp.minimum(lacking, problem.treasury.limit - state.debt), -state.debt)
    return state._replace(cash=state.cash + drawn, debt=state.debt + drawn)


def headroom(problem: Problem, state: State) -> Array:
    """Return what orders may cost, (B, M) money: what is owed already, or will be on receipt, is kept back."""
    xp, lanes = namespace(state.cash), problem.lanes
    left = available(problem, state) - xp.sum(xp.sum(state.payables, axis=2), axis=1)[:, None]
    if lanes.on_receipt.any():
        coming = only(state.in_transit + state.received, lanes.on_receipt[:, None])
        left = left - xp.sum(xp.sum(coming * prices_of_orders(problem, state), axis=2), axis=1)[:, None]
    return xp.clip(left, min=0.0)


def prices_of_orders(problem: Problem, state: State) -> Array:
    """Return what a unit on each supply lane costs in cash, (B, L, K) money: goods, freight and production."""
    prices = problem.prices
    return now(prices.purchase, state) + now(prices.inbound_freight, state) + now(prices.production, state)


def with_budgets(problem: Problem, state: State, decided: Array) -> State:
    """Let the policy divide the total (B, Q) where a budget period begins; shares that exceed it are cut alike."""
    treasury = problem.treasury
    begins = state.period % treasury.per == 0
    if not (problem.rules.budgets and begins.any()):
        return state
    xp = namespace(state.budget_left)
    wanted = xp.clip(decided, min=0.0)
    total = like(wanted, treasury.total[(state.period // treasury.per) % len(treasury.total)][:, None])
    asked = xp.sum(wanted, axis=1, keepdims=True)
    given = wanted * xp.minimum(guarded(total, asked, 1.0), xp.ones_like(asked))
    return state._replace(budget_left=xp.where(like(given, begins[:, None]), given, state.budget_left))


def open_budgets(problem: Problem, state: State) -> State:
    """Begin a budget period: what was left lapses, and what the scenario states may be spent."""
    treasury = problem.treasury
    begins = state.period % treasury.per == 0
    if not (treasury.amounts.shape[1] and begins.any()):
        return state
    amounts = like(state.budget_left, treasury.amounts[(state.period // treasury.per) % len(treasury.amounts)])
    chosen = like(state.budget_left, begins[:, None])
    return state._replace(budget_left=namespace(state.budget_left).where(chosen, amounts, state.budget_left))


def cut_to_means(problem: Problem, state: State, units: Array, reasons: Array) -> tuple[Array, Array]:
    """Cut units (B, L, K) to what budgets, then cash and credit, can pay; returns them and the reasons."""
    if not problem.treasury.exists:
        return units, reasons
    xp, n = namespace(units), problem.shape
    if state.budget_left.shape[1]:
        purchase = now(problem.prices.purchase, state) + xp.zeros_like(units)
        left = _affordable(problem, units, purchase, problem.treasury.budget, state.budget_left)
        reasons, units = noted(reasons, units, left, "budget"), left
    each = prices_of_orders(problem, state) + xp.zeros_like(units)
    shipped = xp.where(units > 0.0, xp.ones_like(units), xp.zeros_like(units))
    used = xp.max(shipped, axis=2)
    fixed = xp.sum(used * now(problem.prices.fixed, state), axis=1)
    fixed = fixed + xp.sum(xp.sum(shipped * now(problem.prices.line, state), axis=2), axis=1)
    limit = xp.clip(headroom(problem, state) - fixed[:, None], min=0.0)
    owners = np.zeros((n.lanes, n.skus), dtype=np.int64)
    left = _affordable(problem, units, each, owners, limit)
    costly = now(problem.prices.fixed, state)[..., None] + now(problem.prices.line, state) + each > 0.0
    left = xp.where((limit <= 0.0)[..., None] & costly, xp.zeros_like(left), left)
    return left, noted(reasons, units, left, "cash")


def _affordable(problem: Problem, units: Array, prices: Array, owners: Integers, limits: Array) -> Array:
    """Return units (B, L, K) cut so that those of each owner cost no more than its limit (B, owners) of money.

    Money is shared in proportion, or by priority where the world rations so. Of whole units, what a share leaves of a unit is
    passed on to the next order.
    """
    xp, shape, rules = namespace(units), units.shape, problem.rules
    amounts = xp.reshape(units * prices, (shape[0], -1, 1))
    levels = np.repeat(problem.lanes.priority, shape[2])
    share = xp.reshape(shares(rules, amounts, owners.ravel(), levels, limits[..., None]), shape)
    short = (prices > 0.0) & (share < 1.0)
    if not rules.whole:
        return xp.where(short, units * share, units)
    return _whole(problem, units, units * share, prices, short, owners) if plain(short).any() else units


def _whole(problem: Problem, units: Array, part: Array, prices: Array, short: Array, owners: Integers) -> Array:
    """Return whole units of parts (B, L, K) where money is short: order by order, each with what the last has left."""
    xp, levels = namespace(units), problem.lanes.priority
    by_level = problem.rules.rationing == PRIORITY
    given = [[units[:, lane, sku] for sku in range(units.shape[2])] for lane in range(units.shape[1])]
    left: dict[tuple[int, int], Array] = {}
    for lane in problem.lanes.order if by_level else range(units.shape[1]):
        for sku in range(units.shape[2]):
            owner = int(owners[lane, sku]), int(levels[lane]) * by_level
            if owner[0] < 0:
                continue
            money, price = left.get(owner, 0.0), prices[:, lane, sku]
            affordable = part[:, lane, sku] + money / xp.where(price > 0.0, price, xp.ones_like(price))
            whole = xp.minimum(given[lane][sku], xp.floor(affordable + rounding_error(affordable)))
            rest = xp.clip((affordable - whole) * price, min=0.0)
            given[lane][sku] = xp.where(short[:, lane, sku], whole, given[lane][sku])
            left[owner] = xp.where(short[:, lane, sku], rest, money + xp.zeros_like(rest))
    return xp.stack([xp.stack(row, axis=1) for row in given], axis=1)


def spend(problem: Problem, state: State, flows: Flows) -> tuple[State, Flows]:
    """Take what was ordered out of the budgets, at purchase prices."""
    budgets = state.budget_left.shape[1]
    if not budgets:
        return state, flows
    xp = namespace(flows.executed)
    cost = flows.executed * now(problem.prices.purchase, state)
    spent = sum_into(xp.reshape(cost, (cost.shape[0], -1)), problem.treasury.budget.ravel(), budgets)
    return state._replace(budget_left=xp.clip(state.budget_left - spent, min=0.0)), flows._replace(spent=spent)


def interest_and_discounts(problem: Problem, state: State) -> dict[str, Array]:
    """Return interest on what is drawn, and what early payment saved, by SKU (B, K): shared by stock at cost, or alike."""
    xp = namespace(state.on_hand)
    if not problem.treasury.exists:
        return {}
    units = xp.sum(xp.sum(state.on_hand, axis=-1), axis=1) + xp.sum(state.in_transit, axis=1)
    value = units * now(problem.goods.unit_cost, state)
    share = guarded(value, xp.sum(value, axis=-1, keepdims=True) + xp.zeros_like(value), 1.0 / value.shape[-1])
    return {"interest": share * (state.debt * problem.treasury.interest), "discount_taken": share * state.discounts}


def book(problem: Problem, state: State, flows: Flows, paid: Array) -> tuple[State, Flows]:
    """Book a closed record: what is due later is owed, the rest is paid; `paid` (B, L, K) are the units that are invoiced."""
    treasury, n, xp = problem.treasury, problem.shape, namespace(state.cash)
    sold = xp.sum(flows.shipped * now(problem.prices.revenue, state), axis=-1)
    sales = sum_into(sold, problem.fulfilment.channel, n.channels)
    invoices = sum_into(xp.sum(paid * now(problem.prices.purchase, state), axis=-1), problem.lanes.supplier, n.suppliers)
    at_once = take(flows.terms, np.array([TERMS.index(term) for term in PAID_AT_ONCE]), 1)
    paid_now = xp.sum(at_once, axis=1) + xp.sum(only(invoices, treasury.net == 0), axis=1)
    paid_now = (paid_now + flows.terms[:, TERMS.index("interest")])[:, None]
    collected = xp.sum(only(sales, treasury.collection == 0), axis=1)[:, None]
    slots = 1 + np.arange(treasury.slots)[:, None]
    state = balance(
        problem,
        state._replace(
            cash=state.cash + collected - paid_now,
            receipts=state.receipts + collected,
            payments=state.payments + paid_now,
            payables=state.payables + only(invoices[:, None], slots == treasury.net),
            receivables=state.receivables + only(sales[:, None], slots == treasury.collection),
        ),
    )
    flows = flows._replace(
        cash=state.cash,
        debt=state.debt,
        payable=xp.sum(xp.sum(state.payables, axis=2), axis=1)[:, None],
        receivable=xp.sum(xp.sum(state.receivables, axis=2), axis=1)[:, None],
        budget_left=state.budget_left,
        receipts=state.receipts,
        payments=state.payments,
    )
    nothing = xp.zeros_like(state.cash)
    return state._replace(receipts=nothing, payments=nothing, discounts=nothing), flows
