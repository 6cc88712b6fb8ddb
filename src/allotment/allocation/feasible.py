"""Whether an allocation keeps to its day: looked up in the day's arrays, whoever made it and however.

Whole units are compared exactly. Of others, what differs by rounding error is equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from allotment.allocation.day import NONE, Day, Flags, Floats, exceeds, total_by


class Fault(NamedTuple):
    """What an allocation breaks."""

    kind: str  # draw, blocked, pool, wanted, limit, minimum
    place: int  # of the option, pool, claim or limit
    units: float
    bound: float

    def __str__(self) -> str:
        return WORDS[self.kind].format(self.place, f"{self.units:,.15g}", f"{self.bound:,.15g}")


WORDS = {  # place, units, bound
    "draw": "option {0} draws {1}",
    "blocked": "option {0} may not be used and ships {1}",
    "wanted": "claim {0} gets {1}, but wants {2}",
    "limit": "limit {0} counts {1}, but allows {2}",
    "pool": "pool {0} gives {1}, but has {2} by then",
    "minimum": "option {0} ships {1}, below the smallest shipment of {2}",
}


class ImpossiblePlan(ValueError):
    """An allocation that does not keep to its day, with what it breaks first."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"no possible allocation: {fault}")
        self.fault = fault


def first_fault(day: Day, drawn: Floats) -> Fault | None:
    """Return what units drawn (O, D) break first, None where they keep to the day; `ValueError` for another shape."""
    if np.shape(drawn) != day.options.pools.shape:
        raise ValueError(f"units drawn must have the shape {day.options.pools.shape}, not {np.shape(drawn)}")
    return next(_faults(day, np.asarray(drawn, dtype=float)), None)


def check_possible(day: Day, drawn: Floats) -> None:
    """Refuse units drawn (O, D) that do not keep to the day: `ImpossiblePlan`."""
    if fault := first_fault(day, drawn):
        raise ImpossiblePlan(fault)


def _faults(day: Day, drawn: Floats) -> Iterator[Fault]:
    options, claims, units = day.options, day.claims, drawn.sum(axis=1)
    no_units = ~np.isfinite(drawn) | (drawn < 0.0) | ((options.pools == NONE) & (drawn != 0.0))
    if day.whole:
        no_units |= drawn != np.rint(drawn)
    yield from _first("draw", no_units.any(axis=1), drawn[np.arange(len(drawn)), no_units.argmax(axis=1)], units)
    yield from _first("blocked", ~day.usable & (units > 0.0), units, units)
    yield from _beyond(day, "wanted", day.served(drawn), claims.wanted)
    for limits in options.limits.T:
        counted = total_by(limits[limits >= 0], units[limits >= 0], len(day.capacity))
        yield from _beyond(day, "limit", counted, day.capacity)
    given, supply = drawn_by_date(day, drawn), np.cumsum(day.pools.supply, axis=1)
    for date in range(supply.shape[1]):
        yield from _beyond(day, "pool", given[:, date], supply[:, date])
    least = claims.minimum[options.claim]
    yield from _first("minimum", (units > 0.0) & _more(day, least, units), units, least)


def drawn_by_date(day: Day, drawn: Floats) -> Floats:
    """Return what is drawn on each pool up to each date (N, T), from units drawn (O, D)."""
    given = np.zeros((len(day.pools.supply) + 1, day.pools.supply.shape[1]))  # the last for what is no pool
    np.add.at(given, (day.options.pools, day.options.date[:, None]), drawn)
    return np.cumsum(given[:-1], axis=1)


def _beyond(day: Day, kind: str, units: Floats, bound: Floats) -> Iterator[Fault]:
    yield from _first(kind, _more(day, units, bound), units, bound)


def _more(day: Day, units: Floats, bound: Floats) -> Flags:
    return exceeds(units, bound, day.whole)


def _first(kind: str, wrong: Flags, units: Floats, bound: Floats) -> Iterator[Fault]:
    if wrong.any():
        place = int(wrong.argmax())
        yield Fault(kind, place, float(units[place]), float(bound[place]))
