"""Sharing a short supply in proportion, in whole units by the largest remainder.

Each gets supply × weight ÷ sum of weights, but no more than requested; what that leaves over is shared again among the
others in the same way. In whole units everybody gets the integer part, and the units left go to the largest fractions, of
equal ones to the first listed (Hamilton's method). 50 units over requests of 10, 20 and 50 give 6, 13 and 31.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from allotment.allocation.day import Floats, Integers, rounding_error, total_by, whole_part


def fair_share(supply: float, weights: ArrayLike, requests: ArrayLike | None = None, whole: bool = True) -> Floats:
    """Return each claim's share (claims,) of a supply in proportion to weights; at most its request, by default its weight."""
    weight = np.asarray(weights, dtype=float)
    wanted = weight if requests is None else np.asarray(requests, dtype=float)
    return share(wanted, np.zeros(len(wanted), dtype=np.int64), np.array([float(supply)]), whole, weight)


def share(requests: Floats, group: Integers, limit: Floats, whole: bool, weight: Floats | None = None) -> Floats:
    """Return requests (n,) cut so that those of each group (n,) sum to at most its limit (groups,).

    A group that stays within its limit is not cut. Shares follow the weights (n,), by default the requests; who weighs
    nothing gets nothing of what is short. In whole units, requests must be whole.
    """
    limit = whole_part(limit) if whole else limit
    short = (total_by(group, requests, len(limit)) > limit)[group] & (requests > 0.0)
    if not short.any():
        return requests.copy()
    given = requests.copy()
    weight = requests if weight is None else weight
    given[short] = _proportions(requests[short], group[short], limit, weight[short])
    if whole:
        given[short] = _whole(given[short], requests[short], group[short], len(limit))
    return given


def _proportions(requests: Floats, group: Integers, limit: Floats, weight: Floats) -> Floats:
    """Raise all shares in proportion to their weights until the limit is reached or a request is met, which then stays."""
    given, growing, left = np.zeros_like(requests), weight > 0.0, limit.copy()
    while growing.any():
        total = total_by(group, np.where(growing, weight, 0.0), len(limit))
        level = weight * left[group] / np.where(total > 0.0, total, 1.0)[group]
        met = growing & (level >= requests)
        if not met.any():
            given[growing] = level[growing]
            break
        given[met] = requests[met]
        left = np.maximum(left - total_by(group[met], requests[met], len(limit)), 0.0)
        growing &= ~met
    return given


def _whole(shares: Floats, requests: Floats, group: Integers, groups: int) -> Floats:
    """Round shares, whose sums are whole, down, then add single units by the largest fraction until the sum is reached."""
    units = np.floor(shares + np.minimum(rounding_error(shares), 0.5 / len(shares)))  # together less than one more
    missing = np.rint(total_by(group, shares, groups)) - total_by(group, units, groups)
    growing = (units < requests) & (shares > 0.0)
    order = np.lexsort((units - shares, ~growing, group))
    first = np.searchsorted(group[order], np.arange(groups))
    place = np.empty(len(shares), dtype=np.int64)
    place[order] = np.arange(len(shares)) - first[group[order]]
    return units + (growing & (place < missing[group]))
