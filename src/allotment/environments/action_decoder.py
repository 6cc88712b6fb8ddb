"""From a batch of actions to what a simulation plays next: through compiled code where an encoding allows it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from allotment.decisions.encodings import Encoding, Quantity, decision
from allotment.decisions.observation import observe
from allotment.engine import layout as f
from allotment.engine.kernel import actions as kernel_actions
from allotment.environments.observation_vectors import ObservationVectors
from allotment.environments.spaces import checked_actions
from allotment.simulation.simulation import Simulation

FAST = (np.dtype(np.float32), np.dtype(np.float64))  # kinds of numbers that need no check before compiled code reads them


class ActionDecoder:
    """Takes actions into one simulation."""

    def __init__(self, encoding: Encoding, simulation: Simulation, vectors: ObservationVectors) -> None:
        self.encoding, self.simulation, self.vectors = encoding, simulation, vectors
        self.compiled = isinstance(encoding, Quantity) and encoding.allocation_actions.size == 0
        self.shape = (simulation.batch, encoding.size)
        self._buffer, self._address = np.zeros(self.shape), simulation.memory.address
        if isinstance(encoding, Quantity) and self.compiled:
            lane, sku = (np.ascontiguousarray(axis, dtype=np.int64) for axis in encoding.cells)
            for field, array in ((f.ACTION_LANE, lane), (f.ACTION_SKU, sku), (f.ACTION_LIMIT, encoding.limits)):
                simulation.memory.put(field, array)

    def step(self, actions: Any) -> NDArray[np.float32]:
        """Play one period with actions (B, size); returns what is seen after it, (B, n)."""
        if not self.compiled:
            self.simulation.take(decision(self.encoding, self._checked(actions), observe(self.simulation)))
            self.simulation.advance()
            return self.vectors()
        if not (isinstance(actions, np.ndarray) and actions.shape == self.shape and actions.dtype in FAST):
            actions = self._checked(actions)
        self._buffer[...] = actions
        if kernel_actions.act(self._address, self._buffer) >= 0:
            self._checked(actions)
        return self.vectors.array.copy()

    def __reduce__(self) -> tuple[Any, ...]:
        return ActionDecoder, (self.encoding, self.simulation, self.vectors)

    def _checked(self, actions: Any) -> NDArray[np.float64]:
        return checked_actions(actions, self.encoding, self.simulation.batch)
