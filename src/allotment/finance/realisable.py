"""Net realisable value: what stock is worth at most, item by item, tested at every close (IAS 2.28-33, ASC 330-10-35).

The loss is kept beside the stock as an allowance while it may be recovered: always under IFRS, within the fiscal year under US
GAAP, at whose end the lower value becomes the cost. Units under a contract are tested at its price (IAS 2.31).
"""

from __future__ import annotations

from fractions import Fraction

from allotment.finance.amounts import Rate, money, share, spread
from allotment.finance.ledger import CLOSING
from allotment.finance.state import INVENTORY, Item, State


def net_price(state: State, entity: int, sku: int) -> Rate | None:
    """Return what a unit sells for less what it costs to sell it, None where the log has no price."""
    row = _price_row(state, entity, sku, 0)
    return None if row < 0 else _net(state, row, entity)


def _price_row(state: State, entity: int, sku: int, part: int) -> int:
    """Return the movement with the last price (part 0) or replacement cost (1): the entity's, else everybody's."""
    own = state.prices.get((entity, sku), (-1, -1))[part]
    return own if own >= 0 else state.prices.get((0, sku), (-1, -1))[part]


def _net(state: State, row: int, entity: int) -> Rate:
    """Return the price of a movement less what it costs to sell."""
    terms = state.policy.realisable
    price = _in_own_currency(state, row, state.log.unit_price[row] or 0, entity)
    return price * (1 - Fraction(str(terms.selling_rate))) - Fraction(str(terms.selling_cost)) * 10**6


def _in_own_currency(state: State, row: int, rate: Rate, entity: int) -> Fraction:
    own, currency = state.currencies[entity], state.log.currency[row] or state.currencies[entity]
    if currency == own:
        return Fraction(rate)
    return rate * state.books.rate(own, state.day) / state.books.rate(currency, state.day)


def spot(state: State, entity: int, sku: int) -> Rate | None:
    """Return what a unit without a contract is worth at most: its net price; market under LIFO (ASC 330-10-35-1C)."""
    net = net_price(state, entity, sku)
    row = _price_row(state, entity, sku, 1)
    if state.policy.cost_formula != "lifo" or row < 0:
        return net
    replacement = _in_own_currency(state, row, state.log.unit_cost[row] or 0, entity)
    if net is None:
        return replacement
    priced = _price_row(state, entity, sku, 0)
    price = _in_own_currency(state, priced, state.log.unit_price[priced] or 0, entity)
    floor = net - price * Fraction(str(state.policy.realisable.normal_margin))
    return min(net, max(floor, replacement))


def write_down(state: State) -> None:
    """Bring the allowance of every item to what its units held are worth less than they cost."""
    for item, pools in state.items.items():
        before = state.allowances.get(item, 0)
        units, cost = sum(pool.units for pool in pools.values()), 0
        if before:
            _release(state, item, before, units)
        if units:
            cost = sum(layer.worth for pool in pools.values() for layer in pool)
        loss = _loss(state, item, units, cost) if units else 0
        if loss is not None:
            _adjust(state, item, loss)
    state.left.clear()


def _release(state: State, item: Item, before: int, units: int) -> None:
    """Take the part of units that left off their cost of sales."""
    left = state.left[item]
    kept = share(before, units, units + left) if units else 0
    if kept != before:
        state.post(CLOSING, "write_down_allowance", item[0], 0, item[1], before - kept)
        state.post(CLOSING, "cost_of_sales", item[0], 0, item[1], kept - before)
        state.allowances[item] = kept


def _loss(state: State, item: Item, units: int, cost: int) -> int | None:
    """Return how much less units held are worth than they cost, None where nothing tells it."""
    entity, sku = item
    parts, left = [], units
    for reserved, row in state.contracts[item].values() if item in state.contracts else ():
        here = min(reserved, left)
        if here and state.log.unit_price[row] is not None:
            parts.append((here, _net(state, row, entity)))
            left -= here
    others = spot(state, entity, sku)
    if others is None and not parts:
        return None
    if others is not None:
        parts.append((left, others))
    return sum(_part_loss(state, entity, Fraction(cost * here, units), here, net) for here, net in parts)


def _part_loss(state: State, entity: int, cost: Fraction, units: int, net: Rate) -> int:
    return max(0, round(cost - money(units, net, state.log.scale, state.coins[entity])))


def _adjust(state: State, item: Item, loss: int) -> None:
    """Write down to a loss, or recover to it."""
    change = loss - state.allowances.get(item, 0)
    if change:
        state.post(CLOSING, "write_downs", item[0], 0, item[1], change)
        state.post(CLOSING, "write_down_allowance", item[0], 0, item[1], -change)
    if loss:
        state.allowances[item] = loss
    else:
        state.allowances.pop(item, None)


def new_basis(state: State) -> None:
    """Make what stock was written down to its cost: there is no way back (ASC 330-10-35-14)."""
    for (entity, sku), allowance in state.allowances.items():
        held = [(place, layer) for place, pool in state.items[(entity, sku)].items() for layer in pool]
        state.post(CLOSING, "write_down_allowance", entity, 0, sku, allowance)
        for (place, layer), part in zip(held, spread(allowance, [layer.worth for _, layer in held]), strict=True):
            layer.revalue(-part, state.historical(entity, -part))
            state.ledger.post(CLOSING, state.day, INVENTORY, entity, max(0, place), sku, -part)
    state.allowances.clear()
