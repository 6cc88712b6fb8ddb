"""What each kind of movement posts: one function a kind, of the books and the movement's row."""

from __future__ import annotations

from fractions import Fraction

from allotment.exchange.movement_schema import LOST, place_kind
from allotment.finance.amounts import Rate, money, share, spread
from allotment.finance.layers import Layer, Queue
from allotment.finance.ledger import NUMBER
from allotment.finance.log import MADE, TRANSIT
from allotment.finance.realisable import net_price
from allotment.finance.state import PAYABLES, RECEIVABLES, State

DAMAGED = "damaged"


def unit_cost(state: State, row: int) -> Rate:
    """Return the unit cost of a movement that brings in value; `ScenarioError` where it has none."""
    cost = state.log.unit_cost[row]
    if cost is None or cost < 0:
        seen = "is empty" if cost is None else f"must be >= 0, not {float(cost) / 1e6:g}"
        raise state.log.fault(row, f"unit_cost {seen}; this {state.log.kind[row]} brings in value")
    return cost


def brought_in(state: State, row: int, entity: int, place: int, units: int, cost: int, credit: str) -> int:
    """Put units into stock at what they cost, against an account, and return their value; at standard there is a variance."""
    sku, value = state.log.sku.codes[row], cost
    if state.policy.cost_formula == "standard":
        value = standard_value(state, row, units, entity)
        state.post(row, "purchase_variance", entity, place, sku, cost - value)
    state.put(row, entity, place, Layer(units, value, state.day, row, historical=state.historical(entity, value)))
    document = state.log.document.codes[row]
    if document in state.spread_over:
        state.receipts[document].append((row, place, units, value))
    state.post(row, credit, entity, place, sku, -cost)
    return value


def standard_value(state: State, row: int, units: int, entity: int) -> int:
    """Return units at standard cost."""
    item = state.policy.skus.get(state.log.sku[row])
    if item is None or item.standard_cost is None:
        raise state.log.fault(row, f"skus.{state.log.sku[row]}.standard_cost is missing in the accounting policy")
    return money(units, round(item.standard_cost * 10**6), state.log.scale, state.coins[entity])


def opening(state: State, row: int) -> None:
    """Take over stock with which the log begins."""
    log, entity = state.log, state.log.entity.codes[row]
    cost = state.spend(row, unit_cost(state, row), log.units[row], entity, None)
    brought_in(state, row, entity, log.target[row], log.units[row], cost, "opening_equity")


def from_supplier(state: State, row: int) -> None:
    """Take goods over from a supplier; on their way they are ours at FOB shipping point only."""
    log = state.log
    supplier = log.places[log.origin[row]].partition(":")[2]
    on_the_way = place_kind(log.places[log.target[row]]) == TRANSIT
    terms, priced = state.policy.terms.of(supplier), log.unit_cost[row] is not None
    if on_the_way and (terms == "destination" or (terms is None and not priced)):
        state.consigned[(log.target[row], log.sku.codes[row])].append((log.units[row], row))
        return
    if on_the_way and not priced:
        raise log.fault(row, f"unit_cost is empty; under shipping_point terms goods of {supplier!r} are ours from here on")
    buy(state, row, row, log.units[row], log.origin[row])


def buy(state: State, row: int, priced: int, units: int, supplier: int) -> None:
    """Bring goods in at the cost that a movement has, on the credit of a supplier, by its place."""
    log, entity = state.log, state.log.entity.codes[row]
    cost = state.spend(priced, unit_cost(state, priced), units, entity, party=supplier)
    value = brought_in(state, row, entity, log.target[row], units, cost, "payables")
    if state.bills and cost:
        state.bills[-1].receipts.append((row, log.target[row], units, value))


def carry(state: State, row: int) -> None:
    """Move units between places of ours with their layers and dates; what that costs is added, or spent."""
    log, entity, sku = state.log, state.log.entity.codes[row], state.log.sku.codes[row]
    units = log.units[row] - (_arrived(state, row) if state.consigned else 0)
    if units:
        _carried(state, row, entity, units)
    if log.unit_cost[row] and not (place_kind(log.places[log.origin[row]]) == TRANSIT and units != log.units[row]):
        _carriage(state, row, entity, sku, units)


def _carried(state: State, row: int, entity: int, units: int) -> None:
    """Take units with their layers from one place to the other; where the company shares its cost, the pool is the same."""
    sku, origin, target = state.log.sku.codes[row], state.log.origin[row], state.log.target[row]
    seller = entity if not state.grouped else owner(state, row, entity, origin, units)
    if state.by_company and seller == entity:
        state.check_held(row, entity, origin, units)
        state.ledger.post(row, state.day, NUMBER["inventory"], entity, origin, sku, 0, -units)
        return state.ledger.post(row, state.day, NUMBER["inventory"], entity, target, sku, 0, units)
    layers = state.take(row, seller, origin, units)
    if seller != entity:
        layers = [_sold_within(state, row, seller, entity, layers, units)]
    for layer in layers:
        state.put(row, entity, target, layer)
    return None


def _arrived(state: State, row: int) -> int:
    """Buy what arrives of a supplier's goods under FOB destination, and return how many units that are."""
    log = state.log
    waiting = state.consigned.get((log.origin[row], log.sku.codes[row]))
    left = log.units[row]
    while waiting and left:
        units, dispatch = waiting.pop(0)
        here = min(units, left)
        if here < units:
            waiting.insert(0, (units - here, dispatch))
        buy(state, row, row if log.unit_cost[row] is not None else dispatch, here, log.origin[dispatch])
        left -= here
    return log.units[row] - left


def owner(state: State, row: int, entity: int, place: int, units: int) -> int:
    """Return whose units are moved: the movement's entity if it has so many there, else another that has."""
    sku = state.log.sku.codes[row]
    key = -1 if state.by_company else place
    for other in (entity, *range(len(state.currencies))):
        pool = state.pools.get((other, key, sku))
        if pool is not None and pool.units >= units:
            return other
    return entity


def _sold_within(state: State, row: int, seller: int, buyer: int, layers: list[Layer], units: int) -> Layer:
    """Post a sale between entities at the transfer price and the rate of its day; return the buyer's layer."""
    log, sku, place = state.log, state.log.sku.codes[row], state.log.target[row]
    price = log.unit_price[row]
    if price is None:
        names = (log.entity.names[seller] or "the company", log.entity.names[buyer] or "the company")
        raise log.fault(row, f"unit_price is empty; units of {names[0]} go to {names[1]}, at a transfer price")
    received = state.spend(row, price, units, seller, NUMBER["intercompany_receivables"])
    paid = state.spend(row, price, units, buyer, NUMBER["intercompany_payables"])
    cost = sum(layer.value for layer in layers)
    for account, amount in (("intercompany_receivables", received), ("intercompany_revenue", -received)):
        state.post(row, account, seller, place, sku, amount)
    state.post(row, "intercompany_cost_of_sales", seller, place, sku, cost)
    state.post(row, "intercompany_payables", buyer, place, sku, -paid)
    theirs, ours = state.currencies[seller], state.currencies[buyer]
    profit = state.translated(received - cost, theirs, ours, state.day)
    before = sum(layer.profit for layer in layers)
    profit += state.translated(before, theirs, ours, state.day)
    return Layer(units, paid, state.day, row, profit, sum(layer.historical for layer in layers))


def _carriage(state: State, row: int, entity: int, sku: int, units: int) -> None:
    """Post what a move costs: conversion in plants and transport to the first point of sale are cost of stock."""
    log = state.log
    ends = [log.places[log.origin[row]], log.places[log.target[row]]]
    made = MADE in map(place_kind, ends)
    credit = "conversion_payable" if made else "payables"
    amount = state.spend(row, log.unit_cost[row] or 0, units, entity, NUMBER[credit])
    state.post(row, credit, entity, log.target[row], sku, -amount)
    if made or _is_capitalised(state, ends[1]):
        add_cost(state, row, entity, log.target[row], sku, units, amount)
    else:
        state.post(row, "freight", entity, log.target[row], sku, amount)


def _is_capitalised(state: State, target: str) -> bool:
    """Tell whether transport to a place is on the way to the first point of sale."""
    points = state.policy.points_of_sale
    return points is not None and "transport" in state.policy.capitalised and target in points


def add_cost(state: State, row: int, entity: int, place: int, sku: int, units: int, amount: int) -> None:
    """Add an amount to the units that came in last at a place; under standard cost it is a variance."""
    if state.policy.cost_formula == "standard":
        return state.post(row, "purchase_variance", entity, place, sku, amount)
    layers, left = [], units
    for layer in reversed(list(state.pool(entity, place, sku))):
        if left > 0:
            layers.append((layer, min(left, layer.units)))
            left -= layer.units
    for (layer, _), part in zip(layers, spread(amount, [here for _, here in layers]), strict=True):
        layer.revalue(part, state.historical(entity, part))
    state.ledger.post(row, state.day, NUMBER["inventory"], entity, place, sku, amount)
    return None


def sale(state: State, row: int) -> None:
    """Sell: revenue now, cost of sales now or at the close."""
    log, entity = state.log, state.log.entity.codes[row]
    price = log.unit_price[row]
    if price:
        amount = state.spend(row, price, log.units[row], entity, RECEIVABLES)
        state.post(row, "receivables", entity, log.origin[row], log.sku.codes[row], amount)
        state.post(row, "revenue", entity, log.origin[row], log.sku.codes[row], -amount)
    contract = state.contracts.get((entity, log.sku.codes[row]), {}).get(log.document.codes[row])
    if contract:
        contract[0] = max(0, contract[0] - log.units[row])
    if state.policy.system == "perpetual":
        cost_of_sale(state, row)


def cost_of_sale(state: State, row: int) -> None:
    """Post the cost of what was sold."""
    log, entity, sku = state.log, state.log.entity.codes[row], state.log.sku.codes[row]
    layers = issue(state, row, entity, "cost_of_sales")
    cost = layers[0].value if len(layers) == 1 else sum(layer.value for layer in layers)
    state.last_sale[(entity, sku)] = (log.units[row], cost)
    document = log.document.codes[row]
    if document in state.returned:
        sold = state.sold.setdefault((sku, document), Queue(True))
        for layer in layers:
            sold.add(layer)


def issue(state: State, row: int, entity: int, account: str, units: int | None = None) -> list[Layer]:
    """Take a movement's units, or so many of them, out for good, at cost to an account."""
    log, place, sku = state.log, state.log.origin[row], state.log.sku.codes[row]
    units = log.units[row] if units is None else units
    layers = state.take(row, entity, place, units)
    cost = layers[0].value if len(layers) == 1 else sum(layer.value for layer in layers)
    state.post(row, account, entity, place, sku, cost)
    if (entity, sku) in state.allowances:
        state.left[(entity, sku)] += units
    return layers


def waste(state: State, row: int) -> None:
    """Post what expired or was scrapped; a supplier's goods on their way are the supplier's loss."""
    key = (state.log.origin[row], state.log.sku.codes[row])
    if state.consigned.get(key):
        return _lost_before_ours(state, row, key)
    abnormal = state.log.units[row] - (_absorbed(state, row) if row in state.batches else 0)
    if abnormal:
        issue(state, row, state.log.entity.codes[row], "waste", abnormal)
    return None


def _absorbed(state: State, row: int) -> int:
    """Let the other units of a batch bear what its normal loss in production cost, and return the units of that loss.

    Only abnormal waste is an expense (IAS 2.16a). All of the loss is normal where the policy states no rate for the plant.
    """
    log, entity, place, sku = state.log, state.log.entity.codes[row], state.log.origin[row], state.log.sku.codes[row]
    batch, lost = state.batches[row], log.units[row]
    rate = state.policy.normal_loss.get(log.places[place].partition(":")[2])
    normal = lost if rate is None else min(lost, int(Fraction(str(rate)) * batch))
    if normal == 0 or normal == batch or lost == batch:
        return 0
    cost = sum(layer.value for layer in state.take(row, entity, place, normal))
    add_cost(state, row, entity, place, sku, state.pool(entity, place, sku).units, cost)
    return normal


def _lost_before_ours(state: State, row: int, key: tuple[int, int]) -> None:
    left = state.log.units[row]
    while left and state.consigned[key]:
        units, dispatch = state.consigned[key].pop(0)
        if units > left:
            state.consigned[key].insert(0, (units - left, dispatch))
        left -= min(units, left)


def shortage(state: State, row: int) -> None:
    """Post what a count did not find."""
    issue(state, row, state.log.entity.codes[row], "shrinkage")


def found(state: State, row: int) -> None:
    """Post what a count found beyond the books, at its unit cost, else at that of the units held or last sold."""
    log, entity, sku = state.log, state.log.entity.codes[row], state.log.sku.codes[row]
    units, pool = log.units[row], state.pool(entity, log.target[row], sku)
    cost = log.unit_cost[row]
    if cost is not None:
        value = money(units, cost, log.scale, state.coins[entity])
    elif pool.units:
        value = share(sum(layer.worth for layer in pool), units, pool.units)
    else:
        value = share(state.last_sale.get((entity, sku), (1, 0))[1], units, state.last_sale.get((entity, sku), (1, 0))[0])
    brought_in(state, row, entity, log.target[row], units, value, "shrinkage")


def customer_return(state: State, row: int) -> None:
    """Take units back at the cost with which they left, damaged ones at realisable value; what cannot be used is waste."""
    log, entity, sku = state.log, state.log.entity.codes[row], state.log.sku.codes[row]
    price = log.unit_price[row]
    if price:
        amount = state.spend(row, price, -log.units[row], entity, RECEIVABLES)
        state.post(row, "receivables", entity, log.target[row], sku, amount)
        state.post(row, "revenue", entity, log.target[row], sku, -amount)
    if state.policy.system == "perpetual":
        cost_of_return(state, row)


def cost_of_return(state: State, row: int) -> None:
    """Post the cost of what came back."""
    log, entity, sku, place = state.log, state.log.entity.codes[row], state.log.sku.codes[row], state.log.target[row]
    for layer in reversed(_as_it_left(state, row, entity, sku)):
        cost = layer.value
        state.post(row, "cost_of_sales", entity, place, sku, -cost)
        if log.places[place] == LOST:
            state.post(row, "waste", entity, place, sku, cost)
            continue
        if log.reason[row] == DAMAGED:
            layer = Layer(layer.units, min(cost, _damaged_value(state, row, layer.units, entity)), layer.day, row)
            state.post(row, "write_downs", entity, place, sku, cost - layer.value)
        state.put(row, entity, place, layer, back=True)


def _as_it_left(state: State, row: int, entity: int, sku: int) -> list[Layer]:
    """Return units that come back as layers: those sold with the document, else at the cost of the last sale."""
    log, units = state.log, state.log.units[row]
    sold = state.sold.get((sku, log.document.codes[row]))
    if sold is not None:
        if sold.units < units:
            kept = f"{sold.units / log.scale:g} of {log.sku[row]!r}"
            raise log.fault(row, f"returns {units / log.scale:g}, but document {log.document[row]!r} sold only {kept}")
        return sold.take(units)
    if (entity, sku) not in state.last_sale:
        if log.unit_cost[row] is None:
            raise log.fault(row, f"unit_cost is empty; none of {log.sku[row]!r} was sold before, so its cost is not known")
        return [Layer(units, money(units, unit_cost(state, row), log.scale, state.coins[entity]), state.day, row)]
    of, cost = state.last_sale[(entity, sku)]
    return [Layer(units, share(cost, units, of), state.day, row)]


def _damaged_value(state: State, row: int, units: int, entity: int) -> int:
    """Return what damaged units can be sold for: at their unit cost, else a share of the net price."""
    if state.log.unit_cost[row] is not None:
        return money(units, unit_cost(state, row), state.log.scale, state.coins[entity])
    net = net_price(state, entity, state.log.sku.codes[row])
    if net is None:
        raise state.log.fault(row, "is damaged and has no unit_cost, and the log no price: its realisable value is not known")
    return max(0, round(money(units, net, state.log.scale, state.coins[entity]) * state.policy.realisable.damaged))


def supplier_return(state: State, row: int) -> None:
    """Send units back: the supplier credits their unit cost; what they cost in the books beyond that is a difference."""
    log, entity, sku, place = state.log, state.log.entity.codes[row], state.log.sku.codes[row], state.log.origin[row]
    layers = issue(state, row, entity, "purchase_difference")
    cost = sum(layer.value for layer in layers)
    credit = log.unit_cost[row]
    if credit is None:
        state.bill(row, PAYABLES, state.currencies[entity], -cost)
    refund = cost if credit is None else state.spend(row, credit, -log.units[row], entity) * -1
    state.post(row, "payables", entity, place, sku, refund)
    state.post(row, "purchase_difference", entity, place, sku, -refund)


def reservation(state: State, row: int) -> None:
    """Note units under a contract, and its price."""
    log = state.log
    state.contracts[(log.entity.codes[row], log.sku.codes[row])][log.document.codes[row]] = [log.units[row], row]


def release(state: State, row: int) -> None:
    """Note that units are no longer under a contract."""
    log = state.log
    contract = state.contracts[(log.entity.codes[row], log.sku.codes[row])].get(log.document.codes[row])
    if contract:
        contract[0] = max(0, contract[0] - log.units[row])


def price(state: State, row: int) -> None:
    """Note what a SKU sells for, and what it costs to replace."""
    log = state.log
    item = (log.entity.codes[row], log.sku.codes[row])
    selling, replacing = state.prices.get(item, (-1, -1))
    state.prices[item] = (
        row if log.unit_price[row] is not None else selling,
        row if log.unit_cost[row] is not None else replacing,
    )
