"""Solving programmes whose numbers are of any size, and proving how good an answer is.

The solver, SciPy's HiGHS, works to fixed tolerances, whatever its numbers mean. So costs are scaled to at most `DEAREST`, and
quantities are counted in units so large that none is more than `LARGEST`. What this leaves is looked for again around the
answer, in smaller units and only as far as they reach, until a unit is one: a programme that is convex has no better answer far
away where it has none nearby. Dual prices bound what any answer costs, whatever the solver says of its own (weak duality): an
answer is proven where it costs no more than that but for rounding error.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from allotment.allocation.constraints import Model
from allotment.allocation.day import ROUNDING, Floats

LARGEST = 2.0**14  # units that a programme counts; more are counted in larger ones
FINEST = 2.0**-30  # the smallest unit
EXACT = 1e-13  # of a sum, by which numbers of 64 bits may miss it
METHODS, MANY = ("highs-ipm", "highs-ds"), 5_000  # beyond so many columns the first is three to five times as fast here
DEAREST = 1e6  # what a unit costs at most


class Answer(NamedTuple):
    """What is best of a programme, and a proof."""

    x: Floats
    least: float  # no x costs less


class Unsolved(RuntimeError):
    """No answer was found, or not in time."""


class Clock:
    """How many seconds are left."""

    def __init__(self, seconds: float) -> None:
        self.end = time.monotonic() + seconds
        self.ran_out = False  # before an answer was proven

    def left(self) -> float:
        """Return the seconds left; `Unsolved` where there are none."""
        left = self.end - time.monotonic()
        if left <= 0.0:
            raise Unsolved
        return left


def in_fractions(model: Model, clock: Clock, whole: bool = False) -> Answer:
    """Return the best x of a programme of which no column must be whole; near whole numbers where quantities are `whole`."""
    x, least, first = np.clip(0.0, model.lower, model.upper), -np.inf, True
    for unit in units_of(model, whole):
        step, prices = _solved(_around(model, x, unit, math.inf if first else LARGEST), clock)
        x = np.clip(x + unit * step, model.lower, model.upper)
        x = np.rint(x) if whole and unit > 1.0 else x
        least, first = max(least, bound_by(model, prices)), False
        if _keeps(model, x) and float(model.cost @ x) - least <= _error(model, x):
            break
    return Answer(x, least)


def in_integers(model: Model, clock: Clock, start: Floats | None = None, reach: float = math.inf) -> Answer:
    """Return the best x of a programme with whole columns, no further than `reach` from a `start`, and a bound for these.

    Where time runs out it is the best x found; `Unsolved` where there is none.
    """
    scale, start = _scale(model.cost), np.zeros(len(model.cost)) if start is None else start
    near = _around(model, start, 1.0, reach)
    found = milp(
        near.cost * scale,
        integrality=model.integer,
        bounds=Bounds(near.lower, near.upper),
        constraints=LinearConstraint(near.matrix, -np.inf, near.bound),
        options={"time_limit": clock.left(), "mip_rel_gap": 0.0},
    )
    clock.ran_out |= found.status == 1
    if found.x is None:
        raise Unsolved
    bound = found.mip_dual_bound if found.mip_dual_bound is not None else -math.inf
    return Answer(start + found.x, float(model.cost @ start) + bound / scale)


def bound_by(model: Model, prices: Floats) -> float:
    """Return what no x costs less than, by prices <= 0 of the rows."""
    reduced = model.cost - model.matrix.T @ prices
    with np.errstate(invalid="ignore"):
        parts = np.where(reduced > 0.0, reduced * model.lower, np.where(reduced < 0.0, reduced * model.upper, 0.0))
    return math.fsum([*(prices * model.bound), *parts])


def _error(model: Model, x: Floats) -> float:
    """Return what is rounding error in what x costs."""
    dearest = float(np.abs(model.cost).max(initial=0.0))
    return EXACT * float(np.abs(model.cost) @ np.abs(x)) + ROUNDING * dearest


def units_of(model: Model, whole: bool) -> Iterator[float]:
    """Yield the units in which a programme is counted, from the largest to one; powers of two, in which whole numbers stay."""
    most = float(np.abs(np.concatenate([model.upper, model.lower])).max(initial=0.0))
    unit = 2.0 ** math.ceil(math.log2(max(most, LARGEST * (1.0 if whole else FINEST)) / LARGEST))
    while unit > 1.0:
        yield unit
        unit = max(1.0, unit / LARGEST)
    yield unit


def _around(model: Model, x: Floats, unit: float, reach: float) -> Model:
    """Return the programme of how far to go from x, in units, and at most so many."""
    lower, upper = (np.clip((side - x) / unit, -reach, reach) for side in (model.lower, model.upper))
    room = (model.bound - model.matrix @ x) / unit
    most = model.matrix.maximum(0.0) @ upper + model.matrix.minimum(0.0) @ lower  # that a row can sum to
    return model._replace(bound=np.minimum(room, most + 1.0), lower=lower, upper=upper)


def _solved(model: Model, clock: Clock) -> tuple[Floats, Floats]:
    """Return the best x and the prices of the rows: by simplex, or by interior point with crossover where there is much."""
    scale, sides = _scale(model.cost), np.column_stack([model.lower, model.upper])
    for method in METHODS if len(model.cost) > MANY else METHODS[::-1]:
        limit = {"time_limit": clock.left() / (2.0 if method == METHODS[0] else 1.0)}
        found = linprog(model.cost * scale, model.matrix, model.bound, bounds=sides, method=method, options=limit)
        if found.status == 0:
            return found.x, np.minimum(found.ineqlin.marginals, 0.0) / scale
    raise Unsolved


def _scale(cost: Floats) -> float:
    """Return by what costs are multiplied."""
    return DEAREST / (float(np.abs(cost).max(initial=0.0)) or 1.0)


def _keeps(model: Model, x: Floats) -> bool:
    room = model.bound - model.matrix @ x
    return bool((room >= -ROUNDING * np.maximum(1.0, np.abs(model.bound))).all())
