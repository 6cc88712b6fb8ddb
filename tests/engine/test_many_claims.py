"""However many claims share a limit, they get what one unit after the other, or one comparison after the other, gives them.

`units_in_turn` and `shares_by_place` say what that is, as plainly as possible and in a time that grows with the square.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from test_rationing import array_form, kernel_form, rules

from allotment.engine import kernel
from allotment.engine import layout as f
from allotment.engine.dynamics.rationing import share_alike
from allotment.engine.memory import Memory
from allotment.scenario.loader import world_from
from allotment.scenario.problem import BALANCED, MIN_SHORTAGE, PRIORITY, PROPORTIONAL

FORMS = {"kernel": kernel_form, "array": array_form}
MANY = 3 * f.MOST_COUNTED


def shares_by_place(amounts, limit, largest):
    """Return whole units in proportion; a unit more for each remainder with few enough ahead of it, the first of equals."""
    total = amounts.sum()
    if not total > limit:
        return amounts
    exact = amounts * limit / total
    units = np.floor(exact)
    rests, left = exact - units, limit - units.sum()
    if largest:
        for place, rest in enumerate(rests):
            ahead = (rests[:place] >= rest).sum() + (rests[place + 1 :] > rest).sum()
            units[place] += ahead + 1 <= left
    return units


def shares_by_level(amounts, limit, levels, largest):
    """Serve level by level, each as `shares_by_place`."""
    units = np.zeros_like(amounts)
    for level in np.unique(levels):
        wanted = amounts[levels == level]
        units[levels == level] = shares_by_place(wanted, limit, largest)
        limit -= min(wanted.sum(), limit)
    return units


def units_in_turn(amounts, limit, starts, slopes):
    """Give a unit after the other to the open request with the lowest (start + units) ÷ slope, the first of equals."""
    units = np.zeros_like(amounts)
    for _ in range(int(min(limit, amounts.sum()))):
        levels = np.where(units < amounts, (starts + units) / slopes, np.inf)
        units[np.argmin(levels)] += 1.0
    return units


def level_by_halving(amounts, limit, starts, slopes):
    """Return clip(slope × (level − start), 0, request) at the level at which they sum to the limit."""
    low, high = starts.min() - 1.0, (starts + amounts / slopes).max() + 1.0
    for _ in range(200):
        level = (low + high) / 2.0
        enough = np.clip(slopes * (level - starts), 0.0, amounts).sum() >= limit
        low, high = (low, level) if enough else (level, high)
    return np.clip(slopes * (high - starts), 0.0, amounts)


def claims(seed, count, most):
    """Return requests with ties and zeros, their levels in ascending order, positions and demands."""
    rng = np.random.default_rng(seed)
    few = rng.integers(1, most + 1, 3)  # of which many request the same
    amounts = np.where(rng.random(count) < 0.5, rng.choice(few, count), rng.integers(0, most + 1, count)).astype(float)
    amounts[rng.random(count) < 0.2] = 0.0
    return (
        amounts,
        np.sort(rng.integers(0, 3, count)),
        rng.integers(-5, 20, count) / 2.0,
        rng.choice([0.5, 1.0, 3.0, 40.0], count),
    )


counts = st.sampled_from([1, 2, 7, f.MOST_COUNTED, f.MOST_COUNTED + 1, MANY])
seeds = st.integers(0, 2**32 - 1)
parts = st.floats(0.0, 1.1)


@given(seeds, counts, st.sampled_from([1, 9, 500, 10**9]), parts, st.booleans(), st.sampled_from(sorted(FORMS)))
def test_shares_are_those_of_counted_places(seed, count, most, part, largest, form):
    amounts, levels, _, _ = claims(seed, count, most)
    limit = np.floor(part * amounts.sum())
    for rule in (PRIORITY, PROPORTIONAL):
        expected = shares_by_level(amounts, limit, levels if rule == PRIORITY else np.zeros_like(levels), largest)
        np.testing.assert_array_equal(FORMS[form](amounts, limit, levels, largest=largest, rule=rule), expected)


@given(seeds, counts, st.sampled_from([1, 9, 60]), parts, st.sampled_from(sorted(FORMS)))
@example(seed=3, count=MANY, most=60, part=0.9, form="kernel")
@example(seed=3, count=MANY, most=60, part=0.9, form="array")
def test_whole_units_go_to_the_lowest_one_after_the_other(seed, count, most, part, form):
    amounts, _, positions, demands = claims(seed, count, most)
    limit, known = np.floor(part * amounts.sum()), {"positions": positions, "demands": demands}
    raised = FORMS[form](amounts, limit, rule=BALANCED, **known)
    np.testing.assert_array_equal(raised, units_in_turn(amounts, limit, positions, demands))
    filled = FORMS[form](amounts, limit, rule=MIN_SHORTAGE)
    np.testing.assert_array_equal(filled, units_in_turn(amounts, limit, -amounts, np.ones(count)))


@given(seeds, counts, st.sampled_from([9, 10**9]), st.floats(0.01, 0.99), st.sampled_from(sorted(FORMS)))
def test_a_limit_of_a_billion_leaves_no_unit_that_a_lower_request_should_have(seed, count, most, part, form):
    amounts, _, positions, demands = claims(seed, count, most)
    limit = np.floor(part * amounts.sum())
    for rule, starts, slopes in ((BALANCED, positions, demands), (MIN_SHORTAGE, -amounts, np.ones(count))):
        units = FORMS[form](amounts, limit, rule=rule, positions=positions, demands=demands)
        assert units.sum() == min(limit, amounts.sum())
        got, open_to = units > 0, units < amounts
        last = ((starts + units - 1) / slopes)[got]
        following = ((starts + units) / slopes)[open_to]
        if got.any() and open_to.any() and limit < amounts.sum():
            assert last.max() <= following.min()  # what is equal goes to the first in order
            ties = last == following.min()
            if ties.any():
                assert np.flatnonzero(got)[ties].max() <= np.flatnonzero(open_to)[following == following.min()].min()


@given(seeds, counts, st.sampled_from([9, 500, 10**9]), parts, st.sampled_from(sorted(FORMS)))
def test_continuous_units_are_raised_to_one_level(seed, count, most, part, form):
    amounts, _, positions, demands = claims(seed, count, most)
    amounts, limit = amounts / 7.0, part * amounts.sum() / 7.0
    if limit < amounts.sum():
        raised = FORMS[form](amounts, limit, rule=BALANCED, positions=positions, demands=demands, whole=False)
        expected = level_by_halving(amounts, limit, positions / demands, demands)
        np.testing.assert_allclose(raised, expected, rtol=1e-9, atol=1e-9 * max(1.0, limit))


def supplied(rationing, remainder):
    """Return the problem of three shops that share 900 units of 70 SKUs, the first before the others where that is the rule."""
    shops = ["north", "south", "east"]
    content = {
        "name": "supplied",
        "horizon": {"kind": "window", "periods": 5},
        "rationing": rationing,
        "remainder": remainder,
        "skus": [{"name": "sku-{01..70}", "price": 1}],
        "suppliers": [{"name": "factory", "capacity": 900}],
        "sites": [{"name": name, "kind": "store", "initial_stock": 0} for name in shops],
        "channels": [{"name": "walkers", "unmet": "lost"}],
        "supply_lanes": [
            {"from": "factory", "to": name, "lead_time": 1, "priority": priority}
            for name, priority in zip(shops, [2, 1, 2], strict=True)
        ],
        "fulfilment_lanes": [{"from": "north", "to": "walkers"}],
        "demand": [{"process": {"distribution": "poisson", "mean": 1}}],
    }
    return world_from(content, "supplied.yaml").problem


@pytest.mark.parametrize("rationing", ["proportional", "priority"])
@pytest.mark.parametrize("remainder", ["largest", "none"])
@pytest.mark.parametrize("short", [1, 40])  # of 40 worlds: one by itself, or all together
def test_worlds_that_are_short_together_share_as_each_by_itself(rationing, remainder, short):
    problem, worlds = supplied(rationing, remainder), np.arange(40)
    memory = Memory(problem, 40)
    kernel.reset(memory.address, worlds, worlds, np.zeros_like(worlds))
    orders = np.random.default_rng(1).integers(0, 12, memory.decision.orders.shape).astype(float)
    orders[short:] = 1.0
    memory.decision.orders[...] = orders
    kernel.step(memory.address)
    order = problem.lanes.order
    levels = np.repeat(problem.lanes.priority[order] * (rationing == "priority"), problem.shape.skus)
    for wanted, executed in zip(orders[:, order], memory.flows.executed[:, order], strict=True):
        expected = shares_by_level(wanted.ravel(), 900.0, levels, remainder == "largest")
        np.testing.assert_array_equal(executed.ravel(), expected)


def test_claims_with_one_key_share_one_limit_in_their_order():
    amounts = np.array([[3.0, 5.0, 1.0, 5.0, 2.0], [9.0, 1.0, 0.0, 1.0, 7.0]])
    keys, limits = np.array([4, 2, 4, 2, 7]), np.array([[2.0, 5.0, 2.0, 5.0, 9.0], [4.0, 1.0, 4.0, 1.0, 3.0]])
    shared = share_alike(rules(PROPORTIONAL), amounts, keys, limits)
    assert shared.tolist() == [[2, 3, 0, 2, 2], [4, 1, 0, 0, 3]]  # 1.5 and 0.5 of 2: the first gets the unit left over
