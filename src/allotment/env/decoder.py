"""From a batch of actions to what a simulation plays next: through compiled code where an encoding allows it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from allotment.engine import fields as f
from allotment.engine import kernel_actions
from allotment.env.encoding import Encoding, Quantity, decision
from allotment.env.simulation import Simulation
from allotment.env.spaces import checked_actions
from allotment.env.view import View


class Decoder:
    """Takes actions into one simulation."""

    def __init__(self, encoding: Encoding, simulation: Simulation, view: View) -> None:
        self.encoding, self.simulation, self.view = encoding, simulation, view
        self.compiled = isinstance(encoding, Quantity) and encoding.sharing.size == 0
        self.shape = (simulation.batch, encoding.size)
        if isinstance(encoding, Quantity) and self.compiled:
            lane, sku = (np.ascontiguousarray(axis, dtype=np.int64) for axis in encoding.cells)
            for field, array in ((f.ACTION_LANE, lane), (f.ACTION_SKU, sku), (f.ACTION_LIMIT, encoding.limits)):
                simulation.memory.put(field, array)

    def play(self, actions: Any) -> NDArray[np.float32]:
        """Play one period with actions (B, size); returns what is seen after it, (B, n)."""
        if not self.compiled:
            self.simulation.take(decision(self.encoding, self._checked(actions), self.simulation.observation()))
            self.simulation.play()
            return self.view()
        array = np.ascontiguousarray(actions, dtype=np.float64)
        if array.shape != self.shape or kernel_actions.play(self.simulation.memory.address, array) >= 0:
            self._checked(actions)  # raises, and says why
        return self.view.vectors.copy()

    def __reduce__(self) -> tuple[Any, ...]:
        return Decoder, (self.encoding, self.simulation, self.view)

    def _checked(self, actions: Any) -> NDArray[np.float64]:
        return checked_actions(actions, self.encoding, self.simulation.batch)
