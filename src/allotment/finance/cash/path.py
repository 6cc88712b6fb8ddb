"""Cash by day, and the line of credit that keeps it at the floor.

Each day: interest accrues on the debt that was owed overnight, money comes in and goes out, interest that is due is charged,
and the line is drawn up to the floor or repaid with what is above it. Interest is not rounded before it is charged.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from allotment.finance.cash.amounts import cents
from allotment.finance.cash.flows import Flow
from allotment.finance.cash.schema import CreditLine, Outlook

NONE = Decimal(0)
NO_LINE = CreditLine(limit=NONE, rate=NONE)


@dataclass(frozen=True)
class Close:
    """How a day ends, in money."""

    day: int
    receipts: Decimal
    payments: Decimal  # above zero
    operating: Decimal  # cash without the line: opening cash and all receipts and payments until now
    interest: Decimal  # charged today
    drawn: Decimal  # today; below zero what is repaid
    cash: Decimal  # with the line
    debt: Decimal
    headroom: Decimal  # cash above the floor and what may still be drawn; below zero what is lacking


def path(outlook: Outlook, flows: Iterable[Flow]) -> list[Close]:
    """Return the close of each day from day 0 to the last, (days + 1) of them."""
    return closes_of(outlook, *by_day(flows, outlook.days))


def closes_of(outlook: Outlook, receipts: list[Decimal], payments: list[Decimal]) -> list[Close]:
    """Return the close of each day from what comes in and goes out on each, (days + 1,) both."""
    line = outlook.credit_line or NO_LINE
    operating = cash = outlook.opening
    debt, accrued, closes = line.drawn, NONE, []
    for day in range(outlook.days + 1):
        accrued += debt * line.rate if day else NONE
        net, due = receipts[day] - payments[day], _is_charged(day, outlook.days, line)
        interest = cents(accrued / line.day_count) if due else NONE
        accrued = NONE if due else accrued
        operating += net
        cash += net - interest
        drawn = _drawn(cash, debt, outlook.floor, line.limit)
        cash, debt = cash + drawn, debt + drawn
        headroom = cash - outlook.floor + line.limit - debt
        closes.append(Close(day, receipts[day], payments[day], operating, interest, drawn, cash, debt, headroom))
    return closes


def by_day(flows: Iterable[Flow], days: int) -> tuple[list[Decimal], list[Decimal]]:
    """Return what comes in and what goes out on each day from day 0 to the last, both above zero."""
    receipts, payments = [NONE] * (days + 1), [NONE] * (days + 1)
    for flow in flows:
        if flow.day <= days:
            side = receipts if flow.amount > 0 else payments
            side[flow.day] += abs(flow.amount)
    return receipts, payments


def _is_charged(day: int, last: int, line: CreditLine) -> bool:
    """Tell whether interest is charged on a day; on the last one all that has accrued is."""
    return day == last or (line.charged is not None and day > 0 and day % line.charged == 0)


def _drawn(cash: Decimal, debt: Decimal, floor: Decimal, limit: Decimal) -> Decimal:
    """Return what is drawn to reach the floor, within the limit, or, below zero, repaid with what is above it."""
    return min(floor - cash, limit - debt) if cash < floor else -min(cash - floor, debt)
