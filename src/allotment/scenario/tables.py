"""Discrete distributions as tables for inversion: the cumulative probabilities and a guide into them.

A draw is the smallest value whose cumulative probability reaches a uniform number. The guide holds, for equal slices of
[0, 1), the first candidate, so that the search takes one or two comparisons (Chen and Asau 1974).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import special

from allotment.quantities import Floats
from allotment.scenario import processes
from allotment.scenario.problem import Tables

TAIL = 1e-13  # probability beyond which a table is cut; its mass sits on the last value


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
        return float(self.values @ self.probabilities)

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


def demand_table(process: processes.Process, mean: float, variation: float = 0.0) -> Table:
    """Return the table of a discrete demand process at a shaped mean (units/period).

    `variation` is the coefficient of variation of a continuous demand that is rounded.
    """
    match process:
        case processes.Deterministic():
            return Table(mean, np.ones(1))
        case processes.UniformInteger(low=low, high=high):
            return Table(float(low), np.arange(1, high - low + 2) / (high - low + 1))
        case processes.Binomial(trials=trials, probability=probability):
            return Table(0.0, special.bdtr(np.arange(trials + 1), trials, probability))
        case processes.Intermittent():
            return _now_and_then(process)
        case _ if mean == 0.0:
            return Table(0.0, np.ones(1))
        case processes.Poisson():
            return _cut(lambda values: special.pdtr(values, mean), mean, mean)
        case processes.Geometric():
            ratio = mean / (1.0 + mean)
            return _cut(lambda values: 1.0 - ratio ** (values + 1.0), mean, mean * (1.0 + mean))
        case processes.NegativeBinomial(dispersion=dispersion):
            successes, probability = mean / (dispersion - 1.0), 1.0 / dispersion
            return _cut(lambda values: special.betainc(successes, values + 1.0, probability), mean, mean * dispersion)
        case processes.Normal() | processes.Gamma():
            return _rounded(process, mean, variation)
    raise TypeError(f"{type(process).__name__} has no table")


def _rounded(process: processes.Normal | processes.Gamma, mean: float, variation: float) -> Table:
    """Return the table of a continuous demand that is rounded to whole units."""
    variance = (mean * variation) ** 2
    if isinstance(process, processes.Gamma):
        shape = variation**-2
        return _cut(lambda values: special.gammainc(shape, (values + 0.5) * shape / mean), mean, variance)
    return _cut(lambda values: special.ndtr((values + 0.5 - mean) / max(mean * variation, 1e-12)), mean, variance)


def _now_and_then(process: processes.Intermittent) -> Table:
    """Return the table of an order's size, thinned to the periods that have one."""
    mean = process.size.mean if isinstance(process.size, processes.Shaped) else 0.0
    assert isinstance(mean, float | int)
    size = demand_table(process.size, float(mean))
    first = int(size.first)
    probabilities = np.concatenate([np.zeros(first), process.probability * size.probabilities])
    probabilities[0] += 1.0 - process.probability
    return Table(0.0, np.append(np.cumsum(probabilities)[:-1], 1.0))


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


def _cut(cumulative_of, mean: float, variance: float) -> Table:
    """Tabulate until the tail is negligible; a tail falls off at least like that of a geometric distribution."""
    size = int(mean + 8.0 * np.sqrt(variance) + 30.0 * variance / mean) + 16
    while True:
        cumulative = cumulative_of(np.arange(size, dtype=float))
        if cumulative[-1] >= 1.0 - TAIL:
            break
        size *= 2
    last = int(np.searchsorted(cumulative, 1.0 - TAIL))
    return Table(0.0, np.append(cumulative[:last], 1.0))


@dataclass
class TableSet:
    """Collects tables, each distinct one once, and packs them end to end for the engine."""

    tables: list[Table] = field(default_factory=list)
    _rows: dict[bytes, int] = field(default_factory=dict)

    def row(self, table: Table) -> int:
        """Return the row of a table, adding it if it is new."""
        key = np.float64(table.first).tobytes() + table.cumulative.tobytes()
        if key not in self._rows:
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
