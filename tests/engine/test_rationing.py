"""Requests that exceed a shared limit are cut: in proportion, level by level, by the same rule in both forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from allotment.engine import kernel_rationing, rationing


@njit
def _kernel_ration(amounts, levels, limit, whole, largest):
    kernel_rationing.ration(amounts, levels, amounts.shape[0], limit, whole, largest)


def kernel_form(amounts, limit, levels=None, whole=True, largest=True):
    given_units = np.array(amounts, dtype=float)
    levels = np.zeros(len(amounts), dtype=np.int64) if levels is None else np.array(levels)
    _kernel_ration(given_units, levels, float(limit), whole, largest)
    return given_units


def array_form(amounts, limit, levels=None, whole=True, largest=True):
    levels = np.zeros(len(amounts), dtype=np.int64) if levels is None else np.array(levels)
    return rationing.ration(np.array(amounts, dtype=float), levels, np.array(float(limit)), whole, largest)


both_forms = pytest.mark.parametrize("ration", [kernel_form, array_form])


@both_forms
def test_enough_for_all_gives_every_request(ration):
    assert ration([3, 0, 4], 7).tolist() == [3, 0, 4]
    assert ration([3, 0, 4], np.inf).tolist() == [3, 0, 4]


@both_forms
def test_fifty_units_over_requests_of_10_20_and_50_give_6_13_and_31(ration):
    # 50 ÷ 80 × (10, 20, 50) = 6.25, 12.5, 31.25; the unit left over goes to the largest remainder
    assert ration([10, 20, 50], 50).tolist() == [6, 13, 31]


@both_forms
def test_without_a_rule_for_the_remainder_what_is_left_over_stays(ration):
    assert ration([10, 20, 50], 50, largest=False).tolist() == [6, 12, 31]


@both_forms
def test_continuous_units_are_shared_exactly(ration):
    assert ration([10, 20, 50], 50, whole=False).tolist() == [6.25, 12.5, 31.25]


@both_forms
def test_equal_remainders_are_served_in_the_order_listed_by_single_units_only(ration):
    assert ration([5, 5, 5], 11).tolist() == [4, 4, 3]
    assert ration([5, 5, 5], 10).tolist() == [4, 3, 3]


@both_forms
def test_two_units_over_three_equal_requests_go_to_the_first_two(ration):
    assert ration([1, 1, 1], 2).tolist() == [1, 1, 0]


@both_forms
def test_who_requests_nothing_gets_no_unit_left_over(ration):
    assert ration([0, 3, 0, 3, 3], 2).tolist() == [0, 1, 0, 1, 0]


@both_forms
def test_nothing_to_share_gives_nothing(ration):
    assert ration([2, 3], 0).tolist() == [0, 0]
    assert ration([0, 0], 0).tolist() == [0, 0]


@both_forms
def test_the_first_level_is_served_in_full_before_the_second(ration):
    assert ration([4, 6, 8], 7, levels=[1, 2, 2]).tolist() == [4, 1, 2]  # 3 left for 6 and 8: 1.29 and 1.71


@both_forms
def test_a_level_that_exhausts_the_limit_leaves_nothing_for_the_next(ration):
    assert ration([4, 4, 9], 5, levels=[1, 1, 3]).tolist() == [3, 2, 0]


def test_the_array_form_shares_each_limit_of_a_batch_by_itself():
    amounts = np.array([[10.0, 20.0, 50.0], [5.0, 5.0, 5.0]])
    shared = rationing.ration(amounts, np.zeros(3, dtype=int), np.array([50.0, 20.0]), True, True)
    assert shared.tolist() == [[6, 13, 31], [5, 5, 5]]


def test_the_array_form_takes_levels_in_any_order():
    shared = rationing.ration(np.array([6.0, 4.0, 8.0]), np.array([2, 1, 2]), np.array(7.0), True, True)
    assert shared.tolist() == [1, 4, 2]


requests = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 3)), min_size=1, max_size=40)


def sorted_by_level(drawn):
    drawn = sorted(drawn, key=lambda request: request[1])
    return [float(amount) for amount, _ in drawn], [level for _, level in drawn]


@given(requests, st.integers(0, 1500), st.booleans())
def test_both_forms_agree_to_the_bit_in_whole_units(drawn, limit, largest):
    amounts, levels = sorted_by_level(drawn)
    one = kernel_form(amounts, limit, levels, largest=largest)
    np.testing.assert_array_equal(one, array_form(amounts, limit, levels, largest=largest))


@given(requests, st.floats(0, 1500))
def test_both_forms_agree_in_continuous_units(drawn, limit):
    amounts, levels = sorted_by_level(drawn)
    amounts = [amount / 7 for amount in amounts]
    one, other = (form(amounts, limit, levels, whole=False) for form in (kernel_form, array_form))
    np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


@given(requests, st.integers(0, 1500))
def test_the_whole_limit_is_given_and_no_request_is_exceeded(drawn, limit):
    amounts, levels = sorted_by_level(drawn)
    units = kernel_form(amounts, limit, levels)
    assert (units <= amounts).all()
    assert (units == np.floor(units)).all()
    assert units.sum() == min(limit, sum(amounts))


@given(requests, st.integers(0, 1500))
def test_nobody_is_further_than_a_unit_from_the_exact_share(drawn, limit):
    amounts = np.array(sorted_by_level(drawn)[0])
    exact = amounts * min(1.0, limit / max(1.0, amounts.sum()))
    assert (np.abs(kernel_form(amounts, limit) - exact) < 1.0).all()


@given(requests, st.integers(0, 1500))
def test_a_lower_level_gets_nothing_while_a_higher_one_is_short(drawn, limit):
    amounts, levels = map(np.array, sorted_by_level(drawn))
    units = kernel_form(amounts, limit, levels)
    short = levels[units < amounts]
    assert short.size == 0 or units[levels > short.min()].sum() == 0
