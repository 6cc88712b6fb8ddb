"""Exact money: whole numbers of the smallest coin inside, `Decimal` outside.

An amount is rounded once, half to even, when it is posted. What is left of a layer is worth its share of the whole, so that the
parts taken out add up to the whole in whatever steps they are taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

MILLION = 10**6  # the grid of unit costs and prices
COINS = {"BHD": 3, "CLP": 0, "ISK": 0, "JOD": 3, "JPY": 0, "KRW": 0, "KWD": 3, "OMR": 3, "TND": 3, "VND": 0}  # decimals; else 2

Rate = int | Fraction  # money per unit in millionths


def decimals_of(currency: str) -> int:
    """Return how many decimal places the amounts of a currency have (ISO 4217)."""
    return COINS.get(currency, 2)


def nearest_whole(numerator: int, denominator: int) -> int:
    """Return a quotient rounded to a whole number, halves to the even one; the denominator is positive."""
    whole, rest = divmod(numerator, denominator)
    double = 2 * rest
    return whole + (double > denominator or (double == denominator and whole & 1 == 1))


def share(amount: int, part: int, whole: int) -> int:
    """Return the part of an amount, rounded; of a positive amount never nothing while something is left."""
    if part == whole:
        return amount
    if part == 0 or amount == 0:
        return 0
    return nearest_whole(amount * part, whole) or 1


def as_decimal(coins: int, places: int) -> Decimal:
    """Return an amount of coins as money."""
    return Decimal(int(coins)).scaleb(-places)


def rates_of(values: Any) -> list[Rate | None]:
    """Return money per unit in millionths, exact as it was written; None where there is none."""
    numbers = np.asarray([np.nan if value is None else value for value in values] if _is_mixed(values) else values)
    numbers = numbers.astype(float)
    scaled = np.rint(numbers * MILLION)
    missing = np.isnan(numbers)
    whole = missing | ((np.abs(scaled) < 2.0**53) & (scaled / MILLION == numbers))
    found: list[Rate | None] = np.where(missing, 0, scaled).astype(np.int64).tolist() if whole.all() else [0] * len(numbers)
    if not whole.all():
        found = [None if gone else _exact(value) for value, gone in zip(values, missing.tolist(), strict=True)]
    for position in np.flatnonzero(missing).tolist():
        found[position] = None
    return found


def units_of(values: Any) -> tuple[list[int], int]:
    """Return units as whole numbers of their grid, and how many of it make a unit: 1, or a million where some are broken."""
    numbers = np.nan_to_num(np.asarray(values, dtype=float))
    scale = 1 if (numbers == np.rint(numbers)).all() else MILLION
    return np.rint(numbers * scale).astype(np.int64).tolist(), scale


def _is_mixed(values: Any) -> bool:
    return not isinstance(values, np.ndarray) or values.dtype == object


def _exact(value: Any) -> Rate:
    """Return a number in millionths as it was written: 0.1 is a tenth."""
    exact = Fraction(Decimal(str(value))) * MILLION
    return exact.numerator if exact.denominator == 1 else exact


def money(units: int, rate: Rate, scale: int, places: int) -> int:
    """Return units times money per unit in coins, rounded; `scale` is how much of the units' grid makes a unit."""
    product, divisor = units * rate, scale * MILLION
    if isinstance(product, Fraction):
        return round(product * 10**places / divisor)
    return nearest_whole(product * 10**places, divisor)


def spread(amount: int, weights: Sequence[int | Fraction]) -> list[int]:
    """Return an amount divided in proportion to weights; the parts add up to it, the remainder goes with the last."""
    total, gone, done, parts = Fraction(sum(weights)), 0, Fraction(0), []
    for weight in weights:
        done += weight
        reached = round(amount * done / total)
        parts.append(reached - gone)
        gone = reached
    return parts
