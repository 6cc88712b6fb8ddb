"""Fair share: sites that are short give to everyone who asks in proportion to weights.

Every claim asks its best option for all that it lacks (what ships earlier, and of that the most valuable). What is asked of a
site beyond its stock, or of a carrier beyond its capacity, is shared by the claims' weights, usually what they want. Who got
less then asks its next best option, until nobody has one; single units that rounding and cuts leave go first come.
"""

from __future__ import annotations

import numpy as np

from allotment.allocation.day import Day, Floats, Integers
from allotment.allocation.filling import fill
from allotment.allocation.projection import cut
from allotment.allocation.remaining import Remaining
from allotment.allocation.sequences import claim_by_claim


def fair(day: Day) -> Floats:
    """Return drawn units (O, D) where each site shares what it has in proportion."""
    order = claim_by_claim(day, day.claims.ordered)
    left, unasked = Remaining(day), order[day.usable[order]]
    while len(unasked):
        unasked = unasked[left.open(unasked)]
        asked = _first_of_each(day, unasked)
        requests = np.zeros(len(day.options.claim))
        requests[unasked[asked]] = left.wants[day.options.claim[unasked[asked]]]
        left.ship(cut(left, requests, day.claims.weight).drawn)
        unasked = np.delete(unasked, asked)
    return fill(day, order, left.drawn)


def _first_of_each(day: Day, options: Integers) -> Integers:
    """Return the places of the first option of each claim in `options` (n,), which lists those of a claim together."""
    return np.flatnonzero(np.diff(day.options.claim[options], prepend=-1))
