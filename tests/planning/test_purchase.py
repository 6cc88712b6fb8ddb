"""The purchase plan against every purchase there is, on cases small enough to list them."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allotment.planning.purchase import Offers, cheapest

small = st.integers(0, 3)


def offers(cost, minimum, capacity):
    return Offers(*(np.array(column, dtype=float) for column in (cost, minimum, capacity)))


def test_the_cheapest_offer_in_time_is_bought_and_what_it_lacks_from_the_next():
    in_time = np.array([[True, True], [False, True]])
    found = cheapest(offers([195, 180], [0, 0], [2000, np.inf]), np.array([2000.0, 2500.0]), in_time)
    assert found.bought.tolist() == [2000, 2500]
    assert found.covered.tolist() == [[2000, 0], [0, 2500]]


def test_a_minimum_is_bought_in_full_or_avoided():
    one_need = np.array([[True], [True]])
    found = cheapest(offers([1, 3], [10, 0], [99, 99]), np.array([4.0]), one_need)
    assert (found.bought.tolist(), found.covered.tolist()) == ([10, 0], [[4], [0]])  # 10 at 1, rather than 4 at 3
    found = cheapest(offers([1, 2], [10, 0], [99, 99]), np.array([4.0]), one_need)
    assert found.bought.tolist() == [0, 4]


def test_an_offer_whose_minimum_exceeds_its_capacity_cannot_be_bought():
    assert cheapest(offers([1], [10], [5]), np.array([7.0]), np.array([[True]])).bought.tolist() == [0]


def test_units_may_be_continuous():
    found = cheapest(offers([1, 2], [0, 0], [1.5, 9]), np.array([2.25]), np.array([[True], [True]]), whole=False)
    assert found.bought == pytest.approx([1.5, 0.75])


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(1, 4), small, small), min_size=2, max_size=2), st.lists(small, min_size=2, max_size=2), small
)
def test_no_purchase_covers_more_or_as_much_for_less(terms, needed, late):
    chosen, need = offers(*zip(*terms, strict=True)), np.array(needed, dtype=float)
    in_time = np.array([[True, late < 2], [late > 0, True]])
    found = cheapest(chosen, need, in_time)
    assert (found.covered <= np.where(in_time, np.inf, 0.0)).all()
    assert (found.covered.sum(axis=0) <= need).all()
    assert (found.covered.sum(axis=1) <= found.bought).all()
    reached = []
    for units in itertools.product(range(4), repeat=4):
        covered = np.array(units, dtype=float).reshape(2, 2)
        bought = np.where(covered.sum(axis=1) > 0, np.maximum(covered.sum(axis=1), chosen.minimum), 0.0)
        if (covered[~in_time] == 0).all() and (covered.sum(axis=0) <= need).all() and (bought <= chosen.capacity).all():
            reached.append((covered.sum(), -bought @ chosen.unit_cost))
    assert (found.covered.sum(), -found.bought @ chosen.unit_cost) == max(reached)
