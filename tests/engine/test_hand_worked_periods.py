"""Three periods worked by hand, and one period in each sequence of events, through both implementations.

The world: a mill supplies a warehouse (lead time 2) and, dearer, a store (lead time 1), at most 10 units a period; the
warehouse supplies the store within the period. The web's orders wait at the warehouse; the store's customers do not wait.
"""

from __future__ import annotations

import copy

import numpy as np
import pytest
from rollouts import IMPLEMENTATIONS, play

from allotment.engine.state import State
from allotment.scenario.problem import REASONS, TERMS
from random_worlds import build


def by_period(*units):
    """Return the process that demands these units in turn."""
    return {"distribution": "deterministic", "mean": 1, "season": {"period": len(units), "profile": list(units)}}


CONTENT = {
    "name": "mill_warehouse_store",
    "horizon": {"kind": "season", "periods": 3},
    "skus": [{"name": "tin", "unit_cost": 2, "price": 10}],
    "suppliers": [{"name": "mill", "capacity": 10}],
    "sites": [
        {"name": "warehouse", "initial_stock": 8, "holding_cost": 1, "salvage": 1},
        {"name": "store", "initial_stock": 2, "holding_cost": 2, "salvage": 1},
    ],
    "channels": [
        {"name": "web", "unmet": "backorder", "backorder_cost": 2, "salvage": -4},
        {"name": "counter", "unmet": "lost", "shortage_cost": 3},
    ],
    "supply_lanes": [
        {"from": "mill", "to": "warehouse", "lead_time": 2, "freight": 1, "in_transit_cost": 0.5},
        {"from": "mill", "to": "store", "lead_time": 1, "freight": 3},
        {"from": "warehouse", "to": "store", "lead_time": 0, "freight": 1, "fixed_cost": 4},
    ],
    "fulfilment_lanes": [
        {"from": "warehouse", "to": "web", "freight": 1},
        {"from": "store", "to": "counter", "freight": 0.5},
    ],
    "demand": [
        {"channel": "web", "process": by_period(4, 6, 2)},
        {"channel": "counter", "process": by_period(3, 5, 4)},
    ],
}
WAREHOUSE_TO_STORE = 2

ORDERS = [  # mill → warehouse, mill → store, warehouse → store
    [9, 6, 3],
    [0, 0, 5],
    [12, 0, 0],
]

#             period                 0                       1                      2
#             received               -                       4 at the store         6 at the warehouse
# mill        requested, shipped     9 + 6 → 6 + 4 (of 10)   0                      12 → 10
# transfer    requested, shipped     3 → 3                   5 → 1 (no stock)       0
# warehouse   before demand          8 − 3 = 5               1 − 1 = 0              0 + 6 = 6
# web         open, shipped, open    4, 4, 0                 6, 0, 6                6 + 2 = 8, 6, 2
# store       before demand          2 + 3 = 5               2 + 4 + 1 = 7          2
# counter     demand, shipped, lost  3, 3, 0                 5, 5, 0                4, 2, 2
# at charge   warehouse, store       1, 2                    0, 2                   0, 0
#             in transit             6, 4                    6, 0                   10, 0
RECORDS = [
    {
        "received": [0, 0, 3],
        "executed": [6, 4, 3],
        "reasons": ["capacity", "capacity", ""],
        "demand": [4, 3],
        "shipped": [4, 3],
        "lost": [0, 0],
        "open_demand": [0, 0],
        "on_hand": [1, 2],
        "in_transit": [6, 4, 0],
    },
    {
        "received": [0, 4, 1],
        "executed": [0, 0, 1],
        "reasons": ["", "", "no_stock"],
        "demand": [6, 5],
        "shipped": [0, 5],
        "lost": [0, 0],
        "open_demand": [6, 0],
        "on_hand": [0, 2],
        "in_transit": [6, 0, 0],
    },
    {
        "received": [6, 0, 0],
        "executed": [10, 0, 0],
        "reasons": ["capacity", "", ""],
        "demand": [2, 4],
        "shipped": [6, 2],
        "lost": [0, 2],
        "open_demand": [2, 0],
        "on_hand": [0, 0],
        "in_transit": [10, 0, 0],
    },
]

MONEY = [
    {
        "revenue": 10 * (4 + 3),
        "purchase": 2 * (6 + 4),
        "inbound_freight": 1 * 6 + 3 * 4 + 1 * 3,
        "outbound_freight": 1 * 4 + 0.5 * 3,
        "fixed_ordering": 4,
        "holding": 1 * 1 + 2 * 2,
        "in_transit": 0.5 * 6,
        "backorder": 0,
        "lost_sale": 0,
        "salvage": 0,
    },
    {
        "revenue": 10 * 5,
        "purchase": 0,
        "inbound_freight": 1 * 1,
        "outbound_freight": 0.5 * 5,
        "fixed_ordering": 4,
        "holding": 2 * 2,
        "in_transit": 0.5 * 6,
        "backorder": 2 * 6,
        "lost_sale": 0,
        "salvage": 0,
    },
    {
        "revenue": 10 * (6 + 2),
        "purchase": 2 * 10,
        "inbound_freight": 1 * 10,
        "outbound_freight": 1 * 6 + 0.5 * 2,
        "fixed_ordering": 0,
        "holding": 0,
        "in_transit": 0.5 * 10,
        "backorder": 2 * 2,
        "lost_sale": 3 * 2,
        "salvage": 1 * 10 - 4 * 2,  # what is in transit counts as at the warehouse; open demand of the web costs 4 a unit
    },
]
REWARDS = [11.5, 23.5, 30.0]

every_implementation = pytest.mark.parametrize("implementation", IMPLEMENTATIONS)


def played(implementation, content=CONTENT, orders=ORDERS):
    """Play one world; the lanes' orders are of one SKU."""
    arrays = [[[[float(units)] for units in order]] for order in orders]
    return list(play(implementation(build(content).problem, [0]), map(np.array, arrays)))


@every_implementation
@pytest.mark.parametrize("period", range(3))
def test_every_flow_of_a_period_is_as_worked_by_hand(implementation, period):
    flows, record = played(implementation)[period].flows, dict(RECORDS[period])
    assert flows.requested.ravel().tolist() == ORDERS[period]
    assert [REASONS[code] for code in flows.cut_reason.ravel()] == record.pop("reasons")
    assert {name: getattr(flows, name).ravel().tolist() for name in record} == record


@every_implementation
@pytest.mark.parametrize("period", range(3))
def test_every_money_term_and_the_reward_are_as_worked_by_hand(implementation, period):
    flows = played(implementation)[period].flows
    assert dict(zip(TERMS, flows.money[0, :, 0].tolist(), strict=True)) == {term: MONEY[period].get(term, 0) for term in TERMS}
    assert flows.reward.tolist() == [REWARDS[period]]


def seen(state: State):
    """Return what a state holds, in the order of the table above."""
    return {
        "on_hand": state.on_hand.ravel().tolist(),
        "in_transit": state.pipeline.sum(axis=1).ravel().tolist(),
        "open_demand": state.open_demand.sum(axis=-1).ravel().tolist(),
        "received": state.received.ravel().tolist(),
        "period": state.period.tolist(),
    }


@every_implementation
def test_the_state_before_each_decision_is_as_worked_by_hand(implementation):
    steps = played(implementation)
    states = [steps[0].before] + [step.after for step in steps]
    nothing = {"in_transit": [0, 0, 0], "open_demand": [0, 0], "received": [0, 0, 0]}
    assert seen(states[0]) == {**nothing, "on_hand": [8, 2], "period": [0]}
    assert seen(states[1]) == {**nothing, "on_hand": [1, 6], "in_transit": [6, 0, 0], "received": [0, 4, 0], "period": [1]}
    assert seen(states[2]) == {**nothing, "on_hand": [6, 2], "open_demand": [6, 0], "received": [6, 0, 0], "period": [2]}


@every_implementation
def test_a_season_stays_as_it_ended_with_nothing_of_the_next_period(implementation):
    after = seen(played(implementation)[-1].after)
    assert after == {
        "on_hand": [0, 0],
        "in_transit": [10, 0, 0],
        "open_demand": [2, 0],
        "received": [0, 0, 0],
        "period": [3],
    }


@every_implementation
def test_a_window_goes_on_after_its_last_period_and_salvages_nothing(implementation):
    content = copy.deepcopy(CONTENT) | {"horizon": {"kind": "window", "periods": 3}}
    steps = played(implementation, content, [*ORDERS, [0, 0, 0]])
    bought, shipped = 2 * 10, 2 * (6 + 2)  # at cost; stock counts them, salvage does not
    assert steps[2].flows.reward.tolist() == [30.0 - 2.0 + bought - shipped]
    assert seen(steps[2].after)["period"] == [3]
    assert steps[3].flows.open_demand.ravel().tolist() == [2 + 4, 0]
    assert seen(steps[3].after)["on_hand"] == [10, 0]  # ordered in period 2, received in period 4


@every_implementation
def test_where_the_objective_is_cost_the_reward_leaves_out_revenue(implementation):
    content = copy.deepcopy(CONTENT) | {"objective": "cost"}
    rewards = [step.flows.reward.item() for step in played(implementation, content)]
    assert rewards == [11.5 - 70, 23.5 - 50, 30 - 80]


@every_implementation
def test_the_skus_that_were_shipped_share_a_lanes_fixed_cost_equally(implementation):
    skus = [{"name": name, "unit_cost": 2, "price": 10} for name in ("tin", "jar", "keg")]
    content = copy.deepcopy(CONTENT) | {"skus": skus}
    content["supply_lanes"][WAREHOUSE_TO_STORE] |= {"line_cost": {"tin": 1, "*": 0.5}}
    orders = np.zeros((1, 3, 3))
    orders[0, WAREHOUSE_TO_STORE] = [5, 0, 1]  # of tin, jar, keg
    flows = implementation(build(content).problem, [0]).step(orders)
    assert flows.money[0, TERMS.index("fixed_ordering")].tolist() == [4 / 2 + 1, 0, 4 / 2 + 0.5]


# One site, stock 5, demand 3 each period, an order of 4 in period 0 only, by sequence and lead time:
# the stock at `charge` of periods 0, 1, 2 (customers who are not served are lost).
BY_SEQUENCE = [
    (["receive", "decide", "demand", "fulfil", "charge"], 0, [6, 3, 0]),
    (["receive", "decide", "demand", "fulfil", "charge"], 1, [2, 3, 0]),
    (["receive", "demand", "decide", "fulfil", "charge"], 0, [6, 3, 0]),
    (["receive", "demand", "decide", "fulfil", "charge"], 1, [2, 3, 0]),
    (["decide", "receive", "demand", "fulfil", "charge"], 0, [6, 3, 0]),
    (["decide", "receive", "demand", "fulfil", "charge"], 1, [2, 3, 0]),
    (["decide", "demand", "fulfil", "receive", "charge"], 0, [6, 3, 0]),  # arrives after customers are served
    (["decide", "demand", "fulfil", "receive", "charge"], 1, [2, 4, 1]),  # the customers of period 1 see 2 units, not 6
]


@every_implementation
@pytest.mark.parametrize(("sequence", "lead_time", "on_hand"), BY_SEQUENCE)
def test_goods_join_the_stock_in_the_receive_phase_of_their_period(implementation, sequence, lead_time, on_hand):
    content = {
        "name": "one_site",
        "horizon": {"periods": 3},
        "sequence": sequence,
        "skus": [{"name": "tin", "price": 0}],
        "suppliers": [{"name": "mill"}],
        "sites": [{"name": "store", "initial_stock": 5}],
        "channels": [{"name": "counter"}],
        "supply_lanes": [{"from": "mill", "to": "store", "lead_time": lead_time}],
        "fulfilment_lanes": [{"from": "store", "to": "counter"}],
        "demand": [{"process": {"distribution": "deterministic", "mean": 3}}],
    }
    steps = played(implementation, content, [[4], [0], [0]])
    assert [step.flows.on_hand.item() for step in steps] == on_hand
    assert [step.flows.received.item() for step in steps] == [4 * (period == lead_time) for period in range(3)]


@every_implementation
def test_demand_before_the_decision_is_seen_as_open_demand(implementation):
    content = copy.deepcopy(CONTENT) | {"sequence": ["receive", "demand", "decide", "fulfil", "charge"]}
    steps = played(implementation, content, [[0, 0, 0]])
    assert seen(steps[0].before)["open_demand"] == [4, 3]
    assert steps[0].flows.demand.ravel().tolist() == [4, 3]
    assert steps[0].after.demand.ravel().tolist() == [6, 5]  # of the period that the next decision is in


@every_implementation
def test_the_demand_of_past_periods_is_kept_in_turning_slots(implementation):
    content = copy.deepcopy(CONTENT) | {"observation": {"demand_history": 2}}
    steps = played(implementation, content)
    histories = [step.after.demand_history[0, :, 0, 0].tolist() for step in steps]
    assert histories == [[4, 0], [4, 6], [2, 6]]
