"""Forecasts from past demand alone, as recursions over many series at once.

A method keeps a few numbers of each series, its state (n, …): `start` from the first period seen, `update` with each period
after it, and `mean` says what it expects a number of periods ahead. Parameters are numbers or arrays like the series.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from allotment.quantities import Floats


class Method(Protocol):
    """How a series is forecast from what has been seen of it."""

    @property
    def size(self) -> int:
        """Return how many numbers it keeps of a series."""
        ...

    def start(self, demand: Floats) -> Floats:
        """Return the state (size, …) after the first period's demand (…)."""
        ...

    def update(self, state: Floats, demand: Floats) -> Floats:
        """Return the state after one more period's demand (…)."""
        ...

    def mean(self, state: Floats, ahead: int) -> Floats:
        """Return the expected demand so many periods after the last one seen, (…) units."""
        ...


@dataclass(frozen=True)
class ExponentialSmoothing:
    """A level that moves by a share of each error (Brown 1959). It starts at the first demand."""

    smoothing: Floats | float  # share of an error
    size: int = 1

    def start(self, demand: Floats) -> Floats:
        """Return the level after the first period."""
        return np.stack([demand])

    def update(self, state: Floats, demand: Floats) -> Floats:
        """Return the level after one more period."""
        return state + self.smoothing * (demand - state)

    def mean(self, state: Floats, ahead: int) -> Floats:
        """Return the level."""
        return state[0]


@dataclass(frozen=True)
class Croston:
    """Size of an order over the interval between orders, each smoothed when there is one (Croston 1972).

    Both start at the first order: its size, and the periods until it came.
    """

    smoothing: Floats | float
    bias_corrected: bool = False  # × (1 - smoothing / 2), Syntetos and Boylan (2005)
    size: int = 3  # an order's size, the interval, periods since the last one

    def start(self, demand: Floats) -> Floats:
        """Return the state after the first period."""
        return self.update(np.stack([np.zeros_like(demand), np.ones_like(demand), np.ones_like(demand)]), demand)

    def update(self, state: Floats, demand: Floats) -> Floats:
        """Return the state after one more period."""
        size, interval, since = state
        first, ordered = size == 0.0, demand > 0.0
        size = np.where(ordered, np.where(first, demand, size + self.smoothing * (demand - size)), size)
        interval = np.where(ordered, np.where(first, since, interval + self.smoothing * (since - interval)), interval)
        return np.stack([size, interval, np.where(ordered, 1.0, since + 1.0)])

    def mean(self, state: Floats, ahead: int) -> Floats:
        """Return demand per period."""
        share = 1.0 - 0.5 * np.asarray(self.smoothing) if self.bias_corrected else 1.0
        return share * state[0] / np.maximum(state[1], 1.0)


@dataclass(frozen=True)
class TeunterSyntetosBabai:
    """Size of an order times the probability of one, which falls while none comes (Teunter, Syntetos and Babai 2011).

    The size starts at the first order, the probability at 1 or 0 in the first period.
    """

    smoothing: Floats | float  # of the size
    probability_smoothing: Floats | float
    size: int = 2

    def start(self, demand: Floats) -> Floats:
        """Return the state after the first period."""
        return np.stack([demand, (demand > 0.0).astype(np.float64)])

    def update(self, state: Floats, demand: Floats) -> Floats:
        """Return the state after one more period."""
        size, probability = state
        ordered = demand > 0.0
        moved = np.where(size == 0.0, demand, size + self.smoothing * (demand - size))
        return np.stack([np.where(ordered, moved, size), probability + self.probability_smoothing * (ordered - probability)])

    def mean(self, state: Floats, ahead: int) -> Floats:
        """Return demand per period."""
        return state[0] * state[1]


@dataclass(frozen=True)
class SeasonalNaive:
    """What was demanded a season before. Periods before the first one seen count as that one."""

    season: int  # periods

    @property
    def size(self) -> int:
        """Return how many numbers it keeps of a series."""
        return self.season

    def start(self, demand: Floats) -> Floats:
        """Return a season's demand, the latest first."""
        return np.repeat(demand[None], self.season, axis=0)

    def update(self, state: Floats, demand: Floats) -> Floats:
        """Return the last season's demand, the latest first."""
        return np.concatenate([demand[None], state[:-1]])

    def mean(self, state: Floats, ahead: int) -> Floats:
        """Return the demand of the same period of the last season."""
        return state[self.season - 1 - (ahead - 1) % self.season]
