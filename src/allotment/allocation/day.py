"""One day's allocation as arrays: who claims what, what may be drawn, and the options by which it may get there.

A claim is an order line, or what a channel asks for in a region. A pool is a quantity that the same claims may draw on: the
free stock of a SKU at a site, or what is reserved there for one order or one channel. An option serves one claim from one
site on one date: it draws on its pools in turn and counts against its limits (a carrier's capacity, say). An allocation is the
units that each option draws on each of its pools, `drawn` (O, D).

Axes: claims C, options O, draws D (the pools of an option), pools N, dates T (the days on which stock or receipts become
available, the first is today), limits L, counted M (the limits of an option).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allotment.quantities import (
    CODES,
    PART,
    REASONS,
    ROUNDING,
    Flags,
    Floats,
    Integers,
    exceeds,
    rounding_error,
    settled,
    whole_part,
)

Codes = NDArray[np.int8]

__all__ = [
    "PART",
    "REASONS",
    "ROUNDING",
    "Flags",
    "Floats",
    "Integers",
    "exceeds",
    "rounding_error",
    "settled",
    "whole_part",
]  # beside what is declared here

NONE = -1  # in place of a pool or a limit: there is none
NEVER = np.inf  # the due day of a claim that may wait


def reason(name: str) -> int:
    """Return the code of a reason, its place in `REASONS`."""
    return CODES[name]


class Claims(NamedTuple):
    """What is asked for."""

    wanted: Floats  # (C,) units
    committed: Floats  # (C,) units promised, part of those wanted
    minimum: Floats  # (C,) units, the smallest shipment
    weight: Floats  # (C,) by which a fair share is measured; usually the units wanted
    priority: Floats  # (C,) 1 is served first
    due: Floats  # (C,) day; NEVER where there is none
    ordered: Floats  # (C,) day
    channel: Integers  # (C,)

    @classmethod
    def of(
        cls,
        wanted: ArrayLike,
        committed: ArrayLike = 0.0,
        minimum: ArrayLike = 0.0,
        weight: ArrayLike | None = None,
        priority: ArrayLike = 0.0,
        due: ArrayLike = NEVER,
        ordered: ArrayLike = 0.0,
        channel: ArrayLike = 0,
    ) -> Self:
        """Return claims for units wanted (C,); everything else is a number for all or an array (C,)."""
        units = np.asarray(wanted, dtype=float)
        return cls(
            wanted=units,
            committed=_reals(committed, len(units)),
            minimum=_reals(minimum, len(units)),
            weight=units if weight is None else _reals(weight, len(units)),
            priority=_reals(priority, len(units)),
            due=_reals(due, len(units)),
            ordered=_reals(ordered, len(units)),
            channel=_places(channel, len(units)),
        )


class Pools(NamedTuple):
    """What may be drawn."""

    supply: Floats  # (N, T) units that become available on each date, what is on hand on the first
    site: Integers  # (N,)
    sku: Integers  # (N,)
    reserved: Flags  # (N,) kept for one order or channel


class Options(NamedTuple):
    """The ways in which claims may be served; of equal ones the first listed is the better."""

    claim: Integers  # (O,)
    site: Integers  # (O,)
    pools: Integers  # (O, D) drawn on in turn, what is reserved for the claim first; NONE where there are fewer
    date: Integers  # (O,) date of shipment, as a place on the axis of dates
    arrival: Floats  # (O,) day
    limits: Integers  # (O, M) limits that count the option's units, each in one column only; NONE where there are fewer
    value: Floats  # (O,) money/unit
    distance: Floats  # (O,) km, or any measure of nearness
    preference: Floats  # (O,) of the site for this claim, 1 first
    blocked: Codes  # (O,) the reason why it may not be used, 0 where it may

    @classmethod
    def of(
        cls,
        claim: ArrayLike,
        pools: ArrayLike,
        site: ArrayLike | None = None,
        date: ArrayLike = 0,
        arrival: ArrayLike = 0.0,
        limits: ArrayLike | None = None,
        value: ArrayLike = 0.0,
        distance: ArrayLike = 0.0,
        preference: ArrayLike = 0.0,
        blocked: ArrayLike = 0,
    ) -> Self:
        """Return options for claims (O,) and pools (O,) or (O, D); sites are by default the pools drawn on last."""
        served = np.asarray(claim, dtype=np.int64)
        size = len(served)
        drawn_on, counted = _columns(pools), _columns(np.zeros((size, 0)) if limits is None else limits)
        return cls(
            claim=served,
            site=drawn_on[:, -1] if site is None else _places(site, size),
            pools=drawn_on,
            date=_places(date, size),
            arrival=_reals(arrival, size),
            limits=counted,
            value=_reals(value, size),
            distance=_reals(distance, size),
            preference=_reals(preference, size),
            blocked=np.broadcast_to(np.asarray(blocked, dtype=np.int8), size),
        )


@dataclass(frozen=True)
class Day:
    """Everything that the rules need to know; raises `ValueError` where the parts do not fit together."""

    claims: Claims
    pools: Pools
    options: Options
    capacity: Floats  # (L,) units; infinite for none
    whole: bool = True  # units are integers

    def __post_init__(self) -> None:
        quantities = {"wanted": self.claims.wanted, "committed": self.claims.committed, "supply": self.pools.supply}
        for name, units in quantities.items():
            _check_units(name, units, self.whole)
        if np.isnan(self.capacity).any() or (self.capacity < 0).any():
            raise ValueError("capacity must be >= 0 everywhere")
        for name, places, end in (
            ("claim", self.options.claim, len(self.claims.wanted)),
            ("pools", self.options.pools, len(self.pools.supply)),
            ("date", self.options.date, self.pools.supply.shape[1]),
            ("limits", self.options.limits, len(self.capacity)),
        ):
            if places.size and not (places.min() >= (0 if name in ("claim", "date") else NONE) and places.max() < end):
                raise ValueError(f"options.{name} must be places below {end}")
        columns = [np.unique(column[column != NONE]) for column in self.options.limits.T]
        if len(columns) > 1 and len(np.unique(np.concatenate(columns))) < sum(map(len, columns)):
            raise ValueError("options.limits must have each limit in one column only")

    @property
    def usable(self) -> Flags:
        """Return which options may be used (O,)."""
        return self.options.blocked == 0

    def served(self, drawn: Floats) -> Floats:
        """Return the units each claim gets (C,) from what options draw (O, D)."""
        return total_by(self.options.claim, drawn.sum(axis=1), len(self.claims.wanted))

    def value_of(self, drawn: Floats) -> float:
        """Return the value of an allocation, in money."""
        return float(drawn.sum(axis=1) @ self.options.value)


def total_by(place: Integers, units: Floats, size: int) -> Floats:
    """Return the sum of units (n,) at each of `size` places, by the place (n,) that each belongs to."""
    return np.bincount(place, units, size).astype(np.float64, copy=False)


def _reals(value: ArrayLike, size: int) -> Floats:
    return np.broadcast_to(np.asarray(value, dtype=np.float64), size)


def _places(value: ArrayLike, size: int) -> Integers:
    return np.broadcast_to(np.asarray(value, dtype=np.int64), size)


def _columns(places: ArrayLike) -> Integers:
    """Return places (n,) as one column, and places (n, columns) as they are."""
    table = np.asarray(places, dtype=np.int64)
    return table[:, None] if table.ndim == 1 else table


def _check_units(name: str, units: Floats, whole: bool) -> None:
    wrong = ~np.isfinite(units) | (units < 0)
    if whole:
        wrong |= units != np.floor(units)
    if wrong.any():
        where = [int(place) for place in np.argwhere(wrong)[0]]
        kind = "whole" if whole else "finite"
        raise ValueError(f"{name}{where} must be a {kind} number >= 0, not {units[tuple(where)]:g}")
