"""The purchase plan: which suppliers' offers cover what is short, in time and at the least spend.

    first  maximise  the units of needs that are covered by offers which arrive in time
    then   minimise  the sum over offers of unit cost × units bought, covering no less

An offer is bought up to its capacity, and either not at all or at its minimum at least; units bought beyond what is needed, to
reach a minimum, are spare. Solved as a program in integers by SciPy's HiGHS.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from allotment.allocation.day import ROUNDING, Flags, Floats, exceeds

RESIDUE = 1e-6  # units that the solver may leave uncovered
SLACK = 1e-9  # of all units that can be covered, by which the cheapest purchase may cover fewer


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
    """Return the purchase for units `needed` (needs,); `in_time` (offers, needs) tells which offer can serve which need."""
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
    spend = np.concatenate([np.zeros(pairs), offers.unit_cost, np.zeros(count)])
    limits = [LinearConstraint(matrix, -np.inf, bound)]
    reached = _best(-coverage, integer, upper, limits) @ coverage
    reached = np.rint(reached) if whole else reached * (1.0 - SLACK)
    found = _best(spend, integer, upper, [*limits, LinearConstraint(coverage, reached, np.inf)])
    found = np.rint(found) if whole else found
    covered = np.zeros(in_time.shape)
    covered[offer, need] = found[:pairs]
    if not whole:
        _cover_residues(covered, needed, offers.capacity)
    used = covered.sum(axis=1)
    return Purchase(np.where(used > ROUNDING, np.maximum(used, offers.minimum), 0.0), covered)


def _cover_residues(covered: Floats, needed: Floats, capacity: Floats) -> None:
    """Give needs what the solver's tolerance left of them, from the offer that covers most of each."""
    lacking = needed - covered.sum(axis=0)
    for need in np.flatnonzero((lacking != 0.0) & (np.abs(lacking) <= RESIDUE + 2.0 * SLACK * needed.sum())):
        offer = int(np.argmax(covered[:, need]))
        if covered[offer, need] > 0.0 and not exceeds(covered[offer].sum() + lacking[need], capacity[offer]):
            covered[offer, need] += lacking[need]


def _best(cost: Floats, integer: Floats, upper: Floats, limits: list[LinearConstraint]) -> Floats:
    """Return the x from 0 to `upper` of the least cost within the limits."""
    options = {"mip_rel_gap": 0.0}
    found = milp(cost, integrality=integer, bounds=Bounds(0.0, upper), constraints=limits, options=options)
    if found.x is None:
        raise RuntimeError(f"the purchase plan was not solved: {found.message}")
    return found.x
