"""The purchase plan: which suppliers' offers cover what is short, in time and at the least spend.

    first  maximise  the units of needs that are covered by offers which arrive in time
    then   minimise  the sum over offers of unit cost × units bought, covering no less

An offer is bought up to its capacity, and either not at all or at its minimum at least; units bought beyond what is needed, to
reach a minimum, are spare. Solved as a program in integers by SciPy's HiGHS.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from allotment.allocation.day import ROUNDING, Flags, Floats, exceeds

SLACK = 1e-9  # of all units that can be covered, by which the cheapest purchase may cover fewer
LARGEST = 2.0**20  # units that the programme counts; more are counted in larger ones, in fractions
PATIENCE = 20.0  # seconds


class Offers(NamedTuple):
    """What suppliers offer, (offers,) each."""

    unit_cost: Floats  # money/unit
    minimum: Floats  # units
    capacity: Floats  # units; infinite for none


class Purchase(NamedTuple):
    """What is bought and for whom."""

    bought: Floats  # (offers,) units
    covered: Floats  # (offers, needs) units


def cheapest(offers: Offers, needed: Floats, in_time: Flags, whole: bool = True) -> Purchase:
    """Return the purchase for units `needed` (needs,); `in_time` (offers, needs) tells which offer can serve which need.

    Where the programme is not solved, offers are taken by rising cost instead, with a `RuntimeWarning`.
    """
    in_time = in_time & ~exceeds(offers.minimum, offers.capacity, whole)[:, None]
    unit = 2.0 ** max(0.0, np.ceil(np.log2(max(float(needed.sum()), 1.0) / LARGEST)))
    scaled = Offers(offers.unit_cost, offers.minimum / unit, offers.capacity / unit)
    try:
        covered = unit * _programme(scaled, needed / unit, in_time, whole and unit == 1.0)
    except RuntimeError as error:
        warnings.warn(f"{error}; offers are taken by rising cost instead", RuntimeWarning, stacklevel=2)
        covered = np.zeros(in_time.shape)
    covered = np.where(in_time, np.rint(covered) if whole else covered, 0.0)
    _cut(covered, offers.capacity)
    _cut(covered.T, needed)
    _complete(covered, offers, needed, in_time)
    used = covered.sum(axis=1)
    return Purchase(np.where(used > ROUNDING, np.maximum(used, offers.minimum), 0.0), covered)


def _programme(offers: Offers, needed: Floats, in_time: Flags, whole: bool) -> Floats:
    """Return what offers cover of needs (offers, needs), to the precision of the solver."""
    offer, need = np.nonzero(in_time)
    count, pairs = len(offers.unit_cost), len(offer)
    ones = np.ones(pairs)
    most = np.minimum(offers.capacity, np.maximum(needed.sum(), offers.minimum))
    by_need = sparse.csr_array((ones, (need, np.arange(pairs))), shape=(len(needed), pairs))
    by_offer = sparse.csr_array((ones, (offer, np.arange(pairs))), shape=(count, pairs))
    each, none = sparse.eye_array(count), sparse.csr_array((count, pairs))
    matrix = sparse.block_array(
        [
            [by_need, None, None],
            [by_offer, -each, None],  # covered by an offer <= bought of it
            [none, each, sparse.diags_array(-most)],  # bought <= most × whether anything is
            [none, -each, sparse.diags_array(np.minimum(offers.minimum, most))],  # minimum × whether anything is <= bought
        ]
    )
    bound = np.concatenate([needed, np.zeros(3 * count)])
    upper = np.concatenate([needed[need], np.where(offers.minimum > offers.capacity, 0.0, most), np.ones(count)])
    integer = np.concatenate([np.full(pairs + count, float(whole)), np.ones(count)])
    coverage = np.concatenate([ones, np.zeros(2 * count)])
    spend = np.concatenate(
        [np.zeros(pairs), offers.unit_cost / max(float(offers.unit_cost.max(initial=0.0)), 1.0), np.zeros(count)]
    )
    limits = [LinearConstraint(matrix, -np.inf, bound)]
    reached = _best(-coverage, integer, upper, limits) @ coverage
    reached = np.rint(reached) if whole else reached * (1.0 - SLACK)
    covered = np.zeros(in_time.shape)
    covered[offer, need] = _best(spend, integer, upper, [*limits, LinearConstraint(coverage, reached, np.inf)])[:pairs]
    return covered


def _cut(covered: Floats, most: Floats) -> None:
    """Take back, from the largest parts of each row, what exceeds its most by the solver's tolerance."""
    for row in np.flatnonzero(covered.sum(axis=1) > most):
        for part in np.argsort(-covered[row], kind="stable"):
            beyond = covered[row].sum() - most[row]
            covered[row, part] -= min(max(beyond, 0.0), covered[row, part])


def _complete(covered: Floats, offers: Offers, needed: Floats, in_time: Flags) -> None:
    """Give needs what is left of them from what offers have left: those already bought first, then by rising cost."""
    room, lacking = offers.capacity - covered.sum(axis=1), needed - covered.sum(axis=0)
    for need in np.flatnonzero(lacking > 0.0):
        possible = np.flatnonzero(in_time[:, need] & (room > 0.0))
        for offer in possible[np.lexsort((offers.unit_cost[possible], covered[possible].sum(axis=1) == 0.0))]:
            units = min(lacking[need], room[offer])
            covered[offer, need] += units
            room[offer] -= units
            lacking[need] -= units


def _best(cost: Floats, integer: Floats, upper: Floats, limits: list[LinearConstraint]) -> Floats:
    """Return the x from 0 to `upper` of the least cost within the limits; `RuntimeError` where none is found in time."""
    options = {"mip_rel_gap": 0.0, "time_limit": PATIENCE}
    found = milp(cost, integrality=integer, bounds=Bounds(0.0, upper), constraints=limits, options=options)
    if found.x is None:
        raise RuntimeError("the cheapest purchase was not found")
    return found.x
