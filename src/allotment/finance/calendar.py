"""Days, closes and fiscal years: which day a movement falls on, when books close, and the rate of a day.

A day is a whole number: the ordinal of a date, or a period. A period of the books is closed at the end of its last day.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cached_property

from allotment.finance.policy import AccountingPolicy
from allotment.scenario.errors import ScenarioError

MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True)
class Books:
    """When books close."""

    policy: AccountingPolicy
    dated: bool  # days are dates, not periods

    def __post_init__(self) -> None:
        """Refuse a policy whose calendar is not that of the log: `ScenarioError`."""
        wanted = "a number of periods" if not self.dated else "day, week, month, quarter or year"
        if self.dated == isinstance(self.policy.close, int):
            raise ScenarioError(f"accounting policy: close must be {wanted}, as the log has it, not {self.policy.close}")
        for currency, rates in self.policy.rates.items():
            for day in rates:
                if isinstance(day, str) != self.dated or (isinstance(day, str) and not _is_date(day)):
                    what = "dates such as 2026-01-31" if self.dated else "periods"
                    raise ScenarioError(
                        f"accounting policy: rates.{currency}: {day!r}: days must be {what}, as the log has them"
                    )

    def last_day(self, day: int) -> int:
        """Return the last day of the period of the books that a day lies in."""
        close = self.policy.close
        if isinstance(close, int):
            return (day // close + 1) * close - 1
        if close == "day":
            return day
        if close == "week":
            return day + 6 - date.fromordinal(day).weekday()
        return self._last_of_months(date.fromordinal(day), MONTHS[close])

    def _last_of_months(self, day: date, months: int) -> int:
        """Return the last day of so many months, counted from the beginning of the fiscal year."""
        into = (day.month - self.policy.fiscal_year) % months
        year, month = divmod(day.year * 12 + day.month - 1 - into + months, 12)
        return date(year, month + 1, 1).toordinal() - 1

    def ends_fiscal_year(self, day: int) -> bool:
        """Tell whether a close is the last one of a fiscal year."""
        following = day + (7 if self.policy.close == "week" else 1)
        return self.fiscal_year(day) != self.fiscal_year(following)

    def fiscal_year(self, day: int) -> int:
        """Return the fiscal year of a day: the calendar year in which it begins, or how many whole ones went before."""
        if not self.dated:
            return day // self.policy.fiscal_year
        found = date.fromordinal(day)
        return found.year - (found.month < self.policy.fiscal_year)

    def text(self, day: int) -> str:
        """Return a day as it is written."""
        return date.fromordinal(day).isoformat() if self.dated else str(day)

    def days_a_year(self) -> int:
        """Return how many days, or periods, make a year."""
        return 365 if self.dated else self.policy.fiscal_year

    @cached_property
    def rate(self) -> Callable[[str, int], Fraction]:
        """Return a function of currency and day: units of the currency for one of the presentation currency."""
        known = {
            currency: ([_number(day) for day in rates], [Fraction(str(rate)) for rate in rates.values()])
            for currency, rates in self.policy.rates.items()
        }

        def rate(currency: str, day: int) -> Fraction:
            if currency == self.policy.currency:
                return Fraction(1)
            days, rates = known.get(currency, ([], []))
            position = bisect_right(days, day) - 1
            if position < 0:
                raise ScenarioError(f"accounting policy: rates: no rate of {currency} on {self.text(day)}")
            return rates[position]

        return rate


def _number(day: str | int) -> int:
    return day if isinstance(day, int) else date.fromisoformat(day).toordinal()


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
