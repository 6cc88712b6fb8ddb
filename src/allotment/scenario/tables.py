"""Discrete distributions as tables for inversion: the cumulative probabilities and a guide into them.

A draw is the smallest value whose cumulative probability reaches a uniform number. The guide holds, for equal slices of
[0, 1), the first candidate, so that the search takes one or two comparisons (Chen and Asau 1974).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import special

from allotment.quantities import Floats
from allotment.scenario import processes
from allotment.scenario.errors import ScenarioError
from allotment.scenario.problem import Tables

TAIL = 1e-13  # probability beyond which a table is cut; its mass sits on the last value
FAR = 1 << 12  # values below which a table begins at 0
LARGEST = 1 << 22  # values of a table
LARGEST_SET = 1 << 23  # values of all tables of a world


class TooLarge(ScenarioError):
    """Tables that would not fit into memory."""

    def __init__(self, values: float, most: int) -> None:
        size = f"{values * 16 / 2**30:,.3g} GiB"
        super().__init__(
            f"needs a table of {values:,.3g} values ({size}), more than {most:,}; use smaller units, or continuous ones"
        )


@dataclass(frozen=True)
class Table:
    """A distribution on first, first + 1, …"""

    first: float
    cumulative: Floats  # (values,), the last is 1

    @property
    def values(self) -> Floats:
        """Return the possible values."""
        return self.first + np.arange(len(self.cumulative), dtype=np.float64)

    @property
    def probabilities(self) -> Floats:
        """Return the probability of each value."""
        return np.diff(self.cumulative, prepend=0.0)

    @property
    def mean(self) -> float:
        """Return the expected value."""
        return self.first + float(np.arange(len(self.cumulative)) @ self.probabilities)

    @property
    def variance(self) -> float:
        """Return the variance."""
        return float((self.values - self.mean) ** 2 @ self.probabilities)

    def up_to(self, maximum: float | None) -> Table:
        """Return the distribution whose probability of more than `maximum` sits there."""
        kept = len(self.cumulative) if maximum is None else int(np.floor(maximum - self.first)) + 1
        if kept >= len(self.cumulative):
            return self
        if kept < 1:
            return Table(float(maximum or 0.0), np.ones(1))
        return Table(self.first, np.append(self.cumulative[: kept - 1], 1.0))


def lead_time_table(lead_time: int | processes.LeadTimeProcess) -> Table:
    """Return the table of a lead time (periods)."""
    match lead_time:
        case int():
            return Table(float(lead_time), np.ones(1))
        case processes.Categorical(values=values, probabilities=probabilities):
            return _weighted(values, probabilities)
        case processes.Sampled(samples=samples):
            return _weighted(samples, [1.0 / len(samples)] * len(samples))
        case processes.ShiftedPoisson(shift=shift, mean=mean, maximum=maximum):
            cumulative = special.pdtr(np.arange(maximum - shift + 1), mean)
            return Table(float(shift), np.append(cumulative[:-1], 1.0))
        case processes.ShiftedGeometric(shift=shift, mean=mean, maximum=maximum):
            cumulative = 1.0 - (mean / (1.0 + mean)) ** np.arange(1, maximum - shift + 2)
            return Table(float(shift), np.append(cumulative[:-1], 1.0))
    raise TypeError(f"{type(lead_time).__name__} is no lead time")


def _weighted(values: list[int], weights: list[float]) -> Table:
    mass = np.zeros(max(values) - min(values) + 1)
    np.add.at(mass, np.array(values) - min(values), weights)
    return Table(float(min(values)), np.append(np.cumsum(mass)[:-1], 1.0))


def tabulated(cumulative_of: Callable[[Floats], Floats], mean: float, variance: float) -> Table:
    """Tabulate a distribution on 0, 1, … between negligible tails; it falls off at least like a geometric one's."""
    first = mean - 12.0 * np.sqrt(variance) - 30.0 * variance / mean - 16.0
    first = int(first) if first > FAR else 0
    size = mean + 8.0 * np.sqrt(variance) + 30.0 * variance / mean + 16.0 - first
    while True:
        check_size(size)
        cumulative = cumulative_of(first + np.arange(int(size), dtype=float))
        if cumulative[-1] >= 1.0 - TAIL:
            break
        size *= 2
    last = int(np.searchsorted(cumulative, 1.0 - TAIL))
    return Table(float(first), np.append(cumulative[:last], 1.0))


def check_size(values: float) -> None:
    """Refuse a table of too many values: `TooLarge`."""
    if not values <= LARGEST:
        raise TooLarge(values, LARGEST)


@dataclass
class TableSet:
    """Collects tables, each distinct one once, and packs them end to end for the engine."""

    tables: list[Table] = field(default_factory=list)
    values: int = 0  # of all tables together
    _rows: dict[bytes, int] = field(default_factory=dict)

    def row(self, table: Table) -> int:
        """Return the row of a table, adding it if it is new."""
        key = np.float64(table.first).tobytes() + table.cumulative.tobytes()
        if key not in self._rows:
            self.values += len(table.cumulative)
            if self.values > LARGEST_SET:
                raise TooLarge(self.values, LARGEST_SET)
            self._rows[key] = len(self.tables)
            self.tables.append(table)
        return self._rows[key]

    def packed(self) -> Tables:
        """Return the tables end to end."""
        guides = [_guide(table) for table in self.tables]
        return Tables(
            first=np.array([table.first for table in self.tables]),
            start=_starts([len(table.cumulative) for table in self.tables]),
            cumulative=np.concatenate([table.cumulative for table in self.tables]),
            guide_start=_starts([len(guide) for guide in guides]),
            guide=np.concatenate(guides),
        )


def _guide(table: Table) -> NDArray[np.int64]:
    slices = 1 << int(np.ceil(np.log2(max(2, len(table.cumulative)))))
    return np.searchsorted(table.cumulative, np.arange(slices) / slices, side="left").astype(np.int64)


def _starts(lengths: list[int]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
