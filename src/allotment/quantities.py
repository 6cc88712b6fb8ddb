"""Arrays of quantities, when a quantity is nothing but rounding error, and why less was done than was asked for.

There is one tolerance: of a difference of quantities, `ROUNDING` times the larger of them and one unit is rounding error. Where
units are whole it is never as much as `PART` of one, however large the quantities are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Keys = NDArray[np.uint64]

MOST = 1e15  # units that a quantity may be: up to here, whole units are whole numbers to the machine
ROUNDING = 1e-9  # of a quantity, or of one unit; where units are continuous, less is rounding error and no shipment or cut
PART = 1e-3  # of a unit, where units are whole

REASONS = (  # why less was done than was asked for
    "",
    "invalid",  # no number, or a negative one
    "lane",  # nothing leads there, or not this SKU, or not so much at once
    "deadline",  # it would arrive, or leave, too late
    "unwanted",  # more than is asked for
    "capacity",  # a supplier, plant, carrier or site moves no more
    "reserved",  # what is there is kept for another
    "no_stock",  # nothing is there
    "minimum",  # too little for a shipment
    "unprofitable",  # a unit would cost more than it brings
    "quota",  # the rest belongs to other channels
    "protected",  # the rest is kept for higher classes
    "strategy",  # the claim's strategy gives it no more
    "position",  # the site holds, or expects, as much as it may
    "storage",  # there is no room for more
    "budget",  # no more may be spent on such goods in this budget period
    "cash",  # there is no money, and no credit, to pay for more
)
CODES = {reason: code for code, reason in enumerate(REASONS)}


def rounding_error(of: Floats | float, whole: bool = False) -> Floats:
    """Return what is rounding error in sums and differences of quantities as large as `of`, in units."""
    error = ROUNDING * np.maximum(1.0, np.abs(of))
    return np.asarray(np.minimum(error, PART) if whole else error)


def exceeds(units: Floats | float, bound: Floats | float, whole: bool = False) -> Flags:
    """Tell which units are more than a bound, by more than rounding error."""
    smaller = np.minimum(np.abs(units), np.abs(bound))
    return np.asarray(units > bound + rounding_error(smaller, whole))


def settled(units: Floats, of: Floats | float, whole: bool = False) -> Floats:
    """Return what is left of quantities as large as `of`: nothing where it is rounding error, or below zero."""
    return np.where(units > rounding_error(of, whole), units, 0.0)


def whole_part(units: Floats | float) -> Floats:
    """Return the whole units in quantities that are whole but for rounding error, or have fractions."""
    return np.asarray(np.floor(units + rounding_error(units, whole=True)))


def numbers_in(given: object, what: str) -> NDArray[Any]:
    """Return an array of real numbers; `ValueError` says what was given instead of them, such as flags or texts."""
    try:
        array = np.asarray(given)
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(f"{what} must be numbers, not a {type(given).__name__} of which no array can be made") from None
    if array.dtype.kind not in "iuf":
        seen = f"a {type(given).__name__} of {array.dtype}" if array.ndim else " ".join(repr(given).split())[:60]
        raise ValueError(f"{what} must be numbers, not {seen}")
    with np.errstate(over="ignore"):
        return array if array.dtype.itemsize <= 8 and array.dtype.kind == "f" else array.astype(np.float64)


def is_whole(value: object) -> bool:
    """Tell whether a value is a whole number, and no flag or length of time."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool | np.timedelta64)
