"""Numbers as text: as many decimal places as carry meaning, and the same within a column."""

from __future__ import annotations

import math

import pandas as pd

MISSING = "-"


def number(value: float, places: int, signed: bool = False) -> str:
    """Return a number with thousands separators, with a plus too where `signed`; a dash where it is missing."""
    if pd.isna(value):
        return MISSING
    rounded = round(float(value), places) + 0.0  # adding zero turns a negative zero into zero
    return f"{rounded:+,.{places}f}" if signed else f"{rounded:,.{places}f}"


def percentage(share: float) -> str:
    """Return a share as a percentage; a dash where it is missing."""
    return MISSING if pd.isna(share) else f"{share:.1%}"


def percent(value: float) -> str:
    """Return a difference in percent, with its sign; a dash where it is missing."""
    return MISSING if pd.isna(value) else f"{number(value, 2, signed=True)}%"


def p_value(value: float) -> str:
    """Return a p-value to three places; a dash where there is none."""
    if pd.isna(value):
        return MISSING
    return "< 0.001" if value < 0.0005 else f"{value:.3f}"


def decimals(value: float, digits: int) -> int:
    """Return the decimal places that show `value` with so many significant digits, four places at most."""
    if not math.isfinite(value) or value == 0:
        return 0
    return min(4, max(0, digits - 1 - math.floor(math.log10(abs(value)))))
