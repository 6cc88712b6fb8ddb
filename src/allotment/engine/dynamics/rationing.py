"""Rationing over arrays: what happens to requests that together exceed a shared limit, by the scenario's rule.

`proportional`: each gets the same share, whole units left over go to the largest remainders; `priority`: level by level, in
proportion within one; `balanced`: receivers with the lowest position relative to their demand are raised to a common level;
`min_shortage`: the largest unfilled requests are filled first. Ties go to the first in order, a unit at a time.

The same rules one world at a time are `engine.kernel.rationing`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from allotment.engine.dynamics.arrays import Array, guarded, like, namespace, put_at, sum_into, take
from allotment.scenario.problem import BALANCED, BY_RECEIVER, MIN_SHORTAGE, PRIORITY, Floats, Integers, Rules


class Claims(NamedTuple):
    """What is known of the requests that share a limit, in the order of lane priority and file."""

    levels: Integers  # (n,) priority, the lowest is served first
    positions: Array  # (…, n) units that receivers have or are owed already
    demands: Floats  # (n,) units/period that receivers expect


def ration(rules: Rules, amounts: Array, claims: Claims, limit: Array) -> Array:
    """Return amounts (…, n) cut so that they sum to at most limit (…)."""
    if rules.rationing == PRIORITY:
        return _by_level(rules, amounts, claims.levels, limit)
    if rules.rationing == BALANCED:
        return _where_short(amounts, limit, _raised(rules, amounts, claims, limit))
    if rules.rationing == MIN_SHORTAGE:
        return _where_short(amounts, limit, _filled(rules, amounts, limit))
    return share(rules, amounts, limit)


def share(rules: Rules, amounts: Array, limit: Array) -> Array:
    """Return amounts (…, n) in proportion where they exceed limit (…); whole units left over go to the largest remainders."""
    return _where_short(amounts, limit, _in_proportion(rules, amounts, limit))


def divides_freely(rules: Rules) -> bool:
    """Tell whether units of a kind get one share of what is left for their level, so that `shares` says all."""
    return not rules.whole and rules.rationing not in BY_RECEIVER


def shares(rules: Rules, amounts: Array, owners: Integers, levels: Integers, limits: Array) -> Array:
    """Return the share of each amount (B, n, m) that limits (B, owners, m) allow, level by level; all owners at once.

    Amounts of owner -1 have no limit.
    """
    xp, share_of = namespace(amounts), namespace(amounts).ones_like(amounts)
    for members in _by_rank(owners, levels if rules.rationing == PRIORITY else np.zeros_like(levels)):
        total = sum_into(take(amounts, members, 1), owners[members], limits.shape[1])
        short = total > limits
        part = xp.where(short, guarded(xp.minimum(limits, total), total), xp.ones_like(total))
        share_of = put_at(share_of, (members,), take(part, owners[members], 1))
        limits = xp.where(short, xp.zeros_like(total), limits - total)
    return share_of


def _by_rank(owners: Integers, levels: Integers) -> Iterator[Integers]:
    """Yield the members of each owner's first level, then those of its second, and so on."""
    owned = np.flatnonzero(owners >= 0)
    order = owned[np.lexsort((levels[owned], owners[owned]))]
    another = np.diff(owners[order], prepend=-1) != 0
    steps = np.cumsum(another | (np.diff(levels[order], prepend=0) != 0))
    ranks = steps - np.maximum.accumulate(np.where(another, steps, 0))
    for rank in range(ranks.max(initial=-1) + 1):
        yield order[ranks == rank]


def _where_short(amounts: Array, limit: Array, cut: Array) -> Array:
    xp = namespace(amounts)
    return xp.where((xp.sum(amounts, axis=-1) > limit)[..., None], cut, amounts)


def _by_level(rules: Rules, amounts: Array, levels: Integers, limit: Array) -> Array:
    xp = namespace(amounts)
    columns: dict[int, Array] = {}
    for level in np.unique(levels):
        members = np.flatnonzero(levels == level)
        requested = take(amounts, members, amounts.ndim - 1)
        given = share(rules, requested, limit)
        limit = limit - xp.minimum(xp.sum(requested, axis=-1), limit)
        columns |= {int(member): given[..., place] for place, member in enumerate(members)}
    return xp.stack([columns[place] for place in range(len(levels))], axis=-1)


def _in_proportion(rules: Rules, amounts: Array, limit: Array) -> Array:
    xp = namespace(amounts)
    total = xp.sum(amounts, axis=-1)
    limit = xp.minimum(limit, total)  # an unlimited supply shares nothing
    if not rules.whole:
        return amounts * xp.where(total > limit, guarded(limit, total), xp.ones_like(total))[..., None]
    parts = amounts * limit[..., None] / xp.where(total > 0.0, total, xp.ones_like(total))[..., None]
    units = xp.floor(parts)
    if not rules.largest_remainder:
        return units
    left = limit - xp.sum(units, axis=-1)
    by_remainder = xp.argsort(units - parts, axis=-1, stable=True)
    place = xp.argsort(by_remainder, axis=-1, stable=True)
    return xp.where(place < left[..., None], units + 1.0, units)


def _raised(rules: Rules, amounts: Array, claims: Claims, limit: Array) -> Array:
    """Raise the receivers with the lowest position ÷ demand to a common level."""
    xp = namespace(amounts)
    positions, demands = like(amounts, claims.positions) + xp.zeros_like(amounts), like(amounts, claims.demands)
    if rules.whole:
        return _unit_by_unit(amounts, limit, lambda given: (positions + given) / demands)
    return _levelled(amounts, limit, positions / demands, demands)


def _filled(rules: Rules, amounts: Array, limit: Array) -> Array:
    """Fill the largest unfilled requests first, down to a common shortage."""
    if rules.whole:
        return _unit_by_unit(amounts, limit, lambda given: given - amounts)
    return _levelled(amounts, limit, -amounts, like(amounts, np.ones(amounts.shape[-1])))


def _unit_by_unit(amounts: Array, limit: Array, key: Callable[[Array], Array]) -> Array:
    """Give whole units one at a time to the open request with the smallest key of what it has got, the first of equals."""
    xp = namespace(amounts)
    given, places = xp.zeros_like(amounts), like(amounts, np.arange(amounts.shape[-1]))
    left = xp.minimum(limit, xp.sum(amounts, axis=-1))
    while bool(xp.any(left >= 1.0)):
        keys = xp.where(given < amounts, key(given), xp.full_like(amounts, np.inf))
        chosen = (places == xp.argmin(keys, axis=-1)[..., None]) & (left >= 1.0)[..., None]
        given = xp.where(chosen, given + 1.0, given)
        left = left - 1.0
    return given


def _levelled(amounts: Array, limit: Array, starts: Array, slopes: Array) -> Array:
    """Return clip(slope × (level − start), 0, amount) with the level at which they sum to the limit.

    The sum rises piecewise linearly with the level; its corners are where a request begins to be filled, and where it is full.
    """
    xp = namespace(amounts)
    corners = xp.sort(xp.concat([starts, starts + amounts / slopes], axis=-1), axis=-1)
    at_corners = xp.sum(_amounts_at(corners[..., None], starts, slopes, amounts), axis=-1)
    goal = xp.minimum(limit, xp.sum(amounts, axis=-1))[..., None]
    reached = xp.where(at_corners < goal, xp.ones_like(at_corners), xp.zeros_like(at_corners))
    place = xp.clip(xp.sum(reached, axis=-1, keepdims=True) - 1.0, min=0.0, max=corners.shape[-1] - 2.0)
    places = like(amounts, np.arange(corners.shape[-1], dtype=float))

    def ends(values: Array) -> tuple[Array, Array]:
        low, high = (xp.where(places == place + step, values, xp.zeros_like(values)) for step in (0.0, 1.0))
        return xp.sum(low, axis=-1, keepdims=True), xp.sum(high, axis=-1, keepdims=True)

    (low, high), (sum_low, sum_high) = ends(corners), ends(at_corners)
    level = low + guarded(goal - sum_low, sum_high - sum_low) * (high - low)
    return _amounts_at(level[..., None], starts, slopes, amounts)[..., 0, :]


def _amounts_at(levels: Array, starts: Array, slopes: Array, amounts: Array) -> Array:
    """Return what each request gets at levels (…, m, 1), (…, m, n)."""
    xp = namespace(amounts)
    raised = xp.clip(slopes * (levels - starts[..., None, :]), min=0.0)
    return xp.minimum(raised, amounts[..., None, :])
