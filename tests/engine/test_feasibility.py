"""What cannot be done is cut, limit by limit, and each cut says why: one decision at a time, worked by hand."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from rollouts import IMPLEMENTATIONS

from allotment.scenario.problem import REASONS
from random_worlds import build
from small_worlds import APPLE, two_shops

# Two suppliers and two sites; lanes: mill → depot, mill → store, forge → store, depot → store, store → depot.
CONTENT = {
    "name": "feasibility",
    "horizon": {"periods": 1},
    "skus": [{"name": "tin", "price": 0}, {"name": "jar", "price": 0}],
    "suppliers": [{"name": "mill"}, {"name": "forge"}],
    "sites": [{"name": "depot", "initial_stock": 20}, {"name": "store", "initial_stock": {"tin": 5, "jar": 0}}],
    "channels": [{"name": "counter"}],
    "supply_lanes": [
        {"from": "mill", "to": "depot", "lead_time": 1},
        {"from": "mill", "to": "store", "lead_time": 1},
        {"from": "forge", "to": "store", "lead_time": 1},
        {"from": "depot", "to": "store"},
        {"from": "store", "to": "depot"},
    ],
    "fulfilment_lanes": [{"from": "store", "to": "counter"}],
    "demand": [{"process": {"distribution": "deterministic", "mean": 0}}],
}
LANES = [(lane["from"], lane["to"]) for lane in CONTENT["supply_lanes"]]

every_implementation = pytest.mark.parametrize("implementation", IMPLEMENTATIONS)


def changed(lanes=None, **sections):
    """Return the content with keys of single lanes, by their ends, and of whole sections replaced."""
    content = copy.deepcopy(CONTENT) | sections
    for ends, attributes in (lanes or {}).items():
        content["supply_lanes"][LANES.index(ends)] |= attributes
    return content


def decided(implementation, content, orders):
    """Return (tin, jar) executed and why cut, of each lane that `orders` names by its ends."""
    requested = np.zeros((1, len(LANES), 2))
    for ends, units in orders.items():
        requested[0, LANES.index(ends)] = units
    flows = implementation(build(content).problem, [0]).step(requested)
    executed = {ends: tuple(flows.executed[0, LANES.index(ends)].tolist()) for ends in orders}
    reasons = {ends: tuple(REASONS[code] for code in flows.cut_reason[0, LANES.index(ends)]) for ends in orders}
    return executed, reasons


@every_implementation
def test_requests_within_every_limit_are_executed(implementation):
    orders = {("mill", "depot"): (7, 9), ("depot", "store"): (20, 3)}
    assert decided(implementation, CONTENT, orders) == (orders, dict.fromkeys(orders, ("", "")))


@every_implementation
def test_a_negative_request_is_none_and_a_fraction_is_rounded_half_up(implementation):
    executed, reasons = decided(implementation, CONTENT, {("mill", "depot"): (-3.0, 2.5), ("mill", "store"): (2.49, 0.4)})
    assert executed == {("mill", "depot"): (0, 3), ("mill", "store"): (2, 0)}
    assert set(reasons.values()) == {("", "")}


@every_implementation
def test_what_counts_as_rounding_error_grows_with_the_quantity(implementation):
    units = 123_456_789 * 0.3  # which divided by 0.3 is less than 123,456,789
    content = changed({("mill", "depot"): {"multiple": 0.3}}, units="continuous")
    executed, reasons = decided(implementation, content, {("mill", "depot"): (units, 0.9)})
    assert reasons == {("mill", "depot"): ("", "")}
    assert executed[("mill", "depot")] == pytest.approx((units, 0.9), rel=1e-12)


@every_implementation
def test_continuous_units_are_not_rounded(implementation):
    executed, _ = decided(implementation, changed(units="continuous"), {("mill", "depot"): (2.5, 0.125)})
    assert executed == {("mill", "depot"): (2.5, 0.125)}


@every_implementation
def test_a_lane_carries_only_its_skus(implementation):
    content = changed({("mill", "depot"): {"skus": ["t*"]}})
    assert decided(implementation, content, {("mill", "depot"): (4, 6)}) == (
        {("mill", "depot"): (4, 0)},
        {("mill", "depot"): ("", "lane")},
    )


@every_implementation
def test_the_skus_of_a_lane_share_its_capacity_in_proportion(implementation):
    content = changed({("mill", "depot"): {"capacity": 6}})
    executed, reasons = decided(implementation, content, {("mill", "depot"): (4, 8), ("mill", "store"): (9, 9)})
    assert executed == {("mill", "depot"): (2, 4), ("mill", "store"): (9, 9)}
    assert reasons == {("mill", "depot"): ("lane", "lane"), ("mill", "store"): ("", "")}


@every_implementation
def test_half_a_unit_of_capacity_ships_nothing_where_units_are_whole(implementation):
    executed, _ = decided(implementation, changed({("mill", "depot"): {"capacity": 3.5}}), {("mill", "depot"): (9, 0)})
    assert executed == {("mill", "depot"): (3, 0)}


@every_implementation
def test_all_lanes_and_skus_share_their_suppliers_capacity_in_proportion(implementation):
    content = changed(suppliers=[{"name": "mill", "capacity": 10}, {"name": "forge", "capacity": 3}])
    orders = {("mill", "depot"): (5, 5), ("mill", "store"): (10, 0), ("forge", "store"): (3, 0)}
    executed, reasons = decided(implementation, content, orders)
    # 10 over 5, 5 and 10: 2.5, 2.5 and 5; the unit left over goes to the first of two equal remainders
    assert executed == {("mill", "depot"): (3, 2), ("mill", "store"): (5, 0), ("forge", "store"): (3, 0)}
    assert reasons == {("mill", "depot"): ("capacity",) * 2, ("mill", "store"): ("capacity", ""), ("forge", "store"): ("", "")}


@every_implementation
def test_by_priority_the_supplier_serves_the_first_lane_in_full(implementation):
    suppliers = [{"name": "mill", "capacity": 10}, {"name": "forge"}]
    content = changed({("mill", "depot"): {"priority": 2}}, rationing="priority", suppliers=suppliers)
    executed, reasons = decided(implementation, content, {("mill", "depot"): (5, 5), ("mill", "store"): (6, 1)})
    assert executed == {("mill", "depot"): (2, 1), ("mill", "store"): (6, 1)}  # 3 left for 5 and 5
    assert reasons == {("mill", "depot"): ("capacity", "capacity"), ("mill", "store"): ("", "")}


@every_implementation
def test_where_shares_are_in_proportion_priority_only_breaks_ties(implementation):
    suppliers = [{"name": "mill", "capacity": 5}, {"name": "forge"}]
    content = changed({("mill", "depot"): {"priority": 2}}, suppliers=suppliers)
    executed, _ = decided(implementation, content, {("mill", "depot"): (5, 0), ("mill", "store"): (5, 0)})
    assert executed == {("mill", "depot"): (2, 0), ("mill", "store"): (3, 0)}


@every_implementation
def test_a_transfer_ships_no_more_than_the_stock_of_its_source(implementation):
    executed, reasons = decided(implementation, CONTENT, {("store", "depot"): (9, 9)})
    assert executed == {("store", "depot"): (5, 0)}
    assert reasons == {("store", "depot"): ("no_stock", "no_stock")}


@every_implementation
def test_transfers_in_a_ring_see_the_stock_before_any_of_them(implementation):
    orders = {("depot", "store"): (20, 0), ("store", "depot"): (25, 0)}
    executed, _ = decided(implementation, CONTENT, orders)
    assert executed == {("depot", "store"): (20, 0), ("store", "depot"): (5, 0)}


def two_stores(**sections):
    """One depot with 20 tins and two lanes that leave it."""
    content = copy.deepcopy(CONTENT) | sections
    content["sites"] = [*content["sites"], {"name": "kiosk"}]
    content["supply_lanes"][4] = {"from": "depot", "to": "kiosk"}
    return content


@every_implementation
def test_lanes_that_leave_a_site_share_its_stock_sku_by_sku(implementation):
    requested = np.zeros((1, 5, 2))
    requested[0, 3:] = [[10, 4], [30, 5]]  # depot → store, depot → kiosk
    flows = implementation(build(two_stores()).problem, [0]).step(requested)
    assert flows.executed[0, 3:].tolist() == [[5, 4], [15, 5]]  # 20 tins over 10 and 30; 20 jars are enough
    assert [[REASONS[code] for code in lane] for lane in flows.cut_reason[0, 3:]] == [["no_stock", ""]] * 2


@every_implementation
def test_transfers_share_what_a_site_can_handle(implementation):
    sites = [{"name": "depot", "initial_stock": 20, "handling": 12}, CONTENT["sites"][1]]
    executed, reasons = decided(
        implementation, changed(sites=sites), {("depot", "store"): (8, 16), ("mill", "depot"): (50, 50)}
    )
    assert executed == {("depot", "store"): (4, 8), ("mill", "depot"): (50, 50)}
    assert reasons[("depot", "store")] == ("capacity", "capacity")


@every_implementation
def test_shipments_are_rounded_down_to_a_multiple_and_dropped_below_the_minimum(implementation):
    content = changed({("mill", "depot"): {"multiple": {"tin": 6, "jar": 4}, "minimum": {"tin": 0, "jar": 10}}})
    executed, reasons = decided(implementation, content, {("mill", "depot"): (17, 11)})
    assert executed == {("mill", "depot"): (12, 0)}  # 11 jars are 8 in fours, below 10
    assert reasons == {("mill", "depot"): ("minimum", "minimum")}
    assert decided(implementation, content, {("mill", "depot"): (18, 12)})[0] == {("mill", "depot"): (18, 12)}


@every_implementation
def test_suppliers_deliver_case_packs_and_sites_single_units(implementation):
    content = changed(skus=[{"name": "tin", "price": 0, "case_pack": 6}, {"name": "jar", "price": 0}])
    executed, _ = decided(implementation, content, {("mill", "depot"): (7, 7), ("depot", "store"): (7, 7)})
    assert executed == {("mill", "depot"): (6, 7), ("depot", "store"): (7, 7)}


@every_implementation
def test_the_reason_is_that_of_the_last_cut(implementation):
    content = changed(
        {("mill", "depot"): {"capacity": 20, "multiple": 8}}, suppliers=[{"name": "mill", "capacity": 15}, {"name": "forge"}]
    )
    executed, reasons = decided(implementation, content, {("mill", "depot"): (99, 0)})
    assert (executed, reasons) == ({("mill", "depot"): (8, 0)}, {("mill", "depot"): ("minimum", "")})


@every_implementation
@pytest.mark.parametrize(("multiple", "request_units"), [(0.1, 0.3), (0.1, 0.7), (0.7, 4.9)])
def test_a_whole_number_of_multiples_is_not_cut_by_rounding_error(implementation, multiple, request_units):
    # 0.3 ÷ 0.1 is 2.9999999999999996 in floating point
    content = changed({("mill", "depot"): {"multiple": multiple, "minimum": request_units}}, units="continuous")
    executed, reasons = decided(implementation, content, {("mill", "depot"): (request_units, 0)})
    assert executed[("mill", "depot")][0] == pytest.approx(request_units, rel=1e-12)
    assert reasons[("mill", "depot")] == ("", "")


@every_implementation
def test_rounding_error_left_in_stock_is_not_shipped_and_pays_no_fixed_cost(implementation):
    lane = {"fixed_cost": 64}
    sites = [{"name": "depot", "initial_stock": 0.3}, {"name": "store"}]
    content = changed({("depot", "store"): lane}, units="continuous", horizon={"periods": 2}, sites=sites)
    player = implementation(build(content).problem, [0])
    orders = np.zeros((1, 5, 2))
    for units in (0.1, 0.2):  # 0.3 − 0.1 − 0.2 is 2.8e-17 in floating point
        orders[0, 3, 0] = units
        player.step(orders)
    orders[0, 3, 0] = 5.0
    flows = player.step(orders)
    assert flows.executed.sum() == flows.money.sum() == 0.0


@pytest.mark.parametrize("player", IMPLEMENTATIONS)
def test_large_requests_that_nothing_cuts_stay_whole_beside_a_world_that_is_short(player):
    world = two_shops(suppliers=[{"name": "farm", "capacity": 5e8}, {"name": "market"}], remainder="none")
    orders = np.zeros((2, 4, 2))
    orders[0, :2, APPLE] = 112_936_330, 78_169_739
    orders[1, :2, APPLE] = 400_000_000
    flows = player(world.problem, [0, 1]).step(orders)
    assert flows.executed[0, :2, APPLE].tolist() == [112_936_330, 78_169_739]
    assert flows.executed[1, :2, APPLE].tolist() == [250_000_000, 250_000_000]
