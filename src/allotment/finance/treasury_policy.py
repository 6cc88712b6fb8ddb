"""When what is bought and sold is paid: the part `treasury` of an accounting policy, with which the books have a cash."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import Field, model_validator

from allotment.finance.cash.amounts import Balance, Money, Share, Spans
from allotment.finance.cash.reading import numbered
from allotment.finance.cash.schema import MOST_PARTS, CreditLine, Entries, Outlook, Part, Payable, Receivable, RunningCost
from allotment.finance.cash.terms import Terms, WrittenTerms

Collected = Annotated[Spans, Field(min_length=1, max_length=MOST_PARTS)]  # days after the sale, one for each equal part
ORIGIN = "accounting policy: treasury"


class Payment(Part):
    """When suppliers, carriers and plants are paid; days count from the day on which the books owe it."""

    default: WrittenTerms
    suppliers: dict[str, WrittenTerms] = {}  # by the supplier's name, where it differs

    def of(self, supplier: str) -> Terms:
        """Return the terms of a supplier."""
        return self.suppliers.get(supplier, self.default)


class Collection(Part):
    """When customers pay, in equal parts."""

    default: Collected
    customers: dict[str, Collected] = {}  # by the customer's name (a channel), where it differs

    def of(self, customer: str) -> list[int]:
        """Return the days after a sale on which a customer pays."""
        return self.customers.get(customer, self.default)


class Treasury(Part):
    """Cash when the log begins, terms of payment, and the line of credit; the keys are those of a file of cash to come.

    Days are days of the books: periods where the time of the log is periods, and day 0 is that of its first movement.
    """

    opening: Balance
    floor: Money = Decimal(0)
    credit_line: CreditLine | None = None
    cost_of_funds: Share | None = None
    payment: Payment
    collection: Collection
    running_costs: Annotated[list[RunningCost], Entries] = []
    payables: Annotated[list[Payable], Entries] = []  # owed when the log begins
    receivables: Annotated[list[Receivable], Entries] = []  # owed to us when the log begins

    @model_validator(mode="after")
    def _can_decide(self) -> Treasury:
        terms = {"default": self.payment.default, **self.payment.suppliers}
        offered = [name for name, each in terms.items() if each.discount]
        if offered and self.cost_of_funds is None and self.credit_line is None:
            raise ValueError(f"cost_of_funds (a year) is missing: the discount of {offered[0]} is measured against it")
        if self.credit_line and self.credit_line.charged is not None:
            raise ValueError("credit_line.charged does not apply: the books charge interest at every close")
        return self

    @property
    def has_interest(self) -> bool:
        """Tell whether anything is reckoned by the year."""
        return self.credit_line is not None or self.cost_of_funds is not None

    def outlook(self, days: int, start: datetime.date | None) -> Outlook:
        """Return what was known of the cash to come before the first movement: `start` is the date of day 0, if it has one."""
        known = {key: getattr(self, key) for key in ("opening", "floor", "running_costs", "payables", "receivables")}
        line, funds = self.credit_line, self.cost_of_funds
        return numbered(
            Outlook.model_construct(days=days, start=start, credit_line=line, cost_of_funds=funds, orders=[], **known), ORIGIN
        )
