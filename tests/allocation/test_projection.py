"""The projection: whatever a network puts out, what comes back can be shipped, and says why it is less."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from small_days import any_day, one_pool, sites, violations

from allotment.allocation.day import NONE, REASONS, Claims, Options, reason
from allotment.allocation.grid import grid_day
from allotment.allocation.projection import project

WILD = [np.nan, np.inf, -np.inf, -5.0, -0.0, 0.0, 0.4, 3.5, 7.0, 1e6, 1e308, np.finfo(float).tiny]


def named(reasons):
    return [REASONS[code] for code in reasons]


@given(any_day(), st.data())
def test_adversarial_requests_never_violate_anything(day, data):
    size = len(day.options.claim)
    requested = np.array(data.draw(st.lists(st.sampled_from(WILD) | st.floats(), min_size=size, max_size=size)))
    given_units = project(day, requested)
    assert violations(day, given_units.drawn) == []
    finite = np.nan_to_num(requested, nan=0.0, posinf=1e300, neginf=0.0)
    assert (given_units.units <= np.maximum(finite, 0.0) + (0.5 if day.whole else 1e-6)).all()
    less = given_units.units < finite - (0.5 if day.whole else 1e-6)
    assert (given_units.reasons[less] > 0).all()


@given(any_day())
def test_what_is_possible_stays_as_it_is(day):
    once = project(day, day.claims.wanted[day.options.claim] / 2.0)
    twice = project(day, once.units)
    np.testing.assert_allclose(twice.units, once.units, rtol=1e-9, atol=1e-9)
    assert (twice.reasons[once.units > 0] == 0).all()


def test_requests_beyond_the_stock_share_it_in_proportion():
    day = one_pool([50, 50, 50], 50)
    assert project(day, np.array([10.0, 20.0, 50.0])).units.tolist() == [6, 13, 31]


def test_each_cut_has_its_reason():
    day = sites([5, 100], [8, 8, 8], capacity=[100, 6])
    blocked = np.array([0, 0, 0, 0, reason("deadline"), 0])
    day = day.__class__(day.claims, day.pools, day.options._replace(blocked=blocked.astype(np.int8)), day.capacity)
    # claim 0 asks site 0 for all, claim 1 both sites for more than it wants, claim 2 a blocked site, and no number
    given_units = project(day, np.array([8.0, 0.0, 0.0, 20.0, 3.0, np.nan]))
    assert given_units.units.tolist() == [5, 0, 0, 6, 0, 0]
    assert named(given_units.reasons) == ["no_stock", "", "", "capacity", "deadline", "invalid"]


def test_more_than_is_wanted_is_cut_with_that_reason():
    given_units = project(one_pool([4], 10), np.array([np.inf]))
    assert given_units.units.tolist() == [4]
    assert named(given_units.reasons) == ["unwanted"]


def test_whole_units_are_rounded_to_the_nearest_and_others_are_not():
    assert project(one_pool([9, 9], 20), np.array([2.5, 3.4])).units.tolist() == [3, 3]
    assert project(one_pool([9, 9], 20, whole=False), np.array([2.5, 3.4])).units.tolist() == [2.5, 3.4]


def test_a_shipment_below_its_minimum_is_left_out_and_its_units_stay():
    given_units = project(one_pool([9, 9], 10, minimum=[5, 0]), np.array([9.0, 9.0]))
    assert given_units.units.tolist() == [5, 5]
    given_units = project(one_pool([9, 9], 8, minimum=[5, 0]), np.array([9.0, 9.0]))
    assert given_units.units.tolist() == [0, 4]
    assert named(given_units.reasons) == ["minimum", "no_stock"]


def test_what_is_promised_for_a_later_date_cannot_be_shipped_before():
    # 4 on hand and 6 tomorrow: 9 for tomorrow leave 1 for today, but today is cut first
    day = one_pool([10, 10], 4, receipts=[6])
    given_units = project(day, np.array([3.0, 0.0, 0.0, 9.0]))
    assert given_units.units.tolist() == [3, 0, 0, 7]


def test_a_grid_of_sites_channels_and_skus_keeps_reservations_lanes_and_handling():
    on_hand = np.array([[10.0, 4.0], [6.0, 0.0]])  # (sites, skus)
    reserved = np.zeros((2, 2, 2))
    reserved[0, 0, 0] = 8.0  # channel 0 has 8 of the 10 units of SKU 0 at site 0
    claims = Claims.of(np.array([20.0, 5.0, 5.0, 5.0]))  # (channels × skus)
    lanes = np.array([[True, True], [True, False]])[..., None]
    day = grid_day(on_hand, claims, lanes=lanes, reserved=reserved, handling=[np.inf, 5.5])
    decision = np.full((2, 2, 2), 9.0)
    given_units = project(day, decision.ravel())
    assert given_units.units.reshape(2, 2, 2).tolist() == [[[8, 2], [2, 2]], [[5, 0], [0, 0]]]
    # SKU 0 at site 0: channel 0 has its own 8, and asks for 1 of the free 2 beside 5 of channel 1: 0.33 and 1.67 are 0 and 2.
    # Of 9 units of SKU 0 asked of site 1 it has 6 and handles 5; of SKU 1 it has none, for which it keeps no hands free.
    assert violations(day, given_units.drawn) == []
    reasons = np.array(named(given_units.reasons)).reshape(2, 2, 2)
    assert reasons[1, 1].tolist() == ["lane", "lane"]
    assert reasons[0, 1, 0] == "no_stock"
    assert reasons[1, 0].tolist() == ["capacity", "no_stock"]


def test_stock_kept_for_another_is_the_reason_where_it_would_have_sufficed():
    reserved = np.zeros((1, 2, 1))
    reserved[0, 0] = 8.0
    day = grid_day(np.array([[10.0]]), Claims.of(np.array([0.0, 5.0])), reserved=reserved)
    given_units = project(day, np.array([0.0, 5.0]))
    assert given_units.units.tolist() == [0, 2]
    assert named(given_units.reasons) == ["", "reserved"]


def test_options_without_a_pool_ship_nothing():
    day = one_pool([5], 5)
    options = Options.of([0], [NONE], site=[0])
    assert project(day.__class__(day.claims, day.pools, options, day.capacity), np.array([5.0])).units.tolist() == [0]
