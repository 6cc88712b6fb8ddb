"""A day refuses arrays that do not fit together."""

import numpy as np
import pytest
from small_days import one_pool

from allotment.allocation.day import Claims, Day
from allotment.allocation.grid import grid_day


def changed(**parts):
    day = one_pool([3, 4], 5)
    given = {"claims": day.claims, "pools": day.pools, "options": day.options, "capacity": day.capacity, **parts}
    return Day(**given)


DAY = one_pool([3, 4], 5)
FAULTS = {
    "a fraction": ({"claims": Claims.of(np.array([3.0, 4.5]))}, r"wanted\[1\] must be a whole number >= 0, not 4.5"),
    "less than nothing": ({"pools": DAY.pools._replace(supply=np.array([[-1.0]]))}, r"supply\[0, 0\] must be .* not -1"),
    "no number": ({"claims": Claims.of(np.array([3.0, np.nan]))}, r"wanted\[1\] must be a whole number >= 0, not nan"),
    "a claim that is not there": (
        {"options": DAY.options._replace(claim=np.array([0, 2]))},
        "options.claim must be places below 2",
    ),
    "a pool that is not there": (
        {"options": DAY.options._replace(pools=np.array([[0], [1]]))},
        "options.pools must be places below 1",
    ),
    "a limit in two columns": (
        {"options": DAY.options._replace(limits=np.array([[0, 1], [1, 0]])), "capacity": np.ones(2)},
        "options.limits must have each limit in one column only",
    ),
    "no capacity": ({"capacity": np.array([-1.0])}, "capacity must be >= 0"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_does_not_fit_is_refused(fault):
    parts, words = FAULTS[fault]
    with pytest.raises(ValueError, match=words):
        changed(**parts)


def test_more_reserved_than_on_hand_is_refused():
    with pytest.raises(ValueError, match=r"on_hand\[0, 0\] is 3, less than what is reserved of it"):
        grid_day(np.array([[3.0]]), Claims.of(np.array([5.0])), reserved=np.full((1, 1, 1), 4.0))
