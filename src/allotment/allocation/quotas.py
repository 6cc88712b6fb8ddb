"""Percentage quotas: each group of channels may draw on no more than its share of what a site has and will have of a SKU.

Shares are in percent of all its units, in whole ones by the largest remainder. What is not given out by quota belongs to the
channels without one, together. With borrowing, what a group leaves of its share is open to all once everyone had its turn.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from allotment.allocation.day import NONE, Day, Floats, Integers, total_by
from allotment.allocation.filling import fill
from allotment.allocation.proportional import share
from allotment.allocation.sequences import claim_by_claim


def quota(day: Day, percent: Floats, borrowing: bool = False) -> Floats:
    """Return drawn units (O, D) with claims served first come within the quotas of their channels.

    `percent` (channels,) is NaN for channels without a quota. Raises `ValueError` where quotas are not within 0 to 100 or sum
    to more.
    """
    given = np.nan_to_num(percent)
    if (given < 0.0).any() or given.sum() > 100.0 + 1e-9:
        raise ValueError(f"quotas must be >= 0 and sum to at most 100 percent, not {given.sum():g}")
    order = claim_by_claim(day, day.claims.ordered)
    drawn = fill(_within_quotas(day, percent), order)
    return fill(day, order, drawn) if borrowing else drawn


def _within_quotas(day: Day, percent: Floats) -> Day:
    """Add a limit for each place (site and SKU) and group of channels, the last group being those without a quota."""
    groups, options = len(percent) + 1, day.options
    shares = np.append(np.nan_to_num(percent), max(0.0, 100.0 - np.nansum(percent)))
    places, place = np.unique(_place(day), return_inverse=True)
    units = total_by(place, day.pools.supply.sum(axis=1), len(places))
    quotas = np.concatenate([_split(total, shares, day.whole) for total in units])
    channel = day.claims.channel[options.claim]
    group = np.where(np.isnan(percent)[channel], groups - 1, channel)
    at = np.append(place, NONE)[options.pools].max(axis=1)
    limits = np.where(at == NONE, NONE, len(day.capacity) + at * groups + group)
    return replace(
        day,
        capacity=np.concatenate([day.capacity, quotas]),
        options=options._replace(limits=np.column_stack([options.limits, limits])),
    )


def _place(day: Day) -> Integers:
    return day.pools.site * (1 + day.pools.sku.max(initial=0)) + day.pools.sku


def _split(units: float, shares: Floats, whole: bool) -> Floats:
    wanted = np.where(shares > 0.0, np.ceil(units), 0.0)
    return share(wanted, np.zeros(len(shares), dtype=np.int64), np.array([units]), whole, shares)
