"""From a batch of actions to what a simulation plays next: in one call of compiled code wherever the encoding allows it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from allotment.decisions.encodings import Encoding, OrderUpTo, Residual
from allotment.decisions.observation import observe
from allotment.decisions.ordering import Ordering
from allotment.engine import layout as f
from allotment.engine.kernel.actions import ENCODINGS, act
from allotment.environments.observation_vectors import ObservationVectors
from allotment.environments.spaces import checked_actions
from allotment.quantities import numbers_in
from allotment.simulation.simulation import Simulation

FAST = (np.dtype(np.float32), np.dtype(np.float64))  # kinds of numbers that need no check before compiled code reads them


class ActionDecoder:
    """Takes actions into one simulation: a batch of them, or the action of the only world by itself (`alone`)."""

    def __init__(self, encoding: Encoding, simulation: Simulation, vectors: ObservationVectors, alone: bool = False) -> None:
        self.encoding, self.simulation, self.vectors, self.alone = encoding, simulation, vectors, alone
        self.shape: tuple[int, ...] = (simulation.batch,) if encoding.name == "discrete" else (simulation.batch, encoding.size)
        ordering = _ordering(encoding)
        by_array_code = isinstance(encoding, Residual) and (ordering is None or bool(encoding.also_corrects))
        self.compiled = encoding.name in ENCODINGS and not by_array_code
        self._buffer, self._address = np.zeros((simulation.batch, encoding.size)), simulation.memory.address
        self.shape = self.shape[1:] if alone else self.shape
        self._filled, self._seen = self._buffer.reshape(self.shape), vectors.array[0] if alone else vectors.array
        if self.compiled:
            for field, array in {f.ACTIONS: self._buffer, **_arrays(encoding)}.items():
                simulation.memory.put(field, np.ascontiguousarray(array, dtype=f.FIELDS[field].declared.dtype))
            simulation.memory.ship(encoding.allocation_actions.largest_allocation.size > 0)
            simulation.memory.divide_alike()
        if ordering is not None:
            ordering.put_into(simulation)

    def step(self, actions: Any) -> NDArray[np.float32]:
        """Play one period with actions (B, size), or (size,) alone; returns what is seen after it, (B, n) or (n,)."""
        if not self.compiled:
            self.simulation.take(self.encoding.decision(self._checked(actions), observe(self.simulation)))
            self.simulation.advance()
            self.vectors()
            return self._seen.copy()
        if not (type(actions) is np.ndarray and actions.dtype in FAST and actions.shape == self.shape):
            actions = self._checked(actions).reshape(self.shape)
        self._filled[...] = actions
        fault = act(self._address)
        if fault >= 0:
            self._checked(actions)
            self.simulation.check_finite(fault - self._buffer.size)
        return self._seen.copy()

    def __reduce__(self) -> tuple[Any, ...]:
        return ActionDecoder, (self.encoding, self.simulation, self.vectors, self.alone)

    def _checked(self, actions: Any) -> NDArray[np.float64]:
        if self.alone:
            actions = numbers_in(actions, f"actions for encoding {self.encoding.name}")[None]
        return checked_actions(actions, self.encoding, self.simulation.batch)


def _ordering(encoding: Encoding) -> Ordering | None:
    """Return what the rule orders that actions correct, as compiled code takes it."""
    ordering = getattr(encoding.rule, "ordering", None) if isinstance(encoding, Residual) else None
    return None if ordering is None else ordering()


def _arrays(encoding: Any) -> dict[int, Any]:
    """Return what compiled code is told of an encoding, by field."""
    shared = encoding.allocation_actions
    arrays = {
        f.ENCODING: [ENCODINGS.index(encoding.name)],
        f.ALLOCATION_LIMIT: shared.largest_allocation,
        f.PROTECTION_LIMIT: shared.largest_protection,
        f.BUDGET_LIMIT: shared.largest_budget,
    }
    if isinstance(encoding, OrderUpTo):
        targets = {f.TARGET_LIMIT: encoding.limits, f.SCORE_ACTION: encoding.scored, f.SHARPNESS: [encoding.sharpness]}
        return arrays | targets
    lane, sku = encoding.cells
    cells = {f.ACTION_LANE: lane, f.ACTION_SKU: sku, f.ACTION_OF: encoding.groups, f.ACTION_LIMIT: encoding.limits}
    return arrays | cells
