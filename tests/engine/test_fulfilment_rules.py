"""Who is served from where, and who first, when stock, a lane or a site's handling is short."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from rollouts import IMPLEMENTATIONS

from random_worlds import build

# Two sites, two channels, one SKU; every demand is known and every lane exists.
CONTENT = {
    "name": "fulfilment",
    "horizon": {"periods": 1},
    "skus": [{"name": "tin", "unit_cost": 4, "price": 10}],
    "suppliers": [{"name": "mill"}],
    "sites": [{"name": "east", "initial_stock": 6}, {"name": "west", "initial_stock": 3}],
    "channels": [{"name": "web"}, {"name": "shop"}],
    "supply_lanes": [{"from": "mill", "to": "*", "lead_time": 1}],
    "fulfilment_lanes": [
        {"from": "east", "to": "web", "freight": 1},
        {"from": "east", "to": "shop", "freight": 1},
        {"from": "west", "to": "web", "freight": 2},
        {"from": "west", "to": "shop", "freight": 2},
    ],
    "demand": [
        {"channel": "web", "process": {"distribution": "deterministic", "mean": 6}},
        {"channel": "shop", "process": {"distribution": "deterministic", "mean": 6}},
    ],
}

every_implementation = pytest.mark.parametrize("implementation", IMPLEMENTATIONS)


def changed(freight=None, capacity=None, channels=None, sites=None, **sections):
    """Return the content with attributes of its four fulfilment lanes, its channels and its sites replaced, in order."""
    content = copy.deepcopy(CONTENT) | sections
    for key, values in (("freight", freight), ("capacity", capacity)):
        for lane, value in zip(content["fulfilment_lanes"], values or [], strict=False):
            lane[key] = value
    for section, parts in (("channels", channels), ("sites", sites)):
        for part, attributes in zip(content[section], parts or [], strict=False):
            part |= attributes
    return content


def shipped(implementation, content, orders=None):
    """Return what the lanes east → web, east → shop, west → web, west → shop ship in the first period."""
    problem = build(content).problem
    player = implementation(problem, [0])
    flows = player.step(np.zeros((1, *problem.lanes.allowed.shape)) if orders is None else orders)
    return flows.shipped[0].squeeze(axis=-1).tolist()


@every_implementation
def test_equal_customers_share_the_better_site_and_then_the_other(implementation):
    assert shipped(implementation, CONTENT) == [3, 3, 2, 1]  # the odd unit goes to the channel listed first


@every_implementation
def test_the_first_class_is_served_from_every_site_before_the_second(implementation):
    content = changed(channels=[{"priority": 2, "price": 99}, {"priority": 1}])
    assert shipped(implementation, content) == [0, 6, 3, 0]


@every_implementation
def test_within_a_class_the_unit_of_higher_value_goes_first(implementation):
    content = changed(channels=[{"price": 10}, {"price": 12}])
    assert shipped(implementation, content) == [0, 6, 3, 0]  # 12 − 4 − 1 = 7 at the shop before 5 on the web


@every_implementation
def test_a_poor_fulfilment_history_lowers_the_value_of_a_channel(implementation):
    content = changed(channels=[{"price": 10}, {"price": 12, "fulfilment_history": 0.5}])
    assert shipped(implementation, content) == [6, 0, 0, 3]  # 8 × 0.5 − 1 = 3 at the shop after 5 on the web


@every_implementation
def test_the_channel_with_the_dearer_lane_waits(implementation):
    assert shipped(implementation, changed(freight=[3, 1, 9, 9])) == [0, 6, 3, 0]


@every_implementation
def test_nearest_serves_lane_by_lane_in_rising_freight_whatever_the_class(implementation):
    content = changed(freight=[1, 4, 3, 2], channels=[{"priority": 2}, {"priority": 1}], fulfilment="nearest")
    assert shipped(implementation, content) == [6, 0, 0, 3]  # at 1 all the web wants; at 2 all that west has


@every_implementation
def test_nearest_ignores_what_a_unit_is_worth(implementation):
    content = changed(freight=[1, 1, 9, 9], channels=[{"price": 10}, {"price": 99}], fulfilment="nearest")
    assert shipped(implementation, content) == [3, 3, 2, 1]


@every_implementation
def test_a_fulfilment_lane_ships_no_more_than_its_capacity(implementation):
    content = changed(capacity=[2, None, None, None], channels=[{"priority": 1}, {"priority": 2}])
    assert shipped(implementation, content) == [2, 4, 3, 0]


@every_implementation
def test_customers_share_what_transfers_leave_of_a_sites_handling(implementation):
    content = changed(sites=[{"handling": 5}, {}])
    content["supply_lanes"] = [*CONTENT["supply_lanes"], {"from": "east", "to": "west", "lead_time": 1}]
    orders = np.array([[[0.0], [0.0], [1.0]]])
    assert shipped(implementation, content, orders) == [2, 2, 2, 1]


@every_implementation
def test_a_multiple_that_drops_a_transfer_leaves_its_handling_to_customers(implementation):
    content = changed(sites=[{"handling": 5}, {}])
    content["supply_lanes"] = [*CONTENT["supply_lanes"], {"from": "east", "to": "west", "multiple": 6}]
    orders = np.array([[[0.0], [0.0], [6.0]]])  # handling leaves 5, which is no multiple of 6
    assert shipped(implementation, content, orders) == [3, 2, 1, 2]  # west shares 3 over the 3 and 4 still wanted


@every_implementation
def test_skus_of_equal_rank_share_a_scarce_lane_in_proportion(implementation):
    content = changed(
        capacity=[6, 0, 0, 0],
        skus=[{"name": "tin", "price": 10, "unit_cost": 4}, {"name": "jar", "price": 10, "unit_cost": 4}],
        sites=[{"initial_stock": 20}],
        demand=[
            {"channel": "web", "process": {"distribution": "deterministic", "mean": {"tin": 4, "jar": 8}}},
            {"channel": "shop", "process": {"distribution": "deterministic", "mean": 0}},
        ],
    )
    problem = build(content).problem
    flows = implementation(problem, [0]).step(np.zeros((1, *problem.lanes.allowed.shape)))
    assert flows.shipped[0, 0].tolist() == [2, 4]


@every_implementation
def test_a_waiting_order_is_served_in_a_later_period_and_counts_once(implementation):
    content = changed(channels=[{"unmet": "backorder"}, {"unmet": "lost"}], horizon={"periods": 3})
    content["fulfilment_lanes"] = [{"from": "east", "to": "*"}]
    season = {"period": 3, "profile": [1, 0, 0]}
    content["demand"] = [{"process": {"distribution": "deterministic", "mean": 6, "season": season}}]
    player = implementation(build(content).problem, [0])
    orders = [np.array([[[units], [0.0]]]) for units in (4.0, 0.0, 0.0)]
    flows = [player.step(order) for order in orders]
    assert [record.shipped[0, :, 0].tolist() for record in flows] == [[3, 3], [3, 0], [0, 0]]
    assert [record.open_demand[0, :, 0].tolist() for record in flows] == [[3, 0], [0, 0], [0, 0]]
    assert [record.lost[0, :, 0].tolist() for record in flows] == [[0, 3], [0, 0], [0, 0]]
