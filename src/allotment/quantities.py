"""Arrays of quantities, when a quantity is nothing but rounding error, and why less was done than was asked for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Keys = NDArray[np.uint64]

ROUNDING = 1e-9  # units; where units are continuous, less than this is rounding error and no shipment or cut

REASONS = (  # why less was done than was asked for
    "",
    "invalid",  # no number, or a negative one
    "lane",  # nothing leads there, or not this SKU, or not so much at once
    "deadline",  # it would arrive, or leave, too late
    "unwanted",  # more than is asked for
    "capacity",  # a supplier, plant, carrier or site moves no more
    "reserved",  # what is there is kept for another
    "no_stock",  # nothing is there
    "minimum",  # too little for a shipment
    "unprofitable",  # a unit would cost more than it brings
    "quota",  # the rest belongs to other channels
    "protected",  # the rest is kept for higher classes
    "strategy",  # the claim's strategy gives it no more
    "position",  # the site holds, or expects, as much as it may
    "storage",  # there is no room for more
)
CODES = {reason: code for code, reason in enumerate(REASONS)}
