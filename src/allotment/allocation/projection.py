"""From a requested allocation to a possible one: whatever is asked for, what comes out can be shipped.

Requests may be anything that a network puts out: not a number, negative, infinite, far more than there is. They are cut in
this order, each cut with its reason:

1. what is no number or negative becomes 0; in whole units, the rest is rounded to the nearest;
2. options that are blocked (no lane leads there, a deadline) ship nothing;
3. a claim gets no more than it wants, and nobody asks more for it;
4. no pool gives more than it has and than promises for later dates leave; what is reserved for a claim comes first;
5. no limit (a carrier's, a site's) is exceeded; what one cuts is taken off free stock first, then off what is reserved;
6. a shipment below its claim's minimum is left out, and its units stay where they are.

Where several requests exceed one limit they share it in proportion to what they still request (`proportional`).

The engine cuts the allocation of a policy in the same way, in a simulated network as in the plan for a snapshot
(`engine.dynamics.allocation` and, for speed, `engine.kernel.allocation`). A test compares all three, network by network and
unit by unit, in networks where units left over go to the largest remainders and every lane is in time for all of a channel's
orders or for none.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from allotment.allocation.day import Codes, Day, Flags, Floats, reason, rounding_error, total_by
from allotment.allocation.promise import look_ahead
from allotment.allocation.proportional import share
from allotment.allocation.remaining import Remaining
from allotment.allocation.reserved import kept_for_others


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
    day = left.day
    weights = None if weight is None else weight[day.options.claim]
    units = _cleaned(left, requested)
    reasons = np.where(np.isnan(requested) | (requested < 0.0), reason("invalid"), 0)
    for codes, limit in (
        (day.options.blocked, _to_usable),
        (reason("unwanted"), _to_wanted),
    ):
        fewer = limit(left, units, weights)
        reasons = np.where(fewer < units - rounding_error(units, day.whole), codes, reasons)
        units = fewer
    drawn, available = _from_pools(left, units, weights)
    scarce = np.where(kept_for_others(day, available), reason("reserved"), reason("no_stock"))
    reasons = np.where(drawn.sum(axis=1) < units - rounding_error(units, day.whole), scarce, reasons)
    carried = _within_limits(left, drawn.sum(axis=1), weights)
    given = drawn.sum(axis=1)
    reasons = np.where(carried < given - rounding_error(given, day.whole), reason("capacity"), reasons)
    drawn = _first_units(drawn, carried)
    small = _too_small(left, carried)
    reasons = np.where(small, reason("minimum"), reasons)
    return Projection(np.where(small[:, None], 0.0, drawn), reasons.astype(np.int8))


def _cleaned(left: Remaining, requested: Floats) -> Floats:
    """Return requests as numbers from 0, and whole where units are."""
    units = np.maximum(np.nan_to_num(requested, nan=0.0, neginf=0.0), 0.0)
    return np.floor(units + 0.5) if left.day.whole else units


def _to_usable(left: Remaining, units: Floats, weights: Floats | None) -> Floats:
    return np.where(left.day.usable, units, 0.0)


def _to_wanted(left: Remaining, units: Floats, weights: Floats | None) -> Floats:
    claim = left.day.options.claim
    return share(np.minimum(units, left.wants[claim]), claim, left.wants, left.day.whole, weights)


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


def _first_units(drawn: Floats, units: Floats) -> Floats:
    """Return what options draw (O, D) once they ship only units (O,), which they take from their first pools: the reserved."""
    before = np.cumsum(drawn, axis=1) - drawn
    return np.clip(units[:, None] - before, 0.0, drawn)


def _too_small(left: Remaining, units: Floats) -> Flags:
    """Return which options would ship something below their claim's minimum, with what they have shipped already."""
    least = left.day.claims.minimum[left.day.options.claim]
    return (units > 0.0) & (units + left.drawn.sum(axis=1) < least - rounding_error(least, left.day.whole))
