"""A short supply is shared in proportion, in whole units by the largest remainder."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allotment.allocation.proportional import fair_share, share


def test_fifty_units_over_weights_of_10_20_and_50_give_6_13_and_31():
    # 50 ÷ 80 × (10, 20, 50) = 6.25, 12.5, 31.25; the unit left over goes to the largest remainder
    assert fair_share(50, [10, 20, 50]).tolist() == [6, 13, 31]


def test_continuous_units_are_shared_exactly():
    assert fair_share(50, [10, 20, 50], whole=False).tolist() == [6.25, 12.5, 31.25]


def test_equal_remainders_are_served_as_listed():
    assert fair_share(11, [5, 5, 5]).tolist() == [4, 4, 3]
    assert fair_share(2, [1, 1, 1]).tolist() == [1, 1, 0]


def test_what_one_does_not_need_is_shared_by_the_others():
    # by weight 12, 12, 12; the first needs 4, which leaves 32 for two
    assert fair_share(36, [1, 1, 1], [4, 20, 30]).tolist() == [4, 16, 16]
    assert fair_share(36, [1, 1, 2], [4, 9, 30]).tolist() == [4, 9, 23]


def test_who_weighs_nothing_gets_nothing_of_what_is_short():
    assert fair_share(10, [0, 1], [8, 8]).tolist() == [0, 8]
    assert fair_share(16, [0, 1], [8, 8]).tolist() == [8, 8]


def test_enough_for_all_gives_every_request():
    assert fair_share(100, [1, 1], [3, 5]).tolist() == [3, 5]
    assert fair_share(np.inf, [3, 5]).tolist() == [3, 5]


def test_groups_share_their_own_limits():
    shared = share(np.array([10.0, 5.0, 20.0, 5.0, 50.0]), np.array([0, 1, 0, 1, 0]), np.array([50.0, 9.0]), whole=True)
    assert shared.tolist() == [6, 5, 13, 4, 31]


requests = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)), min_size=1, max_size=30)


@given(requests, st.integers(0, 900))
def test_all_of_a_limit_is_given_in_whole_units_and_no_request_is_exceeded(drawn, supply):
    wanted, weights = (np.array(column, dtype=float) for column in zip(*drawn, strict=True))
    units = fair_share(supply, weights, wanted)
    assert (units <= wanted).all()
    assert (units == np.floor(units)).all()
    assert units.sum() == min(supply, wanted.sum() if supply >= wanted.sum() else wanted[weights > 0].sum())


@given(requests, st.integers(0, 900))
def test_nobody_gets_a_unit_more_per_weight_while_another_lacks_one(drawn, supply):
    wanted, weights = (np.array(column, dtype=float) for column in zip(*drawn, strict=True))
    units = fair_share(supply, weights, wanted, whole=False)
    if supply < wanted.sum() and (weights > 0).any():
        level = units[weights > 0] / weights[weights > 0]
        lacking = units[weights > 0] < wanted[weights > 0] - 1e-9
        assert not lacking.any() or level[lacking] == pytest.approx(np.full(lacking.sum(), level.max()), rel=1e-9)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=30), st.integers(0, 900))
def test_nobody_is_further_than_a_unit_from_the_exact_share(wanted, supply):
    exact = np.array(wanted) * min(1.0, supply / max(1, sum(wanted)))
    assert (np.abs(fair_share(supply, wanted) - exact) < 1.0).all()
