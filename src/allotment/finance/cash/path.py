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
    account = CashAccount(outlook.opening, outlook.floor, line)
    return [
        account.close(day, receipts[day], payments[day], _is_charged(day, outlook.days, line))
        for day in range(outlook.days + 1)
    ]


class CashAccount:
    """Cash, debt and the interest that accrues, from one day to the next; every day is closed once, in order."""

    def __init__(self, opening: Decimal, floor: Decimal, line: CreditLine) -> None:
        self.operating = self.cash = opening
        self.debt, self.floor, self.line = line.drawn, floor, line
        self._accrued: Decimal | None = None  # none before the first day, on which nothing was owed overnight

    def close(self, day: int, receipts: Decimal, payments: Decimal, charged: bool) -> Close:
        """Return how a day ends on which so much comes in and goes out; `charged`: the interest that has accrued is due."""
        line = self.line
        accrued = NONE if self._accrued is None else self._accrued + self.debt * line.rate
        interest = cents(accrued / line.day_count) if charged else NONE
        self._accrued = NONE if charged else accrued
        self.operating += receipts - payments
        self.cash += receipts - payments - interest
        drawn = _drawn(self.cash, self.debt, self.floor, line.limit)
        self.cash, self.debt = self.cash + drawn, self.debt + drawn
        headroom = self.cash - self.floor + line.limit - self.debt
        return Close(day, receipts, payments, self.operating, interest, drawn, self.cash, self.debt, headroom)


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
