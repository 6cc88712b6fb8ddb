"""Rationing over arrays: what happens to requests that together exceed a shared limit, by the scenario's rule.

`proportional`: each gets the same share, whole units left over go to the largest remainders; `priority`: level by level, in
proportion within one; `balanced`: receivers with the lowest position relative to their demand are raised to a common level;
`min_shortage`: the largest unfilled requests are filled first. Ties go to the first in order, a unit at a time.

The same rules one world at a time are `engine.kernel.rationing`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from allotment.engine.dynamics.arrays import (
    Array,
    guarded,
    joined,
    like,
    namespace,
    plain,
    put_at,
    rounding_error,
    sum_into,
    take,
)
from allotment.scenario.problem import BALANCED, BY_RECEIVER, CODES, MIN_SHORTAGE, PRIORITY, Floats, Integers, Rules


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


def noted(reasons: Array, before: Array, after: Array, name: str) -> Array:
    """Return the reasons with a new one where something was cut."""
    return namespace(after).where(after < before - rounding_error(before), CODES[name], reasons)


def share(rules: Rules, amounts: Array, limit: Array) -> Array:
    """Return amounts (…, n) in proportion where they exceed limit (…); whole units left over go to the largest remainders."""
    if amounts.shape[-1] == 1 and not rules.whole:
        return namespace(amounts).where(amounts > limit[..., None], limit[..., None], amounts)
    return _where_short(amounts, limit, _in_proportion(rules, amounts, limit))


def share_alike(rules: Rules, amounts: Array, keys: Integers, limits: Array) -> Array:
    """Return amounts (B, n) of which those with the same key (n,) share one of the limits (B, n), the same for each of them."""
    xp, parts, places = namespace(amounts), [], []
    for members in _alike(keys):
        of_members = xp.reshape(take(amounts, members.ravel(), 1), (len(amounts), *members.shape))
        given = share(rules, of_members, take(limits, members[:, 0], 1))
        parts.append(xp.reshape(given, (len(amounts), -1)))
        places.append(members.ravel())
    return joined(parts, places, 1) if places else amounts


def _alike(keys: Integers) -> Iterator[Integers]:
    """Yield the places (m, n) of those n that have one key, for m keys at once."""
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
    sizes = np.diff(np.append(starts, len(keys)))
    for size in np.unique(sizes):
        yield order[starts[sizes == size][:, None] + np.arange(size)]


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
    xp, axis, parts = namespace(amounts), amounts.ndim - 1, []
    by_level = [np.flatnonzero(levels == level) for level in np.unique(levels)]
    for members in by_level:
        requested = take(amounts, members, axis)
        parts.append(share(rules, requested, limit))
        limit = limit - xp.minimum(xp.sum(requested, axis=-1), limit)
    return joined(parts, by_level, axis)


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
    positions, demands = like(amounts, claims.positions) + namespace(amounts).zeros_like(amounts), like(amounts, claims.demands)
    if rules.whole:
        return _unit_by_unit(amounts, limit, positions, demands)
    return _levelled(amounts, limit, positions / demands, demands)


def _filled(rules: Rules, amounts: Array, limit: Array) -> Array:
    """Fill the largest unfilled requests first, down to a common shortage."""
    slopes = like(amounts, np.ones(amounts.shape[-1]))
    return _unit_by_unit(amounts, limit, -amounts, slopes) if rules.whole else _levelled(amounts, limit, -amounts, slopes)


def _unit_by_unit(amounts: Array, limit: Array, starts: Array, slopes: Array) -> Array:
    """Give whole units to the lowest levels, the first of equals; the n-th of a request has (start + n − 1) ÷ slope.

    Units far below the level up to which there is enough are certain, those far above it get nothing; those between are sorted.
    """
    count = amounts.shape[-1]
    most, first = (plain(each).reshape(-1, count) for each in (amounts, starts))
    slope = np.broadcast_to(plain(slopes), most.shape)
    units = np.minimum(plain(limit).ravel(), most.sum(axis=-1))
    near = 1.0 + 1e-9 * units
    certain = np.floor(_levelled(most, np.clip(units - count - near, 0.0, None), first / slope, slope))
    possible = np.minimum(np.floor(_levelled(most, units + near, first / slope, slope)) + 2.0, most)
    given = certain + _lowest(certain, possible, first, slope, np.floor(units) - certain.sum(axis=-1))
    return like(amounts, given.reshape(amounts.shape))


def _lowest(certain: Floats, possible: Floats, starts: Floats, slopes: Floats, left: Floats) -> Floats:
    """Return how many of the units from certain to possible ones (B, n) have the lowest levels, `left` (B,) of them."""
    further = (possible - certain).astype(np.int64).ravel()
    request = np.repeat(np.arange(further.size), further)
    unit = certain.ravel()[request] + np.arange(len(request)) - np.repeat(np.cumsum(further) - further, further)
    world = request // certain.shape[-1]
    order = np.lexsort(((starts.ravel()[request] + unit) / slopes.ravel()[request], world))
    place = np.arange(len(request)) - np.searchsorted(world, world)
    chosen = request[order][place < left[world]]
    return np.bincount(chosen, minlength=further.size).reshape(certain.shape).astype(np.float64)


def _levelled(amounts: Array, limit: Array, starts: Array, slopes: Array) -> Array:
    """Return clip(slope × (level − start), 0, amount) with the level at which they sum to the limit.

    The sum rises piecewise linearly with the level; its corners are where a request begins to be filled, and where it is full.
    The last corner below the limit is found by halving.
    """
    xp = namespace(amounts)
    corners = xp.sort(xp.concat([starts, starts + amounts / slopes], axis=-1), axis=-1)
    goal = xp.minimum(limit, xp.sum(amounts, axis=-1))[..., None]
    places = like(amounts, np.arange(corners.shape[-1], dtype=float))

    def corner(place: Array) -> tuple[Array, Array]:
        level = xp.sum(xp.where(places == place, corners, xp.zeros_like(corners)), axis=-1, keepdims=True)
        return level, xp.sum(_amounts_at(level, starts, slopes, amounts), axis=-1, keepdims=True)

    below = xp.zeros_like(goal)
    reached = below + (corners.shape[-1] - 1.0)
    for _ in range(corners.shape[-1].bit_length()):
        middle = xp.floor((below + reached) / 2.0)
        enough = corner(middle)[1] >= goal
        below, reached = xp.where(enough, below, middle), xp.where(enough, middle, reached)
    (low, sum_low), (high, sum_high) = corner(below), corner(below + 1.0)
    level = low + guarded(goal - sum_low, sum_high - sum_low) * (high - low)
    return _amounts_at(level, starts, slopes, amounts)


def _amounts_at(level: Array, starts: Array, slopes: Array, amounts: Array) -> Array:
    """Return what each request (…, n) gets at a level (…, 1)."""
    xp = namespace(amounts)
    return xp.minimum(xp.clip(slopes * (level - starts), min=0.0), amounts)
