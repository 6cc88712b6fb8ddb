"""The best allocation by linear programming: the most value, commitments kept as far as supply allows.

    maximise    sum over options of value × units
    subject to  claims:       units of a claim <= wanted
                commitments:  units of a claim + shortfall >= committed
                pools:        what is drawn on a pool up to each date <= what has become available by then
                limits:       units that a limit counts <= capacity

The sum of shortfalls is minimised first and the value then, with no larger sum. Of plans of one value an earlier one is
taken: a date later costs a millionth of the largest value. The constraints of one SKU are those of a network flow, so that
the program's vertices are whole; where they are not (SKUs that share carriers, smallest shipments) the same program is
solved in integers. Solvers: SciPy's HiGHS, by interior point with crossover to a vertex, which is three to five times as fast
here as its simplex.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from allotment.allocation.day import ROUNDING, Day, Flags, Floats, Integers
from allotment.allocation.projection import project

PATIENCE = 60.0  # seconds for a program in integers
FRACTION = 1e-6  # units by which a whole number may be missed
LATER = 1e-6  # of the largest value that a date later costs


class _Model(NamedTuple):
    """Minimise cost @ x subject to matrix @ x <= bound, 0 <= x <= upper; columns are draws, then what else there is."""

    cost: Floats
    matrix: sparse.csr_array
    bound: Floats
    upper: Floats
    integer: Flags


class _Draws(NamedTuple):
    """The columns of the program: one for each pool of each option that may be used."""

    option: Integers
    draw: Integers
    pool: Integers
    claim: Integers


def optimal(day: Day, patience: float = PATIENCE) -> Floats:
    """Return drawn units (O, D) of the most value.

    A program in integers that takes more than `patience` seconds is stopped, and a `RuntimeWarning` says how far from the
    best its allocation may be. Raises `RuntimeError` where the solver fails.
    """
    draws = _draws(day)
    if len(draws.option) == 0:
        return np.zeros(day.options.pools.shape)
    base = _allocation(day, draws)
    if day.claims.committed.any():
        base = _with_commitments(day, draws, base, patience)
    units = _solve(base, day.whole, patience)[: len(draws.option)]
    drawn = np.zeros(day.options.pools.shape)
    drawn[draws.option, draws.draw] = np.rint(units) if day.whole else units
    return drawn if day.whole else _within_tolerance(day, drawn)


def _draws(day: Day) -> _Draws:
    stocked = np.append(day.pools.supply.any(axis=1), False)
    option, draw = np.nonzero(stocked[day.options.pools] & day.usable[:, None])
    return _Draws(option, draw, day.options.pools[option, draw], day.options.claim[option])


def _allocation(day: Day, draws: _Draws) -> _Model:
    """Return the program without commitments; its first rows are the claims'."""
    size, options = len(draws.option), day.options
    rows = [_rows(draws.claim, np.arange(size), len(day.claims.wanted), size), *_pool_rows(day, draws)]
    bounds = [day.claims.wanted, *np.cumsum(day.pools.supply, axis=1).T]
    finite = np.flatnonzero(np.isfinite(day.capacity))
    for limits in options.limits.T:
        counted = limits[draws.option]
        column = np.flatnonzero(counted >= 0)
        rows.append(_rows(counted[column], column, len(day.capacity), size)[finite])
        bounds.append(day.capacity[finite])
    later = LATER * np.abs(options.value).max() * options.date
    cost = (later - options.value)[draws.option]
    upper = day.claims.wanted[draws.claim]
    model = _Model(cost, sparse.vstack(rows, format="csr"), np.concatenate(bounds), upper, np.zeros(size, dtype=bool))
    return _with_minimums(day, draws, model)


def _rows(row: Integers, column: Integers, rows: int, columns: int) -> sparse.csr_array:
    """Return a matrix with ones at the places given."""
    return sparse.csr_array((np.ones(len(row)), (row, column)), shape=(rows, columns))


def _pool_rows(day: Day, draws: _Draws) -> list[sparse.csr_array]:
    """Return for each date the rows that sum what is drawn on each pool up to that date."""
    pools, dates = day.pools.supply.shape
    drawn_by = [np.flatnonzero(day.options.date[draws.option] <= date) for date in range(dates)]
    return [_rows(draws.pool[columns], columns, pools, len(draws.option)) for columns in drawn_by]


def _with_minimums(day: Day, draws: _Draws, model: _Model) -> _Model:
    """Add, for options with a smallest shipment, whether they ship at all: minimum × ships <= units <= wanted × ships."""
    claim = day.options.claim
    bound = (day.claims.minimum > ROUNDING + day.whole)[claim] & day.usable
    options = np.flatnonzero(bound)
    if not len(options):
        return model
    place = np.full(len(claim), -1)
    place[options] = np.arange(len(options))
    column = np.flatnonzero(bound[draws.option])
    units = _rows(place[draws.option[column]], column, len(options), len(draws.option))
    least, most = day.claims.minimum[claim[options]], day.claims.wanted[claim[options]]
    extra = [[model.matrix, None], [-units, sparse.diags_array(least)], [units, sparse.diags_array(-most)]]
    return _Model(
        cost=np.append(model.cost, np.zeros(len(options))),
        matrix=sparse.csr_array(sparse.block_array(extra)),
        bound=np.append(model.bound, np.zeros(2 * len(options))),
        upper=np.append(model.upper, np.ones(len(options))),
        integer=np.append(model.integer, np.ones(len(options), dtype=bool)),
    )


def _with_commitments(day: Day, draws: _Draws, model: _Model, patience: float) -> _Model:
    """Add commitments with shortfalls whose sum is as small as can be."""
    claims = np.flatnonzero(day.claims.committed)
    columns = model.matrix.shape[1]
    units = model.matrix[claims]  # of the claims; smallest shipments have no part in these rows
    short = sparse.eye_array(len(claims))
    promised = _Model(
        cost=np.append(np.zeros(columns), np.ones(len(claims))),
        matrix=sparse.csr_array(sparse.block_array([[model.matrix, None], [-units, -short]])),
        bound=np.append(model.bound, -day.claims.committed[claims]),
        upper=np.append(model.upper, day.claims.committed[claims]),
        integer=np.append(model.integer, np.zeros(len(claims), dtype=bool)),
    )
    least = _solve(promised, day.whole, patience)[columns:].sum()
    total = np.append(np.zeros(columns), np.ones(len(claims)))[None, :]
    return promised._replace(
        cost=np.append(model.cost, np.zeros(len(claims))),
        matrix=sparse.csr_array(sparse.vstack([promised.matrix, sparse.csr_array(total)])),
        bound=np.append(promised.bound, np.rint(least) if day.whole else least + ROUNDING),
    )


def _solve(model: _Model, whole: bool, patience: float) -> Floats:
    """Return the best x; where units are whole and the program's vertex is not, that of the program in integers."""
    if not model.integer.any():
        bounds = np.column_stack([np.zeros(len(model.upper)), model.upper])
        found = linprog(model.cost, A_ub=model.matrix, b_ub=model.bound, bounds=bounds, method="highs-ipm")
        if found.status != 0:
            raise RuntimeError(f"the linear program was not solved: {found.message}")
        if not whole or np.abs(found.x - np.rint(found.x)).max() < FRACTION:
            return found.x
    integer = np.ones(len(model.cost)) if whole else model.integer
    constraints = LinearConstraint(model.matrix, -np.inf, model.bound)
    options = {"time_limit": patience, "mip_rel_gap": 0.0}
    found = milp(model.cost, integrality=integer, bounds=Bounds(0.0, model.upper), constraints=constraints, options=options)
    if found.x is None:
        raise RuntimeError(f"the program in integers was not solved: {found.message}")
    if found.status == 1:
        gap = f"stopped after {patience:g} s, at most {found.mip_gap:.2%} from the best"
        warnings.warn(f"the program in integers was {gap}", RuntimeWarning, stacklevel=3)
    return found.x


def _within_tolerance(day: Day, drawn: Floats) -> Floats:
    """Take back what the solver's tolerance let exceed a limit."""
    return project(day, np.where(drawn > ROUNDING, drawn, 0.0).sum(axis=1)).drawn
