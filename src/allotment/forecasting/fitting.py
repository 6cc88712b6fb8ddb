"""Smoothing parameters fitted to past demand by statsmodels."""

from __future__ import annotations

import warnings

import numpy as np

from allotment.quantities import Floats
from allotment.scenario.errors import ScenarioError


def fitted_smoothing(series: Floats) -> Floats:
    """Return the smoothing parameter of least squared errors of each series (periods, …), by `SimpleExpSmoothing`.

    Series that do not change have no errors, and get 0. Raises `ScenarioError` where statsmodels is not installed.
    """
    try:
        from statsmodels.tsa.holtwinters import SimpleExpSmoothing
    except ImportError:
        raise ScenarioError("statsmodels is not installed; pip install 'allotment[forecasts]'") from None
    found = np.zeros(series.shape[1:])
    for place in np.ndindex(found.shape):
        one = series[(slice(None), *place)]
        if np.ptp(one) > 0.0:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of optima at the ends of [0, 1]
                model = SimpleExpSmoothing(one, initialization_method="known", initial_level=one[0])
                found[place] = model.fit().params["smoothing_level"]
    return np.clip(found, 0.0, 1.0)
