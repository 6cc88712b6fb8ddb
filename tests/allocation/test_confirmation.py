"""Re-allocation of confirmed orders by their strategies: A wins, B gains, C is redistributed, D is filled, E loses."""

import numpy as np
import pytest
from small_days import one_pool, shipped, sites

from allotment.allocation.confirmation import STRATEGIES, BrokenGuarantee, reallocate

REQUESTED, CONFIRMED = [40, 30, 50, 30, 20], np.array([10.0, 20.0, 40.0, 20.0, 10.0])


@pytest.mark.parametrize(
    ("supply", "given"),
    [(100, [40, 30, 30, 0, 0]), (160, [40, 30, 50, 20, 0]), (60, [40, 20, 0, 0, 0])],
)
def test_supply_goes_by_strategy_and_the_loser_gets_nothing_even_of_what_is_left(supply, given):
    day = one_pool(REQUESTED, supply)
    drawn = reallocate(day, CONFIRMED, np.arange(5))
    assert day.served(drawn).tolist() == given


def test_too_little_for_the_guarantees_names_who_comes_short():
    with pytest.raises(BrokenGuarantee) as broken:
        reallocate(one_pool(REQUESTED, 50), CONFIRMED, np.arange(5))
    assert (broken.value.claims, broken.value.units) == ([1], [10.0])


def test_claims_of_one_strategy_come_by_priority_then_by_day():
    day = one_pool([10, 10, 10], 25, priority=[2, 1, 1], ordered=[0, 5, 3])
    drawn = reallocate(day, np.zeros(3), np.full(3, STRATEGIES.index("redistribute")))
    assert day.served(drawn).tolist() == [5, 10, 10]


def test_guarantees_that_clash_at_one_site_are_kept_from_another():
    # served one by one, the first takes from site 0 all that the second can get
    day = sites([10, 10], [10, 10], value=[[2, 1], [1, 1]])
    blocked = np.array([0, 0, 0, 2], dtype=np.int8)
    day = day.__class__(day.claims, day.pools, day.options._replace(blocked=blocked), day.capacity)
    drawn = reallocate(day, np.array([10.0, 10.0]), np.zeros(2, dtype=int))
    assert shipped(day, drawn) == [[0, 10], [10, 0]]
