"""Intervals from resampling, against what theory says of them."""

from dataclasses import astuple

import numpy as np
import pytest
from scipy import stats

from allotment.evaluation.resampling import Interval, interval, weighted_sum, weighted_t


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def mean_of(values, rng, **keywords):
    """Return the interval of the mean of values (n1, n2, …), each axis a source of chance."""
    values = np.asarray(values, dtype=float)
    return interval(lambda *weights: weighted_sum(values, *weights), values.shape, rng, **keywords)


def test_a_constant_has_an_interval_without_width(rng):
    found = mean_of([3.0, 3.0, 3.0], rng)
    assert (found.estimate, found.low, found.high, found.standard_error) == (3.0, 3.0, 3.0, 0.0)
    assert found.p_value(3.0) == 1.0
    assert found.p_value(3.1) == 0.0


def test_of_one_source_the_interval_of_a_mean_is_the_textbooks(rng):
    values = rng.normal(100, 20, 12)
    found = mean_of(values, rng, resamples=20_000)
    textbook = stats.t.interval(0.95, 11, values.mean(), stats.sem(values))
    assert found.estimate == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx(textbook, abs=0.5)
    assert found.freedoms == (11,)


def test_the_variances_of_two_sources_add_up(rng):
    values = rng.normal(size=(4, 1)) + 2 * rng.normal(size=(1, 9))
    found = mean_of(values, rng, resamples=20_000)
    parts = [values.mean(axis=1).var(ddof=1) / 4, values.mean(axis=0).var(ddof=1) / 9]
    assert found.standard_error**2 == pytest.approx(sum(parts), rel=0.05)
    assert found.shares == pytest.approx([part / sum(parts) for part in parts], rel=0.1)


def test_a_source_of_one_member_is_not_resampled(rng):
    values = rng.normal(size=20)
    one = mean_of(values, np.random.default_rng(1))
    assert mean_of(values[None], np.random.default_rng(1)) == one
    assert mean_of(values[:, None], np.random.default_rng(1)) == one


def test_each_source_brings_its_own_t_by_its_share():
    assert weighted_t(0.05, [1.0], [2]) == pytest.approx(4.303, abs=1e-3)  # from the table of Student's t
    assert weighted_t(0.05, [0.0, 1.0], [2, 30]) == pytest.approx(2.042, abs=1e-3)
    assert weighted_t(0.05, [0.25, 0.75], [2, 30]) == pytest.approx(0.25 * 4.303 + 0.75 * 2.042, abs=1e-3)


def test_a_p_value_is_five_percent_where_the_interval_ends(rng):
    found = mean_of(rng.normal(1.0, 1.0, size=(3, 40)), rng)
    assert found.p_value(found.low) == pytest.approx(0.05)
    assert found.p_value(found.high) == pytest.approx(0.05)
    assert found.p_value(found.estimate) == pytest.approx(1.0)
    assert found.p_value(found.low - 1.0) < 0.05 < found.p_value((found.low + found.estimate) / 2)


def test_a_p_value_of_one_source_is_that_of_the_t_test(rng):
    values = rng.normal(0.5, 1.0, 25)
    assert mean_of(values, rng, resamples=20_000).p_value() == pytest.approx(stats.ttest_1samp(values, 0.0).pvalue, rel=0.1)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 10, 100])
def test_a_p_value_follows_students_t_at_every_size_of_sample(freedom):
    for error, expected in ((1.0, 0.3), (0.2, 0.01)):
        distance = stats.t.isf(expected / 2, freedom) * error
        assert Interval(distance, 0.0, 0.0, error, (1.0,), (freedom,)).p_value() == pytest.approx(expected)


def test_a_p_value_beyond_all_tables_is_zero():
    assert Interval(1.0, 1.0, 1.0, 1e-3, (1.0,), (10_000,)).p_value() == 0.0


def test_the_same_generator_gives_the_same_interval_whatever_is_held_in_memory(monkeypatch):
    values = np.random.default_rng(1).normal(size=50)
    at_once = mean_of(values, np.random.default_rng(2))
    monkeypatch.setattr("allotment.evaluation.resampling.CELLS_AT_ONCE", 150)
    in_parts = mean_of(values, np.random.default_rng(2))
    assert np.hstack(astuple(in_parts)) == pytest.approx(np.hstack(astuple(at_once)), rel=1e-12)
    assert in_parts.low != mean_of(values, np.random.default_rng(3)).low


def test_a_weighted_sum_weighs_every_axis():
    values = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert weighted_sum(values, np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([[0.0, 1.0], [0.5, 0.5]])).tolist() == [2.0, 2.5]


def test_a_level_is_a_share(rng):
    with pytest.raises(ValueError, match="level must lie between 0 and 1, not 95"):
        mean_of([1.0, 2.0], rng, level=95)


def test_without_anything_to_resample_there_is_no_interval(rng):
    with pytest.raises(ValueError, match="needs at least two worlds"):
        mean_of([[1.0]], rng)
