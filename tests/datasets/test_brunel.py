"""The Brunel day: a small one of the same tables by hand, and the real one where its data is there."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from allotment.datasets.brunel import __main__ as command
from allotment.datasets.brunel.comparison import RULES, compare, day_of, most_orders, outcome, within_capacity
from allotment.datasets.brunel.orders import COLUMNS, read_orders
from allotment.scenario.errors import ScenarioError

ORDER_COLUMNS = list(COLUMNS["OrderList.csv"])
ORDERS = [  # id, service, customer, product, warehouse, to, units, weight, transit, ahead, late
    ("1.7", "DTD", "ann", "p", "NORTH", "PORT9", 10, 20.0, 2, 3, 0),  # may be 3 days slower
    ("2.7", "DTD", "bob", "p", "NORTH", "PORT9", 20, 200.0, 2, 0, 0),
    ("3.7", "DTP", "ann", "q", "SOUTH", "PORT9", 30, 5.0, 1, 0, 2),  # was two days late
    ("4.7", "CRF", "bob", "q", "SOUTH", "PORT9", 40, 5.0, 4, 1, 0),
    ("5.7", "DTD", "ann", "p", "NORTH", "PORT9", 50, 900.0, 2, 0, 0),  # too heavy for any rate
]
RATES = [  # from, to, service, lightest, heaviest, minimum, rate, days
    ("PORT1", "PORT9", "DTD", 0.0, 100.0, 5.0, 0.5, 2),
    ("PORT1", "PORT9", "DTD", 100.0, 500.0, 5.0, 0.25, 3),
    ("PORT2", "PORT9", "DTD", 0.0, 500.0, 4.0, 0.4, 6),
    ("PORT2", "PORT9", "DTD", 0.0, 500.0, 4.0, 0.4, 5),
    ("PORT3", "PORT9", "DTP", 0.0, 500.0, 7.0, 1.0, 1),
]
TABLES = {
    "OrderList.csv": (ORDER_COLUMNS, ORDERS),
    "FreightRates.csv": (list(COLUMNS["FreightRates.csv"]), RATES),
    "WhCapacities.csv": (["Plant ID", "Daily Capacity "], [("NORTH", 1), ("SOUTH", 2)]),
    "WhCosts.csv": (["WH", "Cost/unit"], [("NORTH", 0.5), ("SOUTH", 0.1)]),
    "ProductsPerPlant.csv": (["Plant Code", "Product ID"], [("NORTH", "p"), ("SOUTH", "p"), ("SOUTH", "q")]),
    "VmiCustomers.csv": (["Plant Code", "Customers"], [("SOUTH", "ann")]),
    "PlantPorts.csv": (["Plant Code", "Port"], [("NORTH", "PORT1"), ("SOUTH", "PORT2"), ("SOUTH", "PORT3")]),
}


@pytest.fixture
def folder(tmp_path):
    for name, (columns, rows) in TABLES.items():
        pd.DataFrame(rows, columns=columns).to_csv(tmp_path / name, index=False)
    return tmp_path


@pytest.fixture
def orders(folder):
    return read_orders(folder)


def test_a_reserved_warehouse_serves_its_customers_alone_and_they_may_be_served_elsewhere(orders):
    assert orders.warehouses == ["NORTH", "SOUTH"]
    assert orders.eligible.tolist() == [[True, True], [True, False], [False, True], [False, False], [True, True]]


def test_freight_is_the_cheapest_rate_from_a_port_of_the_warehouse_at_the_service_level(orders):
    # 20 × 0.5, or 20 × 0.4; 200 × 0.25 (NORTH); at least 7; free; no rate
    expected = [[10.0, 8.0], [50.0, 80.0], [np.nan, 7.0], [0.0, 0.0], [np.nan, np.nan]]
    np.testing.assert_allclose(orders.freight, expected)
    np.testing.assert_allclose(orders.handling[0], [5.0, 1.0])


def test_of_equally_cheap_rates_the_fastest_counts_and_arranged_freight_takes_as_long_as_it_did(orders):
    np.testing.assert_allclose(orders.transit, [[2, 5], [3, 5], [np.nan, 1], [4, 4], [np.nan, np.nan]])


def test_days_late_are_those_on_record_less_those_ahead_and_what_transit_adds(orders):
    # max(0, late − ahead + new transit − recorded transit): 0 − 3 + 5 − 2, 0 − 0 + 3 − 2, 2 − 0 + 1 − 1
    found = outcome("all", orders, np.array([1, 0, 1, -1, -1]), 0.0)
    assert (found.served, found.late, found.days_late) == (3, 2, 3.0)
    assert found.freight == 8 + 50 + 7
    assert found.handling == 1 + 10 + 3
    assert found.over_capacity == 0
    assert outcome("too many", orders, np.array([0, 0, 1, -1, -1]), 0.0).over_capacity == 1


def test_the_optimum_serves_the_most_orders_and_then_at_the_least_cost(orders):
    day = day_of(orders)
    drawn = most_orders(day).sum(axis=1).reshape(orders.eligible.shape)
    assert drawn.tolist() == [[0, 1], [1, 0], [0, 1], [0, 0], [0, 0]]


def test_the_first_listed_orders_of_each_warehouse_are_within_its_capacity(orders):
    assert within_capacity(orders).tolist() == [True, False, True, True, False]


def test_every_way_to_allocate_is_compared(orders):
    found = {each.name: each for each in compare(replace(orders, freight=np.nan_to_num(orders.freight)))}
    assert set(RULES) <= set(found)
    assert len(found) == len(RULES) + 4
    company = found["the company, as it was"]
    assert (company.served, company.over_capacity, company.late, company.days_late) == (5, 2, 1, 2.0)
    best = found["optimum"]
    assert all(each.served <= best.served for name, each in found.items() if name in RULES)


def test_a_missing_file_or_column_is_named(folder):
    table = pd.read_csv(folder / "WhCosts.csv")
    table.rename(columns={"WH": "Warehouse"}).to_csv(folder / "WhCosts.csv", index=False)
    with pytest.raises(ScenarioError, match=r"WhCosts\.csv: column WH is missing; it has Warehouse, Cost/unit"):
        read_orders(folder)
    (folder / "WhCosts.csv").unlink()
    with pytest.raises(ScenarioError, match=r"WhCosts\.csv does not exist; it is part of the data set doi:10\.17633"):
        read_orders(folder)


def test_without_data_the_command_says_in_one_line_what_to_set(monkeypatch, capsys, tmp_path):
    monkeypatch.delenv("ALLOTMENT_DATA", raising=False)
    with pytest.raises(SystemExit) as end:
        command.main()
    assert end.value.code == 2
    assert capsys.readouterr().err == "error: set ALLOTMENT_DATA to the folder that holds brunel/\n"


real = pytest.mark.skipif(
    not (Path(os.environ.get("ALLOTMENT_DATA", "absent")) / "brunel").is_dir(),
    reason="needs the Brunel data: ALLOTMENT_DATA names the folder that holds brunel/",
)


@pytest.fixture(scope="module")
def outcomes():
    orders = read_orders(Path(os.environ["ALLOTMENT_DATA"]) / "brunel")
    return orders, {each.name: each for each in compare(orders)}


@real
def test_at_most_2444_of_the_real_orders_can_be_served_and_the_optimum_does(outcomes):
    orders, found = outcomes
    assert orders.eligible.shape == (9215, 19)
    assert found["optimum"].served == 2444
    assert found["optimum"].seconds < 60
    for name in RULES:
        assert found[name].served <= 2444
        assert found[name].over_capacity == 0
        assert found[name].seconds < 10


@real
def test_the_company_served_1507_orders_within_capacity_from_where_it_might(outcomes):
    orders, found = outcomes
    assert orders.possible[np.arange(len(orders.recorded)), orders.recorded].all()
    assert found["the company, as it was"].served == 9215
    assert found["the company, within capacity"].served == 1507
    cheapest = found["optimum, the company's orders within capacity"]
    assert cheapest.served == 1507
    assert cheapest.cost < found["the company, within capacity"].cost


@real
def test_the_command_prints_the_comparison_and_writes_it(outcomes, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("sys.argv", ["brunel", str(tmp_path / "day.json")])
    command.main()
    out = capsys.readouterr().out
    assert "without a rate: 0 of 9,215 orders" in out
    assert len(pd.read_json(tmp_path / "day.json")) == len(outcomes[1])


@real
def test_the_readme_of_the_experiment_shows_what_comes_out(outcomes):
    readme = (Path(__file__).parents[2] / "experiments" / "brunel" / "README.md").read_text(encoding="utf-8")
    rows = [row.split(" | ") for row in readme.splitlines() if row.startswith("| ") and row.count("|") == 10]
    shown = {row[0].removeprefix("| ").split(" (")[0]: row[1:9] for row in rows}
    for name, each in outcomes[1].items():
        title = name.split(" (")[0].replace("the company's orders within capacity", "the company's 1,507 orders")
        numbers = (each.served, each.over_capacity, round(each.freight), round(each.handling))
        expected = [f"{number:,}" for number in numbers]
        expected += [f"{each.cost / each.served:,.2f}", f"{each.cost / each.units:.3f}", f"{each.late:,}"]
        assert shown[title][:7] == expected, name
        assert shown[title][7].removesuffix(" |") == f"{each.days_late:,.0f}", name
