"""What the money of a world is called, and which sign it is shown with, in every table, figure and sentence.

A world's objective decides the sign: a profit world shows profit, where more is better; a cost world shows cost (minus the
score), where less is better. A difference is shown in the same sign: negative in a cost world where it is better.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from allotment.scenario.schema import Scenario

Objective = Literal["cost", "profit"]


@dataclass(frozen=True)
class Money:
    """Words and sign for amounts of money per period."""

    objective: Objective
    currency: str | None = None
    period: str = "period"

    @property
    def sign(self) -> int:
        """Return what a score is multiplied by to be shown."""
        return -1 if self.objective == "cost" else 1

    @property
    def rate(self) -> str:
        """Return the unit, such as `EUR per week`."""
        return f"{self.currency or 'money'} per {self.period}"

    @property
    def better(self) -> str:
        """Return which amounts are better: `higher` or `lower` ones."""
        return "lower" if self.objective == "cost" else "higher"

    @property
    def side(self) -> str:
        """Return on which side of a horizontal axis the better amounts are."""
        return "left" if self.objective == "cost" else "right"

    def per_period(self, text: str) -> str:
        """Return an amount with its unit, such as `12.3 EUR per week`, or `12.3 per period` where money has no name."""
        return f"{text} {self.currency} per {self.period}" if self.currency else f"{text} per {self.period}"


def money_of(scenario: Scenario) -> Money:
    """Return how a world's money is shown."""
    return Money(scenario.objective, scenario.currency, scenario.period)
