"""Rules that serve options in an order: who is first, and from where."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_days import one_pool, shipped, sites

from allotment.allocation.day import Claims, Day, Options, Pools
from allotment.allocation.ordering import order_by
from allotment.allocation.sequences import earliest_due, first_come, nearest, priority, priority_due


def served(day, drawn):
    return day.served(drawn).tolist()


def test_commitments_come_first_then_the_most_valuable():
    day = one_pool([10, 10], 12, value=[5.0, 2.0], committed=[0, 4])
    assert served(day, priority(day)) == [8, 4]


def test_commitments_beyond_the_stock_go_to_the_most_valuable():
    day = one_pool([10, 10], 6, value=[2.0, 5.0], committed=[4, 4])
    assert served(day, priority(day)) == [2, 4]


def test_a_commitment_smaller_than_a_shipment_takes_a_whole_shipment():
    day = one_pool([10, 10], 12, value=[5.0, 2.0], committed=[0, 4], minimum=[0, 6])
    assert served(day, priority(day)) == [6, 6]


def test_priority_counts_before_due_days_and_due_days_before_value():
    day = one_pool([4, 4, 4], 6, value=[9.0, 5.0, 1.0], priority=[2, 1, 1], due=[1, 3, 2])
    assert served(day, priority(day)) == [0, 2, 4]


def test_of_equal_claims_pairs_of_site_and_claim_compete_by_value():
    # the second claim is worth more at site 1, the first at site 0
    day = sites([5, 5], [8, 8], value=[[6, 4], [3, 5]])
    assert shipped(day, priority(day)) == [[5, 0], [0, 5]]


def test_priority_then_due_day_serves_claim_by_claim_whatever_is_committed():
    day = one_pool([4, 4, 4], 6, value=[9.0, 5.0, 1.0], priority=[1, 1, 2], due=[3, 2, 1], committed=[0, 0, 4])
    assert served(day, priority_due(day)) == [2, 4, 0]


def test_the_earliest_due_is_first_and_without_a_due_day_the_last():
    day = one_pool([4, 4, 4], 9, due=[np.inf, 5, 2])
    assert served(day, earliest_due(day)) == [1, 4, 4]


def test_first_come_goes_by_the_day_of_the_order_then_as_listed():
    day = one_pool([4, 4, 4], 9, ordered=[3, 1, 3])
    assert served(day, first_come(day)) == [4, 4, 1]


def test_a_claim_is_served_from_its_most_valuable_site_first():
    day = sites([5, 5, 5], [8], value=[[1, 3, 2]])
    assert shipped(day, first_come(day)) == [[0, 5, 3]]


def test_nearest_goes_lane_by_lane_in_rising_distance():
    # claim 1 is nearest to site 0, so that claim 0 goes to its next site though it was listed first
    day = sites([5, 5], [5, 5], distance=[[2, 7], [1, 3]])
    assert shipped(day, nearest(day)) == [[0, 5], [5, 0]]


def test_what_is_there_ships_before_what_comes():
    day = one_pool([10], 6, receipts=[10])
    assert priority(day)[:, 0].tolist() == [6, 4]


def test_today_from_afar_comes_before_tomorrow_from_nearby():
    # the near site, worth 9 a unit, has 2 and receives 8 tomorrow; the far one, worth 5, has 4 today
    pools = Pools(np.array([[2.0, 8.0], [4.0, 0.0]]), np.arange(2), np.zeros(2, dtype=int), np.zeros(2, dtype=bool))
    options = Options.of([0, 0, 0], [0, 0, 1], date=[0, 1, 0], value=[9, 9, 5])
    day = Day(Claims.of(np.array([8.0]), committed=8.0), pools, options, np.zeros(0))
    assert priority(day)[:, 0].tolist() == [2, 2, 4]
    assert first_come(day)[:, 0].tolist() == [2, 2, 4]
    day = Day(Claims.of(np.array([8.0])), pools, options, np.zeros(0))
    assert priority(day)[:, 0].tolist() == [2, 2, 4]


def test_a_receipt_promised_for_its_day_leaves_stock_for_orders_between():
    # weeks 0 and 1: 10 on hand, 5 to come; the first claim may only ship in week 1 and takes the receipt first
    day = one_pool([5, 10], 10, receipts=[5])
    blocked = np.array([2, 0, 0, 0], dtype=np.int8)
    day = day.__class__(day.claims, day.pools, day.options._replace(blocked=blocked), day.capacity)
    assert first_come(day)[:, 0].tolist() == [0, 5, 10, 0]


keys = st.lists(st.tuples(st.integers(0, 3), st.sampled_from([-1.5, 0.0, 2.0, np.inf])), min_size=1, max_size=40)


@given(keys)
def test_order_by_is_a_stable_sort_by_several_keys(drawn):
    whole, real = (np.array(column) for column in zip(*drawn, strict=True))
    assert order_by(whole, real).tolist() == np.lexsort((real, whole)).tolist()
    assert order_by(real, whole).tolist() == np.lexsort((whole, real)).tolist()
    assert order_by(real).tolist() == np.argsort(real, kind="stable").tolist()


def test_order_by_holds_for_numbers_whose_product_would_overflow():
    large = np.array([1 << 61, 5, 1 << 61, 0])
    assert order_by(large, np.array([2.0, 1.0, 1.0, 3.0])).tolist() == [3, 1, 2, 0]


@pytest.mark.parametrize("rule", [priority, priority_due, earliest_due, first_come, nearest])
def test_a_day_without_options_serves_nobody(rule):
    day = one_pool([3], 5)
    none = day.options._replace(**{name: array[:0] for name, array in day.options._asdict().items()})
    assert rule(day.__class__(day.claims, day.pools, none, day.capacity)).shape == (0, 1)
