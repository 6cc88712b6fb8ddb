"""The newsvendor under a budget: two items by the formula, and what equal marginal returns mean."""

import numpy as np
import pytest
from scipy.stats import norm

from allotment.policies.capital import equal_marginal_return, expected_profit

ITEMS = {"price": (50, 40), "cost": (30, 20), "mean": (1000, 1500), "deviation": (200, 400)}


def test_two_items_share_a_budget_until_the_last_unit_of_money_returns_equally_much():
    quantities, multiplier = equal_marginal_return(**ITEMS, budget=50_000)
    assert quantities == pytest.approx([804.14, 1293.79], abs=0.005)
    assert multiplier == pytest.approx(0.39381, abs=5e-6)
    assert expected_profit(**ITEMS, quantities=quantities) == pytest.approx(38_003.30, abs=0.005)
    assert quantities @ ITEMS["cost"] == pytest.approx(50_000)
    returns = [
        p * norm.sf(q, mean, deviation) / c - 1.0 for p, c, mean, deviation, q in zip(*ITEMS.values(), quantities, strict=True)
    ]
    assert returns == pytest.approx([multiplier, multiplier])


def test_with_money_enough_each_item_is_a_newsvendor_by_itself():
    quantities, multiplier = equal_marginal_return(**ITEMS, budget=60_000)
    assert quantities == pytest.approx([949.33, 1500.0], abs=0.005) and multiplier == 0.0


def test_little_money_goes_to_the_item_that_returns_most():
    quantities, multiplier = equal_marginal_return(**ITEMS, budget=20_000)
    assert quantities == pytest.approx([0.0, 1000.0]) and 20 / 30 < multiplier < 1.0


def test_what_sells_below_its_cost_gets_nothing_and_no_money_buys_nothing():
    quantities, _ = equal_marginal_return((50, 19), (30, 20), (1000, 1500), (200, 400), 100_000)
    assert quantities == pytest.approx([949.33, 0.0], abs=0.005)
    assert equal_marginal_return(**ITEMS, budget=0)[0].tolist() == [0.0, 0.0]


def test_no_other_division_of_the_budget_earns_more():
    quantities, _ = equal_marginal_return(**ITEMS, budget=50_000)
    best = expected_profit(**ITEMS, quantities=quantities)
    for money in (-5000.0, -500.0, 500.0, 5000.0):
        moved = quantities + np.array([money, -money]) / ITEMS["cost"]
        assert expected_profit(**ITEMS, quantities=moved) < best


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"cost": (0, 20)}, r"cost must be > 0, not \(0, 20\)"),
        ({"deviation": (-1, 1)}, r"deviation must be >= 0, not \(-1, 1\)"),
        ({"budget": float("nan")}, "budget must be >= 0, not nan"),
    ],
)
def test_what_is_no_item_is_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        equal_marginal_return(**{**ITEMS, "budget": 50_000, **changed})
