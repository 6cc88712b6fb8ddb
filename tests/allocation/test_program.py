"""The linear programme against every allocation there is, on days small enough to list them."""

import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_days import one_pool, shipped, sites, violations

from allotment.allocation.day import NONE, Claims, Day, Options, Pools
from allotment.allocation.program import optimal


@st.composite
def tiny_day(draw):
    """Draw two claims on two sites, with commitments, smallest shipments, limits and two SKUs that share them."""
    small = st.integers(0, 3)
    wanted = np.array([draw(small), draw(small)], dtype=float)
    committed = np.minimum(wanted, [draw(small), draw(small)])
    minimum = np.array([draw(st.sampled_from([0, 0, 2])), draw(st.sampled_from([0, 0, 2]))])
    sku = draw(st.integers(0, 1))  # of the second claim
    supply = np.array([draw(small) for _ in range(4)], dtype=float)[:, None]  # (sites × skus)
    pools = Pools(supply, np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), np.zeros(4, dtype=bool))
    options = Options.of(
        [0, 0, 1, 1],
        [0, 2, sku, 2 + sku],
        site=[0, 1, 0, 1],
        limits=[0, 1, 0, 1],
        value=[draw(st.integers(-2, 6)) for _ in range(4)],
    )
    capacity = np.array([draw(st.integers(0, 5)), draw(st.integers(0, 5))], dtype=float)
    return Day(Claims.of(wanted, committed=committed, minimum=minimum), pools, options, capacity)


@settings(max_examples=150)
@given(tiny_day())
def test_no_allocation_keeps_more_commitments_or_is_worth_more(day):
    best = optimal(day)
    assert violations(day, best) == []
    every = (np.array(units, dtype=float)[:, None] for units in itertools.product(range(4), repeat=4))
    possible = [units for units in every if not violations(day, units)]
    ranked = [(-short(day, units), day.value_of(units)) for units in possible]
    assert (-short(day, best), day.value_of(best)) == pytest.approx(max(ranked))


def short(day, drawn):
    return np.maximum(day.claims.committed - day.served(drawn), 0.0).sum()


def test_a_unit_that_costs_more_than_it_brings_is_not_shipped_unless_it_is_committed():
    assert optimal(one_pool([5], 9, value=-1.0)).sum() == 0
    assert optimal(one_pool([5], 9, value=-1.0, committed=2)).sum() == 2


def test_commitments_beyond_supply_are_kept_as_far_as_it_goes():
    day = sites([6], [5, 5], value=[[9], [1]], committed=[4, 4])
    assert shipped(day, optimal(day)) == [[4], [2]]


def test_a_far_site_serves_where_the_near_one_is_needed_elsewhere():
    # greedy by value gives claim 0 its best site, 10 a unit, and leaves claim 1 with nothing: 50 instead of 85
    day = sites([5, 5], [5, 5], value=[[10, 8], [9, -50]])
    assert shipped(day, optimal(day)) == [[0, 5], [5, 0]]


def test_of_equal_plans_the_earlier_is_taken():
    assert optimal(one_pool([4], 3, receipts=[9]))[:, 0].tolist() == [3, 1]


def test_whole_units_stay_whole_where_skus_share_a_carrier():
    # each two of three options share a carrier that moves one unit: in fractions, half of each could be shipped
    cycle = [(0, 1, NONE), (NONE, 1, 2), (0, NONE, 2)]
    pools = Pools(np.ones((3, 1)), np.zeros(3, dtype=int), np.arange(3), np.zeros(3, dtype=bool))
    day = Day(Claims.of(np.ones(3)), pools, Options.of([0, 1, 2], [0, 1, 2], limits=cycle, value=1.0), np.ones(3))
    assert optimal(day).sum() == 1
    parts = Day(day.claims, day.pools, day.options, day.capacity, whole=False)
    assert optimal(parts).sum() == pytest.approx(1.5)


def test_continuous_units_are_shipped_to_the_last_fraction():
    assert optimal(one_pool([2.5, 3.75], 5.5, value=[1.0, 2.0], whole=False))[:, 0] == pytest.approx([1.75, 3.75])


def test_nothing_to_ship_is_no_error():
    assert optimal(one_pool([3], 0)).tolist() == [[0]]


def test_a_programme_that_is_stopped_says_so_and_what_it_returns_is_possible_and_near_the_best():
    rng = np.random.default_rng(1)
    day = sites(rng.integers(50, 90, 12), rng.integers(5, 40, 60), value=rng.random((60, 12)), minimum=rng.integers(2, 30, 60))
    with pytest.warns(RuntimeWarning, match=r"not proven .* \(stopped after 0.01 s\): as much as .* more") as told:
        drawn = optimal(day, patience=0.01)
    assert violations(day, drawn) == []
    gap = float(re.search(r"as much as (\S+) of value", str(told[0].message))[1])
    assert 0.0 < gap < 0.1 * day.value_of(drawn)
