"""The newsvendor under a budget: quantities whose last unit of money returns equally much everywhere.

An item of price p and cost c is worth ordering up to the q at which P(demand ≤ q) = (p − c (1 + λ)) ÷ p. The multiplier λ ≥ 0
is what one more unit of money would earn; it is the least at which the quantities cost no more than the budget (Hadley and
Whitin 1963, Analysis of Inventory Systems, 6-3).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from allotment.scenario.problem import Floats

EXACT = 1e-14  # of the multiplier, absolute


class Items(NamedTuple):
    """Items with normal demand in one season, all (n,)."""

    price: Floats  # money/unit
    cost: Floats  # money/unit
    mean: Floats  # units
    deviation: Floats  # units


def equal_marginal_return(
    price: ArrayLike, cost: ArrayLike, mean: ArrayLike, deviation: ArrayLike, budget: float
) -> tuple[Floats, float]:
    """Return quantities (n,) in units and the multiplier, for normal demand that is sold or lost; what is left has no value.

    Price and cost (n,) are money a unit, mean and deviation (n,) units, the budget money. Raises `ValueError` where one of them
    is not a number, a cost is not above 0, or another is negative.
    """
    from scipy.optimize import brentq

    items = _checked(price=price, cost=cost, mean=mean, deviation=deviation)
    (limit,) = _numbers("budget", budget)

    def overspent(multiplier: float) -> float:
        return float((items.cost * _quantities(items, multiplier)).sum() - limit)

    dearest = max(float((items.price / items.cost - 1.0).max()), 0.0)  # at which nothing is worth its money
    multiplier = 0.0 if overspent(0.0) <= 0.0 else float(brentq(overspent, 0.0, dearest, xtol=EXACT))
    return _quantities(items, multiplier), multiplier


def expected_profit(price: ArrayLike, cost: ArrayLike, mean: ArrayLike, deviation: ArrayLike, quantities: ArrayLike) -> float:
    """Return the expected profit of quantities (n,) under normal demand, in money; the items as in `equal_marginal_return`."""
    from scipy.special import ndtr

    items, ordered = _checked(price=price, cost=cost, mean=mean, deviation=deviation), _numbers("quantities", quantities)
    factor = (ordered - items.mean) / np.maximum(items.deviation, 1e-300)
    left = items.deviation * (factor * ndtr(factor) + np.exp(-0.5 * factor**2) / np.sqrt(2.0 * np.pi))
    return float((items.price * (ordered - left) - items.cost * ordered).sum())


def _quantities(items: Items, multiplier: float) -> Floats:
    from scipy.special import ndtri

    ratio = 1.0 - items.cost * (1.0 + multiplier) / np.maximum(items.price, 1e-300)
    level = items.mean + ndtri(np.clip(ratio, 1e-300, 1.0)) * items.deviation
    return np.where(ratio > 0.0, np.maximum(level, 0.0), 0.0)


def _checked(**given: ArrayLike) -> Items:
    items = Items(*np.broadcast_arrays(*(_numbers(name, values) for name, values in given.items())))
    if not (items.cost > 0.0).all():
        raise ValueError(f"cost must be > 0, not {given['cost']!r}")
    return items


def _numbers(name: str, given: ArrayLike) -> Floats:
    numbers = np.atleast_1d(np.asarray(given, dtype=float))
    if not (np.isfinite(numbers) & (numbers >= 0.0)).all():
        raise ValueError(f"{name} must be >= 0, not {given!r}")
    return numbers
