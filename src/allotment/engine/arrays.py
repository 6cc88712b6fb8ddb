"""The few array operations that NumPy and Torch spell differently, without changing anything in place."""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import array_namespace, is_torch_array

Array = Any  # a NumPy array or a Torch tensor


def add_at(array: Array, where: tuple[Any, ...], values: Array) -> Array:
    """Return an array (B, …) with values (B, n) added at n places of the axes behind the first; places may repeat."""
    if is_torch_array(array):
        return array.index_put(_with_batch(array, where), values, accumulate=True)
    added = array.copy()
    np.add.at(added, (slice(None), *where), values)
    return added


def put_at(array: Array, where: tuple[Any, ...], values: Array) -> Array:
    """Return an array (B, …) with values (B, n) in place of what stands at n places of the axes behind the first."""
    if is_torch_array(array):
        return array.index_put(_with_batch(array, where), values)
    changed = array.copy()
    changed[(slice(None), *where)] = values
    return changed


def _with_batch(array: Array, where: tuple[Any, ...]) -> tuple[Any, ...]:
    import torch

    places = [torch.as_tensor(place, device=array.device) for place in where]
    return (torch.arange(len(array), device=array.device)[:, None], *places)


def sum_into(array: Array, owners: np.ndarray, count: int, axis: int = 1) -> Array:
    """Return an array whose entries along an axis are summed by their owner; those of owner -1 belong to none.

    The other axes stay; the axis then has `count` entries.
    """
    xp = array_namespace(array)
    parts = []
    for owner in range(count):
        members = np.flatnonzero(owners == owner)
        chosen = take(array, members, axis)
        parts.append(xp.sum(chosen, axis=axis))
    if not parts:
        return xp.sum(take(array, np.zeros(0, dtype=np.int64), axis), axis=axis, keepdims=True)[:, :0]
    return xp.stack(parts, axis=axis)


def take(array: Array, places: np.ndarray, axis: int) -> Array:
    """Return the entries of an array at places along an axis."""
    return array[(slice(None),) * (axis % array.ndim) + (places,)]


def now(calendar: Array, period: Any) -> Array:
    """Return what a calendar (T, …) says of the worlds' periods (B,): (B, …), or (1, …) where nothing changes."""
    return calendar if len(calendar) == 1 else calendar[period % len(calendar)]


def guarded(part: Array, whole: Array, otherwise: float = 0.0) -> Array:
    """Return part ÷ whole, and `otherwise` where the whole is nothing, with a gradient of zero there."""
    xp = array_namespace(whole)
    there = whole > 0.0
    return xp.where(there, part / xp.where(there, whole, xp.ones_like(whole)), otherwise * xp.ones_like(whole))
