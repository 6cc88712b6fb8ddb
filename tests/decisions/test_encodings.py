from types import SimpleNamespace

import numpy as np
import pytest

from allotment.decisions.encodings import Discrete, OrderUpTo, Quantity, Residual
from allotment.policies.config_file import rule_config
from allotment.policies.rule_config import build_rule
from allotment.scenario.errors import ScenarioError
from small_worlds import (
    APPLE,
    FARM_NORTH,
    FARM_SOUTH,
    MARKET_NORTH,
    PEAR,
    SOUTH_NORTH,
    TWO_SHOPS,
    seen,
    shipped_world,
    two_shops,
)

# Mean demand is 4 apples and 1 pear near the north, 9 apples and 4 pears near the south.


def orders_of(encoding, actions, observation):
    """Return the orders of one world, (lanes, SKUs)."""
    return encoding.orders(np.array([actions], dtype=float), observation)[0]


def test_quantities_reach_from_nothing_to_three_periods_of_demand_where_the_lane_leads():
    world = two_shops()
    encoding, observation = Quantity(world), seen(world, on_hand=0)
    assert encoding.size == 8
    assert not orders_of(encoding, [-1.0] * 8, observation).any()
    assert orders_of(encoding, [1.0] * 8, observation) == pytest.approx(np.array([[12, 3], [27, 12], [12, 3], [12, 3]]))
    halfway_on_one = [-1.0, -1.0, -1.0, 0.0, -1.0, -1.0, -1.0, -1.0]
    assert orders_of(encoding, halfway_on_one, observation) == pytest.approx(np.array([[0, 0], [0, 6], [0, 0], [0, 0]]))


def test_only_what_a_lane_carries_has_a_quantity():
    lanes = [dict(lane) for lane in TWO_SHOPS["supply_lanes"]]
    lanes[MARKET_NORTH]["skus"] = ["pear"]
    encoding = Quantity(two_shops(supply_lanes=lanes), periods=1.0)
    assert encoding.size == 7
    orders = orders_of(encoding, [1.0] * 7, seen(encoding.world, on_hand=0))
    assert orders[MARKET_NORTH] == pytest.approx([0, 1])


def order_up_to(**sections):
    """Return the encoding whose middle is 24 apples and 6 pears in the north, 54 and 24 in the south."""
    encoding = OrderUpTo(two_shops(**sections))
    assert encoding.size == 4 + 3  # targets, and weights of the three lanes to the north
    return encoding


def test_a_transfer_takes_its_share_of_the_shortfall_and_suppliers_share_what_is_left():
    encoding = order_up_to()
    observation = seen(encoding.world, on_hand=[[6, 6], [50, 24]])
    orders = orders_of(encoding, [0.0] * 7, observation)
    # The north lacks 24 - 6 = 18 apples: a third by transfer, then 24 - 12 = 12 from two suppliers. What the transfer takes
    # from the south counts there: 54 - (50 - 6) = 10.
    assert orders[:, APPLE] == pytest.approx([6, 10, 6, 6])
    assert orders[:, PEAR] == pytest.approx([0, 0, 0, 0])


def test_a_site_above_its_target_orders_nothing():
    encoding = order_up_to()
    orders = orders_of(encoding, [0.0] * 7, seen(encoding.world, on_hand=[[30, 9], [60, 25]]))
    assert not orders.any()


def test_the_ends_of_the_range_are_no_stock_and_twelve_periods_of_demand():
    encoding = order_up_to()
    observation = seen(encoding.world, on_hand=0, in_transit=[(1, FARM_SOUTH, APPLE, 8)])
    assert not orders_of(encoding, [-1.0] * 7, observation).any()
    orders = orders_of(encoding, [-1.0, -1.0, 1.0, 1.0, 0.0, 0.0, 0.0], observation)
    assert orders[FARM_SOUTH] == pytest.approx([9 * 12 - 8, 4 * 12])


def test_the_heaviest_lane_takes_nearly_all_of_the_shortfall():
    encoding = order_up_to()
    orders = orders_of(encoding, [0.0, -1.0, -1.0, -1.0, -1.0, 1.0, -1.0], seen(encoding.world, on_hand=0))
    share = np.exp(3) / (np.exp(3) + 2 * np.exp(-3))
    assert share > 0.99
    transfer = 24 * (1 - share) / 2
    assert orders[SOUTH_NORTH, APPLE] == pytest.approx(transfer)
    assert orders[[FARM_NORTH, MARKET_NORTH], APPLE].sum() == pytest.approx(24 - transfer)
    assert orders[MARKET_NORTH, APPLE] > 0.99 * (24 - transfer)


def test_a_lane_that_does_not_carry_a_sku_takes_no_share_of_it():
    lanes = [dict(lane) for lane in TWO_SHOPS["supply_lanes"]]
    lanes[MARKET_NORTH]["skus"] = ["pear"]
    encoding = order_up_to(supply_lanes=lanes)
    orders = orders_of(encoding, [0.0, 0.0, -1.0, -1.0, 0.0, 0.0, 0.0], seen(encoding.world, on_hand=0))
    assert orders[[FARM_NORTH, MARKET_NORTH, SOUTH_NORTH], APPLE] == pytest.approx([12, 0, 12])
    assert orders[[FARM_NORTH, MARKET_NORTH, SOUTH_NORTH], PEAR] == pytest.approx([2, 2, 2])


def residual(**settings):
    """Return a correction, of up to one period's demand, to ordering up to 20 units of everything everywhere."""
    world = two_shops()
    rule, _ = build_rule(rule_config({"policy": "base_stock", "parameters": {"level": 20}}, "rule"), world, "rule")
    return Residual(world, rule, **settings)


def test_without_a_correction_the_rule_decides():
    encoding = residual()
    observation = seen(encoding.world, on_hand=[[6, 30], [12, 20]])
    assert encoding.size == 6  # both SKUs on three suppliers' lanes
    assert orders_of(encoding, [0.0] * 6, observation).tolist() == [[14, 0], [8, 0], [0, 0], [0, 0]]


def test_a_correction_adds_a_share_of_a_periods_demand_and_never_makes_an_order_negative():
    encoding = residual()
    observation = seen(encoding.world, on_hand=[[6, 18], [12, 20]])
    up, down = 0.5, -1.0  # farm → north: apples up, pears down; the same for the others
    orders = orders_of(encoding, [up, down] * 3, observation)
    assert orders == pytest.approx(np.array([[14 + 2, 2 - 1], [8 + 4.5, 0], [2, 0], [0, 0]]))


def test_a_correction_counts_from_how_far_the_rule_is_from_ordering():
    encoding = residual()
    observation = seen(encoding.world, on_hand=[[22, 20], [40, 20]])
    orders = orders_of(encoding, [1.0, 0.0, 1.0, 0.0, 0.0, 0.0], observation)
    assert orders[:, APPLE] == pytest.approx([-2 + 4, 0, 0, 0])  # the north wants 2 less than nothing, the south 20 less


def test_a_rule_that_remembers_past_demand_is_refused():
    rule = residual().rule
    remembering = SimpleNamespace(name="smoothed", memory_size=2, decide=rule.decide)
    with pytest.raises(ScenarioError, match="residual: smoothed remembers past demand"):
        Residual(two_shops(), remembering)


def test_one_correction_may_serve_all_skus_of_a_lane():
    encoding = residual(by="lane", periods=2.0)
    assert encoding.size == 3
    orders = orders_of(encoding, [1.0, -0.5, 0.0], seen(encoding.world, on_hand=10))
    assert orders == pytest.approx(np.array([[10 + 8, 10 + 2], [10 - 9, 10 - 4], [0, 0], [0, 0]]))


def test_a_position_in_the_list_is_the_quantity():
    world = shipped_world("lost_sales")  # mean demand 5
    encoding = Discrete(world)
    assert encoding.choices == 16
    observation = seen(world, on_hand=0)
    assert [encoding.orders(np.array([position]), observation).item() for position in (0, 7, 15)] == [0, 7, 15]
