"""What a scenario file may say of cash: terms of payment, a credit line, what capital costs, and budgets of spending."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from allotment.scenario.amounts import AtLeastOne, NonNegative, Part, Positive

Days = Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Amounts = NonNegative | dict[str, NonNegative | dict[str, NonNegative]]


class PaymentTerms(Part):
    """When a supplier's invoice is due, and what is saved by paying it early."""

    net: Days = 0.0  # days after the invoice until it is due; in whole periods, rounded down
    discount: Share = 0.0  # part of the invoice that is saved by paying early
    within: Days | None = None  # days after the invoice until which that holds; in whole periods, rounded down

    @model_validator(mode="after")
    def _early_is_before_due(self) -> PaymentTerms:
        if (self.discount > 0.0) != (self.within is not None):
            raise ValueError("discount and within belong together: what is saved, and until when")
        if self.within is not None and self.within >= self.net:
            raise ValueError(f"within must be less than net, not {self.within:g} of {self.net:g} days")
        return self


class CreditLine(Part):
    """Credit that is drawn and repaid by itself, so that cash stays at its floor where it would fall below."""

    limit: NonNegative  # money, the most that is owed
    rate: NonNegative  # 1/year, interest on what is drawn
    day_count: Literal[360, 365] = 365  # days of a year for interest


class Budget(Part):
    """The most that may be spent on goods from suppliers in a budget period, in purchase prices; what is left over lapses."""

    per: AtLeastOne  # periods of a budget period, the first of which begins with the episode
    by: list[Literal["group", "region"]] = []  # a budget for each group of SKUs, region of sites, or both; none = one budget
    amounts: Amounts | None = None  # money a budget period: one number for each, or by name, in the order of `by`
    # money a budget period that the policy divides (decisions: budget), one number or one for each budget period in turn
    total: NonNegative | Annotated[list[NonNegative], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _each_once(self) -> Budget:
        if len(set(self.by)) < len(self.by):
            raise ValueError(f"by must name group and region at most once each, not {self.by}")
        if (self.amounts is None) == (self.total is None):
            raise ValueError("must state amounts, or the total that the policy divides (decisions: budget), and not both")
        return self


class Treasury(Part):
    """The cash of a world: what its trade brings in and takes out, when, and what may be spent."""

    cash: NonNegative  # money when an episode begins
    floor: NonNegative = 0.0  # money that is kept back: headroom is counted down to it
    credit_line: CreditLine | None = None  # none = nothing can be borrowed
    capital_charge: NonNegative = (
        0.0  # 1/year on stock at unit cost, on hand and on its way; then holding rates exclude capital
    )
    budget: Budget | None = None  # none = spending has no limit but cash
    period_days: Positive | None = None  # days of a period; none = those of `period`: day, week, month (30), quarter (90)
