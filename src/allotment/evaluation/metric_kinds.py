"""What a metric is, and the kinds of them: a mean over periods, a part of a whole, the least of all periods.

A metric counts something in each measured period's record and makes one number of what was counted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from allotment.quantities import Floats
from allotment.scenario.loader import World


def anywhere(world: World) -> bool:
    """Tell that a metric needs nothing of a world."""
    return True


class Metric(Protocol):
    """Something to measure of episodes; one that has a `unit` besides is shown with it.

    One that has `needs`, a function of the world, is measured in worlds for which that is true; in others it has no column. One
    that has `join` puts the counts of two periods together in another way than by adding them.
    """

    @property
    def name(self) -> str:
        """Return the name of its column."""
        ...

    @property
    def about(self) -> str:
        """Return what it measures, in words."""
        ...

    def count(self, world: World, flows: Any) -> Floats:
        """Return what a period's record (`Flows`) adds to the sums, (B,) or (B, n); of a `summed` one, what `Sums` come to."""
        ...

    def value(self, sums: Floats, periods: int) -> Floats:
        """Return the measure of each episode, (B,), from its sums over the measured periods."""
        ...


@dataclass(frozen=True)
class PerPeriod:
    """A mean over the measured periods."""

    name: str
    about: str
    of: Callable[[World, Any], Floats]
    compared: bool = False  # shown where policies are compared
    unit: str = "per period"
    summed: bool = False  # counts in the sums of all records, not in each
    needs: Callable[[World], bool] = anywhere  # what a world must have, or there is no such column
    title: str = ""  # in tables; empty = its name

    def count(self, world: World, flows: Any) -> Floats:
        """Return the amount of a period."""
        return self.of(world, flows)

    def value(self, sums: Floats, periods: int) -> Floats:
        """Return the mean amount."""
        return sums / periods


@dataclass(frozen=True)
class Share:
    """A part over a whole, each summed over the measured periods; 1, or what `otherwise` says, where there is no whole."""

    name: str
    about: str
    part: Callable[[World, Any], Floats]
    whole: Callable[[World, Any], Floats]
    otherwise: float = 1.0
    compared: bool = True
    unit: str = "share"
    summed: bool = False  # counts in the sums of all records, not in each
    needs: Callable[[World], bool] = anywhere  # what a world must have, or there is no such column
    title: str = ""  # in tables; empty = its name

    def count(self, world: World, flows: Any) -> Floats:
        """Return part and whole of a period."""
        return np.stack([self.part(world, flows), self.whole(world, flows)], axis=1)

    def value(self, sums: Floats, periods: int) -> Floats:
        """Return the share."""
        part, whole = sums[:, 0], sums[:, 1]
        return np.where(whole > 0.0, part / np.where(whole > 0.0, whole, 1.0), self.otherwise)


@dataclass(frozen=True)
class Lowest:
    """The least of the measured periods."""

    name: str
    about: str
    of: Callable[[World, Any], Floats]
    compared: bool = False  # shown where policies are compared
    unit: str = ""
    summed: bool = False  # counts in the sums of all records, which hold the least, not in each
    needs: Callable[[World], bool] = anywhere  # what a world must have, or there is no such column
    title: str = ""  # in tables; empty = its name

    def count(self, world: World, flows: Any) -> Floats:
        """Return the amount of a period."""
        return self.of(world, flows)

    def join(self, earlier: Floats, counted: Floats) -> Floats:
        """Return the less of what was counted so far and of what a period adds."""
        return np.minimum(earlier, counted)

    def value(self, sums: Floats, periods: int) -> Floats:
        """Return the least amount."""
        return sums


def applies(metric: Metric, world: World) -> bool:
    """Tell whether a world has what a metric needs."""
    return bool(getattr(metric, "needs", anywhere)(world))


def title_of(metric: Any) -> str:
    """Return what a metric is called in tables."""
    return getattr(metric, "title", "") or metric.name.replace("_", " ")
