"""What is estimated of policies from their scores on common worlds, each estimate with its interval.

Scores are (seeds, worlds) or (seeds, worlds, items): a policy's training seeds, the test worlds, which are the same for all
policies, and what a score is a sum over. A policy of one seed may leave that axis out. An interval speaks of other test
worlds; where a policy has several seeds, also of other trainings of it; where there are items, also of other items of the
same kind. Of what there is only one, such as a single training, it speaks of that one alone.

Interquartile mean, stratified bootstrap and probability of improvement follow Agarwal, Schwarzer, Castro, Courville and
Bellemare, Deep Reinforcement Learning at the Edge of the Statistical Precipice, NeurIPS 2021.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from allotment.evaluation.resampling import Interval, interval, weighted_sum
from allotment.quantities import Floats


def mean_score(scores: ArrayLike, rng: np.random.Generator, level: float = 0.95, resamples: int = 2000) -> Interval:
    """Return the mean score over seeds and worlds."""
    totals = _sample(scores, "scores").sum(axis=2)
    return interval(lambda seeds, worlds: weighted_sum(totals, seeds, worlds), totals.shape, rng, level, resamples)


def interquartile_mean(scores: ArrayLike, rng: np.random.Generator, level: float = 0.95, resamples: int = 2000) -> Interval:
    """Return the mean of the middle half of all scores over seeds and worlds: what happens when nothing extreme does.

    A score on the edge of the middle half counts with the share of it that lies inside.
    """
    totals = _sample(scores, "scores").sum(axis=2)
    order = np.argsort(totals, axis=None)
    ordered = totals.ravel()[order]

    def statistic(seeds: Floats, worlds: Floats) -> Floats:
        weights = (seeds[:, :, None] * worlds[:, None, :]).reshape(len(seeds), -1)[:, order]
        inside = np.diff(np.clip(weights.cumsum(axis=1), 0.25, 0.75), axis=1, prepend=0.25)
        return inside @ ordered / 0.5

    return interval(statistic, totals.shape, rng, level, resamples, cells=totals.size)


def paired_difference(
    scores: ArrayLike, reference: ArrayLike, rng: np.random.Generator, level: float = 0.95, resamples: int = 2000
) -> Interval:
    """Return the mean of scores - reference, paired by world: both were played in the same worlds, in the same order.

    What the worlds have in common cancels before it is averaged, which makes the interval far narrower than that of
    either mean. Of items, the difference is the total over them.
    """
    mine, theirs = _pair(scores, reference)
    items = mine.shape[2]

    def statistic(seeds: Floats, others: Floats, worlds: Floats, kinds: Floats) -> Floats:
        return items * (weighted_sum(mine, seeds, worlds, kinds) - weighted_sum(theirs, others, worlds, kinds))

    return interval(statistic, (mine.shape[0], *theirs.shape), rng, level, resamples)


def probability_of_improvement(
    scores: ArrayLike, reference: ArrayLike, rng: np.random.Generator, level: float = 0.95, resamples: int = 2000
) -> Interval:
    """Return the probability that a policy scores higher than the reference in a world drawn at random; ties count half.

    Both play the same world, each with a seed drawn at random; of items, it is the probability for an item drawn at random.
    For its interval, every source of chance gets one more member, in which neither wins: so three wins of three seeds are
    not taken for certainty.
    """
    mine, theirs = _pair(scores, reference)
    wins = (np.sign(mine[:, None] - theirs[None]) + 1.0) / 2.0  # (seeds, seeds of the reference, worlds, items)
    careful = _with_a_draw(wins)
    found = interval(lambda *weights: weighted_sum(careful, *weights), careful.shape, rng, level, resamples)
    return replace(found, estimate=float(wins.mean()), low=max(found.low, 0.0), high=min(found.high, 1.0))


def _with_a_draw(wins: Floats) -> Floats:
    """Return the wins with one more member, a draw throughout, along each axis of more than one."""
    for axis in (axis for axis in range(wins.ndim) if wins.shape[axis] > 1):
        wins = np.concatenate([wins, np.full_like(wins.take([0], axis=axis), 0.5)], axis=axis)
    return wins


def _pair(scores: ArrayLike, reference: ArrayLike) -> tuple[Floats, Floats]:
    """Return two samples (seeds, worlds, items) of the same worlds and items."""
    mine, theirs = _sample(scores, "scores"), _sample(reference, "reference")
    if mine.shape[1:] != theirs.shape[1:]:
        raise ValueError(f"pairs need the same worlds and items, not scores {mine.shape}, reference {theirs.shape}")
    return mine, theirs


def _sample(scores: ArrayLike, name: str) -> Floats:
    """Return scores as a checked array (seeds, worlds, items)."""
    sample = np.asarray(scores, dtype=np.float64)
    if sample.ndim not in (1, 2, 3) or 0 in sample.shape:
        raise ValueError(f"{name} must be (worlds,), (seeds, worlds) or (seeds, worlds, items), not {sample.shape}")
    bad = np.flatnonzero(~np.isfinite(sample))
    if bad.size:
        raise ValueError(f"{name} must be finite; {bad.size} of {sample.size} are not, first {sample.flat[bad[0]]}")
    if sample.ndim == 1:
        sample = sample[None]
    return sample[:, :, None] if sample.ndim == 2 else sample
