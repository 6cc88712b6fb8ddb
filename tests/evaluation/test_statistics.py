from dataclasses import astuple

import numpy as np
import pytest

from allotment.evaluation.statistics import Interval, item_difference, mean_interval, paired_difference


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def test_a_constant_has_an_interval_without_width(rng):
    assert mean_interval([3.0, 3.0, 3.0], rng) == Interval(mean=3.0, low=3.0, high=3.0, standard_error=0.0)


def test_of_two_values_every_resample_is_one_of_three_means(rng):
    # (0, 0) with probability 1/4, (0, 10) with 1/2, (10, 10) with 1/4: the variance of the mean is 12.5.
    interval = mean_interval([0.0, 10.0], rng, level=0.95, resamples=20_000)
    assert (interval.mean, interval.low, interval.high) == (5.0, 0.0, 10.0)
    assert interval.standard_error == pytest.approx(np.sqrt(12.5), rel=0.02)
    central = mean_interval([0.0, 10.0], rng, level=0.4)
    assert (central.low, central.high) == (5.0, 5.0)


def test_the_standard_error_is_that_of_the_mean(rng):
    values = rng.normal(100, 20, 400)
    assert mean_interval(values, rng).standard_error == pytest.approx(values.std() / np.sqrt(400), rel=0.06)


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_intervals_cover_the_true_mean_as_often_as_they_claim(rng, level):
    samples = rng.exponential(1.0, size=(600, 80))
    intervals = [mean_interval(sample, rng, level=level, resamples=400) for sample in samples]
    covered = np.mean([interval.low <= 1.0 <= interval.high for interval in intervals])
    assert level - 0.05 < covered < level + 0.03


def test_intervals_of_a_shifted_mean_do_not_cover_it(rng):
    samples = rng.exponential(1.0, size=(200, 80))
    intervals = [mean_interval(sample, rng, resamples=400) for sample in samples]
    assert np.mean([interval.low <= 1.5 <= interval.high for interval in intervals]) < 0.2


def test_the_same_generator_gives_the_same_interval_whatever_is_held_in_memory(monkeypatch):
    values = np.random.default_rng(1).normal(size=50)
    at_once = mean_interval(values, np.random.default_rng(2))
    monkeypatch.setattr("allotment.evaluation.statistics.WEIGHTS_AT_ONCE", 150)
    in_parts = mean_interval(values, np.random.default_rng(2))
    assert astuple(in_parts) == pytest.approx(astuple(at_once), rel=1e-12)
    assert astuple(in_parts) != pytest.approx(astuple(mean_interval(values, np.random.default_rng(3))), rel=1e-12)


def test_what_the_worlds_have_in_common_cancels_in_a_paired_difference(rng):
    worlds = rng.normal(0, 1000, 100)
    difference = paired_difference(worlds + 5 + rng.normal(0, 1, 100), worlds, rng)
    assert difference.mean == pytest.approx(5, abs=0.5)
    assert 4 < difference.low < difference.mean < difference.high < 6
    assert difference.standard_error == pytest.approx(0.1, rel=0.3)


def test_swapping_the_policies_turns_the_difference_around():
    values, reference = np.random.default_rng(1).normal(size=(2, 30))
    one = paired_difference(values, reference, np.random.default_rng(2))
    other = paired_difference(reference, values, np.random.default_rng(2))
    assert (one.mean, one.low, one.high) == pytest.approx((-other.mean, -other.high, -other.low))


def test_the_item_difference_is_the_total_over_items(rng):
    values = np.array([[3.0, 1.0], [3.0, 1.0]])
    assert item_difference(values, np.zeros((2, 2)), rng).mean == 4.0


def test_equal_items_leave_only_the_doubt_about_episodes(rng):
    episodes = rng.normal(size=(50, 1))
    by_items = item_difference(np.repeat(episodes, 10, axis=1), np.zeros((50, 10)), rng)
    by_episodes = mean_interval(10 * episodes[:, 0], rng)
    assert by_items.mean == pytest.approx(by_episodes.mean)
    assert by_items.standard_error == pytest.approx(by_episodes.standard_error, rel=0.08)


def test_items_that_differ_widen_the_interval_of_a_total_that_episodes_agree_on(rng):
    values = np.tile([0.0, 0.0, 0.0, 10.0], (20, 1))
    difference = item_difference(values, np.zeros((20, 4)), rng)
    # Four items drawn with replacement hold the last one Binomial(4, 1/4) times.
    assert (difference.mean, difference.low) == (10.0, 0.0)
    assert difference.standard_error == pytest.approx(10 * np.sqrt(4 * 0.25 * 0.75), rel=0.06)


@pytest.mark.parametrize(
    ("values", "reference", "message"),
    [
        ([1.0, 2.0, 3.0], [1.0, 2.0], r"values \(3,\), reference \(2,\)"),
        ([1.0, np.nan], [1.0, 2.0], "values must be finite; 1 of 2 are not, first nan"),
        ([1.0, 2.0], [1.0, np.inf], "reference must be finite; 1 of 2 are not, first inf"),
        ([1.0], [1.0], r"at least two episodes, but values has the shape \(1,\)"),
        ([[1.0, 2.0]], [[1.0, 2.0]], r"values must have 1 dimension\(s\), not the shape \(1, 2\)"),
    ],
)
def test_what_cannot_be_paired_is_refused_with_what_was_seen(rng, values, reference, message):
    with pytest.raises(ValueError, match=message):
        paired_difference(values, reference, rng)


def test_a_level_is_a_share(rng):
    with pytest.raises(ValueError, match="level must lie between 0 and 1, not 95"):
        mean_interval([1.0, 2.0], rng, level=95)
