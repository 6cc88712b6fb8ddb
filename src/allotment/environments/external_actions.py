"""What a policy says as an action of another package's environment: numbers in [-1, 1] and positions of choices.

A bounded box becomes quantities: −1 is the lowest value, 1 the highest, and in a box of whole numbers the nearest one is taken.
Discrete, MultiDiscrete and MultiBinary become choices counted from 0. The environment gets values of its own shape and data
type, within its bounds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces

from allotment.scenario.errors import ScenarioError


def external_actions(space: spaces.Space[Any], name: str) -> Quantities | Choices:
    """Return what takes a policy's answers to actions of a space; `ScenarioError` where there is no such thing."""
    if isinstance(space, spaces.Discrete):
        return Choices(space, np.asarray(space.n), np.asarray(space.start))
    if isinstance(space, spaces.MultiDiscrete):
        return Choices(space, space.nvec, space.start)
    if isinstance(space, spaces.MultiBinary):
        return Choices(space, np.full(space.shape, 2), np.zeros(space.shape, dtype=np.int64))
    if not isinstance(space, spaces.Box):
        raise ScenarioError(f"{name}: actions must be a Box, Discrete, MultiDiscrete or MultiBinary, not {space}")
    if not space.is_bounded():
        raise ScenarioError(f"{name}: actions must have finite bounds, not {space}")
    return Quantities(space)


class Quantities:
    """Numbers in [-1, 1], (size,), as values of a bounded box."""

    choices: tuple[int, ...] = ()

    def __init__(self, box: spaces.Box) -> None:
        self.shape, self.dtype, self.whole = box.shape, box.dtype, box.dtype.kind != "f"
        self.size = int(np.prod(box.shape))
        self.space = spaces.Box(-1.0, 1.0, (self.size,), dtype=np.float32)
        exact = np.uint64 if self.whole else np.float64  # integers modulo 2**64: exact for every integer type
        self.low, self.high = (bound.astype(exact) for bound in (box.low, box.high))

    def __call__(self, numbers: Any) -> Any:
        """Return the value of the box."""
        inside = np.minimum(np.maximum(np.asarray(numbers, dtype=np.float64), -1.0), 1.0)
        reached = (inside.reshape(self.shape) + 1.0) / 2.0
        value = self._nearest(reached) if self.whole else self._between(reached)
        return np.asarray(value).astype(self.dtype)

    def _between(self, reached: Any) -> Any:
        """Return what lies so far (0 to 1) between the bounds, whose difference may be more than a float holds."""
        value = self.low * (1.0 - reached) + self.high * reached
        return np.minimum(np.maximum(value, self.low), self.high)  # rounding may lead beyond them

    def _nearest(self, reached: Any) -> Any:
        """Return the whole number nearest to what lies so far (0 to 1) between the bounds."""
        width = self.high - self.low
        steps, most = np.rint(reached * width.astype(np.float64)), width.astype(np.float64)
        return self.low + np.where(steps < most, np.where(steps < most, steps, 0.0).astype(np.uint64), width)


class Choices:
    """Positions from 0, one for each decision, as a value of a Discrete, MultiDiscrete or MultiBinary space."""

    def __init__(self, own: spaces.Space[Any], counts: Any, start: Any) -> None:
        self.own, self.start = own, start
        self.choices = tuple(int(count) for count in counts.flat)
        self.size = sum(self.choices)
        several = len(self.choices) != 1
        self.space = spaces.MultiDiscrete(list(self.choices)) if several else spaces.Discrete(self.choices[0])

    def __call__(self, positions: Any) -> Any:
        """Return the value of the space."""
        chosen = np.asarray(positions).astype(np.int64).reshape(self.start.shape)
        return (self.start + chosen).astype(self.own.dtype)[()]
