"""How sure a simulated mean is: bootstrap intervals of means and of differences on common worlds.

A bootstrap resample draws n values with replacement, so each value enters it with an integer weight; the weights of one
resample are multinomial with n trials over n equal cells. The interval is made of percentiles of the resampled means
(Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

WEIGHTS_AT_ONCE = 2**20  # weights held in memory together; 8 MiB


@dataclass(frozen=True)
class Interval:
    """An estimated mean with its confidence interval, all in the unit of the values."""

    mean: float
    low: float
    high: float
    standard_error: float  # the standard deviation of the resampled means


def mean_interval(values: ArrayLike, rng: np.random.Generator, level: float = 0.95, resamples: int = 2000) -> Interval:
    """Return the bootstrap percentile interval of the mean of `values` (n,), which are independent of each other.

    Raises ValueError for fewer than two values, or values that are not finite.
    """
    sample = _sample(values, "values", dimensions=1)
    means = np.concatenate([weights @ sample for weights in _weights(sample.size, resamples, rng)])
    return _percentile_interval(sample.mean(), means / sample.size, level)


def paired_difference(
    values: ArrayLike, reference: ArrayLike, rng: np.random.Generator, level: float = 0.95, resamples: int = 2000
) -> Interval:
    """Return the interval of mean(values - reference), both (n,), where row i of either was played in the same world.

    What the worlds have in common cancels before it is averaged, which makes the interval far narrower than that of
    either mean.
    """
    return mean_interval(_difference(values, reference, dimensions=1), rng, level, resamples)


def item_difference(
    values: ArrayLike, reference: ArrayLike, rng: np.random.Generator, level: float = 0.95, resamples: int = 2000
) -> Interval:
    """Return the interval of the mean, over episodes, of the difference summed over items; both are (episodes, items).

    Items are resampled jointly with episodes: the interval speaks of other items of the same kind as well as of other
    worlds, which is what a claim about an assortment needs (the pigeonhole bootstrap; Owen, Annals of Applied
    Statistics 1, 2007, which shows that it errs on the wide side).
    """
    difference = _difference(values, reference, dimensions=2)
    episodes, items = difference.shape
    rows = _weights(episodes, resamples, rng, also=items)
    totals = [
        ((episode_weights @ difference) * rng.multinomial(items, _equal(items), len(episode_weights))).sum(axis=1)
        for episode_weights in rows
    ]
    return _percentile_interval(difference.sum(axis=1).mean(), np.concatenate(totals) / episodes, level)


def _weights(size: int, resamples: int, rng: np.random.Generator, also: int = 0) -> Iterator[NDArray[np.int64]]:
    """Yield the weights of all resamples, (some rows, size) at a time; each row sums to `size`.

    `also` counts further numbers that the caller holds for each row.
    """
    rows = max(1, WEIGHTS_AT_ONCE // (size + also))
    for start in range(0, resamples, rows):
        yield rng.multinomial(size, _equal(size), min(rows, resamples - start))


def _equal(size: int) -> Floats:
    """Return `size` equal probabilities."""
    return np.full(size, 1 / size)


def _percentile_interval(mean: float, resampled: Floats, level: float) -> Interval:
    """Return the central interval that holds a share `level` of the resampled means."""
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}")
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(mean), float(low), float(high), float(resampled.std(ddof=1)))


def _difference(values: ArrayLike, reference: ArrayLike, dimensions: int) -> Floats:
    """Return values - reference, element by element."""
    sample, base = _sample(values, "values", dimensions), _sample(reference, "reference", dimensions)
    if sample.shape != base.shape:
        raise ValueError(f"a paired difference needs equal shapes, not values {sample.shape}, reference {base.shape}")
    return sample - base


def _sample(values: ArrayLike, name: str, dimensions: int) -> Floats:
    """Return `values` as a checked array of floats."""
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != dimensions:
        raise ValueError(f"{name} must have {dimensions} dimension(s), not the shape {sample.shape}")
    if min(sample.shape) < 1 or len(sample) < 2:
        raise ValueError(f"an interval needs at least two episodes, but {name} has the shape {sample.shape}")
    bad = np.flatnonzero(~np.isfinite(sample))
    if bad.size:
        raise ValueError(f"{name} must be finite; {bad.size} of {sample.size} are not, first {sample.flat[bad[0]]}")
    return sample
