"""How the mean of a demand moves: season, trend, shocks and promotions, each a multiplier by period of the episode."""

from __future__ import annotations

import numpy as np

from allotment.scenario import processes
from allotment.scenario.problem import Floats


def multipliers(process: processes.Shaped, periods: int) -> Floats:
    """Return the multiplier on the mean in each of the first periods of an episode, (periods,)."""
    time = np.arange(periods)
    factor = np.ones(periods) if process.season is None else season_multipliers(process.season)[time % process.season.period]
    factor = factor * np.maximum(1.0 + process.trend * time, 0.0)
    for shock in process.shocks:
        factor = factor * np.where(time >= shock.period, shock.multiplier, 1.0)
    for promotion in process.promotions:
        factor = factor * np.where((time >= promotion.start) & (time <= promotion.end), promotion.multiplier, 1.0)
    return factor


def season_multipliers(season: processes.Season) -> Floats:
    """Return the multiplier on the mean in each period of one cycle, (period,)."""
    if season.profile is not None:
        return np.array(season.profile, dtype=float)
    phase = 2.0 * np.pi * (np.arange(season.period) - season.peak) / season.period
    return 1.0 + season.amplitude * np.cos(phase)
