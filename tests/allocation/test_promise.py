"""Available-to-promise, deadlines and reservations, each by numbers small enough to check by eye."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_days import one_pool

from allotment.allocation import sequences, sourcing
from allotment.allocation.day import REASONS, reason
from allotment.allocation.deadlines import days_late, first_departure, misses_deadline
from allotment.allocation.fairness import fair
from allotment.allocation.program import optimal
from allotment.allocation.promise import available_to_promise
from allotment.allocation.reserved import STATES, held, states
from allotment.allocation.unmet import why_unmet

units = st.lists(st.integers(0, 50), min_size=6, max_size=6)


def test_the_promise_looks_ahead_over_receipts():
    # stock 100; receipts of 50 in week 2 and 80 in week 4; orders of 60, 40, 30, 20 in weeks 1 to 4
    supply, orders = np.array([100.0, 50.0, 0.0, 80.0]), np.array([60.0, 40.0, 30.0, 20.0])
    assert available_to_promise(supply, orders).tolist() == [20, 20, 20, 80]


def test_more_promised_than_will_be_there_shows_below_zero():
    assert available_to_promise(np.array([5.0, 0.0]), np.array([2.0, 9.0])).tolist() == [-6, -6]


@given(units, units, st.integers(0, 5))
def test_what_is_available_can_be_promised_and_a_unit_more_cannot(supply, orders, date):
    supply, orders = np.array(supply, dtype=float), np.array(orders, dtype=float)
    free = available_to_promise(supply, orders)[date]
    if free >= 0:
        orders[date] += free
        assert (np.cumsum(supply) - np.cumsum(orders))[date:].min() == 0


def due_on_day_5(minimum, max_lateness):
    """Return a claim of 10 due on day 5: 6 on hand, 10 to come on day 10."""
    days = np.array([0.0, 10.0])
    late = misses_deadline(days, np.zeros(2), np.full(2, 5.0), np.full(2, max_lateness), np.full(2, np.inf))
    day = one_pool([10], 6, receipts=[10], minimum=minimum, due=5)
    options = day.options._replace(arrival=days, blocked=np.where(late, reason("deadline"), 0).astype(np.int8))
    return day.__class__(day.claims, day.pools, options, day.capacity)


RULES = [
    sequences.priority,
    sequences.priority_due,
    sequences.earliest_due,
    sequences.first_come,
    sequences.nearest,
    sourcing.highest_stock,
    sourcing.sourcing,
    fair,
    optimal,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize(
    ("minimum", "max_lateness", "ships", "why"),
    [
        (10, 0, [0, 0], "minimum"),
        (1, 0, [6, 0], "deadline"),
        (1, np.inf, [6, 4], ""),
        (10, np.inf, [0, 10], ""),
    ],
)
def test_smallest_shipments_and_lateness_decide_what_ships_when(rule, minimum, max_lateness, ships, why):
    day = due_on_day_5(minimum, max_lateness)
    drawn = rule(day)
    assert drawn[:, 0].tolist() == ships
    assert REASONS[why_unmet(day, drawn)[0]] == why


def test_lateness_counts_transit_and_a_shipment_may_not_leave_after_its_last_day():
    assert days_late(np.array([4.0, 7.0, 7.0]), np.array([5.0, 5.0, np.inf])).tolist() == [0, 2, 0]
    # leaves, transit, due, lateness borne, last day: arrives on the due day, a day late, late as it may be, leaves too late
    cases = (3, 2, 5, 0, 9), (3, 3, 5, 0, 9), (3, 3, 5, 1, 9), (3, 1, 9, 0, 2)
    assert misses_deadline(*map(np.array, zip(*cases, strict=True))).tolist() == [False, True, False, True]


def test_after_the_cut_off_nothing_leaves_before_tomorrow():
    assert first_departure(0.0, 14.5, np.array([14.0, 14.5, 24.0])).tolist() == [1, 0, 0]


def test_a_reservation_goes_from_draft_to_delivered():
    requested, no = np.full(6, 10.0), np.zeros(6, dtype=bool)
    reserved, delivered = np.array([0, 4, 10, 10, 10, 10.0]), np.array([0, 0, 0, 3, 10, 3.0])
    cancelled = np.array([*no[:5], True])
    assert [STATES[code] for code in states(requested, reserved, delivered, cancelled)] == list(STATES)


def test_it_holds_what_is_not_delivered_until_it_is_cancelled_or_expires():
    reserved, delivered = np.full(4, 10.0), np.array([0.0, 4.0, 0.0, 0.0])
    cancelled, expires = np.array([False, False, True, False]), np.array([np.inf, 3.0, np.inf, 2.0])
    assert held(reserved, delivered, cancelled, expires, today=3.0).tolist() == [10, 6, 0, 0]
