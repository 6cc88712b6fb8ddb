"""Protection levels: how much stock to keep from cheaper classes for dearer demand that is still to come.

Littlewood (1972): sell another unit at the low fare only while it brings more than the unit would in the dear class, which
it does with probability P(demand > y): protect y where P(demand > y) = low fare / high fare. EMSR-b (Belobaba 1992) does the
same for more classes: those above are taken as one, with their demands summed (normal, independent) and their mean fare. See
Talluri and van Ryzin, *The Theory and Practice of Revenue Management*, section 2.2.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import ndtri

from allotment.allocation.day import NONE, Day, Floats, Integers, total_by
from allotment.allocation.filling import fill
from allotment.allocation.sequences import claim_by_claim


def littlewood(mean: float, deviation: float, fare: float, lower_fare: float) -> float:
    """Return the units to protect for normal demand (mean, standard deviation) at a fare from sales at a lower one."""
    return float(emsr_b(np.array([mean, 0.0]), np.array([deviation, 0.0]), np.array([fare, lower_fare]))[0])


def emsr_b(mean: Floats, deviation: Floats, fare: Floats) -> Floats:
    """Return the units to protect for the classes up to each but the last, (classes - 1,), from all classes below.

    Classes have falling fares (money/unit) and normal demand to come with `mean` and standard `deviation` (units). Raises
    `ValueError` where fares rise or are not positive.
    """
    if (np.diff(fare) > 0.0).any() or (fare <= 0.0).any():
        raise ValueError(f"fares must be positive and fall from class to class, not {', '.join(f'{each:g}' for each in fare)}")
    total = np.cumsum(mean)
    spread = np.sqrt(np.cumsum(deviation**2))
    dear = np.cumsum(mean * fare) / np.where(total > 0.0, total, 1.0)
    ratio = np.clip(fare[1:] / np.where(total > 0.0, dear, np.inf)[:-1], 0.0, 1.0)
    uncertain = (spread[:-1] > 0.0) & (ratio > 0.0)
    levels = np.where(uncertain, total[:-1] + spread[:-1] * ndtri(np.where(uncertain, 1.0 - ratio, 0.5)), total[:-1])
    levels = np.where(ratio < 1.0, levels, 0.0)  # a class below that pays as much is never turned away
    return np.maximum.accumulate(np.maximum(levels, 0.0))


def protected(day: Day, levels: Floats, rank: Integers) -> Floats:
    """Return drawn units (O, D) with claims served first come, cheaper classes from what is not protected of each SKU.

    `levels` (classes - 1,) are units of each SKU over all sites that are kept for the classes up to each from those below;
    `rank` (channels,) is the class of each channel, 0 the dearest. Whole units protect the level rounded to the nearest.
    """
    pools, options = day.pools, day.options
    skus = 1 + int(pools.sku.max(initial=0))
    kept = np.floor(levels + 0.5) if day.whole else levels
    supply = total_by(pools.sku, pools.supply.sum(axis=1), skus)
    bookable = np.maximum(supply[:, None] - kept, 0.0)  # (skus, classes - 1): by all classes below the level
    sku = np.append(pools.sku, NONE)[options.pools].max(axis=1)
    own = rank[day.claims.channel[options.claim]]
    level = np.arange(len(levels))
    counted = (own[:, None] > level) & (sku[:, None] != NONE)
    limits = np.where(counted, len(day.capacity) + sku[:, None] * len(levels) + level, NONE)
    nested = replace(
        day,
        capacity=np.concatenate([day.capacity, bookable.ravel()]),
        options=options._replace(limits=np.column_stack([options.limits, limits])),
    )
    return fill(nested, claim_by_claim(day, day.claims.ordered))
