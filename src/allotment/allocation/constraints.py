"""An allocation as a linear programme in matrices: which columns there are, what they cost, and what bounds their sums.

Columns are draws, one for each pool of each option that may be used; then, where claims have a smallest shipment, whether an
option ships at all. The first rows are the claims'.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse

from allotment.allocation.day import ROUNDING, Day, Flags, Floats, Integers, exceeds, total_by, whole_part

LATER = 1e-6  # of an option's value (of the smallest of all where it has none) that a date later costs


class Model(NamedTuple):
    """Minimise cost @ x subject to matrix @ x <= bound, lower <= x <= upper."""

    cost: Floats
    matrix: sparse.csr_array
    bound: Floats
    lower: Floats
    upper: Floats
    integer: Flags  # columns that are whole


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
    capacity = whole_part(day.capacity) if day.whole else day.capacity
    finite = np.flatnonzero(np.isfinite(day.capacity))
    for limits in options.limits.T:
        counted = limits[draws.option]
        column = np.flatnonzero(counted >= 0)
        rows.append(_rows(counted[column], column, len(day.capacity), size)[finite])
        bounds.append(capacity[finite])
    cost = _costs(options.value[draws.option], options.date[draws.option])
    matrix = sparse.csr_array(sparse.vstack(rows))
    return Model(cost, matrix, np.concatenate(bounds), np.zeros(size), most_of(day, draws), np.full(size, day.whole))


def _costs(value: Floats, date: Integers) -> Floats:
    """Return what a unit costs in each column: less than nothing what it is worth, and a little for a date later."""
    worth = np.abs(value)
    smallest = worth.min(initial=np.inf, where=worth > 0.0)
    return LATER * date * np.where(worth > 0.0, worth, smallest if np.isfinite(smallest) else 1.0) - value


def most_of(day: Day, draws: Draws) -> Floats:
    """Return the most that each column may hold, by itself: what is wanted, there by its date, and within each limit.

    It is nothing for an option that cannot reach its smallest shipment.
    """
    there = np.cumsum(day.pools.supply, axis=1)[draws.pool, day.options.date[draws.option]]
    room = np.append(day.capacity, np.inf)[day.options.limits[draws.option]].min(axis=1, initial=np.inf)
    most = np.minimum(np.minimum(day.claims.wanted[draws.claim], there), room)
    together = total_by(draws.option, there, len(day.options.claim))[draws.option]
    reached = np.minimum(np.minimum(day.claims.wanted[draws.claim], together), room)
    most = np.where(exceeds(day.claims.minimum[draws.claim], reached, day.whole), 0.0, most)
    return whole_part(most) if day.whole else most


def _rows(row: Integers, column: Integers, rows: int, columns: int) -> sparse.csr_array:
    """Return a matrix with ones at the places given."""
    return sparse.csr_array((np.ones(len(row)), (row, column)), shape=(rows, columns))


def _pool_rows(day: Day, draws: Draws) -> list[sparse.csr_array]:
    """Return for each date the rows that sum what is drawn on each pool up to that date."""
    pools, dates = day.pools.supply.shape
    drawn_by = [np.flatnonzero(day.options.date[draws.option] <= date) for date in range(dates)]
    return [_rows(draws.pool[columns], columns, pools, len(draws.option)) for columns in drawn_by]


def with_minimums(day: Day, draws: Draws, model: Model) -> Model:
    """Add, for options with a smallest shipment, whether they ship at all: minimum × ships <= units <= most × ships."""
    options, units = _bound(day, draws, model)
    if not len(options):
        return model
    least = day.claims.minimum[day.options.claim[options]]
    most = units @ model.upper
    extra = [[model.matrix, None], [-units, sparse.diags_array(least)], [units, sparse.diags_array(-most)]]
    return Model(
        cost=np.append(model.cost, np.zeros(len(options))),
        matrix=sparse.csr_array(sparse.block_array(extra)),
        bound=np.append(model.bound, np.zeros(2 * len(options))),
        lower=np.append(model.lower, np.zeros(len(options))),
        upper=np.append(model.upper, np.ones(len(options))),
        integer=np.append(model.integer, np.ones(len(options), dtype=bool)),
    )


def with_shipments(day: Day, draws: Draws, model: Model, ships: Flags) -> Model:
    """Say which options (O,) ship: of those with a smallest shipment these ship as much at least, and the others nothing."""
    options, units = _bound(day, draws, model)
    chosen = ships[options]
    least = day.claims.minimum[day.options.claim[options]][chosen]
    kept = ships | ~np.isin(np.arange(len(ships)), options)
    return model._replace(
        matrix=sparse.csr_array(sparse.vstack([model.matrix, -units[chosen]])),
        bound=np.append(model.bound, -least),
        upper=np.where(kept[draws.option], model.upper, 0.0),
    )


def _bound(day: Day, draws: Draws, model: Model) -> tuple[Integers, sparse.csr_array]:
    """Return the options that have a smallest shipment and can ship (n,), and what sums their columns (n, columns)."""
    bound = (day.claims.minimum > ROUNDING + day.whole)[day.options.claim]
    bound &= total_by(draws.option, model.upper, len(bound)) > 0.0
    options = np.flatnonzero(bound)
    place = np.full(len(bound), -1)
    place[options] = np.arange(len(options))
    column = np.flatnonzero(bound[draws.option])
    return options, _rows(place[draws.option[column]], column, len(options), len(draws.option))


def with_shortfalls(day: Day, model: Model) -> Model:
    """Add the units by which each commitment falls short, last, and let their sum be all that costs anything."""
    claims = np.flatnonzero(day.claims.committed)
    units = model.matrix[claims]  # the rows of the claims, which sum what they get
    return Model(
        cost=np.append(np.zeros(len(model.cost)), np.ones(len(claims))),
        matrix=sparse.csr_array(sparse.block_array([[model.matrix, None], [-units, -sparse.eye_array(len(claims))]])),
        bound=np.append(model.bound, -day.claims.committed[claims]),
        lower=np.append(model.lower, np.zeros(len(claims))),
        upper=np.append(model.upper, day.claims.committed[claims]),
        integer=np.append(model.integer, np.full(len(claims), day.whole)),
    )


def kept_within(model: Model, most: float, cost: Floats) -> Model:
    """Keep what a programme costs within `most`, and let the first columns cost something else instead."""
    return model._replace(
        cost=np.append(cost, np.zeros(len(model.cost) - len(cost))),
        matrix=sparse.csr_array(sparse.vstack([model.matrix, sparse.csr_array(model.cost[None, :])])),
        bound=np.append(model.bound, most),
    )
