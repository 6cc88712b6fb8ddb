"""What comes in and goes out on which day, from the entries of an outlook."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from allotment.finance.cash.amounts import cents
from allotment.finance.cash.schema import Order, Outlook, Receivable
from allotment.scenario.errors import ScenarioError

MOST_RUNNING = 1_000_000  # payments of running costs


@dataclass(frozen=True)
class Flow:
    """Money on a day: what comes in is above zero, what goes out below."""

    day: int
    kind: str  # collection, running cost, payable, order
    name: str
    amount: Decimal
    supplier: str | None = None


def flows(outlook: Outlook, taken: Container[str] = ()) -> list[Flow]:
    """Return all flows by day, those after the forecast's last day too, where the discounts of orders in `taken` are taken."""
    collections = (flow for entry in outlook.receivables for flow in collected(entry))
    orders = (paid(order, order.name in taken) for order in outlook.orders)
    found = [*collections, *_running(outlook), *_payables(outlook), *orders]
    return sorted(found, key=lambda flow: flow.day)


def check_flows(outlook: Outlook, origin: str) -> None:
    """Raise `ScenarioError` for a flow before day 0, which is in the opening cash, or overdue and paid on another day.

    Running costs of days before are taken as paid. Refuses more of them than `MOST_RUNNING` in all.
    """
    running = sum(outlook.days // cost.every + 1 for cost in outlook.running_costs)
    if running > MOST_RUNNING:
        raise ScenarioError(
            f"{origin}: running_costs: would be paid {running:,} times in all; at most {MOST_RUNNING:,} are reckoned"
        )
    early = next((flow for flow in flows(outlook) if flow.day < 0), None)
    if early:
        hint = "leave it out if the opening cash has it, else state the day on which it is paid, among payables"
        what = f"{early.kind} {early.name}: falls on day {early.day}, before the forecast begins (day 0)"
        raise ScenarioError(f"{origin}: {what}; {hint}")


def discounted(order: Order) -> Decimal:
    """Return what an order costs where its discount is taken."""
    return order.worth - cents(order.worth * order.terms.discount)


def day_of(day: Any) -> int:
    """Return a day of an outlook that was read, where each is a number."""
    return cast("int", day)


def collected(entry: Receivable) -> Iterator[Flow]:
    """Yield what comes in of a receivable, part by part."""
    for span, amount in zip(entry.collection, _parts(entry), strict=True):
        yield Flow(day_of(entry.invoiced) + span, "collection", entry.name, amount)


def _parts(entry: Receivable) -> list[Decimal]:
    """Return the parts in which a receivable is paid, to the cent; the last one takes what rounding leaves."""
    shares = entry.parts or [Decimal(1) / len(entry.collection)] * len(entry.collection)
    amounts = [cents(entry.worth * share) for share in shares[:-1]]
    return [*amounts, entry.worth - sum(amounts)]


def _running(outlook: Outlook) -> Iterator[Flow]:
    for cost in outlook.running_costs:
        last = outlook.days if cost.until is None else min(day_of(cost.until), outlook.days)
        first = day_of(cost.first)
        for day in range(first if first >= 0 else first % cost.every, last + 1, cost.every):
            yield Flow(day, "running cost", cost.name, -cost.amount)


def _payables(outlook: Outlook) -> Iterator[Flow]:
    for entry in outlook.payables:
        yield Flow(day_of(entry.day), "payable", entry.name, -entry.amount, entry.supplier)


def paid(order: Order, early: bool) -> Flow:
    """Return what goes out for an order, early with the discount or when all is due."""
    span = order.terms.within if early else order.terms.net
    amount = discounted(order) if early else order.worth
    return Flow(day_of(order.received) + span, "order", order.name, -amount, order.supplier)
