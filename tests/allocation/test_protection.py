"""Protection levels for dearer demand to come."""

import numpy as np
import pytest
from scipy.stats import norm
from small_days import one_pool

from allotment.allocation.protection import emsr_b, littlewood, protected


def test_littlewood_protects_374_67_of_400_expected_at_100_against_60():
    assert littlewood(400.0, 100.0, 100.0, 60.0) == pytest.approx(374.67, abs=0.005)


def test_littlewood_protects_until_a_unit_is_worth_as_much_as_the_lower_fare():
    level = littlewood(40.0, 12.0, 9.0, 2.0)
    assert 9.0 * norm.sf(level, 40.0, 12.0) == pytest.approx(2.0)


def test_emsr_b_takes_the_classes_above_as_one():
    # fares and demand of the four-class example in Talluri and van Ryzin (2004), section 2.2
    fare, mean = np.array([1050.0, 567.0, 534.0, 520.0]), np.array([17.3, 45.1, 39.6, 34.0])
    deviation = np.array([5.8, 15.0, 13.2, 11.3])
    levels = emsr_b(mean, deviation, fare)
    assert levels == pytest.approx([16.7, 50.9, 83.1], abs=0.1)
    for classes, level in enumerate(levels, start=1):
        above = fare[:classes] @ mean[:classes] / mean[:classes].sum()
        sum_exceeds = norm.sf(level, mean[:classes].sum(), np.sqrt((deviation[:classes] ** 2).sum()))
        assert above * sum_exceeds == pytest.approx(fare[classes])


def test_certain_demand_is_protected_as_it_is_and_an_equal_fare_not_at_all():
    assert emsr_b(np.array([7.0, 9.0]), np.zeros(2), np.array([5.0, 2.0])).tolist() == [7.0]
    assert emsr_b(np.array([7.0, 9.0]), np.zeros(2), np.array([5.0, 5.0])).tolist() == [0.0]
    assert emsr_b(np.zeros(2), np.zeros(2), np.array([5.0, 2.0])).tolist() == [0.0]


@pytest.mark.parametrize("fare", [[2.0, 3.0], [2.0, 0.0]])
def test_fares_must_be_positive_and_fall(fare):
    with pytest.raises(ValueError, match="fares must be positive and fall"):
        emsr_b(np.ones(2), np.ones(2), np.array(fare))


def test_the_cheap_class_gets_what_is_not_protected_and_the_dear_one_everything():
    day = one_pool([30, 30], 40, channel=[1, 0])
    assert day.served(protected(day, np.array([25.0]), np.array([0, 1]))).tolist() == [15, 25]
    day = one_pool([30, 0], 40, channel=[1, 0])
    assert day.served(protected(day, np.array([25.0]), np.array([0, 1]))).tolist() == [15, 0]


def test_levels_are_nested():
    # 40 units; 10 kept for class 0, 25 for classes 0 and 1 together
    day = one_pool([40, 40, 40], 40, channel=[2, 1, 0])
    assert day.served(protected(day, np.array([10.0, 25.0]), np.arange(3))).tolist() == [15, 15, 10]
