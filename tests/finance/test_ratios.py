"""The ratios of finance.md: balances of 200, 400, 300, 250 and 150, sales of 2,000 at a cost of 1,200."""

from dataclasses import replace

import pytest

from allotment.finance.ratios import Position, carrying_cost, ratios

YEAR = Position(cash=200, receivables=400, inventory=300, payables=250, other=150, sales=2000, cost_of_sales=1200)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("inventory_to_working_capital", 0.60),
        ("inventory_turns", 4),
        ("days_of_inventory", 91.25),
        ("days_sales_outstanding", 73),
        ("days_payables_outstanding", 76.04),
        ("cash_conversion_cycle", 88.21),
        ("gmroi", 2.667),
    ],
)
def test_a_year_of_a_retailer(name, expected):
    assert ratios(YEAR)[name].value == pytest.approx(expected, abs=0.005)


def test_half_a_year_has_the_same_ratios_as_the_year_of_twice_its_flows():
    half = replace(YEAR, sales=1000, cost_of_sales=600, days=182.5)
    for name, ratio in ratios(half).items():
        assert ratio.value == pytest.approx(ratios(YEAR)[name].value), name


@pytest.mark.parametrize("other", [500, 501])  # working capital of 0 and below
def test_a_ratio_to_working_capital_that_is_not_there_is_undefined(other):
    found = ratios(replace(YEAR, other=900 - 250 - 500 + other))["inventory_to_working_capital"]
    assert found.value is None
    assert str(found).startswith("undefined: working capital is ")


def test_without_sales_days_are_undefined_and_so_is_the_cycle():
    found = ratios(replace(YEAR, sales=0, cost_of_sales=0))
    assert [name for name, ratio in found.items() if ratio.value is None] == [
        *("days_of_inventory", "days_sales_outstanding", "days_payables_outstanding", "cash_conversion_cycle")
    ]
    assert found["inventory_turns"].value == 0


def test_turns_go_by_average_stock_where_it_is_known():
    assert ratios(replace(YEAR, average_inventory=600))["inventory_turns"].value == 2


def test_carrying_cost_by_its_parts():
    parts = carrying_cost(1000, {"capital": 0.10, "storage": 0.04, "insurance": 0.01}, years=0.5)
    assert parts == {"capital": 50, "storage": 20, "insurance": 5, "obsolescence": 0}
