"""The observation vectors of a simulation, written by compiled code: what `flatten` says, without an observation object."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from allotment.engine import fields as f
from allotment.engine import kernel_observation as seen
from allotment.env.flatten import Flattener
from allotment.env.observation import site_moments
from allotment.env.simulation import Simulation

OUTSTANDING = {
    "by_age": seen.BY_AGE,
    "by_lane": seen.BY_LANE,
    "by_site_and_age": seen.BY_SITE_AND_AGE,
    "by_site": seen.BY_SITE,
}
CODES = {
    "on_hand": seen.ON_HAND,
    "on_hand_by_life": seen.BY_LIFE,
    "owed": seen.OWED,
    "demand_history": seen.HISTORY,
    "forecast_mean": seen.FORECAST_MEAN,
    "forecast_deviation": seen.FORECAST_DEVIATION,
    "goodwill": seen.GOODWILL,
    "calendar": seen.CALENDAR,
}


class View:
    """Writes the vectors of one simulation's worlds, (B, n) of float32."""

    def __init__(self, flattener: Flattener, simulation: Simulation) -> None:
        self.flattener, self.simulation = flattener, simulation
        self.address = simulation.memory.address
        self.vectors = np.zeros((simulation.batch, flattener.size), dtype=np.float32)
        mean, variance = site_moments(simulation.problem)
        groups = [(_code(flattener, place), group.start, group.shape[0]) for place, group in enumerate(flattener.layout)]
        for field, array in (
            (f.SEEN_GROUPS, np.array(groups)),
            (f.SEEN_BOUNDS, np.stack([flattener.scale, flattener.low, flattener.high]).astype(np.float64)),
            (f.SEEN_FORECAST, np.stack([mean, np.sqrt(variance)])),
            (f.SEEN, self.vectors),
        ):
            simulation.memory.put(field, array)

    def __call__(self) -> NDArray[np.float32]:
        """Return what every world's network sees now."""
        seen.observe(self.address)
        return self.vectors.copy()

    def __reduce__(self) -> tuple[Any, ...]:
        return View, (self.flattener, self.simulation)


def _code(flattener: Flattener, place: int) -> int:
    """Return how compiled code calls a group."""
    group = flattener.layout[place]
    if group.name == "outstanding":
        return OUTSTANDING[flattener.chosen.outstanding]
    if group.name == "open_orders":
        return seen.OPEN_BY_SLOT if group.axes[-1] == "due_slot" else seen.OPEN
    return CODES[group.name]
