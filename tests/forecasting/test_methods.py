"""Recursions over many series equal hand-worked cases and statsmodels' on single ones; backtests see nothing of the future."""

import numpy as np
import pytest

from allotment.forecasting.backtest import backtest
from allotment.forecasting.fitting import fitted_smoothing
from allotment.forecasting.methods import Croston, ExponentialSmoothing, SeasonalNaive, TeunterSyntetosBabai
from allotment.forecasting.tracking import Tracked

METHODS = [ExponentialSmoothing(0.3), Croston(0.2), TeunterSyntetosBabai(0.2, 0.1), SeasonalNaive(4)]


def expected(method, series, ahead=1):
    return Tracked.of(method, np.array(series, dtype=float)).forecast(range(ahead, ahead + 1))[0][0]


def test_smoothing_moves_by_a_share_of_each_error():
    assert expected(ExponentialSmoothing(0.25), [8, 4, 11]) == pytest.approx(8 - 1 + 0.25 * (11 - 7))


def test_croston_divides_the_size_of_orders_by_the_interval_between_them():
    series = [0, 6, 0, 0, 10, 0]  # sizes 6, then 6 + 0.5 × 4; intervals 2, then 2 + 0.5 × 1
    assert expected(Croston(0.5), series) == pytest.approx(8 / 2.5)
    assert expected(Croston(0.5, bias_corrected=True), series) == pytest.approx(0.75 * 8 / 2.5)
    assert expected(Croston(0.5), [0, 0, 0]) == 0.0


def test_the_probability_of_an_order_falls_while_none_comes():
    method = TeunterSyntetosBabai(0.5, 0.5)
    assert expected(method, [4, 0, 8]) == pytest.approx(6 * 0.75)
    assert expected(method, [4, 0, 8, 0, 0]) == pytest.approx(6 * 0.1875)


def test_the_season_before_is_repeated():
    assert [expected(SeasonalNaive(3), [1, 2, 3, 4, 5, 6, 7], ahead) for ahead in (1, 2, 3, 4)] == [5, 6, 7, 5]


@pytest.mark.parametrize("method", METHODS)
def test_many_series_are_forecast_as_each_by_itself(method):
    series = np.random.default_rng(0).poisson(0.8, (30, 2, 3)).astype(float)
    together, spread = Tracked.of(method, series).forecast(range(1, 6))
    for place in np.ndindex(2, 3):
        mean, deviation = Tracked.of(method, series[(slice(None), *place)]).forecast(range(1, 6))
        assert np.array_equal(together[(slice(None), *place)], mean)
        assert np.array_equal(spread[(slice(None), *place)], deviation)


@pytest.mark.parametrize("smoothing", [0.05, 0.4, 1.0])
def test_smoothing_equals_statsmodels(smoothing):
    holtwinters = pytest.importorskip("statsmodels.tsa.holtwinters")
    series = np.random.default_rng(1).poisson(5, 60).astype(float)
    theirs = holtwinters.SimpleExpSmoothing(series, initialization_method="known", initial_level=series[0])
    fit = theirs.fit(smoothing_level=smoothing, optimized=False)
    tracked = Tracked.of(ExponentialSmoothing(smoothing), series)
    assert tracked.forecast(range(1, 4))[0] == pytest.approx(fit.forecast(3), rel=1e-12)
    assert tracked.squares == pytest.approx(fit.sse, rel=1e-12)


def test_fitted_smoothing_follows_a_walk_and_averages_noise():
    pytest.importorskip("statsmodels")
    rng = np.random.default_rng(2)
    walk, noise = 100 + np.cumsum(rng.normal(size=300)), 100 + rng.normal(size=300)
    found = fitted_smoothing(np.stack([walk, noise, np.full(300, 7.0)], axis=1))
    assert found[0] > 0.8 and found[1] < 0.15 and found[2] == 0.0


@pytest.mark.parametrize("method", METHODS)
def test_what_comes_later_changes_no_forecast_of_today(method):
    series = np.random.default_rng(3).poisson(2.0, (40, 5)).astype(float)
    shuffled = np.concatenate([series[:25], np.random.default_rng(4).permutation(series[25:])])
    before, after = (backtest(method, each, horizon=1) for each in (series, shuffled))
    assert (series[25:] != shuffled[25:]).any()
    assert before[before["origin"] < 25].equals(after[after["origin"] < 25])


def test_measures_of_a_backtest_by_hand():
    table = backtest(ExponentialSmoothing(1.0), np.array([2.0, 4.0, 7.0, 3.0]), horizon=1, quantiles=(0.5,))
    assert table["origin"].tolist() == [2, 3]
    assert table["mae"].tolist() == table["rmse"].tolist() == [3.0, 4.0]
    assert table["bias"].tolist() == [-3.0, 4.0]
    assert table["mase"].tolist() == [3.0 / 2.0, 4.0 / 2.5]  # naive errors 2, and 2 and 3
    assert table["pinball_0.5"].tolist() == [1.5, 2.0]


def test_a_backtest_needs_periods_after_its_first_origin():
    with pytest.raises(ValueError, match="a backtest needs at least 6 periods and a first origin of at least 1, not 5"):
        backtest(ExponentialSmoothing(0.1), np.ones(5), horizon=4)
