"""Exact values need a world without a treasury: cash is not enumerated."""

import pytest

from allotment.exact.solving import solve
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import load_scenario


def test_a_world_with_a_treasury_is_refused_by_name():
    world = load_scenario("lost_sales", ["objective=profit", "skus.item.price=1", "treasury={cash: 100, period_days: 1}"])
    with pytest.raises(ScenarioError, match="treasury: amounts of cash are not enumerated"):
        solve(world)
