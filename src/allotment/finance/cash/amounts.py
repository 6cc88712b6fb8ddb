"""Amounts of money as decimal numbers, exact to the cent, and other numbers of a file as they are written there."""

from __future__ import annotations

import datetime
import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator

from allotment.scenario.errors import shown

CENT = Decimal("0.01")
MOST = Decimal(10) ** 12  # of money, units or a price
MOST_DAYS = 3_660
NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d{1,12})?")


def cents(amount: Decimal) -> Decimal:
    """Return an amount rounded to the cent, half a cent away from zero."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def decimal(value: Any) -> Decimal | None:
    """Return a number as it is written, none where it is not one."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    text = format(Decimal(repr(value)), "f") if isinstance(value, float) else str(value).strip()
    return Decimal(text) if NUMBER.fullmatch(text) else None


def _number(least: int, most: Decimal, words: str, step: Decimal | None = None) -> BeforeValidator:
    """Return a check of numbers within bounds, which are multiples of a step."""

    def check(value: Any) -> Decimal:
        found = decimal(value)
        if found is None or not least <= found <= most or (step and found % step):
            raise ValueError(f"must be {words}, not {shown(value)}")
        return found

    return BeforeValidator(check)


def _whole(least: int, words: str) -> BeforeValidator:
    def check(value: Any) -> int:
        found = decimal(value)
        if found is None or found != int(found) or not least <= found <= MOST_DAYS:
            raise ValueError(f"must be {words}, not {shown(value)}")
        return int(found)

    return BeforeValidator(check)


def _day(value: Any) -> int | datetime.date:
    """Return a number of days since day 0, or a date."""
    if isinstance(value, datetime.date):
        return value.date() if isinstance(value, datetime.datetime) else value
    found = decimal(value)
    if found is not None and found == int(found) and abs(found) <= MOST_DAYS:
        return int(found)
    try:
        return datetime.date.fromisoformat(str(value).strip())
    except ValueError:
        words = f"a whole number of days since day 0, at most {MOST_DAYS:,} away, or a date like '2026-03-09'"
        raise ValueError(f"must be {words}, not {shown(value)}") from None


def _days(value: Any) -> list[Any]:
    """Return a list of what a file states as a list, as one number, or as numbers parted by blanks, commas or semicolons."""
    if isinstance(value, str):
        return [part for part in re.split(r"[\s,;]+", value.strip()) if part]
    return value if isinstance(value, list) else [value]


MONEY = "an amount of money >= 0 and <= 1e12 with at most two decimals"
BALANCE = "an amount of money of at most 1e12 with at most two decimals"
Money = Annotated[Decimal, _number(0, MOST, MONEY, CENT)]
Balance = Annotated[Decimal, _number(-int(MOST), MOST, BALANCE, CENT)]
Number = Annotated[Decimal, _number(0, MOST, "a number >= 0 and <= 1e12")]
Share = Annotated[Decimal, _number(0, Decimal(1), "a share >= 0 and <= 1, such as 0.02 for 2 %")]
Span = Annotated[int, _whole(0, f"a whole number of days >= 0 and <= {MOST_DAYS:,}")]
Spacing = Annotated[int, _whole(1, f"a whole number of days >= 1 and <= {MOST_DAYS:,}")]
Day = Annotated[int | datetime.date, BeforeValidator(_day)]
Spans = Annotated[list[Span], BeforeValidator(_days)]
Shares = Annotated[list[Share], BeforeValidator(_days)]
