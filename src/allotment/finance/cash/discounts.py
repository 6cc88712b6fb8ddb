"""Which discounts for early payment are taken.

A discount is taken if it saves more than the money costs that is paid early, until the day on which all would be due, and if
headroom (or, without a line of credit, cash above the floor) holds on the days between. Where there is not room for all, the
ones that yield most a year come first; each is looked at again once another was taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from allotment.finance.cash.amounts import cents
from allotment.finance.cash.flows import day_of, discounted, flows
from allotment.finance.cash.path import Close, by_day, closes_of
from allotment.finance.cash.schema import Order, Outlook

Sides = tuple[list[Decimal], list[Decimal]]  # what comes in and what goes out, by day


@dataclass(frozen=True)
class Decision:
    """Whether a discount is taken, and why."""

    order: Order
    early: int  # the day on which it is paid with the discount
    due: int  # the day on which all is due
    saves: Decimal
    costs: Decimal  # of the money that is paid early
    yearly: Decimal  # what it yields a year on the money that is paid early, as a share
    taken: bool = False
    reason: str = ""


def decide(outlook: Outlook) -> list[Decision]:
    """Return a decision for each order with a discount, in the order of the file."""
    offers = [_offer(outlook, order) for order in outlook.orders if order.terms.discount]
    worthwhile = [offer for offer in offers if _refusal(outlook, offer) is None]
    taken, sides = _taken(outlook, sorted(worthwhile, key=lambda offer: -offer.yearly))
    return [_told(outlook, offer, offer.order.name in taken, sides) for offer in offers]


def _offer(outlook: Outlook, order: Order) -> Decision:
    """Return what a discount saves and costs; not yet taken."""
    received, paid = day_of(order.received), discounted(order)
    days, saves = order.terms.net - order.terms.within, order.worth - paid
    costs = cents(paid * outlook.funds_rate * days / outlook.day_count)
    yearly = saves / paid * outlook.day_count / days if paid else Decimal(0)
    return Decision(order, received + order.terms.within, received + order.terms.net, saves, costs, yearly)


def _refusal(outlook: Outlook, offer: Decision) -> str | None:
    """Return why a discount is not to be taken, whatever cash there is."""
    if offer.early < 0:
        return f"lapsed on day {offer.early}"
    if offer.early > outlook.days:
        return f"not decided: it may be taken until day {offer.early}, after the forecast's last day {outlook.days}"
    if offer.saves <= offer.costs:
        return f"saves {offer.saves:,.2f}, not more than the {offer.costs:,.2f} that the money costs until day {offer.due}"
    return None


def _taken(outlook: Outlook, ranked: Sequence[Decision]) -> tuple[set[str], Sides]:
    """Return the orders whose discounts are taken, and what then comes in and goes out."""
    taken: set[str] = set()
    sides, before = by_day(flows(outlook), outlook.days), -1
    while before < len(taken):
        before = len(taken)
        for offer in (each for each in ranked if each.order.name not in taken):
            moved = _paid_early(sides, offer)
            if _tightest(outlook, moved, offer).headroom >= 0:
                taken.add(offer.order.name)
                sides = moved
    return taken, sides


def _paid_early(sides: Sides, offer: Decision) -> Sides:
    """Return what comes in and goes out where a discount is taken."""
    receipts, payments = sides[0], list(sides[1])
    payments[offer.early] += discounted(offer.order)
    if offer.due < len(payments):
        payments[offer.due] -= offer.order.worth
    return receipts, payments


def _tightest(outlook: Outlook, sides: Sides, offer: Decision) -> Close:
    """Return the day with the least headroom, from a discount's day until the day before all would be due."""
    return min(closes_of(outlook, *sides)[offer.early : offer.due], key=lambda close: close.headroom)


def _told(outlook: Outlook, offer: Decision, taken: bool, sides: Sides) -> Decision:
    """Return a decision with its reason."""
    refusal = _refusal(outlook, offer)
    if refusal:
        return replace(offer, reason=refusal)
    held = "headroom" if outlook.credit_line else "cash above the floor"
    tightest = _tightest(outlook, sides if taken else _paid_early(sides, offer), offer)
    margin = f"{tightest.headroom:,.2f} on day {tightest.day}"
    saved = f"saves {offer.saves:,.2f} for {offer.costs:,.2f}"
    return replace(offer, taken=taken, reason=f"{saved}; {held} {'is at least' if taken else 'would be'} {margin}")
