"""Means and variances of a world's random processes."""

from __future__ import annotations

import numpy as np

from allotment.scenario.problem import Floats, Problem


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
