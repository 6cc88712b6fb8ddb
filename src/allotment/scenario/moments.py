"""Means and variances of a world's random processes."""

from __future__ import annotations

import numpy as np
from scipy import special

from allotment.scenario.problem import GAMMA, GEOMETRIC, NEGATIVE_BINOMIAL, NORMAL, POISSON, Floats, Problem


def direct_moments(kind: int, mean: Floats, shape: Floats) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of a distribution that is inverted at its mean (periods, n); `shape` is (n,)."""
    if kind == NORMAL:
        return _clipped_normal(mean, mean * shape)
    variance = {
        POISSON: mean,
        NEGATIVE_BINOMIAL: mean * shape,
        GEOMETRIC: mean * (1.0 + mean),
        GAMMA: (mean * shape) ** 2,
    }.get(kind, np.zeros_like(mean))
    return mean, np.sqrt(variance)


def _clipped_normal(mean: Floats, deviation: Floats) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of max(0, X) for a normal X."""
    safe = np.where(deviation > 0.0, deviation, 1.0)
    ratio = mean / safe
    density, below = np.exp(-0.5 * ratio**2) / np.sqrt(2.0 * np.pi), special.ndtr(ratio)
    expected = mean * below + safe * density
    second = (mean**2 + safe**2) * below + mean * safe * density
    spread = np.sqrt(np.maximum(second - expected**2, 0.0))
    return np.where(deviation > 0.0, expected, mean), np.where(deviation > 0.0, spread, 0.0)


def resampling_moments(units: Floats, window: int | None) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of a resampled period, each (recorded periods, channels, skus)."""
    if window is None:
        whole = np.broadcast_to
        return whole(units.mean(axis=0), units.shape), whole(units.std(axis=0), units.shape)
    near = np.stack([np.roll(units, -offset, axis=0) for offset in range(-window, window + 1)])
    return near.mean(axis=0), near.std(axis=0)


def lead_time_moments(problem: Problem) -> tuple[Floats, Floats]:
    """Return mean (periods) and variance of each supply lane's lead time, (L,) each."""
    means, variances = [], []
    for row in problem.lanes.lead_row:
        start, stop = problem.tables.start[row], problem.tables.start[row + 1]
        values = problem.tables.first[row] + np.arange(stop - start)
        probabilities = np.diff(problem.tables.cumulative[start:stop], prepend=0.0)
        mean = float(values @ probabilities)
        means.append(mean)
        variances.append(float((values - mean) ** 2 @ probabilities))
    return np.array(means), np.array(variances)
