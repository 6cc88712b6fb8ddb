"""An allocation as a linear programme in matrices: which columns there are, what they cost, and what bounds their sums.

Columns are draws, one for each pool of each option that may be used; then, where claims have a smallest shipment, whether an
option ships at all. The first rows are the claims'.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse

from allotment.allocation.day import ROUNDING, Day, Flags, Floats, Integers

LATER = 1e-6  # of the largest value (of 1 where there is none) that a date later costs


class Model(NamedTuple):
    """Minimise cost @ x subject to matrix @ x <= bound, 0 <= x <= upper."""

    cost: Floats
    matrix: sparse.csr_array
    bound: Floats
    upper: Floats
    integer: Flags  # columns that are whole in any case


class Draws(NamedTuple):
    """What each column draws on (columns,)."""

    option: Integers
    draw: Integers
    pool: Integers
    claim: Integers

    def placed(self, day: Day, units: Floats) -> Floats:
        """Return the first columns of a solution as drawn units (O, D)."""
        drawn = np.zeros(day.options.pools.shape)
        drawn[self.option, self.draw] = units[: len(self.option)]
        return drawn


def draws_of(day: Day) -> Draws:
    """Return the columns: usable options and their pools, without those that will never hold anything."""
    stocked = np.append(day.pools.supply.any(axis=1), False)
    option, draw = np.nonzero(stocked[day.options.pools] & day.usable[:, None])
    return Draws(option, draw, day.options.pools[option, draw], day.options.claim[option])


def model_of(day: Day, draws: Draws) -> Model:
    """Return the programme of the most value, without commitments and smallest shipments."""
    size, options = len(draws.option), day.options
    rows = [_rows(draws.claim, np.arange(size), len(day.claims.wanted), size), *_pool_rows(day, draws)]
    bounds = [day.claims.wanted, *np.cumsum(day.pools.supply, axis=1).T]
    finite = np.flatnonzero(np.isfinite(day.capacity))
    for limits in options.limits.T:
        counted = limits[draws.option]
        column = np.flatnonzero(counted >= 0)
        rows.append(_rows(counted[column], column, len(day.capacity), size)[finite])
        bounds.append(day.capacity[finite])
    later = LATER * (np.abs(options.value).max() or 1.0) * options.date
    cost = (later - options.value)[draws.option]
    upper = day.claims.wanted[draws.claim]
    return Model(cost, sparse.vstack(rows, format="csr"), np.concatenate(bounds), upper, np.zeros(size, dtype=bool))


def _rows(row: Integers, column: Integers, rows: int, columns: int) -> sparse.csr_array:
    """Return a matrix with ones at the places given."""
    return sparse.csr_array((np.ones(len(row)), (row, column)), shape=(rows, columns))


def _pool_rows(day: Day, draws: Draws) -> list[sparse.csr_array]:
    """Return for each date the rows that sum what is drawn on each pool up to that date."""
    pools, dates = day.pools.supply.shape
    drawn_by = [np.flatnonzero(day.options.date[draws.option] <= date) for date in range(dates)]
    return [_rows(draws.pool[columns], columns, pools, len(draws.option)) for columns in drawn_by]


def with_minimums(day: Day, draws: Draws, model: Model) -> Model:
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
    return Model(
        cost=np.append(model.cost, np.zeros(len(options))),
        matrix=sparse.csr_array(sparse.block_array(extra)),
        bound=np.append(model.bound, np.zeros(2 * len(options))),
        upper=np.append(model.upper, np.ones(len(options))),
        integer=np.append(model.integer, np.ones(len(options), dtype=bool)),
    )


def with_shortfalls(day: Day, model: Model) -> Model:
    """Add the units by which each commitment falls short, last, and let their sum be all that costs anything."""
    claims = np.flatnonzero(day.claims.committed)
    units = model.matrix[claims]  # the rows of the claims, which sum what they get
    return Model(
        cost=np.append(np.zeros(len(model.cost)), np.ones(len(claims))),
        matrix=sparse.csr_array(sparse.block_array([[model.matrix, None], [-units, -sparse.eye_array(len(claims))]])),
        bound=np.append(model.bound, -day.claims.committed[claims]),
        upper=np.append(model.upper, day.claims.committed[claims]),
        integer=np.append(model.integer, np.zeros(len(claims), dtype=bool)),
    )


def kept_within(model: Model, most: float, cost: Floats) -> Model:
    """Keep what a programme costs within `most`, and let the first columns cost something else instead."""
    return model._replace(
        cost=np.append(cost, np.zeros(len(model.cost) - len(cost))),
        matrix=sparse.csr_array(sparse.vstack([model.matrix, sparse.csr_array(model.cost[None, :])])),
        bound=np.append(model.bound, most),
    )
