"""Fair share: a short site gives to everyone who asks in proportion."""

import numpy as np
from small_days import one_pool, shipped, sites

from allotment.allocation.fairness import fair


def test_fifty_units_over_requests_of_10_20_and_50_give_6_13_and_31():
    day = one_pool([10, 20, 50], 50)
    assert fair(day)[:, 0].tolist() == [6, 13, 31]


def test_weights_may_differ_from_what_is_wanted():
    day = one_pool([20, 20], 24, weight=[2, 1])
    assert fair(day)[:, 0].tolist() == [16, 8]


def test_who_is_short_at_the_best_site_asks_the_next():
    # both prefer site 0, which gives 4 and 6 of 8 and 12 asked; the rest is asked of site 1: 4 and 6 get 2 and 3
    day = sites([10, 5], [8, 12], value=[[2, 1], [2, 1]])
    assert shipped(day, fair(day)) == [[4, 2], [6, 3]]


def test_a_carriers_capacity_is_shared_too():
    day = sites([100], [30, 10], capacity=[20])
    assert shipped(day, fair(day)) == [[15], [5]]


def test_everybody_is_served_as_far_as_their_sites_go_round():
    day = sites([7, 7, 7], [5, 5, 5], value=np.eye(3))
    assert day.served(fair(day)).tolist() == [5, 5, 5]
