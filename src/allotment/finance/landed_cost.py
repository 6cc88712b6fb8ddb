"""Landed cost: duty, freight and the like of a receipt, at their own date, between what is still held and what is gone."""

from __future__ import annotations

from fractions import Fraction

from allotment.finance.amounts import spread
from allotment.finance.layers import Layer
from allotment.finance.ledger import NUMBER
from allotment.finance.state import Receipt, State
from allotment.scenario.errors import nearest

FREIGHT = "freight"  # inbound where the document has a receipt, else between sites
ALL = "*"  # the SKU of a cost of a whole document
EXPENSED = {  # by reason, where it is no cost of stock
    "discount": "other_costs",
    "duty": "other_costs",
    "inbound_freight": "freight",
    "transport": "freight",
    "transport_within": "freight",  # between sites of ours
    "storage": "storage",
    "selling": "selling",
    "waste": "waste",
    "other": "other_costs",
}


def landed_cost(state: State, row: int) -> None:
    """Post a cost of goods that came before: to stock and cost of sales where it is capitalised, else to expense."""
    log, reason = state.log, state.log.reason[row]
    if log.unit_cost[row] is None:
        raise log.fault(row, "unit_cost is empty; a landed cost is units times unit_cost, or unit_cost where it has no units")
    if reason == FREIGHT:
        reason = "inbound_freight" if _found(state, row) else "transport_within"
    if reason and reason not in EXPENSED:
        raise log.fault(row, f"reason {reason!r} is no landed cost; {nearest(reason, EXPENSED)}")
    entity, sku = log.entity.codes[row], log.sku.codes[row]
    units = log.units[row] or log.scale
    amount = state.spend(row, log.unit_cost[row] or 0, units, entity)
    state.post(row, "payables", entity, 0, sku, -amount)
    if reason and reason not in state.policy.capitalised:
        return state.post(row, EXPENSED[reason], entity, 0, sku, amount)
    receipts = _receipts(state, row)
    if state.bills and amount:
        state.bills[-1].receipts.extend(receipts)
    weights = [_weight(state, row, receipt) for receipt in receipts]
    return _spread_over(state, row, receipts, weights, amount)


def discount(state: State, row: int, receipts: list[Receipt], amount: int, entity: int) -> None:
    """Take what was paid less for goods off their cost, by value, or off expense where it is no part of cost (IAS 2.11)."""
    if "discount" in state.policy.capitalised and any(value for *_, value in receipts):
        _spread_over(state, row, receipts, [value for *_, value in receipts], -amount)
    else:
        state.post(row, EXPENSED["discount"], entity, 0, 0, -amount)


def _spread_over(state: State, row: int, receipts: list[Receipt], weights: list[int | Fraction], amount: int) -> None:
    for receipt, part in zip(receipts, spread(amount, weights), strict=True):
        _added(state, row, receipt, part)


def _receipts(state: State, row: int) -> list[Receipt]:
    """Return the receipts of a cost's document, of its SKU or of all."""
    log, found = state.log, _found(state, row)
    if not found:
        raise log.fault(row, f"document {log.document[row]!r} has no receipt of {log.sku[row]!r} before")
    return found


def _found(state: State, row: int) -> list[Receipt]:
    log = state.log
    receipts = state.receipts.get(log.document.codes[row], [])
    return [receipt for receipt in receipts if log.sku[row] in (ALL, log.sku[receipt[0]])]


def _weight(state: State, row: int, receipt: Receipt) -> int | Fraction:
    """Return in what proportion a receipt bears a cost."""
    basis, (origin, _, units, value) = state.policy.landed_cost, receipt
    if basis in ("quantity", "value"):
        return units if basis == "quantity" else value
    name = state.log.sku[origin]
    measure = getattr(state.policy.skus.get(name), basis, None)
    if measure is None:
        raise state.log.fault(row, f"landed_cost: {basis} needs skus.{name}.{basis} in the accounting policy")
    return units * Fraction(str(measure))


def _added(state: State, row: int, receipt: Receipt, amount: int) -> None:
    """Add a cost to what is held of a receipt; the part of what is gone is cost of sales."""
    origin, place, units, _ = receipt
    entity, sku = state.log.entity.codes[origin], state.log.sku.codes[origin]
    if state.policy.cost_formula == "standard":
        return state.post(row, "purchase_variance", entity, place, sku, amount)
    held = _held(state, receipt)
    to_stock = spread(amount, [sum(here for _, _, here in held), units - sum(here for _, _, here in held)])[0]
    state.post(row, "cost_of_sales", entity, place, sku, amount - to_stock)
    parts = spread(to_stock, [here for _, _, here in held]) if held else []
    for (where, layer, _), part in zip(held, parts, strict=True):
        if layer.worth + part < 0:
            raise state.log.fault(row if row >= 0 else origin, f"takes more off {state.log.sku[origin]!r} than it is worth")
        layer.revalue(part, state.historical(entity, part))
        state.ledger.post(row, state.day, NUMBER["inventory"], entity, where, sku, part)
    return None


def _held(state: State, receipt: Receipt) -> list[tuple[int, Layer, int]]:
    """Return what is held of a receipt: place, layer, units; under an average at most as many units as came."""
    origin, place, left, _ = receipt
    item = state.items[(state.log.entity.codes[origin], state.log.sku.codes[origin])]
    found = []
    for where in sorted(item, key=lambda other: other != place):
        for layer in item[where]:
            here = min(left, layer.units) if state.policy.averages else layer.units if layer.origin == origin else 0
            if here:
                found.append((where if where >= 0 else place, layer, here))
                left -= here
    return found
