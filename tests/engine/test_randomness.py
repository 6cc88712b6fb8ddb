"""Every draw is a pure function of seed, episode, stream and period, and inverts the distribution that the file names."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit
from scipy import special, stats

from allotment.engine import inversion, randomness
from allotment.scenario import processes
from allotment.scenario.distributions import demand_table
from allotment.scenario.tables import TableSet, lead_time_table
from random_worlds import build

ONE_SITE = {
    "name": "one_site",
    "horizon": {"periods": 10},
    "skus": [{"name": "tin", "price": 0}, {"name": "jar", "price": 0}],
    "suppliers": [{"name": "mill"}],
    "sites": [{"name": "store"}],
    "channels": [{"name": "shop"}, {"name": "web"}],
    "supply_lanes": [
        {"from": "mill", "to": "store", "lead_time": {"distribution": "shifted_poisson", "mean": 2, "maximum": 9}},
    ],
    "fulfilment_lanes": [{"from": "store", "to": "*"}],
    "demand": [{"process": {"distribution": "poisson", "mean": 7}}],
}


def one_site(**replaced):
    return copy.deepcopy(ONE_SITE) | replaced


def drawn_demand(world, seeds, period=0, episode=0):
    """Return demand, (seeds, channels, skus)."""
    seeds, shape = np.array(seeds), world.problem.demand.kind.shape
    modulation = np.ones((len(seeds), *shape))
    return randomness.demands(world.problem, modulation, seeds, np.full_like(seeds, episode), np.full_like(seeds, period))


def drawn_lead_times(world, seeds, period=0, episode=0):
    """Return lead times, (seeds, lanes)."""
    seeds = np.array(seeds)
    return randomness.lead_times(world.problem, seeds, np.full_like(seeds, episode), np.full_like(seeds, period))[:, :, 0]


# ---- the generator


@njit
def _philox(counter, key):
    return randomness.philox(counter[0], counter[1], counter[2], counter[3], key[0], key[1])


@pytest.mark.parametrize(
    ("counter", "key", "answer"),
    [
        ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
def test_philox_gives_the_known_answers_of_its_authors(counter, key, answer):
    # Random123 1.14, tests/kat_vectors, philox4x32 10
    words = [np.array([int(word, 16) for word in text.split()], dtype=np.uint64) for text in (counter, key)]
    assert " ".join(f"{word:08x}" for word in _philox(*words)) == answer


@njit
def _fraction(high, low):
    return randomness.fraction(high, low)


@njit
def _uniform(stream, seed, episode, period):
    return randomness.uniform(stream, seed, episode, period)


def test_a_uniform_number_is_never_0_or_1():
    none, all_bits = np.uint64(0), np.uint64(0xFFFFFFFF)
    assert 0.0 < _fraction(none, none) < 1e-15
    assert 1.0 - 1e-15 < _fraction(all_bits, all_bits) < 1.0


def test_seeds_episodes_streams_and_periods_all_change_a_draw():
    base = _uniform(np.uint64(5), 6, 7, 8)
    others = [
        _uniform(np.uint64(4), 6, 7, 8),
        _uniform(np.uint64(5 + 2**40), 6, 7, 8),
        _uniform(np.uint64(5), 5, 7, 8),
        _uniform(np.uint64(5), 6 + 2**40, 7, 8),
        _uniform(np.uint64(5), 6, 6, 8),
        _uniform(np.uint64(5), 6, 7, 9),
    ]
    assert base == _uniform(np.uint64(5), 6, 7, 8)
    assert len({base, *others}) == 7


def test_uniform_numbers_over_periods_and_over_seeds_are_uniform_and_uncorrelated():
    draws = np.array([[_uniform(np.uint64(99), seed, 0, period) for period in range(100)] for seed in range(100)])
    assert stats.kstest(draws.ravel(), "uniform").pvalue > 0.001
    for own, neighbour in ((draws[:-1], draws[1:]), (draws[:, :-1], draws[:, 1:])):
        assert abs(np.corrcoef(own.ravel(), neighbour.ravel())[0, 1]) < 4 / np.sqrt(own.size)


# ---- inversion


@given(st.floats(1e-300, 1.0, exclude_max=True))
def test_the_normal_quantile_is_that_of_scipy(chance):
    assert inversion.normal_quantile(chance) == pytest.approx(special.ndtri(chance), rel=1e-12, abs=1e-15)


def test_the_normal_quantile_is_symmetric_and_passes_through_0():
    assert inversion.normal_quantile(0.5) == pytest.approx(0.0, abs=1e-15)
    assert inversion.normal_quantile(0.25) == -inversion.normal_quantile(0.75)


@njit
def _table_values(tables, row, chances):
    return np.array(
        [
            randomness.table_value(tables.first, tables.start, tables.cumulative, tables.guide_start, tables.guide, row, chance)
            for chance in chances
        ]
    )


def inverted(table, chances):
    packing = TableSet()
    packing.row(lead_time_table(1))  # so that the table does not start at 0
    row = packing.row(table)
    return _table_values(packing.packed(), row, np.asarray(chances))


DISTRIBUTIONS = {
    "poisson": (processes.Poisson(distribution="poisson", mean=5), 5.0, stats.poisson(5)),
    "poisson, rare": (processes.Poisson(distribution="poisson", mean=0.01), 0.01, stats.poisson(0.01)),
    "poisson, large": (processes.Poisson(distribution="poisson", mean=400), 400.0, stats.poisson(400)),
    "geometric": (processes.Geometric(distribution="geometric", mean=5), 5.0, stats.geom(1 / 6, loc=-1)),
    "negative binomial": (
        processes.NegativeBinomial(distribution="negative_binomial", mean=6, dispersion=3),
        6.0,
        stats.nbinom(3, 1 / 3),  # 6 ÷ (3 − 1) successes
    ),
    "binomial": (processes.Binomial(distribution="binomial", trials=12, probability=0.3), 0.0, stats.binom(12, 0.3)),
    "uniform integer": (processes.UniformInteger(distribution="uniform_integer", low=2, high=8), 0.0, stats.randint(2, 9)),
}

every_distribution = pytest.mark.parametrize(("process", "mean", "truth"), DISTRIBUTIONS.values(), ids=DISTRIBUTIONS)


@every_distribution
def test_a_draw_is_the_quantile_of_its_uniform_number(process, mean, truth):
    chances = np.random.default_rng(0).uniform(size=20_000)
    np.testing.assert_array_equal(inverted(demand_table(process, mean), chances), truth.ppf(chances))


@every_distribution
def test_a_uniform_number_between_two_cumulative_probabilities_gives_the_value_between(process, mean, truth):
    table = demand_table(process, mean)
    likely = np.flatnonzero(table.probabilities > 1e-9)
    below, above = table.cumulative[likely] - 5e-10, table.cumulative[likely[:-1]] + 5e-10
    np.testing.assert_array_equal(inverted(table, below), table.values[likely])
    np.testing.assert_array_equal(inverted(table, above), table.values[likely[:-1] + 1])


@every_distribution
def test_a_table_has_the_moments_of_its_distribution(process, mean, truth):
    table = demand_table(process, mean)
    assert table.mean == pytest.approx(truth.mean(), rel=1e-9)
    assert table.variance == pytest.approx(truth.var(), rel=1e-8)
    assert table.cumulative[-1] == 1.0
    assert (table.probabilities >= 0).all()


def test_a_draw_rises_with_the_mean_so_that_demand_stays_coupled():
    chances = np.random.default_rng(1).uniform(size=1000)
    process = processes.Poisson(distribution="poisson", mean=1)
    assert (inverted(demand_table(process, 5.0), chances) <= inverted(demand_table(process, 5.5), chances)).all()


def test_categorical_lead_times_take_their_values_with_their_probabilities():
    lead_time = processes.Categorical(distribution="categorical", values=[4, 1, 2], probabilities=[0.25, 0.5, 0.25])
    table = lead_time_table(lead_time)
    np.testing.assert_allclose(table.probabilities, [0.5, 0.25, 0.0, 0.25])
    assert inverted(table, [0.2, 0.5, 0.6, 0.75, 0.8, 0.9999]).tolist() == [1, 1, 2, 2, 4, 4]


def test_a_shifted_poisson_lead_time_keeps_the_mass_of_its_tail_at_the_maximum():
    lead_time = processes.ShiftedPoisson(distribution="shifted_poisson", shift=2, mean=1.0, maximum=4)
    table = lead_time_table(lead_time)
    assert table.values.tolist() == [2, 3, 4]
    np.testing.assert_allclose(table.probabilities, [*stats.poisson(1).pmf([0, 1]), stats.poisson(1).sf(1)])


def test_drawn_demand_and_lead_times_have_their_distributions():
    world = build(one_site())
    demand, lead_times = drawn_demand(world, range(5000)), drawn_lead_times(world, range(5000))[:, 0]
    assert abs(demand.mean(axis=0) - 7).max() < 4 * np.sqrt(7 / 5000)
    assert abs(lead_times.mean() - 2) < 4 * np.sqrt(2 / 5000)
    assert abs(np.corrcoef(demand[:, 0, 0], demand[:, 1, 1])[0, 1]) < 4 / np.sqrt(5000)


def test_normal_demand_is_clipped_at_0_and_follows_its_shaped_mean():
    season = {"period": 2, "profile": [1, 3]}
    process = {"distribution": "normal", "mean": 10, "standard_deviation": 4, "season": season}
    world = build(one_site(units="continuous", demand=[{"process": process}]))
    first, second = (drawn_demand(world, range(20_000), period) for period in (0, 1))
    assert first.min() == 0.0
    for draws, mean, deviation in ((first, 10, 4), (second, 30, 12)):
        expected = mean * stats.norm.cdf(mean / deviation) + deviation * stats.norm.pdf(mean / deviation)
        assert draws.mean() == pytest.approx(expected, abs=4 * deviation / np.sqrt(draws.size))
        assert (draws == 0).mean() == pytest.approx(stats.norm.cdf(-mean / deviation), abs=0.004)


def test_the_scale_of_a_channel_multiplies_mean_and_deviation_of_normal_demand():
    process = {"distribution": "normal", "mean": 10, "standard_deviation": 4, "scale": {"*": 3}}
    plain = {"distribution": "normal", "mean": 30, "standard_deviation": 12}
    scaled, own = (build(one_site(units="continuous", demand=[{"process": each}])) for each in (process, plain))
    np.testing.assert_allclose(scaled.problem.demand.mean, own.problem.demand.mean)
    np.testing.assert_allclose(scaled.problem.demand.deviation, own.problem.demand.deviation)
    np.testing.assert_array_equal(drawn_demand(scaled, range(20)), drawn_demand(own, range(20)))


def test_a_season_repeats_its_multipliers_on_the_mean():
    process = {"distribution": "deterministic", "mean": {"tin": 2, "jar": 5}, "season": {"period": 3, "profile": [1, 0, 4]}}
    world = build(one_site(demand=[{"process": process}]))
    assert [drawn_demand(world, [0], period)[0, 0].tolist() for period in range(4)] == [[2, 5], [0, 0], [8, 20], [2, 5]]


def test_a_cosine_season_is_highest_at_its_peak_and_lowest_half_a_cycle_later():
    season = {"period": 12, "amplitude": 0.5, "peak": 4}
    process = {"distribution": "deterministic", "mean": 8, "season": season}
    world = build(one_site(units="continuous", demand=[{"process": process}]))
    means = [drawn_demand(world, [0], period)[0, 0, 0] for period in range(12)]
    assert (np.argmax(means), max(means), np.argmin(means), min(means)) == (4, 12.0, 10, 4.0)
    assert means[1] == means[7] == pytest.approx(8.0)


# ---- streams


def test_another_sku_channel_or_lane_leaves_the_draws_of_the_others_alone():
    small = build(one_site())
    large = build(
        one_site(
            skus=[{"name": "keg", "price": 0}, {"name": "tin", "price": 0}, {"name": "jar", "price": 0}],
            channels=[{"name": "web"}, {"name": "fair"}, {"name": "shop"}],
            sites=[{"name": "depot"}, {"name": "store"}],
            supply_lanes=[{"from": "mill", "to": "depot", "lead_time": 1}, *ONE_SITE["supply_lanes"]],
        )
    )
    before, after = (drawn_demand(world, range(50), period=3) for world in (small, large))
    np.testing.assert_array_equal(before, after[:, [2, 0]][:, :, [1, 2]])
    np.testing.assert_array_equal(drawn_lead_times(small, range(50))[:, 0], drawn_lead_times(large, range(50))[:, 1])


def test_equal_processes_of_different_names_draw_differently():
    demand = drawn_demand(build(one_site()), range(50)).reshape(50, 4)
    assert all((demand[:, i] != demand[:, j]).any() for i in range(4) for j in range(i))


def test_lanes_of_one_supplier_draw_their_lead_times_apart():
    lead_time = ONE_SITE["supply_lanes"][0]["lead_time"]
    lanes = [{"from": "mill", "to": "*", "lead_time": lead_time}, {"from": "store", "to": "depot", "lead_time": lead_time}]
    world = build(one_site(sites=[{"name": "store"}, {"name": "depot"}], supply_lanes=lanes))
    lead_times = drawn_lead_times(world, range(200))
    assert abs(np.corrcoef(lead_times.T) - np.eye(3)).max() < 4 / np.sqrt(200)


def test_demand_does_not_depend_on_the_batch():
    world = build(one_site())
    together = drawn_demand(world, range(10, 30), period=4, episode=2)
    alone = [drawn_demand(world, [seed], period=4, episode=2)[0] for seed in range(10, 30)]
    np.testing.assert_array_equal(together, alone)


# ---- recorded demand

TRACE = {"distribution": "trace", "history": "future", "forecast": "past"}


def recorded_world(process, periods=4, channels=("shop", "web"), skus=("tin", "jar")):
    """A world whose recorded demand tells its period: 100, 200, … plus 10 × channel plus SKU."""
    labels = 100.0 * np.arange(1, periods + 1)[:, None, None] + np.array([[1, 2], [11, 12]])
    histories = [recorded(name, labels, channels, skus) for name in ("past", "future")]
    horizon = {"periods": min(3, periods), "warm_up": 1 if periods > 3 else 0}
    return build(one_site(horizon=horizon, demand=[{"process": process}], histories=histories))


def recorded(name, units, channels=("shop", "web"), skus=("tin", "jar")):
    """A history as a file writes it, from units by period, channel and SKU."""
    by_channel = {channel: {sku: units[:, c, k].tolist() for k, sku in enumerate(skus)} for c, channel in enumerate(channels)}
    return {"name": name, "units": by_channel}


def recorded_at(demand):
    """Return which recorded periods a batch of demand comes from, 0 the first."""
    return (demand[:, 0, 0] // 100 - 1).astype(int)


def test_a_trace_replays_its_history_in_order_in_every_world():
    world = recorded_world(TRACE)
    for period in range(4):
        demand = drawn_demand(world, range(5), period, episode=period)
        assert (recorded_at(demand) == period).all()
        assert (demand[0] - 100 * (period + 1)).tolist() == [[1, 2], [11, 12]]


def test_a_history_is_read_by_name_not_by_position():
    world = recorded_world(TRACE, channels=("web", "shop"), skus=("jar", "tin"))
    assert drawn_demand(world, [0])[0].tolist() == [[112, 111], [102, 101]]


def test_a_resampled_period_is_the_same_recorded_period_for_every_channel_and_sku():
    demand = drawn_demand(recorded_world({"distribution": "empirical", "history": "past"}), range(200))
    assert set(recorded_at(demand)) == {0, 1, 2, 3}
    labels = demand - 100 * (1 + recorded_at(demand))[:, None, None]
    assert (labels == [[1, 2], [11, 12]]).all()


@pytest.mark.parametrize(("period", "near"), [(0, {8, 9, 0, 1, 2}), (4, {2, 3, 4, 5, 6}), (13, {1, 2, 3, 4, 5})])
def test_a_resampled_period_lies_within_the_window_around_its_place_in_the_cycle(period, near):
    world = recorded_world({"distribution": "empirical", "history": "past", "window": 2}, periods=10)
    assert set(recorded_at(drawn_demand(world, range(300), period))) == near


def test_a_window_wider_than_the_history_takes_every_period_equally_often():
    world = recorded_world({"distribution": "empirical", "history": "past", "window": 2})  # 5 places, 4 recorded periods
    counts = np.bincount(recorded_at(drawn_demand(world, range(8000))))
    assert stats.chisquare(counts).pvalue > 0.001


def test_what_may_be_known_of_resampled_demand_is_the_mean_and_spread_of_its_window():
    demand = recorded_world({"distribution": "empirical", "history": "past", "window": 1}, periods=10).problem.demand
    assert demand.mean[:3, 0, 0].tolist() == [(1000 + 100 + 200) / 3 + 1, 201, 301]
    assert demand.deviation[4, 1, 1] == pytest.approx(np.std([400, 500, 600]))


def test_what_may_be_known_of_replayed_demand_comes_from_its_forecast_history():
    histories = [recorded("past", np.full((5, 2, 2), 3.0)), recorded("future", np.full((4, 2, 2), 9.0))]
    world = build(one_site(horizon={"periods": 4}, demand=[{"process": TRACE}], histories=histories))
    assert (world.problem.demand.mean == 3.0).all()
    assert (drawn_demand(world, [0]) == 9.0).all()
