"""What stock ties up and earns, worked by hand, and where it is measured."""

import numpy as np
import pytest

from allotment.evaluation.metric_kinds import Lowest, PerPeriod
from allotment.evaluation.metrics import metrics_of, units_of
from allotment.evaluation.testing import evaluate
from allotment.finance.ratios import Position, ratios
from allotment.scenario.loader import world_from
from small_policies import rule

# Demand for tins is 6, 5, 2 after a warm-up of 4. Stock begins at 5 and 4 arrive every period but the first, so that 5, 2 and 5
# are sold in the measured periods: 12 tins at 10, cost 24. On hand at their ends are 0, 2 and 1: 1 on average, or 2 at cost.
TINS = {
    "name": "tins",
    "period": "week",
    "horizon": {"kind": "window", "warm_up": 1, "periods": 3},
    "skus": [{"name": "tin", "unit_cost": 2, "price": 10}],
    "suppliers": [{"name": "mill"}],
    "sites": [{"name": "store", "initial_stock": 5, "holding_cost": 1}],
    "channels": [{"name": "counter", "unmet": "lost"}],
    "supply_lanes": [{"from": "mill", "to": "store", "lead_time": 1}],
    "fulfilment_lanes": [{"from": "store", "to": "counter"}],
    "demand": [{"process": {"distribution": "deterministic", "mean": 1, "season": {"period": 4, "profile": [4, 6, 2, 5]}}}],
}
FOUR = {"policy": "constant_order", "parameters": {"quantity": 4}}
EXPIRING = ["receive", "decide", "demand", "fulfil", "expire", "charge"]
CAPITAL = {"days_of_inventory", "gmroi", "write_downs"}


def measured(**sections):
    """Return the measures of an episode of ordering 4 tins every period."""
    world = world_from({**TINS, **sections}, "tins")
    return evaluate(rule(world, FOUR), world, episodes=1, seed=0).episodes.iloc[0]


def test_days_of_inventory_and_gross_margin_return_by_hand():
    row = measured()
    assert row["days_of_inventory"] == pytest.approx(2 / (24 / 21))  # 2 in stock, 24 sold at cost in three weeks
    assert row["gmroi"] == pytest.approx((120 - 24) / 2)
    assert row["stock_turns"] == pytest.approx(24 / 2)


def test_they_are_the_ratios_of_finance():
    row, year = measured(), 365 / 21
    found = ratios(Position(0, 0, 2.0, 0, sales=120, cost_of_sales=24, days=21, average_inventory=2.0))
    assert found["days_of_inventory"].value == pytest.approx(row["days_of_inventory"])
    assert found["gmroi"].value == pytest.approx(row["gmroi"] * year)
    assert found["inventory_turns"].value == pytest.approx(row["stock_turns"] * year)


def test_what_expires_is_written_down_at_cost():
    demand = [{"process": {"distribution": "deterministic", "mean": 1}}]
    row = measured(skus=[{"name": "tin", "unit_cost": 2, "price": 10, "shelf_life": 2}], demand=demand, sequence=EXPIRING)
    # The oldest go first: of 4 tins that are left of the period before, 1 is sold and 3 expire, while 4 arrive.
    assert row["write_downs"] == pytest.approx(3 * 2)


def test_what_disappears_is_written_down_once_it_is_gone():
    world = world_from(
        {**TINS, "sites": [{"name": "store", "initial_stock": 5, "shrinkage": 0.5}], "sequence": EXPIRING}, "tins"
    )
    gone = PerPeriod("gone", "units", lambda world, flows: flows.shrunk.sum(axis=(1, 2)))
    rows = evaluate(rule(world, FOUR), world, episodes=40, seed=0, metrics=[gone]).episodes
    np.testing.assert_allclose(rows["write_downs"], 2 * rows["gone"])
    assert rows["gone"].mean() > 0.1


@pytest.mark.parametrize(
    ("sections", "there"),
    [
        ({}, {"days_of_inventory", "gmroi"}),
        ({"period": "moon"}, {"gmroi"}),  # of nobody knows how many days
        ({"objective": "cost"}, {"days_of_inventory"}),
        ({"skus": [{"name": "tin", "price": 10}]}, set()),
        ({"sites": [{"name": "store", "shrinkage": 0.1}], "sequence": EXPIRING}, CAPITAL),
    ],
)
def test_a_measure_is_there_where_a_world_has_the_money_for_it(sections, there):
    world, row = world_from({**TINS, **sections}, "tins"), measured(**sections)
    assert CAPITAL & set(row.index) == CAPITAL & {each.name for each in metrics_of(world)} == there
    assert CAPITAL & set(units_of(world)) == there


def test_without_sales_days_are_unknown_and_without_stock_the_return_is():
    assert np.isnan(measured(demand=[{"process": {"distribution": "deterministic", "mean": 0}}])["days_of_inventory"])
    late = {"sites": [{"name": "store"}], "supply_lanes": [{"from": "mill", "to": "store", "lead_time": 4}]}
    assert np.isnan(measured(**late)["gmroi"])


def test_a_metric_of_ones_own_may_be_the_lowest_and_may_need_something():
    world = world_from(TINS, "tins")
    lowest = Lowest("lowest", "units", lambda world, flows: flows.on_hand.sum(axis=(1, 2)), unit="units")
    absent = Lowest("absent", "units", lambda world, flows: flows.on_hand, needs=lambda world: False)
    rows = evaluate(rule(world, FOUR), world, episodes=2, seed=0, metrics=[lowest, absent]).episodes
    assert rows["lowest"].tolist() == [0.0, 0.0]
    assert "absent" not in rows
