"""Reservations: what is set aside for one is not available to another.

A hard reservation belongs to an order, a soft one is a channel's quota until it expires. Either is a pool of its own, on which
nobody else may draw; what is on hand and not reserved is free. A reservation lives through these states:

    draft -> partly reserved -> fully reserved -> partly delivered -> delivered, or cancelled from any of them

and holds what is reserved and not yet delivered, unless it is cancelled or expired.
"""

from __future__ import annotations

import numpy as np

from allotment.allocation.day import NEVER, ROUNDING, Codes, Day, Flags, Floats, total_by

STATES = ("draft", "partly reserved", "fully reserved", "partly delivered", "delivered", "cancelled")


def states(requested: Floats, reserved: Floats, delivered: Floats, cancelled: Flags) -> Codes:
    """Return the state of reservations (n,), a place in `STATES`, from their units and whether they are cancelled."""
    codes = np.select(
        [cancelled, delivered >= requested, delivered > 0, reserved >= requested, reserved > 0],
        [STATES.index(name) for name in ("cancelled", "delivered", "partly delivered", "fully reserved", "partly reserved")],
        STATES.index("draft"),
    )
    return codes.astype(np.int8)


def held(reserved: Floats, delivered: Floats, cancelled: Flags, expires: Floats | float = NEVER, today: float = 0.0) -> Floats:
    """Return the units that reservations (n,) keep from others: the last day of a soft one is `expires`."""
    lapsed = cancelled | (np.asarray(expires) < today)
    return np.where(lapsed, 0.0, np.maximum(reserved - delivered, 0.0))


def kept_for_others(day: Day, available: Floats) -> Flags:
    """Return at which options (O,) reserved stock is left that they may not draw on; `available` is (N + 1, T) units."""
    pools, options = day.pools, day.options
    skus, sites = 1 + pools.sku.max(initial=0), 1 + max(pools.site.max(initial=0), options.site.max(initial=0))
    left = np.where(pools.reserved, available[:-1, -1], 0.0)
    kept = total_by(pools.site * skus + pools.sku, left, sites * skus)
    sku = np.append(pools.sku, 0)[options.pools].max(axis=1, initial=0)
    own = np.append(left, 0.0)[options.pools].sum(axis=1)
    return kept[options.site * skus + sku] - own > ROUNDING
