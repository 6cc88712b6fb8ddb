"""Re-allocation of confirmed orders when supply has changed: what each may gain or lose is its strategy.

    win           gets all it requested
    gain          keeps at least what is confirmed, and gets more where it can
    redistribute  gets anything from nothing to all it requested
    fill          gets at most what is confirmed
    lose          gets nothing, even if stock is left

First come the guarantees of win and gain, then the rest in the order above; within a strategy claims come by priority, then
order day. Where the guarantees cannot be kept at all, nothing is allocated.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from allotment.allocation.day import Day, Floats, Integers, exceeds, settled
from allotment.allocation.filling import fill
from allotment.allocation.program import optimal
from allotment.allocation.sequences import claim_by_claim

STRATEGIES = ("win", "gain", "redistribute", "fill", "lose")
WIN, GAIN, REDISTRIBUTE, FILL, LOSE = range(len(STRATEGIES))


class BrokenGuarantee(ValueError):
    """Claims that must get more than there is: their places, in the order in which they were served."""

    def __init__(self, claims: list[int], units: list[float]) -> None:
        super().__init__(f"supply falls short of what is guaranteed to claims {claims}, by {units} units")
        self.claims = claims
        self.units = units


def reallocate(day: Day, confirmed: Floats, strategy: Integers) -> Floats:
    """Return drawn units (O, D) for claims with units `confirmed` (C,) and a `strategy` (C,), a place in `STRATEGIES`.

    Raises `BrokenGuarantee` where supply is too short for all winners and the confirmations of all gainers.
    """
    wanted = day.claims.wanted
    kept = np.minimum(confirmed, wanted)
    order = claim_by_claim(day, strategy.astype(float), day.claims.priority, day.claims.ordered)
    guaranteed = np.where(strategy == WIN, wanted, np.where(strategy == GAIN, kept, 0.0))
    drawn = _guarantees(day, order, guaranteed)
    most = np.select([strategy <= REDISTRIBUTE, strategy == FILL], [wanted, kept], 0.0)
    return fill(day, order, drawn, most)


def _guarantees(day: Day, order: Integers, guaranteed: Floats) -> Floats:
    """Serve the guarantees one by one; where that fails, look for any way to keep them before giving up."""
    drawn = fill(day, order, None, guaranteed)
    short = settled(guaranteed - day.served(drawn), guaranteed, day.whole)
    if short.any():
        bound = replace(day, claims=day.claims._replace(wanted=guaranteed, committed=guaranteed))
        drawn = optimal(bound)
        if exceeds(guaranteed, day.served(drawn), day.whole).any():
            places = list(dict.fromkeys(day.options.claim[order].tolist()))
            missing = [place for place in places if short[place]]
            missing += [int(place) for place in np.flatnonzero(short) if place not in places]
            raise BrokenGuarantee(missing, [float(short[place]) for place in missing])
    return drawn
