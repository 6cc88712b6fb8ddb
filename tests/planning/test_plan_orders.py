"""Order lines: reservations, receipts, deadlines, quotas, protection, re-allocation and sites, by way of the tables."""

import pandas as pd
import pytest
from small_tables import planned, reasons, table, units

import allotment
from allotment.planning.methods import METHODS
from allotment.scenario.errors import ScenarioError

EVERY = sorted(set(METHODS) - {"quota", "quota_borrowing", "protection", "reallocate"})


@pytest.mark.parametrize("method", EVERY)
def test_what_is_reserved_for_one_order_is_not_available_to_another(method):
    reserved = {"order": "A", "warehouse": "W", "reserved": 8}
    plan = planned({"order": "B", "demand": 5}, reservations=reserved, method=method)
    assert (units(plan), reasons(plan)) == ({"B": 2}, {"B": "reserved"})
    plan = planned({"order": ["B", "A"], "demand": [5, 9]}, reservations=reserved, method="first_come")
    assert units(plan) == {"B": 2, "A": 8}
    assert [row["reserved"] for row in plan.allocation_rows()] == [0, 8]


def test_a_channels_reservation_serves_its_orders_until_it_expires():
    reserved = {"channel": "web", "warehouse": "W", "reserved": 8, "expires": 3}
    demand = {"order": ["B", "A"], "channel": ["shop", "web"], "demand": [7, 7]}
    assert units(planned(demand, reservations=reserved, method="first_come", today=3)) == {"B": 2, "A": 7}
    assert units(planned(demand, reservations=reserved, method="first_come", today=4)) == {"B": 7, "A": 3}


def test_an_order_draws_on_its_own_reservation_then_its_channels_then_free_stock():
    reserved = table(order=["A", ""], channel=["", "web"], warehouse=["W", "W"], reserved=[3, 4])
    demand = {"order": ["A", "B"], "channel": ["web", "shop"], "demand": [9, 9]}
    plan = planned(demand, reservations=reserved, method="first_come")
    assert units(plan) == {"A": 9, "B": 1}
    assert plan.drawn.tolist() == [[3, 4, 2], [0, 0, 1]]


def test_reservations_are_listed_with_their_states():
    reserved = table(
        order=list("ABCDEF"),
        warehouse=["W"] * 6,
        requested=[4, 4, 4, 4, 4, 4],
        reserved=[0, 2, 4, 4, 4, 4],
        delivered=[0, 0, 0, 1, 4, 0],
        cancelled=["no"] * 5 + ["yes"],
    )
    rows = planned({"order": "X", "demand": 10}, reservations=reserved).reservation_rows()
    assert [(row["order"], row["state"], row["held"]) for row in rows] == [
        ("A", "draft", 0),
        ("B", "partly reserved", 2),
        ("C", "fully reserved", 4),
        ("D", "partly delivered", 3),
        ("E", "delivered", 0),
        ("F", "cancelled", 0),
    ]


DUE = {"order": "A", "demand": 10, "due": 5}


@pytest.mark.parametrize(
    ("minimum", "max_lateness", "ships"),
    [(10, 0, []), (1, 0, [(0, 6)]), (1, None, [(0, 6), (10, 4)]), (10, None, [(10, 10)])],
)
@pytest.mark.parametrize("method", EVERY)
def test_smallest_shipments_and_lateness_decide_what_ships_when(method, minimum, max_lateness, ships):
    receipts = {"warehouse": "W", "arrives": 10, "units": 10}
    demand = {**DUE, "minimum": minimum, "max_lateness": max_lateness}
    plan = planned(demand, {"warehouse": "W", "on_hand": 6}, receipts=receipts, method=method)
    assert [(row["ships"], row["units"]) for row in plan.allocation_rows()] == ships
    assert [row["days_late"] for row in plan.allocation_rows()] == [max(0, day - 5) for day, _ in ships]


def test_transit_cut_offs_and_last_days_of_shipment_count_to_the_deadline():
    lanes = {"warehouse": "W", "transit": 3, "cut_off": "14:00"}
    demand = {"order": "A", "demand": 4, "due": 3, "max_lateness": 0}
    assert units(planned(demand, lanes=lanes, now="14:00")) == {"A": 4}
    late = planned(demand, lanes=lanes, now="14:01")
    assert (units(late), reasons(late)) == ({"A": 0}, {"A": "deadline"})
    assert units(planned({**demand, "max_lateness": 1}, lanes=lanes, now="14:01")) == {"A": 4}
    assert units(planned({**demand, "max_lateness": 1, "ship_by": 0}, lanes=lanes, now="14:01")) == {"A": 0}


def test_promises_look_ahead_over_receipts():
    # stock 100; receipts of 50 in week 2 and 80 in week 4; orders of 60, 40, 30, 20 that ship in weeks 1 to 4
    receipts = table(warehouse=["W", "W"], arrives=[2, 4], units=[50, 80])
    demand = {"order": list("ABCD"), "demand": [60, 40, 30, 20], "ship_from": [1, 2, 3, 4]}
    plan = planned(demand, {"warehouse": "W", "on_hand": 100}, receipts=receipts, method="first_come", today=1)
    assert [row["ships"] for row in plan.allocation_rows()] == [1, 2, 3, 4]
    assert [(row["from"], row["units"]) for row in plan.left_rows()] == [(1, 20), (4, 80)]  # 20 in weeks 1 to 3


def test_days_may_be_dates():
    receipts = {"warehouse": "W", "arrives": "2026-03-05", "units": 5}
    plan = planned({"order": "A", "demand": 12, "due": "2026-03-04"}, receipts=receipts, today="2026-03-02", method="nearest")
    assert [(row["ships"], row["days_late"]) for row in plan.allocation_rows()] == [("2026-03-02", 0), ("2026-03-05", 1)]


CHANNELS = {"channel": ["web", "shop"], "unit_margin": [9, 4]}


def test_quotas_keep_channels_apart_and_may_be_lent():
    demand = {"order": ["A", "B"], "channel": ["web", "shop"], "demand": [9, 3]}
    channels = {**CHANNELS, "quota": [60, 40]}
    plan = planned(demand, channels=channels, method="quota")
    assert (units(plan), reasons(plan)) == ({"A": 6, "B": 3}, {"A": "quota"})
    assert units(planned(demand, channels=channels, method="quota_borrowing")) == {"A": 7, "B": 3}


def test_protection_keeps_stock_for_dearer_demand_to_come():
    # Littlewood at fares 9 and 4: 5 + 2 × Φ⁻¹(5 ÷ 9) = 5.28, in whole units 5
    channels = {**CHANNELS, "forecast": [5, 20], "forecast_deviation": [2, 5]}
    demand = {"order": ["A", "B"], "channel": ["shop", "web"], "demand": [8, 3]}
    plan = planned(demand, channels=channels, method="protection")
    assert (units(plan), reasons(plan)) == ({"A": 5, "B": 3}, {"A": "protected"})


ORDERS = {
    "order": list("ABCDE"),
    "demand": [40, 30, 50, 30, 20],
    "confirmed": [10, 20, 40, 20, 10],
    "strategy": ["win", "gain", "redistribute", "fill", "lose"],
}


@pytest.mark.parametrize(
    ("supply", "given", "free"), [(100, [40, 30, 30, 0, 0], 0), (160, [40, 30, 50, 20, 0], 20), (60, [40, 20, 0, 0, 0], 0)]
)
def test_confirmed_orders_are_re_allocated_by_strategy(supply, given, free):
    plan = planned(ORDERS, {"warehouse": "W", "on_hand": supply}, method="reallocate")
    assert list(units(plan).values()) == given
    assert sum(row["units"] for row in plan.left_rows()) == free
    if free:
        assert reasons(plan) == {"D": "strategy", "E": "strategy"}


def test_re_allocation_that_cannot_keep_its_guarantees_names_the_order():
    with pytest.raises(ScenarioError, match="demand: supply is too short for what is guaranteed: B lacks 10"):
        planned(ORDERS, {"warehouse": "W", "on_hand": 50}, method="reallocate")


def test_fair_shares_are_6_13_and_31_of_50():
    stock = {"warehouse": "W", "on_hand": 50}
    plan = planned({"order": ["A", "B", "C"], "demand": [10, 20, 50]}, stock, method="fair_share")
    assert units(plan) == {"A": 6, "B": 13, "C": 31}
    plan = planned({"order": ["A", "B"], "demand": [50, 50], "weight": [4, None]}, stock, method="fair_share")
    assert units(plan) == {"A": 4, "B": 46}  # 4 and 50, what B asks for, are the weights


def test_priorities_of_channels_are_overruled_by_those_of_orders():
    demand = {"order": ["A", "B", "C"], "channel": ["shop", "web", "shop"], "demand": [8, 8, 8], "priority": [None, None, 1]}
    channels = {"channel": ["web", "shop"], "priority": [2, 3]}
    assert units(planned(demand, channels=channels, method="priority")) == {"A": 0, "B": 2, "C": 8}


def test_an_order_lines_own_margin_wins_over_the_channels():
    demand = {"order": ["A", "B"], "channel": ["web", "web"], "demand": [8, 8], "unit_margin": [None, 12]}
    assert units(planned(demand, channels=CHANNELS)) == {"A": 2, "B": 8}


def test_without_margins_the_optimum_serves_the_most_and_then_the_nearest():
    stock = {"warehouse": ["N", "S"], "on_hand": [5, 5]}
    lanes = table(warehouse=["N", "S", "N"], region=["x", "x", "y"], freight=[1.0, 9.0, 1.0])
    plan = planned({"order": ["A", "B"], "region": ["x", "y"], "demand": [5, 5]}, stock, lanes=lanes)
    assert units(plan) == {"A": 5, "B": 5}
    assert [(row["warehouse"], row["order"]) for row in plan.allocation_rows()] == [("N", "B"), ("S", "A")]


def test_a_preferred_warehouse_is_asked_first_and_the_nearest_goes_by_distance():
    stock = {"warehouse": ["N", "S"], "on_hand": [5, 5]}
    lanes = table(warehouse=["N", "S"], region=["x", "x"], km=[10, 99], priority=[2, 1])
    demand = {"order": "A", "region": "x", "demand": 3}
    chosen = {
        m: planned(demand, stock, lanes=lanes, method=m).allocation_rows()[0]["warehouse"] for m in ("sourcing", "nearest")
    }
    assert chosen == {"sourcing": "S", "nearest": "N"}


def test_a_lane_may_lead_to_a_channel_alone_and_carriers_move_so_much_a_day():
    stock = {"warehouse": ["N", "S"], "on_hand": [9, 9]}
    lanes = table(warehouse=["N", "S"], channel=["web", "shop"], km=[10, 20])
    demand = {"order": ["A", "B", "C"], "channel": ["web", "shop", "post"], "demand": [9, 9, 9]}
    transport = table(warehouse=["N"], outbound_capacity=[4])
    receipts = {"warehouse": "N", "arrives": 1, "units": 3}
    plan = planned(demand, stock, lanes=lanes, transport=transport, receipts=receipts, method="first_come")
    assert units(plan) == {"A": 8, "B": 9, "C": 0}  # 4 today and 4 tomorrow
    assert reasons(plan) == {"A": "capacity", "C": "lane"}


@pytest.mark.parametrize("method", EVERY)
def test_where_no_lane_leads_to_anybody_nothing_is_shipped(method):
    lanes = table(warehouse=["W"], channel=["web"])
    plan = planned({"order": "A", "channel": "shop", "demand": 3}, lanes=lanes, method=method)
    assert (units(plan), reasons(plan)) == ({"A": 0}, {"A": "lane"})
    assert plan.to_dict()["allocation"] == []


def test_skus_keep_to_their_own_stock():
    stock = {"warehouse": ["W", "W"], "sku": ["tin", "jar"], "on_hand": [5, 2]}
    plan = planned({"order": ["A", "A", "B"], "sku": ["tin", "jar", "jar"], "demand": [9, 1, 9]}, stock, method="first_come")
    assert plan.served.tolist() == [5, 1, 1]
    assert [row["sku"] for row in plan.unmet_rows()] == ["tin", "jar"]


def test_continuous_units_are_planned_in_fractions():
    plan = planned({"order": "A", "demand": 2.5}, {"warehouse": "W", "on_hand": 1.25}, units="continuous")
    assert plan.allocation_rows() == [{"warehouse": "W", "order": "A", "units": 1.25}]
    assert plan.unmet_rows() == [{"order": "A", "units": 1.25, "reason": "no_stock"}]


def test_stock_left_elsewhere_is_proposed_for_transfer_beyond_safety_stock():
    # N's carrier moves 2 of its 12 units, of which it keeps 6 for itself; S has none left, but room for 5
    stock = {"warehouse": ["N", "S"], "on_hand": [12, 1], "safety_stock": [6, 0]}
    transport = table(warehouse=["N", "S"], outbound_capacity=[2, 6])
    plan = planned({"order": "A", "demand": 9}, stock, transport=transport)
    assert plan.transfers == [{"from": "N", "to": "S", "units": 4, "for": [{"order": "A", "units": 4}]}]
    assert plan.unmet_rows() == [{"order": "A", "units": 6, "reason": "capacity"}]


def test_transfers_between_two_warehouses_are_one_proposal_for_each_sku():
    stock = {"warehouse": ["N", "N", "S"], "sku": ["tin", "jar", "tin"], "on_hand": [12, 9, 0]}
    transport = table(warehouse=["N"], outbound_capacity=[0])
    plan = planned({"order": list("ABC"), "sku": ["tin", "jar", "tin"], "demand": [5, 4, 3]}, stock, transport=transport)
    assert [(row["sku"], row["units"], len(row["for"])) for row in plan.transfers] == [("tin", 8, 2), ("jar", 4, 1)]


def test_what_transfers_cannot_help_is_bought():
    stock = {"warehouse": ["N", "S"], "on_hand": [4, 1]}
    transport = table(warehouse=["N", "S"], outbound_capacity=[2, 9])
    offers = table(supplier=["slow", "quick"], unit_cost=[1.0, 2.0], lead_time=[9, 2])
    plan = planned({"order": "A", "demand": 9, "due": 4, "max_lateness": 1}, stock, transport=transport, offers=offers)
    assert [row["units"] for row in plan.transfers] == [2]
    assert [(row["supplier"], row["units"], row["arrives"]) for row in plan.purchases] == [("quick", 4, 2)]


def test_needs_that_no_offer_meets_are_listed():
    offers = table(supplier=["slow", "small"], unit_cost=[1.0, 9.0], lead_time=[9, 2], capacity=[None, 3])
    demand = {"channel": ["web", "shop"], "demand": [10, 8]}
    plan = planned(demand, offers=offers, need_by={"shop": 1, "*": 5}, method="fair_share")
    assert [(row["supplier"], row["units"]) for row in plan.purchases] == [("small", 3)]
    assert plan.uncovered == [
        {"channel": "web", "units": 1, "reason": "capacity"},
        {"channel": "shop", "units": 4, "reason": "deadline"},
    ]


def test_a_method_that_had_to_stop_leaves_a_note(monkeypatch):
    monkeypatch.setattr("allotment.allocation.program.optimal.__defaults__", (0.01,))
    rng = pd.Series(range(60))
    demand = table(order=[f"O{n}" for n in rng], demand=list(5 + rng * 7 % 35), minimum=list(2 + rng * 11 % 28))
    demand["unit_margin"] = 1.0 + rng % 7
    stock = table(warehouse=[f"W{n}" for n in range(12)], on_hand=[50 + n * 3 for n in range(12)])
    plan = allotment.plan(stock, demand, today=0)
    assert "stopped after 0.01 s" in plan.notes[0]
    assert plan.to_dict()["notes"] == list(plan.notes)
