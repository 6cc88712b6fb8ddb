"""Many comparisons at once: p-values that hold together.

Of twenty policies no better than the reference, one would look surely better at 5 %. Holm's correction takes the smallest
of m p-values times m, the next times m - 1, and so on, never less than the one before: below 5 %, all claims together are
free of a false one with a probability of 95 %, however they depend on each other (Holm, A Simple Sequentially Rejective
Multiple Test Procedure, Scandinavian Journal of Statistics 6, 1979).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from allotment.quantities import Floats


def holm(p_values: ArrayLike) -> Floats:
    """Return the adjusted p-values, in the order of those given."""
    given = np.asarray(p_values, dtype=np.float64)
    if given.ndim != 1 or not ((given >= 0.0) & (given <= 1.0)).all():
        raise ValueError(f"p-values must be a row of numbers from 0 to 1, not {given}")
    order = np.argsort(given, kind="stable")
    factors = np.arange(given.size, 0, -1)
    adjusted = np.empty_like(given)
    adjusted[order] = np.minimum(np.maximum.accumulate(factors * given[order]), 1.0)
    return adjusted
