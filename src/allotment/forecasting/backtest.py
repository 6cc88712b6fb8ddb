"""Rolling-origin backtests: at each origin a method sees the past alone, and is measured on what came after."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from allotment.forecasting.methods import Method
from allotment.forecasting.tracking import Tracked
from allotment.quantities import Floats

QUANTILES = (0.5, 0.9)


def backtest(
    method: Method, series: Floats, horizon: int = 1, first: int = 2, quantiles: Sequence[float] = QUANTILES
) -> pd.DataFrame:
    """Return one row an origin: how far forecasts of the next `horizon` periods were off, over all series.

    `series` is (periods, …); an origin is how many periods have been seen, `first` the earliest. Columns: `origin`; `mae`,
    `rmse` and `bias` (forecast less demand) in units; `mase`, the mean over series of absolute errors relative to those of
    the naive forecast within the periods seen (Hyndman and Koehler 2006); and `pinball_<quantile>` in units, of a normal
    distribution with the forecast's deviation.
    """
    if not 1 <= first <= len(series) - horizon:
        raise ValueError(
            f"a backtest needs at least {first + horizon} periods and a first origin of at least 1, not {len(series)}"
        )
    tracked, rows = Tracked.of(method, series[:first]), []
    for origin in range(first, len(series) - horizon + 1):
        if origin > first:
            tracked = tracked.after(series[origin - 1])
        mean, deviation = tracked.forecast(range(1, horizon + 1))
        rows.append({"origin": origin, **_measures(mean, deviation, series[: origin + horizon], origin, quantiles)})
    return pd.DataFrame(rows)


def _measures(mean: Floats, deviation: Floats, series: Floats, origin: int, quantiles: Sequence[float]) -> dict[str, float]:
    from scipy.special import ndtri

    actual, error = series[origin:], mean - series[origin:]
    naive = np.abs(np.diff(series[:origin], axis=0)).mean(axis=0) if origin > 1 else np.zeros_like(series[0])
    relative = np.abs(error).mean(axis=0)[naive > 0.0] / naive[naive > 0.0]
    pinball = {}
    for quantile in quantiles:
        short = actual - (mean + ndtri(quantile) * deviation)
        pinball[f"pinball_{quantile:g}"] = float(np.maximum(quantile * short, (quantile - 1.0) * short).mean())
    return {
        "mae": float(np.abs(error).mean()),
        "rmse": float(np.sqrt((error**2).mean())),
        "bias": float(error.mean()),
        "mase": float(relative.mean()) if relative.size else np.nan,
        **pinball,
    }
