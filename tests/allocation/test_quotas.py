"""Percentage quotas of channels, kept to themselves or lent."""

import numpy as np
import pytest
from small_days import one_pool, shipped, sites

from allotment.allocation.quotas import quota

HALF = np.array([50.0, 30.0, 20.0])


def test_a_channel_gets_no_more_than_its_share_even_if_stock_is_left():
    day = one_pool([40, 5, 40], 50, channel=[0, 1, 2])
    assert day.served(quota(day, HALF)).tolist() == [25, 5, 10]


def test_with_borrowing_what_a_channel_leaves_goes_to_the_others_as_they_come():
    day = one_pool([40, 5, 40], 50, channel=[0, 1, 2])
    assert day.served(quota(day, HALF, borrowing=True)).tolist() == [35, 5, 10]


def test_several_claims_of_a_channel_share_its_quota_as_they_come():
    day = one_pool([15, 15, 15], 50, channel=[0, 0, 1], ordered=[2, 1, 0])
    assert day.served(quota(day, np.array([50.0, 50.0]))).tolist() == [10, 15, 15]


def test_whole_units_of_a_quota_go_by_the_largest_remainder():
    # 30 %, 30 % and 40 % of 9: 2.7, 2.7, 3.6 are 3, 3, 3
    day = one_pool([9, 9, 9], 9, channel=[0, 1, 2])
    assert day.served(quota(day, np.array([30.0, 30.0, 40.0]))).tolist() == [3, 3, 3]
    day = one_pool([9, 9, 9], 9, channel=[0, 1, 2], whole=False)
    assert day.served(quota(day, np.array([30.0, 30.0, 40.0]))) == pytest.approx([2.7, 2.7, 3.6])


def test_channels_without_a_quota_have_together_what_is_not_given_out():
    day = one_pool([50, 20, 20], 50, channel=[0, 1, 2])
    assert day.served(quota(day, np.array([50.0, np.nan, np.nan]))).tolist() == [25, 20, 5]


def test_a_quota_is_of_each_site():
    day = sites([10, 20], [30, 30], channel=[0, 1])
    assert shipped(day, quota(day, np.array([50.0, 50.0]))) == [[5, 10], [5, 10]]


@pytest.mark.parametrize("percent", [[60.0, 50.0], [-1.0, 50.0]])
def test_quotas_that_cannot_be_are_refused(percent):
    with pytest.raises(ValueError, match="quotas must be >= 0 and sum to at most 100 percent"):
        quota(one_pool([1, 1], 1, channel=[0, 1]), np.array(percent))
