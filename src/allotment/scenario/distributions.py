"""What the program knows of each demand distribution: its table, its moments, and how it is inverted where its mean moves.

A distribution is tabulated at the means that are known before an episode, and inverted draw by draw (`engine.inversion`) at
means that goodwill, regimes or noise move. Names and parameters are in `processes`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from allotment.quantities import Floats
from allotment.scenario import processes
from allotment.scenario.tables import Table, check_size, tabulated

# How a channel × SKU draws its demand: not at all, from tables, from a record, from the events of `one_of`, or by inverting.
NO_DEMAND, TABLE, HISTORY, EVENT, NORMAL, POISSON, NEGATIVE_BINOMIAL, GEOMETRIC, GAMMA, DETERMINISTIC = range(10)

ONE_VALUE = np.ones(1)


def _no_shape(process: Any, mean: Floats) -> Floats:
    return np.zeros(len(mean))


@dataclass(frozen=True)
class Distribution:
    """One demand distribution."""

    table: Callable[[Any, float, float], Table]  # of a process at a mean (units/period) and a shape
    inverted: int | None = None  # code by which `engine.inversion` draws it at a mean that moves
    moments: Callable[[Floats, Floats], tuple[Floats, Floats]] | None = (
        None  # mean and deviation at means (periods, n), shapes (n,)
    )
    shape: Callable[[Any, Floats], Floats] = _no_shape  # its second parameter by SKU, from the process and its means (K,)
    continuous: bool = False  # draws are not whole units unless the process is `rounded`


def demand_table(process: processes.Process, mean: float, shape: float = 0.0) -> Table:
    """Return the table of a demand process at a shaped mean (units/period).

    `shape` is the coefficient of variation of a continuous demand, whose draws are rounded.
    """
    if mean == 0.0 and isinstance(process, processes.Shaped):
        return Table(0.0, ONE_VALUE)
    return DISTRIBUTIONS[type(process)].table(process, mean, shape)


def _uniform_integer(process: processes.UniformInteger, mean: float, shape: float) -> Table:
    size = process.high - process.low + 1
    check_size(size)
    return Table(float(process.low), np.arange(1, size + 1) / size)


def _binomial(process: processes.Binomial, mean: float, shape: float) -> Table:
    check_size(process.trials + 1)
    return Table(0.0, special.bdtr(np.arange(process.trials + 1), process.trials, process.probability))


def _intermittent(process: processes.Intermittent, mean: float, shape: float) -> Table:
    """Return the table of an order's size, thinned to the periods that have one."""
    of_size = process.size.mean if isinstance(process.size, processes.Shaped) else 0.0
    assert isinstance(of_size, float | int)
    size = demand_table(process.size, float(of_size))
    first = int(size.first)
    check_size(first + len(size.cumulative))
    probabilities = np.concatenate([np.zeros(first), process.probability * size.probabilities])
    probabilities[0] += 1.0 - process.probability
    return Table(0.0, np.append(np.cumsum(probabilities)[:-1], 1.0))


def _poisson(process: processes.Poisson, mean: float, shape: float) -> Table:
    return tabulated(lambda values: special.pdtr(values, mean), mean, mean)


def _geometric(process: processes.Geometric, mean: float, shape: float) -> Table:
    ratio = mean / (1.0 + mean)
    return tabulated(lambda values: 1.0 - ratio ** (values + 1.0), mean, mean * (1.0 + mean))


def _negative_binomial(process: processes.NegativeBinomial, mean: float, shape: float) -> Table:
    successes, probability = mean / (process.dispersion - 1.0), 1.0 / process.dispersion
    return tabulated(lambda values: special.betainc(successes, values + 1.0, probability), mean, mean * process.dispersion)


def _rounded_normal(process: processes.Normal, mean: float, variation: float) -> Table:
    deviation = mean * variation
    return tabulated(lambda values: special.ndtr((values + 0.5 - mean) / max(deviation, 1e-12)), mean, deviation**2)


def _rounded_gamma(process: processes.Gamma, mean: float, variation: float) -> Table:
    shape = variation**-2
    return tabulated(lambda values: special.gammainc(shape, (values + 0.5) * shape / mean), mean, (mean * variation) ** 2)


def _clipped_normal(mean: Floats, variation: Floats) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of max(0, X) for a normal X."""
    deviation = mean * variation
    safe = np.where(deviation > 0.0, deviation, 1.0)
    ratio = mean / safe
    density, below = np.exp(-0.5 * ratio**2) / np.sqrt(2.0 * np.pi), special.ndtr(ratio)
    expected = mean * below + safe * density
    second = (mean**2 + safe**2) * below + mean * safe * density
    spread = np.sqrt(np.maximum(second - expected**2, 0.0))
    return np.where(deviation > 0.0, expected, mean), np.where(deviation > 0.0, spread, 0.0)


DISTRIBUTIONS: dict[type[Any], Distribution] = {
    processes.Poisson: Distribution(_poisson, POISSON, lambda mean, _: (mean, np.sqrt(mean))),
    processes.NegativeBinomial: Distribution(
        _negative_binomial,
        NEGATIVE_BINOMIAL,
        lambda mean, dispersion: (mean, np.sqrt(mean * dispersion)),
        shape=lambda process, mean: np.full(len(mean), process.dispersion),
    ),
    processes.Geometric: Distribution(_geometric, GEOMETRIC, lambda mean, _: (mean, np.sqrt(mean * (1.0 + mean)))),
    processes.Binomial: Distribution(_binomial),
    processes.UniformInteger: Distribution(_uniform_integer),
    processes.Intermittent: Distribution(_intermittent),
    processes.Deterministic: Distribution(
        lambda process, mean, _: Table(mean, ONE_VALUE), DETERMINISTIC, lambda mean, _: (mean, np.zeros_like(mean))
    ),
    processes.Normal: Distribution(
        _rounded_normal,
        NORMAL,
        _clipped_normal,
        shape=lambda process, mean: process.standard_deviation / np.maximum(mean, 1e-300),
        continuous=True,
    ),
    processes.Gamma: Distribution(
        _rounded_gamma,
        GAMMA,
        lambda mean, variation: (mean, mean * variation),
        shape=lambda process, mean: np.full(len(mean), process.coefficient_of_variation),
        continuous=True,
    ),
}
