"""Serving options one after the other: each ships as much as its claim still wants and stock and limits still allow.

Most rules are an order of the options and nothing else; so is a sequence of promises. Days with one date and one pool and
limit an option, which are most, are served by a loop over plain numbers that is ten times as fast as the general one and
gives the same.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from allotment.allocation.day import ROUNDING, Day, Floats, Integers
from allotment.allocation.remaining import Remaining

BLOCK = 1 << 11  # options that are served before those that can ship no more are looked for and left out


def fill(day: Day, order: Integers, drawn: Floats | None = None, ceiling: Floats | None = None) -> Floats:
    """Return the units that options draw (O, D) once those in `order` are served one after the other.

    Units already `drawn` (O, D) stay so. Claims get at most `ceiling` (C,) units in all, by default what they want. A
    shipment below its claim's minimum is left out; blocked options ship nothing.
    """
    left, usable = Remaining(day, drawn, ceiling), order[day.usable[order]]
    if _plain(day):
        _serve_plain(left, usable)
    else:
        for block in _blocks(usable):
            for option in block[left.possible(block) > 0.0].tolist():
                left.take(option)
    return left.drawn


def _blocks(order: Integers) -> Iterator[Integers]:
    return (order[start : start + BLOCK] for start in range(0, len(order), BLOCK))


def _plain(day: Day) -> bool:
    """Tell whether every option draws on one pool on the only date, counts against one limit, and may be of any size."""
    narrow = day.options.pools.shape[1] == 1 and day.options.limits.shape[1] <= 1
    return narrow and day.pools.supply.shape[1] == 1 and bool((day.claims.minimum <= ROUNDING + day.whole).all())


def _serve_plain(left: Remaining, order: Integers) -> None:
    """Do for plain days what `Remaining.take` does, in lists of numbers; what is used up is left out block by block."""
    options = left.day.options
    limit_of = options.limits[:, 0] if options.limits.shape[1] else np.full(len(options.claim), -1)
    columns = options.claim, options.pools[:, 0], limit_of
    amounts = [left.wants, left.available[:, 0], left.room]
    wants, stock, room = (amount.tolist() for amount in amounts)
    unused = [amount > ROUNDING for amount in amounts]
    served: list[int] = []
    shipped: list[float] = []
    for block in _blocks(order):
        first = len(served)
        block = block[np.logical_and.reduce([open_[column[block]] for open_, column in zip(unused, columns, strict=True)])]
        for option, claim, pool, limit in zip(block.tolist(), *(column[block].tolist() for column in columns), strict=True):
            units = wants[claim]
            if stock[pool] < units:
                units = stock[pool]
            if room[limit] < units:
                units = room[limit]
            if units > ROUNDING:
                wants[claim] -= units
                stock[pool] -= units
                room[limit] -= units
                served.append(option)
                shipped.append(units)
        for amount, open_, column in zip((wants, stock, room), unused, columns, strict=True):
            touched = column[served[first:]]
            open_[touched] = np.array([amount[place] for place in touched.tolist()]) > ROUNDING
    left.drawn[served, 0] += shipped
