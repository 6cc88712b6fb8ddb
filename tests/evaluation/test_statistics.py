"""Estimates from scores on common worlds, on made-up policies of which everything is known."""

import numpy as np
import pytest
from scipy import stats

from allotment.evaluation.correction import holm
from allotment.evaluation.statistics import (
    interquartile_mean,
    mean_score,
    paired_difference,
    probability_of_improvement,
)

REPETITIONS = 300
RESAMPLES = 200  # enough where only the share of right intervals counts


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def made_up(rng, seeds, worlds, level=0.0, seed_spread=1.0, world_spread=1.0, noise=1.0):
    """Return scores (seeds, worlds): a level, what a training and what a world adds to it, and what the two do together."""
    trained = rng.normal(0, seed_spread, (seeds, 1)) if seeds > 1 else 0.0
    met = rng.normal(0, world_spread, worlds)
    return level + trained + met + rng.normal(0, noise, (seeds, worlds))


def share_of(intervals, true):
    return np.mean([interval.low <= true <= interval.high for interval in intervals])


def test_of_one_seed_the_interval_of_the_mean_is_the_textbooks(rng):
    scores = rng.normal(100, 20, 40)
    found = mean_score(scores, rng, resamples=20_000)
    assert (found.low, found.high) == pytest.approx(stats.t.interval(0.95, 39, scores.mean(), stats.sem(scores)), abs=0.3)


def test_what_the_worlds_have_in_common_cancels_in_a_paired_difference(rng):
    worlds = rng.normal(0, 1000, 100)
    difference = paired_difference(worlds + 5 + rng.normal(0, 1, 100), worlds, rng)
    assert difference.estimate == pytest.approx(5, abs=0.5)
    assert 4 < difference.low < difference.estimate < difference.high < 6
    assert difference.standard_error == pytest.approx(0.1, rel=0.3)


def test_swapping_the_policies_turns_difference_and_chance_around():
    mine, theirs = np.random.default_rng(1).normal(size=(2, 30))
    for estimate, turned in ((paired_difference, lambda value: -value), (probability_of_improvement, lambda value: 1 - value)):
        one = estimate(mine, theirs, np.random.default_rng(2))
        other = estimate(theirs, mine, np.random.default_rng(2))
        assert (one.estimate, one.low, one.high) == pytest.approx(
            (turned(other.estimate), turned(other.high), turned(other.low))
        )


@pytest.mark.parametrize(
    ("seeds", "spreads"),
    [
        (1, {}),
        (2, {}),
        (3, {}),
        (3, {"world_spread": 0.1, "noise": 0.1}),  # trainings differ, worlds hardly do
        (3, {"seed_spread": 0.0}),
        (3, {"seed_spread": 0.0, "world_spread": 0.0}),
        (10, {"seed_spread": 0.5}),
    ],
)
def test_intervals_of_seeds_and_worlds_cover_the_true_difference_as_often_as_they_claim(rng, seeds, spreads):
    found = []
    for _ in range(REPETITIONS):
        common = rng.normal(0, 10, 40)
        mine, theirs = common + made_up(rng, seeds, 40, level=2.0, **spreads), common + made_up(rng, 1, 40, world_spread=0.0)
        found.append(paired_difference(mine, theirs, rng, resamples=RESAMPLES))
    assert share_of(found, 2.0) > 0.92
    if seeds == 1:
        assert share_of(found, 2.0) < 0.98


def test_the_seeds_of_both_policies_count(rng):
    found = [
        paired_difference(
            made_up(rng, 4, 30, world_spread=0.0), made_up(rng, 3, 30, world_spread=0.0), rng, resamples=RESAMPLES
        )
        for _ in range(REPETITIONS)
    ]
    assert share_of(found, 0.0) > 0.92


def test_intervals_do_not_cover_a_difference_that_is_not_there(rng):
    found = [
        paired_difference(made_up(rng, 3, 40, seed_spread=0.1), np.zeros(40), rng, resamples=RESAMPLES) for _ in range(100)
    ]
    assert share_of(found, 3.0) < 0.05


def test_policies_no_better_than_the_reference_are_seldom_called_so(rng):
    alarms = []
    for _ in range(REPETITIONS):
        reference, *others = rng.normal(size=40) + rng.normal(size=(6, 40))
        p_values = [paired_difference(other, reference, rng, resamples=RESAMPLES).p_value() for other in others]
        alarms.append((min(p_values) < 0.05, holm(p_values).min() < 0.05))
    uncorrected, corrected = np.mean(alarms, axis=0)
    assert corrected < 0.08
    assert uncorrected > 0.1


def test_the_interquartile_mean_is_the_mean_of_the_middle_half(rng):
    assert interquartile_mean([-900.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 5000.0], rng).estimate == pytest.approx(3.5)
    # Of six scores a quarter are one and a half: 2 and 5 count by half.
    assert interquartile_mean([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], rng).estimate == pytest.approx((1 + 3 + 4 + 2.5) / 3)
    scores = rng.exponential(size=(3, 40))
    assert interquartile_mean(scores, rng).estimate == pytest.approx(stats.trim_mean(scores.ravel(), 0.25))


def test_intervals_cover_the_true_interquartile_mean(rng):
    # Twice the integral of the exponential distribution's quantiles, -log(1 - u), over the middle half.
    true = 2 * ((0.75 - 0.75 * np.log(0.75)) - (0.25 - 0.25 * np.log(0.25)))
    found = [interquartile_mean(rng.exponential(size=80), rng, resamples=RESAMPLES) for _ in range(REPETITIONS)]
    assert 0.91 < share_of(found, true) < 0.98
    seeds = [
        interquartile_mean(made_up(rng, 4, 50, level=3.0, world_spread=0.2), rng, resamples=RESAMPLES)
        for _ in range(REPETITIONS)
    ]
    assert share_of(seeds, 3.0) > 0.92


def test_the_probability_of_improvement_counts_every_pair_of_seeds_in_a_world(rng):
    mine = [[5.0, 1.0], [5.0, 9.0]]  # (seeds, worlds)
    theirs = [[4.0, 2.0], [6.0, 9.0]]
    # World 1: both seeds beat the first seed of the reference and lose to the second. World 2: 1 loses to 2 and to 9, 9 beats
    # 2 and ties with 9. Three and a half of eight.
    assert probability_of_improvement(mine, theirs, rng).estimate == (2 + 1.5) / 8


def test_ties_count_half(rng):
    found = probability_of_improvement(np.ones(50), np.ones(50), rng)
    assert (found.estimate, found.low, found.high) == (0.5, 0.5, 0.5)


def test_intervals_cover_the_true_probability_of_improvement(rng):
    true = stats.norm.cdf(1 / np.sqrt(2))
    common = rng.normal(0, 10, (REPETITIONS, 60))
    found = [
        probability_of_improvement(
            worlds + made_up(rng, 1, 60, 1.0, world_spread=0), worlds + rng.normal(size=60), rng, resamples=RESAMPLES
        )
        for worlds in common
    ]
    assert 0.92 < share_of(found, true) < 0.99
    true = stats.norm.cdf(1 / np.sqrt(3))
    found = [
        probability_of_improvement(made_up(rng, 3, 60, 1.0, world_spread=0), rng.normal(size=60), rng, resamples=RESAMPLES)
        for _ in range(REPETITIONS)
    ]
    assert share_of(found, true) > 0.92


def test_three_wins_of_three_seeds_are_no_certainty(rng):
    found = probability_of_improvement(np.ones((3, 100)), np.zeros(100), rng)
    assert found.estimate == found.high == 1.0
    assert 0.3 < found.low < 0.6
    sure = probability_of_improvement(np.ones(100), np.zeros(100), rng)  # of one training, which is all that it speaks of
    assert sure.low > 0.95


def test_the_difference_of_items_is_the_total_over_them(rng):
    values = np.array([[[3.0, 1.0], [3.0, 1.0]]])  # (seeds, worlds, items)
    assert paired_difference(values, np.zeros((1, 2, 2)), rng).estimate == 4.0


def test_equal_items_leave_only_the_doubt_about_worlds():
    worlds = np.random.default_rng(1).normal(size=(1, 50, 1))
    by_items = paired_difference(np.repeat(worlds, 10, axis=2), np.zeros((1, 50, 10)), np.random.default_rng(2))
    by_worlds = paired_difference(10 * worlds, np.zeros((1, 50, 1)), np.random.default_rng(2))
    assert by_items.estimate == pytest.approx(by_worlds.estimate)
    assert by_items.standard_error == pytest.approx(by_worlds.standard_error)


def test_items_that_differ_widen_the_interval_of_a_total_that_worlds_agree_on(rng):
    values = np.tile([0.0, 0.0, 0.0, 10.0], (1, 20, 1))
    difference = paired_difference(values, np.zeros((1, 20, 4)), rng, resamples=20_000)
    assert difference.estimate == 10.0
    assert difference.standard_error == pytest.approx(4 * np.std([0, 0, 0, 10], ddof=1) / np.sqrt(4), rel=0.02)
    assert probability_of_improvement(values, np.zeros((1, 20, 4)), rng).estimate == (1 + 3 * 0.5) / 4


@pytest.mark.parametrize(
    ("scores", "reference", "message"),
    [
        ([1.0, 2.0, 3.0], [1.0, 2.0], r"scores \(1, 3, 1\), reference \(1, 2, 1\)"),
        ([1.0, np.nan], [1.0, 2.0], "scores must be finite; 1 of 2 are not, first nan"),
        ([1.0, 2.0], [1.0, np.inf], "reference must be finite; 1 of 2 are not, first inf"),
        ([1.0], [1.0], "an interval needs at least two worlds"),
        ([[]], [[]], r"not \(1, 0\)"),
        ([[[[1.0]]]], [1.0], r"must be \(worlds,\), \(seeds, worlds\) or \(seeds, worlds, items\), not \(1, 1, 1, 1\)"),
    ],
)
def test_what_cannot_be_paired_is_refused_with_what_was_seen(rng, scores, reference, message):
    with pytest.raises(ValueError, match=message):
        paired_difference(scores, reference, rng)
