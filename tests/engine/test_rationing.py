"""Requests that exceed a shared limit are cut: in proportion, level by level, by the same rule in both forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from allotment.engine import layout as f
from allotment.engine.dynamics.rationing import Claims
from allotment.engine.dynamics.rationing import ration as array_ration
from allotment.engine.kernel.rationing import ration
from allotment.engine.memory import Memory
from allotment.scenario.problem import BALANCED, MIN_SHORTAGE, PRIORITY, PROPORTIONAL, Rules
from small_worlds import one_shop

MEMORY = Memory(one_shop().problem, 1)


@njit  # kept on no disk: what it calls may change
def _kernel_ration(table, count, limit):
    ration(table, count, limit)


def kernel_form(amounts, limit, levels=None, whole=True, largest=True, rule=PRIORITY, positions=None, demands=None):
    count, settings = len(amounts), MEMORY.arrays[f.SETTINGS]
    settings[[f.RULES_RATIONING, f.RULES_WHOLE, f.RULES_LARGEST_REMAINDER]] = rule, whole, largest
    given_units = np.array(amounts, dtype=float)
    MEMORY.put(f.AMOUNTS, given_units)
    MEMORY.put(f.LEVELS, np.zeros(count, dtype=np.int64) if levels is None else np.array(levels, dtype=np.int64))
    MEMORY.put(f.STARTS, np.zeros(count) if positions is None else np.array(positions, dtype=float))
    MEMORY.put(f.SCALES, np.ones(count) if demands is None else np.array(demands, dtype=float))
    for field in (f.REST, f.ASKED, f.KEYS, f.SELECTED):
        MEMORY.put(field, np.zeros(count))
    MEMORY.put(f.HEAP, np.zeros(count, dtype=np.int64))
    _kernel_ration(MEMORY.address, count, float(limit))
    return given_units


def array_form(amounts, limit, levels=None, whole=True, largest=True, rule=PRIORITY, positions=None, demands=None):
    count = len(amounts)
    claims = Claims(
        np.zeros(count, dtype=np.int64) if levels is None else np.array(levels),
        np.zeros(count) if positions is None else np.array(positions, dtype=float),
        np.ones(count) if demands is None else np.array(demands, dtype=float),
    )
    return array_ration(rules(rule, whole, largest), np.array(amounts, dtype=float), claims, np.array(float(limit)))


def rules(rule, whole=True, largest=True):
    return Rules(whole, rule, largest, orders=True, allocates=False, protects=False)


def equal_claims(count):
    return Claims(np.zeros(count, dtype=np.int64), np.zeros(count), np.ones(count))


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
    shared = array_ration(rules(PROPORTIONAL), amounts, equal_claims(3), np.array([50.0, 20.0]))
    assert shared.tolist() == [[6, 13, 31], [5, 5, 5]]


def test_the_array_form_takes_levels_in_any_order():
    claims = equal_claims(3)._replace(levels=np.array([2, 1, 2]))
    shared = array_ration(rules(PRIORITY), np.array([6.0, 4.0, 8.0]), claims, np.array(7.0))
    assert shared.tolist() == [1, 4, 2]


@both_forms
def test_the_lowest_positions_are_raised_to_a_common_level(ration):
    # 10 units for receivers that have 0, 4 and 30 and expect 1 a period each: both low ones reach 7
    assert ration([20, 20, 20], 10, rule=BALANCED, positions=[0, 4, 30]).tolist() == [7, 3, 0]
    continuous = ration([20, 20, 20], 9, rule=BALANCED, positions=[0, 4, 30], whole=False)
    np.testing.assert_allclose(continuous, [6.5, 2.5, 0.0])


@both_forms
def test_positions_count_in_periods_of_the_demand_that_a_receiver_expects(ration):
    # 12 units, nothing there, demands of 1 and 3: levels of 3 periods
    assert ration([20, 20], 12, rule=BALANCED, demands=[1, 3]).tolist() == [3, 9]
    np.testing.assert_allclose(ration([20, 20], 12, rule=BALANCED, demands=[1, 3], whole=False), [3.0, 9.0])


@both_forms
def test_a_receiver_is_not_raised_beyond_its_request(ration):
    assert ration([2, 20], 12, rule=BALANCED).tolist() == [2, 10]


@both_forms
def test_the_largest_shortages_are_filled_first(ration):
    # requests of 9, 5 and 2 with 8 units: the first comes down to 5 by 4, then both by 2 each
    assert ration([9, 5, 2], 8, rule=MIN_SHORTAGE).tolist() == [6, 2, 0]
    np.testing.assert_allclose(ration([9, 5, 2], 7, rule=MIN_SHORTAGE, whole=False), [5.5, 1.5, 0.0])


requests = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 3)), min_size=1, max_size=40)


def sorted_by_level(drawn):
    drawn = sorted(drawn, key=lambda request: request[1])
    return [float(amount) for amount, _ in drawn], [level for _, level in drawn]


@given(requests, st.integers(0, 1500), st.booleans())
def test_both_forms_agree_to_the_bit_in_whole_units(drawn, limit, largest):
    amounts, levels = sorted_by_level(drawn)
    one = kernel_form(amounts, limit, levels, largest=largest)
    np.testing.assert_array_equal(one, array_form(amounts, limit, levels, largest=largest))


@given(requests, st.integers(0, 400), st.sampled_from([BALANCED, MIN_SHORTAGE]), st.booleans(), st.integers(0, 99))
def test_both_forms_of_levelling_agree_and_give_no_more_than_there_is(drawn, limit, rule, whole, seed):
    amounts, _ = sorted_by_level(drawn)
    rng = np.random.default_rng(seed)
    known = {"positions": rng.integers(-5, 20, len(amounts)), "demands": rng.choice([0.5, 1.0, 3.0], len(amounts))}
    one, other = (form(amounts, limit, rule=rule, whole=whole, **known) for form in (kernel_form, array_form))
    np.testing.assert_allclose(one, other, rtol=1e-9, atol=0.0 if whole else 1e-9)
    assert (one <= np.array(amounts) + 1e-9).all()
    assert one.sum() == pytest.approx(min(limit, sum(amounts)))


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
