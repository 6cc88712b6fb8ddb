"""A day over the grid of sites, channels and SKUs, as a simulated network or a policy's decision has it.

Claims are what each channel wants of each SKU, in the order of an array (channels, skus); options are all cells of an array
(sites, channels, skus), in its order. So a policy's decision is projected and shaped back in one line:

    units = project(grid_day(on_hand, Claims.of(wanted.ravel())), decision.ravel()).units.reshape(decision.shape)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from allotment.allocation.day import NONE, Claims, Day, Flags, Floats, Options, Pools, reason


def grid_day(
    on_hand: Floats,
    claims: Claims,
    value: ArrayLike = 0.0,
    distance: ArrayLike = 0.0,
    lanes: ArrayLike = True,
    late: ArrayLike = False,
    lane_capacity: ArrayLike = np.inf,
    handling: ArrayLike = np.inf,
    reserved: Floats | None = None,
    whole: bool = True,
) -> Day:
    """Return the day of stock on hand (sites, skus) and claims (channels × skus,) in units.

    `value` (money/unit), `distance`, `lanes` (where anything leads) and `late` (what would miss its deadline) are numbers or
    flags for all or arrays that broadcast to (sites, channels, skus); `lane_capacity` is units over all SKUs for (sites,
    channels) and `handling` for (sites,). `reserved` (sites, channels, skus) is part of the stock on hand that only one channel
    may draw on. In whole units a capacity counts by its integer part. Raises `ValueError` where more is reserved than there is.
    """
    sites, skus = on_hand.shape
    channels = len(claims.wanted) // skus
    shape = sites, channels, skus
    site, channel, sku = (axis.ravel() for axis in np.indices(shape))
    blocked = np.where(np.broadcast_to(late, shape), reason("deadline"), 0)
    blocked = np.where(np.broadcast_to(lanes, shape), blocked, reason("lane"))
    capacity = np.append(np.broadcast_to(lane_capacity, (sites, channels)).ravel(), np.broadcast_to(handling, sites))
    pools, drawn_on = _pools(on_hand, reserved, site * skus + sku)
    options = Options.of(
        claim=channel * skus + sku,
        pools=drawn_on,
        site=site,
        limits=np.column_stack([site * channels + channel, sites * channels + site]),
        value=np.broadcast_to(value, shape).ravel(),
        distance=np.broadcast_to(distance, shape).ravel(),
        blocked=blocked.ravel(),
    )
    limited = np.isfinite(capacity)[options.limits]
    options = options._replace(limits=np.where(limited, options.limits, NONE)[:, limited.any(axis=0)])
    return Day(claims, pools, options, np.floor(capacity) if whole else capacity, whole)


def _pools(on_hand: Floats, reserved: Floats | None, place: np.ndarray) -> tuple[Pools, np.ndarray]:
    """Return free and reserved pools, and for each option the pools it draws on, the reserved one first."""
    sites, skus = on_hand.shape
    site, sku = (axis.ravel() for axis in np.indices((sites, skus)))
    if reserved is None:
        none_reserved: Flags = np.zeros(sites * skus, dtype=bool)
        return Pools(on_hand.reshape(-1, 1), site, sku, none_reserved), place
    free = on_hand - reserved.sum(axis=1)
    if (free < 0.0).any():
        where = [int(axis) for axis in np.argwhere(free < 0.0)[0]]
        raise ValueError(f"on_hand{where} is {on_hand[tuple(where)]:g}, less than what is reserved of it")
    kept_site, _, kept_sku = (axis.ravel() for axis in np.indices(reserved.shape))
    supply = np.append(free.ravel(), reserved.ravel())[:, None]
    owned = np.append(np.zeros(sites * skus, dtype=bool), np.ones(reserved.size, dtype=bool))
    pools = Pools(supply, np.append(site, kept_site), np.append(sku, kept_sku), owned)
    return pools, np.column_stack([sites * skus + np.arange(reserved.size), place])
