"""Array operations that NumPy and Torch spell differently, without changing anything in place.

The dynamics run on either: units and money are arrays of one kind, NumPy's or Torch's, while what no decision can change
(periods, seeds, arrivals, the problem itself) stays with NumPy and is taken over by `like` where the two meet.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import array_namespace, is_torch_array

from allotment import quantities
from allotment.scenario.problem import ROUNDING

Array = Any  # a NumPy array or a Torch tensor
Places = np.ndarray  # integers, of NumPy
LEAST_DIVISOR = 1e-12  # in single precision, what a division by less returns has no bounds


def namespace(array: Array) -> Any:
    """Return the functions that go with an array, as the array standard names them."""
    return np if isinstance(array, np.ndarray) else array_namespace(array)


def like(array: Array, values: Array) -> Array:
    """Return values as the kind of array that another one is: on its device, and numbers in its precision; gradients pass."""
    if not is_torch_array(array):
        return values
    if is_torch_array(values):
        return values.to(array)
    import torch

    numbers = array.dtype if values.dtype.kind == "f" else None
    return torch.as_tensor(np.ascontiguousarray(values), dtype=numbers, device=array.device)


def tracked(arrays: Any) -> bool:
    """Tell whether gradients are to be taken of what is done with some of several arrays."""
    return any(is_torch_array(array) and array.requires_grad for array in arrays)


def rounding_error(units: Array) -> Array:
    """Return how much of some units is rounding error: that of `quantities`, and what single precision cannot tell apart."""
    if isinstance(units, np.ndarray | float):
        return quantities.rounding_error(units)
    if not is_torch_array(units):  # traced
        return ROUNDING * np.clip(abs(units), min=1.0)
    size = units.detach().abs()
    error = ROUNDING * size.clip(min=1.0)
    return error if units.element_size() > 4 else error + 8.0 * namespace(units).finfo(units.dtype).eps * size


def only(array: Array, flags: np.ndarray) -> Array:
    """Return an array where NumPy's flags are set, and nothing elsewhere; a product, which Torch does faster than a choice."""
    return array * (like(array, flags.astype(np.float64)) if is_torch_array(array) else flags)


def plain(array: Array) -> np.ndarray:
    """Return an array as NumPy's, numbers in double precision; no gradient passes."""
    if not is_torch_array(array):
        return array
    values = array.detach().cpu().numpy()
    return values.astype(np.float64) if values.dtype.kind == "f" else values


def straight_through(value: Array, origin: Array) -> Array:
    """Return a value whose gradient is that of what it was made from."""
    if is_torch_array(value):
        return value.detach() + (origin - origin.detach())  # nothing is added to the value, not even a rounding error
    return value if isinstance(value, np.ndarray) else value.straight_through(origin)


def add_at(array: Array, where: tuple[Places, ...], values: Array) -> Array:
    """Return an array (B, …) with values (B, n, …) added at n places of the axes behind the first; places may repeat."""
    if is_torch_array(array):
        flat, places = _along_one_axis(array, where)
        return flat.index_add(1, places, values).reshape(array.shape)
    added = array.copy()
    np.add.at(added, (slice(None), *where), values)  # type: ignore[arg-type]
    return added


def put_at(array: Array, where: tuple[Places, ...], values: Array) -> Array:
    """Return an array (B, …) with values (B, n, …) in place of what stands at n places of the axes behind the first."""
    if is_torch_array(array):
        flat, places = _along_one_axis(array, where)
        return flat.index_copy(1, places, values).reshape(array.shape)
    changed = array.copy() if isinstance(values, np.ndarray) else values.new(array)
    changed[(slice(None), *where)] = values
    return changed


def _along_one_axis(array: Array, where: tuple[Places, ...]) -> tuple[Array, Array]:
    """Return a tensor with the axes that places refer to made one, and the places along it."""
    ends = 1 + len(where)
    flat = array.reshape(len(array), -1, *array.shape[ends:])
    return flat, like(array, np.ravel_multi_index(where, array.shape[1:ends]))


def sum_into(array: Array, owners: Places, count: int, axis: int = 1) -> Array:
    """Return an array whose entries along an axis are summed by their owner; those of owner -1 belong to none.

    The other axes stay; the axis then has `count` entries. NumPy adds one entry after the other, so that a sum is the same to
    the bit whatever is played at once.
    """
    if is_torch_array(array):
        owned = np.flatnonzero(owners >= 0)
        entries = array if len(owned) == len(owners) else take(array, owned, axis)
        empty = array.new_zeros([count if place == axis else length for place, length in enumerate(array.shape)])
        return empty.index_add(axis, like(array, owners[owned]), entries)
    moved = np.moveaxis(array, axis, 0)
    shape = (count, *moved.shape[1:])
    sums = np.zeros(shape, dtype=array.dtype) if isinstance(array, np.ndarray) else array.new_zeros(shape)
    for entry, owner in zip(moved, owners, strict=True):
        if owner >= 0:
            sums[owner] += entry
    summed = np.moveaxis(sums, 0, axis)
    return np.ascontiguousarray(summed) if isinstance(summed, np.ndarray) else summed


def sum_last(array: Array) -> Array:
    """Return an array of NumPy summed over its last axis, one entry after the other."""
    total = array[..., 0].copy()
    for place in range(1, array.shape[-1]):
        total += array[..., place]
    return total


def take(array: Array, places: Places, axis: int) -> Array:
    """Return the entries of an array at places along an axis."""
    if is_torch_array(array):
        return array.index_select(axis, like(array, places))
    return array[(slice(None),) * axis + (places,)]


def joined(parts: list[Array], places: list[Places], axis: int) -> Array:
    """Return arrays put together along an axis, each part at its places, which are all there are."""
    return take(namespace(parts[0]).concat(parts, axis=axis), np.argsort(np.concatenate(places)), axis)


def at(array: Array, where: tuple[Places, ...]) -> Array:
    """Return the entries (B, n, …) of an array (B, …) at n places of the axes behind the first."""
    if is_torch_array(array):
        flat, places = _along_one_axis(array, where)
        return flat.index_select(1, places)
    return array[(slice(None), *where)]


def now(calendar: np.ndarray, state: Any) -> Array:
    """Return what a calendar (T, …) says of the periods of a state's worlds: (B, …), or (1, …) where nothing changes."""
    return like(state.on_hand, calendar if len(calendar) == 1 else calendar[state.period % len(calendar)])


def guarded(part: Array, whole: Array, otherwise: float = 0.0) -> Array:
    """Return part ÷ whole, and `otherwise` where the whole is next to nothing, with a gradient of zero there."""
    xp = namespace(whole)
    there = whole > LEAST_DIVISOR
    return xp.where(there, part / xp.where(there, whole, xp.ones_like(whole)), otherwise * xp.ones_like(whole))
