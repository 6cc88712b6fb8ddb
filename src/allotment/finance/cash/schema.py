"""What a file of cash to come may say: each section with its keys, units and defaults."""

from __future__ import annotations

import datetime
import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from allotment.finance.cash.amounts import (
    MOST,
    Balance,
    Day,
    Money,
    Number,
    Share,
    Shares,
    Spacing,
    Spans,
    cents,
    decimal,
)
from allotment.finance.cash.terms import WrittenTerms
from allotment.names import ShownName
from allotment.scenario.errors import shown

MOST_ENTRIES = 10_000  # of a section
MOST_PARTS = 100  # in which a receivable is paid


def _as_text(value: Any) -> Any:
    """Return a name that a table or YAML holds as a whole number as text."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _start(value: Any) -> datetime.date:
    if isinstance(value, datetime.date):
        return value
    try:
        return datetime.date.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"must be a date like '2026-03-02', not {shown(value)}") from None


def _day_count(value: Any) -> int:
    found = decimal(value)
    if found not in (360, 365):
        raise ValueError(f"must be 360 or 365, not {shown(value)}")
    return int(found or 0)


def _currency(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch("[A-Z]{3}", value):
        raise ValueError(f"must be three capital letters, such as EUR, not {shown(value)}")
    return value


Name = Annotated[ShownName, BeforeValidator(_as_text)]


class Part(BaseModel):
    """A part of the file, of which no key is misspelt."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class CreditLine(Part):
    """A line of credit that is drawn and repaid by itself, so that cash stays at the floor or above it."""

    limit: Money  # of the debt
    rate: Share  # of interest a year, on what is owed overnight
    day_count: Annotated[int, BeforeValidator(_day_count)] = 365  # days of a year: 365 (act/365) or 360 (act/360)
    drawn: Money = Decimal(0)  # debt when day 0 begins
    charged: Spacing | None = None  # days after which interest is charged; none = on the last day

    @model_validator(mode="after")
    def _within_the_limit(self) -> CreditLine:
        if self.drawn > self.limit:
            raise ValueError(f"drawn must be at most the limit, {self.limit:,}, not {self.drawn:,}")
        return self


class Account(Part):
    """An account at a bank."""

    name: Name  # of who holds it
    iban: str
    bic: str | None = None


class RunningCost(Part):
    """What is paid again and again."""

    name: Name
    amount: Money
    first: Day = Field(alias="from")  # the first day
    every: Spacing  # days
    until: Day | None = None  # the last day, included; none = as long as the forecast goes


class Payable(Part):
    """An invoice that is paid on a day."""

    name: Name
    amount: Money
    day: Day
    supplier: Name | None = None  # to whom, for payment files


class _Priced(Part):
    """Something that is worth an amount, or units at a price."""

    amount: Money | None = None
    units: Number | None = None

    def _worth(self, price: Decimal | None, key: str) -> Decimal:
        stated = (self.amount is not None, self.units is not None, price is not None)
        if stated == (True, False, False):
            return cents(self.amount or Decimal(0))
        if stated != (False, True, True):
            raise ValueError(f"must state either amount, or units and {key}")
        total = (self.units or Decimal(0)) * (price or Decimal(0))
        if total > MOST:
            raise ValueError(f"units times {key} must be at most {MOST:,}, not {total:,}")
        return cents(total)


class Receivable(_Priced):
    """What customers owe, and when they pay."""

    name: Name  # a channel, a customer or an invoice
    unit_price: Number | None = None
    invoiced: Day = 0
    collection: Spans  # days after the invoice when it is paid, one for each part
    parts: Shares | None = None  # shares of the parts; none = equal ones

    @property
    def worth(self) -> Decimal:
        """Return the amount in all."""
        return self._worth(self.unit_price, "unit_price")

    @model_validator(mode="after")
    def _adds_up(self) -> Receivable:
        self.worth  # noqa: B018
        if not 1 <= len(self.collection) <= MOST_PARTS:
            raise ValueError(f"collection must list 1 to {MOST_PARTS} days, one for each part, not {len(self.collection):,}")
        if self.parts is not None and (len(self.parts) != len(self.collection) or sum(self.parts) != 1):
            given = " + ".join(f"{part:f}" for part in self.parts[:12])
            raise ValueError(f"parts must be {len(self.collection)} shares that sum to 1, one a collection, not {given}")
        return self


class Order(_Priced):
    """An open order at a supplier: what it costs, when it is received, and the terms of payment."""

    name: Name  # the document
    supplier: Name
    unit_cost: Number | None = None
    received: Day  # the day from which terms count
    terms: WrittenTerms

    @property
    def worth(self) -> Decimal:
        """Return what is invoiced, before a discount."""
        return self._worth(self.unit_cost, "unit_cost")

    @model_validator(mode="after")
    def _adds_up(self) -> Order:
        self.worth  # noqa: B018
        return self


Entries = Field(max_length=MOST_ENTRIES)


class Outlook(Part):
    """What is known of the cash to come; days count from day 0, which opens with `opening`."""

    currency: Annotated[str, BeforeValidator(_currency)] | None = None  # of all amounts, as ISO 4217 has it
    start: Annotated[datetime.date, BeforeValidator(_start)] | None = None  # the date of day 0
    days: Spacing  # the last day of the forecast
    opening: Balance  # cash when day 0 begins
    floor: Money = Decimal(0)  # cash below which there should never be less
    credit_line: CreditLine | None = None
    cost_of_funds: Share | None = None  # a year, of money that a discount takes early; none = the credit line's rate
    account: Account | None = None  # from which payments go out
    suppliers: Annotated[list[Account], Entries] = []  # to whom payments go
    running_costs: Annotated[list[RunningCost], Entries] = []
    payables: Annotated[list[Payable], Entries] = []
    receivables: Annotated[list[Receivable], Entries] = []
    orders: Annotated[list[Order], Entries] = []

    @model_validator(mode="after")
    def _can_decide(self) -> Outlook:
        offered = [order.name for order in self.orders if order.terms.discount]
        if offered and self.cost_of_funds is None and self.credit_line is None:
            raise ValueError(f"cost_of_funds (a year) is missing: the discount of {offered[0]} is measured against it")
        return self

    @property
    def funds_rate(self) -> Decimal:
        """Return what money costs a year, as a share."""
        if self.cost_of_funds is not None:
            return self.cost_of_funds
        return self.credit_line.rate if self.credit_line else Decimal(0)

    @property
    def day_count(self) -> int:
        """Return the days of a year."""
        return self.credit_line.day_count if self.credit_line else 365
