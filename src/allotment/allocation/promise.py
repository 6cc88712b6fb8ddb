"""Available-to-promise: what may be promised on a date without breaking a promise for a later one.

On each date it is the smallest difference, from that date on, of all that has become available and all that is promised:

    ATP(t) = min over u >= t of (supply(1) + … + supply(u) - orders(1) - … - orders(u))

(Stadtler, Kilger and Meyr, *Supply Chain Management and Advanced Planning*, the look-ahead form).
"""

from __future__ import annotations

import numpy as np

from allotment.allocation.day import Floats


def available_to_promise(supply: Floats, orders: Floats) -> Floats:
    """Return the units that may be promised on each date (…, dates), below 0 where more is promised than will be there.

    `supply` (…, dates) becomes available on each date, stock on hand on the first; `orders` (…, dates) are promised for them.
    """
    return look_ahead(np.cumsum(supply, axis=-1) - np.cumsum(orders, axis=-1))


def look_ahead(unpromised: Floats) -> Floats:
    """Return the smallest number from each place to the end of the last axis."""
    return np.minimum.accumulate(unpromised[..., ::-1], axis=-1)[..., ::-1]
