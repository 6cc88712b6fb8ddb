"""How the mean of a demand moves: season, trend, shocks and promotions, each a multiplier by period of the episode."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from allotment.scenario import processes
from allotment.scenario.patterns import matching
from allotment.scenario.problem import Floats


def multipliers(process: processes.Shaped, periods: int, skus: Sequence[str], where: str) -> Floats:
    """Return the multiplier on each SKU's mean in each of the first periods of an episode, (periods, skus)."""
    time = np.arange(periods)
    factor = np.ones(periods) if process.season is None else season_multipliers(process.season)[time % process.season.period]
    factor = factor * np.maximum(1.0 + process.trend * time, 0.0)
    for shock in process.shocks:
        factor = factor * np.where(time >= shock.period, shock.multiplier, 1.0)
    by_sku = np.repeat(factor[:, None], len(skus), axis=1)
    for position, promotion in enumerate(process.promotions):
        promoted = matching(promotion.sku, skus, f"{where}.promotions[{position}].sku")
        by_sku[np.flatnonzero(promotion.holds(time))[:, None], promoted] *= promotion.multiplier
    return by_sku


def season_multipliers(season: processes.Season) -> Floats:
    """Return the multiplier on the mean in each period of one cycle, (period,)."""
    if season.profile is not None:
        return np.array(season.profile, dtype=float)
    phase = 2.0 * np.pi * (np.arange(season.period) - season.peak) / season.period
    return 1.0 + season.amplitude * np.cos(phase)
