"""Features of the model on numbers small enough to check by eye, in both implementations."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from rollouts import IMPLEMENTATIONS

from allotment.engine.state import Decision, Flows, decision_shapes
from allotment.scenario.problem import REASONS, TERMS
from random_worlds import build

every_implementation = pytest.mark.parametrize("implementation", IMPLEMENTATIONS)

# One shop with ten tins; customers do not wait; an order arrives a period later.
SHOP: dict[str, Any] = {
    "name": "shop",
    "horizon": {"kind": "window", "periods": 6},
    "sequence": ["receive", "decide", "demand", "fulfil", "expire", "charge"],
    "skus": [{"name": "tin", "unit_cost": 2, "price": 10}],
    "suppliers": [{"name": "mill"}],
    "sites": [{"name": "shop", "initial_stock": 10}],
    "channels": [{"name": "walkers", "unmet": "lost"}],
    "supply_lanes": [{"from": "mill", "to": "shop", "lead_time": 1}],
    "fulfilment_lanes": [{"from": "*", "to": "*"}],
    "demand": [{"process": {"distribution": "deterministic", "mean": 0}}],
}


def asking(*units: float, channel: str = "*") -> dict[str, Any]:
    """Return demand of these units in turn."""
    season = {"period": len(units), "profile": list(units)}
    return {"channel": channel, "process": {"distribution": "deterministic", "mean": 1, "season": season}}


def played(implementation: Any, changes: dict[str, Any], *orders: Any, **decided: Any) -> list[Flows]:
    """Play a period for each entry of `orders`, (lanes,) or a number for the first lane; returns the records."""
    problem = build(copy.deepcopy(SHOP) | changes).problem
    player = implementation(problem, [0])
    records = []
    for entry in orders:
        parts = {name: np.zeros((1, *shape)) for name, shape in decision_shapes(problem).items()}
        parts["orders"][0, : np.size(entry), 0] = entry
        for name, values in decided.items():
            parts[name][0] = np.reshape(values, parts[name].shape[1:])
        records.append(player.step(Decision(**parts)))
    return records


def column(records: list[Flows], name: str) -> list[Any]:
    """Return what records say of something, one number a period, or one a place where there are several."""
    arrays = [getattr(record, name)[0] for record in records]
    return [array.item() if array.size == 1 else array.ravel().tolist() for array in arrays]


def money(records: list[Flows], term: str) -> list[float]:
    return [record.terms[0, TERMS.index(term)].item() for record in records]


# ---- goods that perish


@every_implementation
@pytest.mark.parametrize(
    ("issue", "expired", "on_hand"),
    [
        ("fifo", [0, 4, 1], [7, 4, 0]),  # seven old and four fresh: three old ones are sold, the other four end
        ("lifo", [0, 7, 0], [7, 1, 0]),  # three fresh ones are sold, and all seven old ones end
    ],
)
def test_goods_are_on_sale_for_their_life_and_leave_in_the_skus_order(implementation, issue, expired, on_hand):
    skus = [{"name": "tin", "price": 0, "shelf_life": 2, "issue": issue, "waste_cost": 3}]
    records = played(implementation, {"skus": skus, "demand": [asking(3)]}, 4, 0, 0)
    assert column(records, "expired") == expired
    assert column(records, "on_hand") == on_hand
    assert money(records, "waste") == [3 * units for units in expired]


# ---- plants


@every_implementation
def test_a_plant_uses_up_more_than_it_ships_and_is_paid_for_good_units(implementation):
    changes = {
        "units": "continuous",
        "sites": [
            {
                "name": "plant",
                "kind": "plant",
                "initial_stock": 40,
                "yield": 0.5,
                "production_capacity": 12,
                "production_cost": 2,
            },
            {"name": "shop"},
        ],
        "supply_lanes": [{"from": "mill", "to": "plant", "lead_time": 1}, {"from": "plant", "to": "shop", "lead_time": 0}],
        "fulfilment_lanes": [{"from": "shop", "to": "*"}],
    }
    records = played(implementation, changes, [0, 9], [0, 15], [0, 5])
    assert column(records, "executed") == [[0, 9], [0, 11], [0, 0]]  # nine use up 18 of 40, then eleven the other 22
    assert column(records, "consumed") == [[9, 0], [11, 0], [0, 0]]  # beyond what was shipped
    assert column(records, "on_hand") == [[22, 9], [0, 20], [0, 20]]
    assert money(records, "production") == [18, 22, 0]
    assert [REASONS[record.cut_reason[0, 1, 0]] for record in records] == ["", "no_stock", "no_stock"]


# ---- sources that owe, positions and storage


@every_implementation
def test_a_lane_with_a_backlog_is_served_before_new_requests(implementation):
    changes = {
        "suppliers": [{"name": "mill", "capacity": 4}],
        "supply_lanes": [{"from": "mill", "to": "shop", "lead_time": 1, "unfilled": "backlog"}],
    }
    records = played(implementation, changes, 9, 1, 0)
    assert column(records, "executed") == [4, 4, 2]
    assert column(records, "owed") == [5, 2, 0]


@every_implementation
def test_a_site_is_ordered_up_to_its_highest_position_and_no_further(implementation):
    sites = [{"name": "shop", "initial_stock": 10, "max_position": 14}]
    records = played(implementation, {"sites": sites, "demand": [asking(2)]}, 9, 9, 0)
    assert column(records, "executed") == [4, 2, 0]
    assert [REASONS[record.cut_reason[0, 0, 0]] for record in records] == ["position", "position", ""]


@every_implementation
@pytest.mark.parametrize(
    ("overflow", "on_hand", "discarded", "cost"),
    [("reject", [10, 12], [0, 4], [0, 0]), ("charge", [10, 16], [0, 0], [0, 4 * 0.5 * 7])],
)
def test_what_does_not_fit_is_turned_away_or_costs(implementation, overflow, on_hand, discarded, cost):
    changes = {
        "skus": [{"name": "tin", "price": 0, "volume": 0.5}],
        "sites": [{"name": "shop", "initial_stock": 10, "storage": 6, "overflow": overflow, "overflow_cost": 7}],
    }
    records = played(implementation, changes, 6, 0)
    assert column(records, "on_hand") == on_hand
    assert column(records, "discarded") == discarded
    assert money(records, "overflow") == cost


# ---- stock at cost


@every_implementation
@pytest.mark.parametrize(
    ("changes", "bought", "change"),
    [  # ten tins that cost 2; three are sold in the second period; six are ordered in the first, and arrive in the second
        ({}, [12, 0], [12, -6]),
        ({"charged": "on_receipt"}, [0, 12], [0, 12 - 6]),  # what is not paid for yet belongs to the mill
        ({"unit_cost": 3}, [18, 0], [12, -6]),  # what costs more is worth no more
        ({"unit_cost": [1.5, 1.75]}, [9, 0], [9, -4.5]),  # and what can be had for less is worth less
    ],
)
def test_stock_counts_what_is_paid_for_it_until_it_is_sold(implementation, changes, bought, change):
    lane = {"from": "mill", "to": "shop", "lead_time": 1, **changes}
    records = played(implementation, {"supply_lanes": [lane], "demand": [asking(0, 3)]}, 6, 0)
    assert money(records, "purchase") == bought
    assert money(records, "stock_change") == change
    gained = np.array(money(records, "revenue")) + change - np.array(bought)
    assert [record.reward[0] for record in records] == gained.tolist()


@every_implementation
def test_what_perishes_is_turned_away_or_is_used_up_lowers_stock_at_cost(implementation):
    skus = [{"name": "tin", "unit_cost": 2, "price": 0, "volume": 1, "shelf_life": 2}]
    sites = [
        {"name": "press", "kind": "plant", "yield": 0.5, "initial_stock": 6},
        {"name": "shop", "initial_stock": 1, "storage": 2},
    ]
    lanes = [{"from": "mill", "to": "press", "lead_time": 1}, {"from": "press", "to": "shop", "lead_time": 1}]
    changes = {"skus": skus, "sites": sites, "supply_lanes": lanes, "fulfilment_lanes": [{"from": "shop", "to": "*"}]}
    records = played(implementation, {**changes, "units": "continuous"}, [0, 3], 0, 0)
    assert column(records, "consumed") == [[3, 0], [0, 0], [0, 0]]
    assert column(records, "discarded") == [[0, 0], [0, 2], [0, 0]]  # one tin is there, which expires in the same period
    assert column(records, "expired") == [[0, 0], [0, 1], [0, 1]]
    assert money(records, "stock_change") == [-6, -6, -2]


@every_implementation
def test_a_change_of_stock_counts_nothing_in_a_season_or_where_the_world_says_so(implementation):
    for horizon in ({"kind": "season", "periods": 6}, {"periods": 6, "stock_value": "none"}):
        assert money(played(implementation, {"horizon": horizon}, 6, 0), "stock_change") == [0, 0]


# ---- customers


@every_implementation
def test_orders_are_due_later_and_cancelled_when_they_are_too_late(implementation):
    channels = [{"name": "walkers", "unmet": "backorder", "due_in": 1, "max_lateness": 1, "late_cost": 2, "shortage_cost": 5}]
    changes = {"sites": [{"name": "shop", "initial_stock": 3}], "channels": channels, "demand": [asking(8, 0, 0, 0)]}
    records = played(implementation, changes, 0, 2, 0, 0)
    assert column(records, "shipped") == [3, 0, 2, 0]
    assert column(records, "on_time") == [3, 0, 0, 0]
    assert column(records, "open_demand") == [5, 5, 0, 0]  # two are shipped a period late, the other three cancelled
    assert column(records, "late") == [0, 5, 0, 0]
    assert column(records, "lost") == [0, 0, 3, 0]
    assert money(records, "lateness") == [0, 10, 0, 0]
    assert money(records, "lost_sale") == [0, 0, 15, 0]


@every_implementation
def test_what_is_open_when_an_episode_begins_was_late_before_and_is_served_first(implementation):
    sites = [{"name": "shop", "initial_stock": 5}]
    channels = [{"name": "callers", "unmet": "backorder", "backorder_cost": 1, "initial_open": 4}]
    records = played(implementation, {"sites": sites, "channels": channels, "demand": [asking(3)]}, 9, 0)
    assert column(records, "shipped") == [5, 5]  # the four and one of three; then the two that were left and three
    assert column(records, "late") == [2, 0]
    assert column(records, "on_time") == [1, 3]
    assert money(records, "backorder") == [2, 0]
    patient = [{**channels[0], "due_in": 1, "max_lateness": 1}]
    nothing = [{"name": "shop"}]
    records = played(implementation, {"sites": nothing, "channels": patient, "demand": [asking(3)]}, 0, 0, 0)
    assert column(records, "lost") == [4, 0, 3]  # what was due before gets one period more
    assert column(records, "late") == [0, 3, 3]


@every_implementation
def test_of_continuous_demand_a_share_waits_and_a_share_accepts_an_emergency_shipment(implementation):
    changes = {
        "units": "continuous",
        "sites": [{"name": "shop", "initial_stock": 4}, {"name": "depot", "initial_stock": 100}],
        "channels": [{"name": "walkers", "unmet": {"backorder_probability": 0.25}}],
        "supply_lanes": [{"from": "mill", "to": "*", "lead_time": 1}],
        "fulfilment_lanes": [
            {"from": "shop", "to": "walkers"},
            {"from": "depot", "to": "walkers", "freight": 3, "accept_probability": 0.5},
        ],
        "demand": [asking(12, 0)],
    }
    (first,) = played(implementation, changes, 0)
    assert first.shipped[0].ravel().tolist() == [4, 4]  # of the eight that the shop lacks, half accept
    assert (first.lost.item(), first.open_demand.item()) == (3, 1)  # of the other four, a quarter waits
    assert money([first], "outbound_freight") == [12]


@every_implementation
def test_goodwill_falls_after_a_shortage_and_rises_after_none(implementation):
    changes = {
        "units": "continuous",
        "goodwill": {"growth": 1.5, "decay": 0.5, "cap": 2.0, "floor": 0.2},
        "demand": [asking(8)],
    }
    records = played(implementation, changes, 0, 20, 0, 0)
    assert column(records, "demand") == [8, 12, 6, 9]  # 8 × 1.5, of which 2 are there; × 0.5; × 1.5
    assert column(records, "lost") == [0, 10, 0, 0]


@every_implementation
def test_commitments_are_served_before_those_who_rank_higher(implementation):
    channels = [{"name": "club", "priority": 1}, {"name": "walkers", "priority": 2, "commitment": 3}]
    (record,) = played(implementation, {"channels": channels, "demand": [asking(9)]}, 0)
    assert record.shipped[0].ravel().tolist() == [7, 3]


@every_implementation
def test_lower_classes_leave_what_is_protected_and_the_class_above_may_use_it(implementation):
    changes = {
        "decisions": ["orders", "protection"],
        "channels": [{"name": "club", "priority": 1}, {"name": "walkers", "priority": 2}],
        "demand": [asking(2, 9, channel="club"), asking(9, 0, channel="walkers")],
    }
    records = played(implementation, changes, 0, 0, protection=[6, 0])
    assert column(records, "shipped") == [[2, 2], [6, 0]]  # of the eight left, six are kept for the club, which takes them


@every_implementation
def test_what_a_policy_reserves_for_a_channel_goes_to_no_other(implementation):
    changes = {
        "decisions": ["orders", "allocation"],
        "channels": [{"name": "club", "priority": 1}, {"name": "walkers", "priority": 2}],
        "demand": [asking(9)],
    }
    (record,) = played(implementation, changes, 0, allocation=[0, 8])
    assert record.allocation_executed[0].ravel().tolist() == [0, 8]
    assert record.shipped[0].ravel().tolist() == [2, 8]


@every_implementation
def test_what_disappears_stays_in_the_records_until_it_is_counted(implementation):
    sites = [{"name": "shop", "initial_stock": 16, "shrinkage": 0.5, "count_every": 2}]
    records = played(implementation, {"sites": sites, "units": "continuous"}, 0, 0, 0)
    assert column(records, "shrunk") == [8, 4, 2]
    assert column(records, "on_hand") == [8, 4, 2]


# ---- rationing


@every_implementation
@pytest.mark.parametrize(
    ("rationing", "shares"),
    [
        ("proportional", [7, 3]),  # 10 over requests of 14 and 6
        ("priority", [4, 6]),
        ("balanced", [8, 2]),  # positions 0 and 6 come to 8 and 8
        ("min_shortage", [9, 1]),  # 5 is lacking on each lane
    ],
)
def test_a_short_warehouse_shares_by_the_scenarios_rule(implementation, rationing, shares):
    changes = {
        "rationing": rationing,
        "sites": [{"name": "depot", "initial_stock": 10}, {"name": "east"}, {"name": "west", "initial_stock": 6}],
        "channels": [{"name": "eastern"}, {"name": "western"}],
        "fulfilment_lanes": [{"from": "east", "to": "eastern"}, {"from": "west", "to": "western"}],
        "supply_lanes": [
            {"from": "mill", "to": "depot", "lead_time": 1},
            {"from": "depot", "to": "east", "lead_time": 1, "priority": 2},
            {"from": "depot", "to": "west", "lead_time": 1, "priority": 1},
        ],
        "demand": [asking(1)],
    }
    (record,) = played(implementation, changes, [0, 14, 6])
    assert record.executed[0, 1:, 0].tolist() == shares
