"""The exponential function, in array code and compiled: both make the same number to the bit, which libraries do not.

A power of two times a polynomial of what is left, which is at most half the logarithm of two (its Taylor series, exact to the
last digits there).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from array_api_compat import is_torch_array

from allotment.engine.compiled import inline

PER_LOG2 = 1.0 / math.log(2.0)
LOG2_HIGH, LOG2_LOW = 0.6931471803691238, 1.9082149292705877e-10  # products of the first with small integers are exact
COEFFICIENTS = tuple(1.0 / math.factorial(power) for power in range(13, -1, -1))
LARGEST = 700.0  # beyond which, either way, exponents are cut


def exponential(exponents: Any) -> Any:
    """Return e to the power of each number of an array of NumPy or Torch."""
    if not isinstance(exponents, np.ndarray):
        return exponents.exp() if is_torch_array(exponents) else np.exp(exponents)
    cut = np.clip(exponents, -LARGEST, LARGEST)
    power = np.floor(cut * PER_LOG2 + 0.5)
    rest = (cut - power * LOG2_HIGH) - power * LOG2_LOW
    value = np.full_like(rest, COEFFICIENTS[0])
    for coefficient in COEFFICIENTS[1:]:
        value = value * rest + coefficient
    return np.ldexp(value, power.astype(np.int64))


@inline
def exponential_of(exponent):  # type: ignore[no-untyped-def]
    """Return e to the power of a number."""
    cut = min(max(exponent, -LARGEST), LARGEST)
    power = math.floor(cut * PER_LOG2 + 0.5)
    rest = (cut - power * LOG2_HIGH) - power * LOG2_LOW
    value = COEFFICIENTS[0]
    for place in range(1, len(COEFFICIENTS)):
        value = value * rest + COEFFICIENTS[place]
    return math.ldexp(value, int(power))
