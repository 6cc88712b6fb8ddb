"""Whatever the day, no rule ships what is not there, wanted, allowed or in time, and none leaves what it could ship."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_days import any_day, violations, wasted

from allotment.allocation import sequences, sourcing
from allotment.allocation.confirmation import BrokenGuarantee, reallocate
from allotment.allocation.fairness import fair
from allotment.allocation.filling import fill
from allotment.allocation.program import optimal
from allotment.allocation.protection import protected
from allotment.allocation.quotas import quota
from allotment.allocation.unmet import why_unmet

RULES = [
    sequences.priority,
    sequences.priority_due,
    sequences.earliest_due,
    sequences.first_come,
    sequences.nearest,
    sourcing.highest_stock,
    sourcing.sourcing,
    fair,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@given(day=any_day())
def test_a_rule_gives_what_is_possible_and_leaves_nothing_that_could_be_shipped(rule, day):
    drawn = rule(day)
    assert violations(day, drawn) == []
    assert wasted(day, drawn) == []


@given(any_day(), st.booleans())
def test_quotas_are_feasible_and_waste_nothing_once_channels_borrow(day, borrowing):
    drawn = quota(day, np.array([40.0, np.nan]), borrowing)
    assert violations(day, drawn) == []
    if borrowing:
        assert wasted(day, drawn) == []


@given(any_day(), st.integers(0, 20))
def test_protection_levels_are_feasible(day, level):
    assert violations(day, protected(day, np.array([float(level)]), np.array([0, 1]))) == []


@given(any_day(), st.integers(0, 2**32 - 1))
def test_re_allocation_is_feasible_and_keeps_its_guarantees_or_says_that_it_cannot(day, seed):
    rng = np.random.default_rng(seed)
    claims = len(day.claims.wanted)
    strategy, confirmed = rng.integers(0, 5, claims), np.floor(day.claims.wanted * rng.random(claims))
    try:
        drawn = reallocate(day, confirmed, strategy)
    except BrokenGuarantee as broken:
        assert all(strategy[claim] <= 1 for claim in broken.claims)
        return
    served = day.served(drawn)
    assert violations(day, drawn) == []
    assert (served[strategy == 0] >= day.claims.wanted[strategy == 0] - 1e-6).all()
    assert (served[strategy == 1] >= confirmed[strategy == 1] - 1e-6).all()
    assert (served[strategy == 3] <= confirmed[strategy == 3] + 1e-6).all()
    assert (served[strategy == 4] == 0.0).all()


@settings(max_examples=60)
@given(any_day())
def test_the_optimum_is_feasible_and_no_rule_is_worth_more_that_keeps_as_many_commitments(day):
    best = optimal(day)
    assert violations(day, best) == []
    short = np.maximum(day.claims.committed - day.served(best), 0.0).sum()
    for rule in RULES:
        drawn = rule(day)
        broken = np.maximum(day.claims.committed - day.served(drawn), 0.0).sum()
        assert short <= broken + 1e-6
        if broken <= short + 1e-9:
            # Of equal plans an earlier one is taken, at a millionth of the largest value a date.
            assert day.value_of(drawn) <= day.value_of(best) + 1e-4 * (1.0 + abs(day.value_of(best)))


@given(any_day())
def test_every_claim_that_lacks_units_has_a_reason_and_no_other_has(day):
    drawn = sequences.priority(day)
    lacking = day.claims.wanted - day.served(drawn) > 1e-6
    assert ((why_unmet(day, drawn) > 0) == lacking).all()


@given(any_day(plain=True), st.integers(0, 2**32 - 1))
def test_the_fast_way_of_serving_gives_the_same_as_the_general_one(day, seed):
    # A second limit that nothing reaches takes the general way.
    order = np.random.default_rng(seed).permutation(len(day.options.claim))
    spare = np.full((len(order), 1), -1)
    general = day.__class__(
        day.claims,
        day.pools,
        day.options._replace(limits=np.column_stack([day.options.limits, spare])),
        day.capacity,
        day.whole,
    )
    started = fill(day, order[: len(order) // 2])
    np.testing.assert_allclose(fill(day, order, started), fill(general, order, started), rtol=0, atol=1e-9)
    ceiling = np.floor(day.claims.wanted / 2)
    np.testing.assert_allclose(fill(day, order, None, ceiling), fill(general, order, None, ceiling), rtol=0, atol=1e-9)
