"""The observation vectors of a simulation, written by compiled code: what `flatten` says, without an observation object."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from allotment.decisions.flatten import Flattener
from allotment.decisions.observation import site_moments
from allotment.engine import layout as f
from allotment.engine.kernel import observation as compiled
from allotment.simulation.simulation import Simulation


class ObservationVectors:
    """Writes the vectors of one simulation's worlds, (B, n) of float32."""

    def __init__(self, flattener: Flattener, simulation: Simulation) -> None:
        self.flattener, self.simulation = flattener, simulation
        self.address = simulation.memory.address
        self.array = np.zeros((simulation.batch, flattener.size), dtype=np.float32)
        mean, variance = site_moments(simulation.problem)
        groups = [(compiled.KINDS.index(group.kind.kind), group.start, group.shape[0]) for group in flattener.layout]
        for field, array in (
            (f.OBSERVED_GROUPS, np.array(groups)),
            (f.OBSERVED_BOUNDS, np.stack([flattener.per_unit, flattener.low, flattener.high]).astype(np.float64)),
            (f.OBSERVED_FORECAST, np.stack([mean, np.sqrt(variance)])),
            (f.OBSERVATIONS, self.array),
        ):
            simulation.memory.put(field, array)

    def __call__(self) -> NDArray[np.float32]:
        """Return what every world's network observes now."""
        compiled.observe(self.address)
        return self.array.copy()

    def __reduce__(self) -> tuple[Any, ...]:
        return ObservationVectors, (self.flattener, self.simulation)
