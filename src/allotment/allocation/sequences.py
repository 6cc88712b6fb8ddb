"""Rules that serve options one after the other: each is an order, and `filling` does the rest.

What a claim prefers among its own options is always the same: what ships earlier, and of that the most valuable. Equals are
served as listed. Options are compared one by one, so that a claim may come late at one site and early at another.
"""

from __future__ import annotations

import numpy as np

from allotment.allocation.day import Day, Floats, Integers
from allotment.allocation.filling import fill
from allotment.allocation.ordering import order_by


def priority(day: Day) -> Floats:
    """Serve commitments first, then all by the claim's priority, its due day, and falling value of a unit.

    Commitments are served by falling value, and up to the smallest shipment where that is more. Returns drawn units (O, D),
    as every rule does.
    """
    committed, options = day.claims.committed, day.options
    drawn = None
    if committed.any():
        ceiling = np.where(committed > 0.0, np.maximum(committed, day.claims.minimum), 0.0)
        promised = np.flatnonzero(ceiling[options.claim])
        drawn = fill(day, promised[order_by(options.date[promised], -options.value[promised])], None, ceiling)
    turn = _turns(day.claims.priority, day.claims.due)
    return fill(day, order_by(turn[options.claim], options.date, -options.value), drawn)


def priority_due(day: Day) -> Floats:
    """Serve claims one by one: by priority, then due day, then order day. Commitments do not count."""
    return fill(day, claim_by_claim(day, day.claims.priority, day.claims.due, day.claims.ordered))


def earliest_due(day: Day) -> Floats:
    """Serve claims one by one: by due day, those without one last, then priority, then order day."""
    return fill(day, claim_by_claim(day, day.claims.due, day.claims.priority, day.claims.ordered))


def first_come(day: Day) -> Floats:
    """Serve claims one by one in the order of their order days."""
    return fill(day, claim_by_claim(day, day.claims.ordered))


def nearest(day: Day) -> Floats:
    """Serve options by rising distance, those of one distance in the order of their claims."""
    options = day.options
    return fill(day, order_by(options.date, options.distance, options.claim))


def claim_by_claim(day: Day, *keys: Floats) -> Integers:
    """Return options (O,) in the order of their claims by `keys` (C,), within a claim in the order that it prefers."""
    claims = order_by(*keys)
    place = np.empty(len(claims), dtype=np.int64)
    place[claims] = np.arange(len(claims))
    return order_by(place[day.options.claim], day.options.date, -day.options.value)


def _turns(*keys: Floats) -> Integers:
    """Return by `keys` (C,) which claims come first, 0, which then, 1, …; those with equal keys come together."""
    order = np.lexsort(keys[::-1])
    differ = [key[order][1:] != key[order][:-1] for key in keys]
    turn = np.zeros(len(order), dtype=np.int64)
    turn[order[1:]] = np.cumsum(np.logical_or.reduce(differ))
    return turn
