"""Rules that serve claims one by one and choose the site anew for each, from what is left there.

`highest_stock` asks the site with the most stock left, today's before that of later dates. `sourcing` follows preferences: what
arrives on time before what is late; the site that is preferred for the claim; among equals the fewest shipments, so that a site
which can send all of it comes first, else the one that can send the most; then the earliest arrival. Claims come in the order
of their order days, as under `first_come`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from allotment.allocation.day import Day, Floats, Integers, rounding_error
from allotment.allocation.remaining import Remaining
from allotment.allocation.sequences import claim_by_claim

Choice = Callable[[Remaining, Integers, Floats], int]  # of options that can ship (n,) units (n,), the place of the best


def highest_stock(day: Day) -> Floats:
    """Serve each claim from the site with the most stock left, then the next; returns drawn units (O, D)."""
    return _serve_claims(
        day, lambda left, options, units: int(np.lexsort((-left.stock(options), day.options.date[options]))[0])
    )


def sourcing(day: Day) -> Floats:
    """Serve each claim by site preference, then fewest shipments, then earliest arrival; returns drawn units (O, D)."""

    def best(left: Remaining, options: Integers, units: Floats) -> int:
        claim = day.options.claim[options[0]]
        arrival, preference = day.options.arrival[options], day.options.preference[options]
        fewest = np.where(units >= left.wants[claim] - rounding_error(left.wants[claim], day.whole), -np.inf, -units)
        return int(np.lexsort((arrival, fewest, preference, arrival > day.claims.due[claim]))[0])

    return _serve_claims(day, best)


def _serve_claims(day: Day, best: Choice) -> Floats:
    left = Remaining(day)
    order = claim_by_claim(day, day.claims.ordered)
    order = order[day.usable[order]]
    ends = np.flatnonzero(np.diff(day.options.claim[order], append=-1)) + 1
    for own in np.split(order, ends[:-1]):
        while len(own):
            units = left.possible(own)
            own, units = own[units > 0.0], units[units > 0.0]
            if len(own):
                chosen = best(left, own, units)
                left.take(int(own[chosen]))
                own = np.delete(own, chosen)
    return left.drawn
