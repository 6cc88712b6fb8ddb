"""From a requested allocation to a possible one: whatever is asked for, what comes out can be shipped.

Requests may be anything that a network puts out: not a number, negative, infinite, far more than there is. They are cut in
this order, each cut with its reason, and never raised:

1. what is no number or negative becomes 0; in whole units, the rest is rounded to the nearest;
2. options that are blocked (no lane leads there, a deadline) ship nothing;
3. a claim gets no more than it wants;
4. no limit (a carrier's, a site's) is exceeded;
5. no pool gives more than it has and than promises for later dates leave; what is reserved for a claim comes first;
6. a shipment below its claim's minimum is left out, and its units stay where they are.

Where several requests exceed one limit they share it in proportion to what they still request (`sharing`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from allotment.allocation.day import ROUNDING, Codes, Day, Floats, reason, total_by
from allotment.allocation.promise import look_ahead
from allotment.allocation.remaining import Remaining
from allotment.allocation.reserved import kept_for_others
from allotment.allocation.sharing import share


class Projection(NamedTuple):
    """A possible allocation, and why it is less than was requested."""

    drawn: Floats  # (O, D) units that options draw on their pools
    reasons: Codes  # (O,) of the last cut, 0 where none was made

    @property
    def units(self) -> Floats:
        """Return the units that options ship (O,)."""
        return self.drawn.sum(axis=1)


def project(day: Day, requested: Floats) -> Projection:
    """Return what can be shipped of the units requested of each option (O,), by the cuts above."""
    return cut(Remaining(day), requested)


def cut(left: Remaining, requested: Floats, weight: Floats | None = None) -> Projection:
    """Cut requests (O,) to what is left of a day, which stays as it is; shares follow `weight` (C,) where it is given."""
    day, options = left.day, left.day.options
    weights = None if weight is None else weight[options.claim]
    asked = np.nan_to_num(requested, nan=0.0, posinf=np.finfo(float).max, neginf=0.0)
    units = np.minimum(np.maximum(asked, 0.0), left.wants.sum() + 1.0)  # more than everything is as good as infinite
    units = np.floor(units + 0.5) if day.whole else units
    reasons = np.where(np.isnan(requested) | (requested < 0.0), reason("invalid"), 0).astype(np.int8)

    fewer = np.where(day.usable, units, 0.0)
    reasons[fewer < units] = options.blocked[fewer < units]
    units = fewer

    fewer = share(units, options.claim, left.wants, day.whole, weights)
    reasons[fewer < units - ROUNDING] = reason("unwanted")
    units = fewer

    fewer = _within_limits(left, units, weights)
    reasons[fewer < units - ROUNDING] = reason("capacity")
    units = fewer

    drawn, available = _from_pools(left, units, weights)
    short = drawn.sum(axis=1) < units - ROUNDING
    kept = kept_for_others(day, available)
    reasons[short] = np.where(kept[short], reason("reserved"), reason("no_stock"))

    units = drawn.sum(axis=1)
    small = (units > 0.0) & (units + left.drawn.sum(axis=1) < day.claims.minimum[options.claim] - ROUNDING)
    reasons[small] = reason("minimum")
    return Projection(np.where(small[:, None], 0.0, drawn), reasons)


def _within_limits(left: Remaining, units: Floats, weights: Floats | None) -> Floats:
    for limits in left.day.options.limits.T:
        units = share(units, np.where(limits < 0, len(left.room) - 1, limits), left.room, left.day.whole, weights)
    return units


def _from_pools(left: Remaining, units: Floats, weights: Floats | None) -> tuple[Floats, Floats]:
    """Return what options draw (O, D), date by date and pool by pool, and what may then be drawn on pools (N + 1, T)."""
    options, unpromised = left.day.options, left.unpromised.copy()
    drawn, pools = np.zeros_like(left.drawn), len(unpromised) - 1
    for date in range(unpromised.shape[1]):
        chosen = np.flatnonzero((options.date == date) & (units > 0.0))
        stock, lacking = np.maximum(look_ahead(unpromised)[:, date], 0.0), units[chosen]
        for draw in range(drawn.shape[1]):
            pool = options.pools[chosen, draw]
            pool = np.where(pool < 0, pools, pool)
            part = share(lacking, pool, stock, left.day.whole, None if weights is None else weights[chosen])
            drawn[chosen, draw] = part
            lacking = lacking - part
            taken = total_by(pool, part, pools + 1)
            stock = np.maximum(stock - taken, 0.0)
            unpromised[:, date:] -= taken[:, None]
    return drawn, np.maximum(look_ahead(unpromised), 0.0)
