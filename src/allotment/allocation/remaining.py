"""What is left of a day while claims are served one after the other: wants, room within limits, and unpromised stock.

A shipment on a date takes from what has become available by then, and only as much as later promises leave (`promise`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from allotment.allocation.day import ROUNDING, Day, Flags, Floats, Integers, rounding_error, settled, total_by, whole_part
from allotment.allocation.promise import look_ahead


class Remaining:
    """The state of serving, changed by `take`; arrays have one place more, for `NONE`: no pool holds 0, no limit infinity."""

    def __init__(self, day: Day, drawn: Floats | None = None, ceiling: Floats | None = None) -> None:
        """Start where `drawn` (O, D) has been shipped already; claims get at most `ceiling` (C,), by default all they want."""
        self.day = day
        self.drawn = np.zeros(day.options.pools.shape) if drawn is None else drawn.copy()
        most = day.claims.wanted if ceiling is None else np.minimum(day.claims.wanted, ceiling)
        self.wants = settled(most - day.served(self.drawn), most, day.whole)
        self.room = np.append(whole_part(day.capacity) if day.whole else day.capacity, np.inf)
        self.unpromised = np.vstack([np.cumsum(day.pools.supply, axis=1), np.zeros((1, day.pools.supply.shape[1]))])
        self.supply = self.unpromised[:, -1:].copy()
        if drawn is not None:
            self._count(self.drawn)
        self.available = settled(look_ahead(self.unpromised), self.supply, self.day.whole)

    def stock(self, options: Integers | slice) -> Floats:
        """Return what options may draw on all their pools together, in units."""
        drawn_on, date = self.day.options.pools[options], self.day.options.date[options]
        return self.available[drawn_on, date[..., None]].sum(axis=-1)

    def allowance(self, options: Integers | slice) -> Floats:
        """Return the room within the limits of options, in units."""
        return self.room[self.day.options.limits[options]].min(axis=-1, initial=np.inf)

    def possible(self, options: Integers | slice) -> Floats:
        """Return what options could ship now: what is wanted, there, and within limits; 0 below the smallest shipment."""
        claim = self.day.options.claim[options]
        units = np.minimum(np.minimum(self.wants[claim], self.allowance(options)), self.stock(options))
        least = self.day.claims.minimum[claim]
        enough = units + self.drawn[options].sum(axis=-1) >= least - rounding_error(least, self.day.whole)
        return np.where(enough & (units > ROUNDING), units, 0.0)

    def open(self, options: Integers) -> Flags:
        """Return which options have a claim that wants more, something to draw, and room."""
        wanting = self.wants[self.day.options.claim[options]] > ROUNDING
        return wanting & (self.allowance(options) > ROUNDING) & (self.stock(options) > ROUNDING)

    def take(self, option: int) -> float:
        """Ship as much as one option can, what is reserved first; returns the units."""
        options = self.day.options
        units = left = float(self.possible(np.array([option]))[0])
        if units == 0.0:
            return 0.0
        for draw, pool in enumerate(options.pools[option]):
            part = min(left, self.available[pool, options.date[option]])
            self.drawn[option, draw] += part
            self.promise(pool, options.date[option], part)
            left -= part
        claim, limits = options.claim[option], options.limits[option]
        self.wants[claim] = settled(self.wants[claim] - units, self.wants[claim], self.day.whole)
        self.room[limits[limits >= 0]] -= units
        return units

    def promise(self, pool: int, date: int, units: float) -> None:
        """Take units out of a pool on a date."""
        self.unpromised[pool, date:] -= units
        self.available[pool] = settled(look_ahead(self.unpromised[pool]), self.supply[pool], self.day.whole)

    def ship(self, drawn: Floats) -> None:
        """Ship what options draw (O, D), all at once; it must be possible."""
        self.drawn += drawn
        self.wants = settled(self.wants - self.day.served(drawn), self.wants, self.day.whole)
        self._count(drawn)
        self.available = settled(look_ahead(self.unpromised), self.supply, self.day.whole)

    def _count(self, drawn: Floats) -> None:
        """Take what options draw out of the limits and pools."""
        options = self.day.options
        units = drawn.sum(axis=1)
        for limits in options.limits.T:
            used = total_by(limits[limits >= 0], units[limits >= 0], len(self.room) - 1)
            self.room[:-1] = settled(self.room[:-1] - used, used, self.day.whole)
        promised: NDArray[np.float64] = np.zeros_like(self.unpromised)
        np.add.at(promised, (options.pools, options.date[:, None]), drawn)
        self.unpromised -= np.cumsum(promised, axis=1)
