"""Rules that choose a site anew for each claim."""

import numpy as np
from small_days import one_pool, shipped, sites

from allotment.allocation.day import NONE, Claims, Day, Options, Pools
from allotment.allocation.sourcing import highest_stock, sourcing


def test_each_claim_is_served_from_the_site_with_the_most_stock_left():
    day = sites([10, 8], [4, 4, 4])
    assert shipped(day, highest_stock(day)) == [[4, 0], [0, 4], [4, 0]]  # 10, 8 → 6, 8 → 6, 4


def test_what_the_fullest_site_lacks_comes_from_the_next():
    day = sites([3, 7, 5], [14])
    assert shipped(day, highest_stock(day)) == [[2, 7, 5]]


def test_the_preferred_site_comes_first_even_with_less_stock():
    day = sites([10, 4], [6], preference=[[2, 1]])
    assert shipped(day, sourcing(day)) == [[2, 4]]


def test_of_equally_preferred_sites_one_that_can_send_all_saves_a_shipment():
    day = sites([4, 6, 9], [6])
    assert shipped(day, sourcing(day)) == [[0, 6, 0]]


def test_where_none_can_send_all_the_largest_part_goes_first():
    day = sites([4, 6, 5], [10])
    assert shipped(day, sourcing(day)) == [[4, 6, 0]]  # then both others can send the rest, the first listed does


def test_of_as_few_shipments_the_one_that_arrives_first_is_chosen():
    day = sites([9, 9], [6])
    later = day.options._replace(arrival=np.array([3.0, 1.0]))
    assert shipped(day, sourcing(day.__class__(day.claims, day.pools, later, day.capacity))) == [[0, 6]]


def test_what_is_on_time_comes_before_fewer_shipments_that_are_late():
    day = one_pool([10], 6, receipts=[10], due=0)
    assert sourcing(day)[:, 0].tolist() == [6, 4]
    day = one_pool([10], 6, receipts=[10], due=1)
    assert sourcing(day)[:, 0].tolist() == [0, 10]


def test_reserved_stock_counts_as_the_owners():
    # site 0 has 3 free, site 1 has 2 free and 4 reserved for the claim
    pools = Pools(np.array([[3.0], [2.0], [4.0]]), np.array([0, 1, 1]), np.zeros(3, dtype=int), np.arange(3) == 2)
    options = Options.of([0, 0], [[NONE, 0], [2, 1]], site=[0, 1])
    day = Day(Claims.of(np.array([5.0])), pools, options, np.zeros(0))
    assert highest_stock(day).tolist() == [[0, 0], [4, 1]]
