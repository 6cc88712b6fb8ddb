"""How sure an estimate is: each source of chance is resampled by itself, and their variances add up.

A bootstrap resample draws n things with replacement from n, so each of them enters it with a weight: a multinomial count
over n (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 6). What is resampled are the strata of a
comparison: each policy's training seeds, the test worlds that all policies share, and items where a claim is about items.

    variance of source i = n_i / (n_i - 1) × the variance of the estimate when source i alone is resampled
    standard error = √(sum of the variances)
    interval = estimate ± standard error × sum of (share of source i in the variance) × (Student's t of n_i - 1)

With one source this is the textbook's interval of a mean; the weighted t is that of Cochran and Cox (Experimental Designs,
second edition, 1957), which keeps its promise where one of the sources has two or three members. What seeds and worlds do
together counts with both, so that intervals err on the wide side (as in Owen, Annals of Applied Statistics 1, 2007).
Percentiles of resampled estimates would not do: of three seeds they leave out a third of the variance and the long tails.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from allotment.quantities import Floats

Statistic = Callable[..., Floats]  # one array of weights (R, n) for each source; returns the estimates (R,)

CELLS_AT_ONCE = 2**20  # numbers that a statistic holds in memory together; 8 MiB
SMALLEST = 1e-30  # p-values are not told apart below; Student's t is not reliably inverted at much smaller ones


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval, all in the unit of the values."""

    estimate: float
    low: float
    high: float
    standard_error: float
    shares: tuple[float, ...]  # of each source of chance in the variance
    freedoms: tuple[int, ...]  # members of each source, less one

    def p_value(self, null: float = 0.0) -> float:
        """Return one less the level at which the interval's edge would touch `null`."""
        distance = abs(self.estimate - null)
        if self.standard_error == 0.0:
            return 1.0 if distance == 0.0 else 0.0
        wanted = distance / self.standard_error
        if weighted_t(SMALLEST, self.shares, self.freedoms) <= wanted:
            return 0.0
        found = optimize.brentq(
            lambda power: weighted_t(10.0**power, self.shares, self.freedoms) - wanted, np.log10(SMALLEST), 0.0
        )
        return float(10.0**found)


def interval(
    statistic: Statistic,
    sizes: Sequence[int],
    rng: np.random.Generator,
    level: float = 0.95,
    resamples: int = 2000,
    cells: int | None = None,
) -> Interval:
    """Return the interval of a statistic of sources with `sizes` members; a source of one member is not resampled.

    `statistic` takes one array of weights (R, n) for each source, whose rows sum to one, and returns R estimates; `cells`
    counts the numbers it holds for each of them. Raises ValueError where there is nothing to resample.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}")
    if max(sizes) < 2:
        raise ValueError("an interval needs at least two worlds, or another source of chance with two members")
    even = [np.full((1, size), 1.0 / size) for size in sizes]
    rows = max(1, CELLS_AT_ONCE // (cells or sum(sizes)))
    resampled = [place for place, size in enumerate(sizes) if size > 1]
    variances = [_variance(statistic, even, place, resamples, rows, rng) for place in resampled]
    freedoms = tuple(sizes[place] - 1 for place in resampled)
    return _interval(float(statistic(*even)[0]), np.array(variances), freedoms, level)


def weighted_t(p_value: float, shares: Sequence[float], freedoms: Sequence[int]) -> float:
    """Return how many standard errors an estimate must lie away for a two-sided p-value."""
    return float(np.dot(shares, stats.t.isf(p_value / 2.0, freedoms)))


def weighted_sum(values: Floats, *weights: Floats) -> Floats:
    """Return the sum of values (n1, n2, …) weighted along every axis, (R,), from one array of weights (R, n) for each axis."""
    axes = "abcd"[: values.ndim]
    return np.einsum(",".join([f"r{axis}" for axis in axes]) + f",{axes}->r", *weights, values, optimize=True)


def _variance(
    statistic: Statistic, even: list[Floats], place: int, resamples: int, rows: int, rng: np.random.Generator
) -> float:
    """Return the variance that one source alone gives to the estimate, some rows of resamples at a time."""
    size, estimates = even[place].shape[1], []
    for start in range(0, resamples, rows):
        drawn = rng.multinomial(size, even[place][0], min(rows, resamples - start)) / size
        weights = [drawn if other == place else np.repeat(row, len(drawn), axis=0) for other, row in enumerate(even)]
        estimates.append(statistic(*weights))
    return float(size / (size - 1) * np.concatenate(estimates).var())


def _interval(estimate: float, variances: Floats, freedoms: tuple[int, ...], level: float) -> Interval:
    """Return the interval of an estimate whose variance is the sum of those of independent sources."""
    variance = float(variances.sum())
    if variance <= (1e-12 * estimate) ** 2:  # nothing but rounding
        return Interval(estimate, estimate, estimate, 0.0, tuple(0.0 for _ in freedoms), freedoms)
    shares, error = tuple((variances / variance).tolist()), variance**0.5
    reach = error * weighted_t(1.0 - level, shares, freedoms)
    return Interval(estimate, estimate - reach, estimate + reach, error, shares, freedoms)
