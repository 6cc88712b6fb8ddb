"""The spaces of an environment: float32 vectors in finite bounds, and actions in [-1, 1] or a list of quantities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces

from allotment.decisions.encodings import Discrete, Encoding
from allotment.decisions.flatten import Flattener
from allotment.quantities import is_whole, numbers_in
from allotment.scenario.errors import shown
from allotment.scenario.problem import Floats


def observation_space(flattener: Flattener) -> spaces.Box:
    """Return the space of one world's observation vector."""
    return spaces.Box(flattener.low, flattener.high, dtype=np.float32)


def action_space(encoding: Encoding) -> spaces.Space[Any]:
    """Return the space of one world's action."""
    if isinstance(encoding, Discrete):
        return spaces.Discrete(encoding.choices)
    return spaces.Box(-1.0, 1.0, (encoding.size,), dtype=np.float32)


def checked_actions(actions: object, encoding: Encoding, batch: int) -> Floats:
    """Return actions (B, size), or (B,) positions; `ValueError` for what are no numbers, a wrong shape, unknown positions."""
    array = np.asarray(numbers_in(actions, f"actions for encoding {encoding.name}"), dtype=np.float64)
    discrete = isinstance(encoding, Discrete)
    expected = (batch,) if discrete else (batch, encoding.size)
    if array.shape != expected:
        raise ValueError(f"actions have shape {array.shape}; expected {expected} for encoding {encoding.name}")
    if not np.isfinite(array).all():
        where = np.argwhere(~np.isfinite(array))[0]
        raise ValueError(f"actions must be finite; position {where.tolist()} is {array[tuple(where)]}")
    if isinstance(encoding, Discrete):
        wrong = (array < 0) | (array >= encoding.choices) | (array != np.floor(array))
        if wrong.any():
            raise ValueError(f"actions must be whole numbers from 0 to {encoding.choices - 1}, not {array[wrong][0]:g}")
        return array
    return np.clip(array, -1.0, 1.0)


def checked_count(num_envs: Any) -> int:
    """Return how many worlds a batch is to have; `ValueError` says what is allowed."""
    if not is_whole(num_envs) or num_envs < 1:
        raise ValueError(f"num_envs must be a whole number of at least 1, not {shown(num_envs)}")
    return int(num_envs)


def checked_options(options: object, allowed: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the options of a reset; `ValueError` names what is none of those that are allowed."""
    if options is not None and not isinstance(options, Mapping):
        raise ValueError(f"options must be a mapping or none, not {shown(options)}")
    for name in options or {}:
        if name not in allowed:
            known = ", ".join(allowed) or "none"
            raise ValueError(f"unknown option {shown(name)}; allowed: {known}")
    return dict(options or {})
