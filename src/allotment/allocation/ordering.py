"""Sorting by several keys, equals in the order listed.

The same as `numpy.lexsort`, whose stable sorts are several times as slow as an unstable one for each key of real numbers and
one of whole numbers at the end; sorting is half of what a rule costs. Keys of whole numbers from 0 are not sorted at all.
"""

from __future__ import annotations

import numpy as np

from allotment.allocation.day import Floats, Integers

LARGEST = 1 << 62  # that a whole number of 64 bits holds with room to spare


def order_by(*keys: Floats | Integers) -> Integers:
    """Return the places of `keys` (n,) from the smallest up: by the first key, then the second, …, then as listed.

    Keys are real numbers, or whole ones from 0.
    """
    size = len(keys[0])
    joint: Integers = np.zeros(size, dtype=np.int64)
    levels = 1
    for key in keys:
        finer: Integers = key.astype(np.int64, copy=False) if np.issubdtype(key.dtype, np.integer) else ranks(key)
        many = 1 + int(finer.max(initial=0))
        if levels * many * size > LARGEST:
            joint = ranks(joint)
            levels = 1 + int(joint.max(initial=0))
        joint = joint * many + finer
        levels *= many
    return np.sort(joint * size + np.arange(size)) % max(size, 1)


def ranks(key: Floats | Integers) -> Integers:
    """Return 0 for the smallest value and one more for each larger one, (n,)."""
    order = np.argsort(key)
    ordered = key[order]
    found = np.zeros(len(key), dtype=np.int64)
    found[order[1:]] = np.cumsum(ordered[1:] != ordered[:-1])
    return found
