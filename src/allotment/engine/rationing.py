"""Rationing over arrays: requests that exceed a shared limit are cut level by level, in proportion within one.

The same rule one world at a time is `kernel_rationing`.
"""

from __future__ import annotations

import numpy as np

from allotment.scenario.problem import Floats, Integers


def ration(amounts: Floats, levels: Integers, limit: Floats, whole: bool, largest: bool) -> Floats:
    """Return amounts (…, n) cut so that they sum to at most limit (…); of levels (n,) the lowest is served first."""
    given = np.empty_like(amounts)
    left = np.array(limit, dtype=float)
    for level in np.unique(levels):
        members = np.flatnonzero(levels == level)
        requested = amounts[..., members]
        total = requested.sum(axis=-1)
        shared = _share(requested, total, left, whole, largest)
        given[..., members] = np.where((total > left)[..., None], shared, requested)
        left = left - np.minimum(total, left)
    return given


def _share(amounts: Floats, total: Floats, limit: Floats, whole: bool, largest: bool) -> Floats:
    """Share a limit in proportion; whole units left over go to the largest remainders, first come first."""
    limit = np.minimum(limit, total)  # an unlimited supply shares nothing
    shares = amounts * limit[..., None] / np.where(total > 0.0, total, 1.0)[..., None]
    if not whole:
        return shares
    units = np.floor(shares)
    if not largest:
        return units
    left = limit - units.sum(axis=-1)
    by_remainder = np.argsort(-(shares - units), axis=-1, kind="stable")
    place = np.argsort(by_remainder, axis=-1, kind="stable")
    return units + (place < left[..., None])
