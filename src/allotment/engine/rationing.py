"""Rationing over arrays: what happens to requests that together exceed a shared limit, by the scenario's rule.

`proportional`: each gets the same share, whole units left over go to the largest remainders; `priority`: level by level, in
proportion within one; `balanced`: receivers with the lowest position relative to their demand are raised to a common level;
`min_shortage`: the largest unfilled requests are filled first. Ties go to the first in order, a unit at a time.

The same rules one world at a time are `kernel_rationing`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from array_api_compat import array_namespace

from allotment.engine.arrays import Array, guarded
from allotment.scenario.problem import BALANCED, MIN_SHORTAGE, PRIORITY, Floats, Integers, Rules


class Claims(NamedTuple):
    """What is known of the requests that share a limit, in the order of lane priority and file."""

    levels: Integers  # (n,) priority, the lowest is served first
    positions: Array  # (…, n) units that receivers have or are owed already
    demands: Floats  # (n,) units/period that receivers expect


def equal_claims(count: int) -> Claims:
    """Return claims that nothing tells apart."""
    return Claims(np.zeros(count, dtype=np.int64), np.zeros(count), np.ones(count))


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


def _where_short(amounts: Array, limit: Array, cut: Array) -> Array:
    xp = array_namespace(amounts)
    return xp.where((xp.sum(amounts, axis=-1) > limit)[..., None], cut, amounts)


def _by_level(rules: Rules, amounts: Array, levels: Integers, limit: Array) -> Array:
    xp = array_namespace(amounts)
    columns: dict[int, Array] = {}
    for level in np.unique(levels):
        members = np.flatnonzero(levels == level)
        requested = amounts[..., members]
        given = share(rules, requested, limit)
        limit = limit - xp.minimum(xp.sum(requested, axis=-1), limit)
        columns |= {int(member): given[..., place] for place, member in enumerate(members)}
    return xp.stack([columns[place] for place in range(len(levels))], axis=-1)


def _in_proportion(rules: Rules, amounts: Array, limit: Array) -> Array:
    xp = array_namespace(amounts)
    total = xp.sum(amounts, axis=-1)
    limit = xp.minimum(limit, total)  # an unlimited supply shares nothing
    if not rules.whole:
        return amounts * guarded(limit, total)[..., None]
    shares = amounts * limit[..., None] / np.where(total > 0.0, total, 1.0)[..., None]
    units = np.floor(shares)
    if not rules.largest_remainder:
        return units
    left = limit - units.sum(axis=-1)
    by_remainder = np.argsort(-(shares - units), axis=-1, kind="stable")
    place = np.argsort(by_remainder, axis=-1, kind="stable")
    return units + (place < left[..., None])


def _raised(rules: Rules, amounts: Array, claims: Claims, limit: Array) -> Array:
    """Raise the receivers with the lowest position ÷ demand to a common level."""
    positions = np.broadcast_to(claims.positions, amounts.shape)
    if rules.whole:
        return _unit_by_unit(amounts, limit, lambda given: (positions + given) / claims.demands)
    return _levelled(amounts, limit, positions / claims.demands, claims.demands)


def _filled(rules: Rules, amounts: Array, limit: Array) -> Array:
    """Fill the largest unfilled requests first, down to a common shortage."""
    if rules.whole:
        return _unit_by_unit(amounts, limit, lambda given: given - amounts)
    return _levelled(amounts, limit, -amounts, np.ones(amounts.shape[-1]))


def _unit_by_unit(amounts: Floats, limit: Floats, key: object) -> Floats:
    """Give whole units one at a time to the open request with the smallest key of what it has got, the first of equals."""
    given = np.zeros_like(amounts)
    left = np.minimum(limit, amounts.sum(axis=-1)) + np.zeros(amounts.shape[:-1])
    while (left >= 1.0).any():
        keys = np.where(given < amounts, key(given), np.inf)  # type: ignore[operator]
        chosen = np.eye(amounts.shape[-1])[keys.argmin(axis=-1)] * (left >= 1.0)[..., None]
        given += chosen
        left = left - chosen.sum(axis=-1)
    return given


def _levelled(amounts: Floats, limit: Floats, starts: Floats, slopes: Floats) -> Floats:
    """Return clip(slope × (level − start), 0, amount) with the level at which they sum to the limit.

    The sum rises piecewise linearly with the level; its corners are where a request begins to be filled, and where it is full.
    """
    ends = starts + amounts / slopes
    corners = np.sort(np.concatenate([starts, ends], axis=-1), axis=-1)
    at_corners = _amounts_at(corners[..., None], starts, slopes, amounts).sum(axis=-1)
    goal = np.minimum(limit, amounts.sum(axis=-1)) + np.zeros(amounts.shape[:-1])
    place = np.clip((at_corners < goal[..., None]).sum(axis=-1) - 1, 0, corners.shape[-1] - 2)
    low, high = (np.take_along_axis(corners, (place + step)[..., None], axis=-1)[..., 0] for step in (0, 1))
    sum_low, sum_high = (np.take_along_axis(at_corners, (place + step)[..., None], axis=-1)[..., 0] for step in (0, 1))
    rise = np.where(sum_high > sum_low, (goal - sum_low) / np.where(sum_high > sum_low, sum_high - sum_low, 1.0), 0.0)
    return _amounts_at((low + rise * (high - low))[..., None, None], starts, slopes, amounts)[..., 0, :]


def _amounts_at(levels: Floats, starts: Floats, slopes: Floats, amounts: Floats) -> Floats:
    """Return what each request gets at levels (…, m, 1), (…, m, n)."""
    return np.clip(slopes * (levels - starts[..., None, :]), 0.0, amounts[..., None, :])
