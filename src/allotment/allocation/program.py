"""The best allocation by linear programming: the most value, commitments kept as far as supply allows.

    maximise    sum over options of value × units
    subject to  claims:       units of a claim <= wanted
                commitments:  units of a claim + shortfall >= committed
                pools:        what is drawn on a pool up to each date <= what has become available by then
                limits:       units that a limit counts <= capacity

The sum of shortfalls is minimised first and the value then, with no larger sum. Of plans of one value an earlier one is
taken: a date later costs a millionth of the largest value. The constraints of one SKU are those of a network flow, so that
the programme's vertices are whole; where they are not (SKUs that share carriers), or a shipment is below its minimum, the
same programme is solved in integers. Solvers: SciPy's HiGHS, by interior point with crossover to a vertex, which is three to
five times as fast here as its simplex.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from allotment.allocation.constraints import Model, draws_of, kept_within, model_of, with_minimums, with_shortfalls
from allotment.allocation.day import Day, Floats
from allotment.allocation.filling import fill
from allotment.allocation.ordering import order_by
from allotment.allocation.projection import project

PATIENCE = 20.0  # seconds for programmes in integers
TOLERANCE = 1e-7  # units by which the solver may miss a bound
LARGEST = 1e4  # units that a programme in fractions counts; more are counted in larger ones
FRACTION = 1e-6  # units by which a whole number may be missed


def optimal(day: Day, patience: float = PATIENCE) -> Floats:
    """Return drawn units (O, D) of the most value.

    Where the programme in integers is not solved within `patience` seconds, the better of what it found and of a rounded
    solution in fractions is returned, with a `RuntimeWarning` that says what the latter was worth. Raises `RuntimeError` where
    the solver fails.
    """
    draws = draws_of(day)
    if len(draws.option) == 0:
        return np.zeros(day.options.pools.shape)
    scale = 1.0 if day.whole else max(float(day.claims.wanted.max()), float(day.pools.supply.max())) / LARGEST
    if scale > 1.0:
        return _filled_up(day, project(day, scale * optimal(_scaled(day, scale), patience).sum(axis=1)).drawn)
    model = model_of(day, draws)
    relaxed = draws.placed(day, _lexicographic(day, model, _in_fractions))
    if _keeps_minimums(day, relaxed) and (_is_whole(relaxed) or not day.whole):
        return _cleaned(day, relaxed)
    integers = _Integers(day.whole, patience / (2 if day.claims.committed.any() else 1))
    found = _cleaned(day, draws.placed(day, _lexicographic(day, with_minimums(day, draws, model), integers.solve)))
    if not integers.stopped:
        return found
    reached = f"in fractions, without smallest shipments, {day.value_of(relaxed):,.2f} can be reached"
    warnings.warn(f"the programme in integers was stopped after {patience:g} s; {reached}", RuntimeWarning, stacklevel=2)
    return max(found, _rounded(day, relaxed), key=lambda drawn: (-_shortfall(day, drawn), day.value_of(drawn)))


def _scaled(day: Day, scale: float) -> Day:
    """Return the day in units so many times as large, in which the solver can tell its tolerance from a quantity."""
    claims, pools = day.claims, day.pools
    parts = {name: getattr(claims, name) / scale for name in ("wanted", "committed", "minimum")}
    return replace(
        day,
        claims=claims._replace(**parts),
        pools=pools._replace(supply=pools.supply / scale),
        capacity=day.capacity / scale,
    )


def _lexicographic(day: Day, model: Model, solve: Callable[[Model], Floats]) -> Floats:
    """Return the best x of a programme: with the least shortfall of commitments, and of these of the most value."""
    if not day.claims.committed.any():
        return solve(model)
    promised = with_shortfalls(day, model)
    least = float(promised.cost @ solve(promised))
    return solve(kept_within(promised, least + TOLERANCE, model.cost))


def _in_fractions(model: Model) -> Floats:
    """Return the best x."""
    bounds = np.column_stack([np.zeros(len(model.upper)), model.upper])
    for method in ("highs-ipm", "highs-ds"):  # where the faster one does not get on, the simplex does
        limit = {"time_limit": PATIENCE}
        found = linprog(model.cost, A_ub=model.matrix, b_ub=model.bound, bounds=bounds, method=method, options=limit)
        if found.status == 0:
            break
    if found.status != 0:
        raise RuntimeError(f"the linear programme was not solved: {found.message}")
    return found.x


class _Integers:
    """Solves programmes in integers, and remembers whether it had to stop before the best was found."""

    def __init__(self, whole: bool, patience: float) -> None:
        self.whole = whole
        self.patience = patience
        self.stopped = False

    def solve(self, model: Model) -> Floats:
        """Return the best x found; zeros where none was found in time, which stand for shipping nothing."""
        found = milp(
            model.cost,
            integrality=np.ones(len(model.cost)) if self.whole else model.integer,
            bounds=Bounds(0.0, model.upper),
            constraints=LinearConstraint(model.matrix, -np.inf, model.bound),
            options={"time_limit": self.patience, "mip_rel_gap": 0.0},
        )
        if found.status not in (0, 1):
            raise RuntimeError(f"the programme in integers was not solved: {found.message}")
        self.stopped |= found.status == 1
        return np.zeros(len(model.cost)) if found.x is None else found.x


def _cleaned(day: Day, drawn: Floats) -> Floats:
    """Return whole units as such; of others, take back what exceeds limits by the solver's tolerance and give what is left."""
    if day.whole:
        return np.rint(drawn)
    return _filled_up(day, project(day, np.where(drawn > FRACTION, drawn, 0.0).sum(axis=1)).drawn)


def _rounded(day: Day, relaxed: Floats) -> Floats:
    """Return a solution in fractions rounded down, without shipments below the minimum, and filled up by falling value."""
    units = relaxed.sum(axis=1)
    return _filled_up(day, project(day, np.floor(units + FRACTION) if day.whole else units).drawn)


def _filled_up(day: Day, drawn: Floats) -> Floats:
    """Give claims what is left, by falling value: first what is committed, then what brings anything."""
    by_value = order_by(-day.options.value)
    drawn = fill(day, by_value, drawn, day.claims.committed)
    return fill(day, by_value[day.options.value[by_value] > 0.0], drawn)


def _is_whole(drawn: Floats) -> bool:
    return bool(np.abs(drawn - np.rint(drawn)).max() < FRACTION)


def _keeps_minimums(day: Day, drawn: Floats) -> bool:
    units = drawn.sum(axis=1)
    return not ((units > FRACTION) & (units < day.claims.minimum[day.options.claim] - FRACTION)).any()


def _shortfall(day: Day, drawn: Floats) -> float:
    return float(np.maximum(day.claims.committed - day.served(drawn), 0.0).sum())
