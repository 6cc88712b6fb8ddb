"""What is wrong with a file of cash to come is told with file, key or row, and what is allowed."""

from pathlib import Path

import pytest
import yaml

from allotment.finance.cash import forecast
from allotment.scenario.errors import ScenarioError

CAMPAIGN = Path(__file__).parents[2] / "experiments" / "promotion_campaign" / "cash.yaml"
ORDER = {"name": "PO", "supplier": "A", "amount": 10, "received": 0, "terms": "net 30"}
SALE = {"name": "web", "amount": 10, "collection": 7}
MONEY = "must be an amount of money >= 0 and <= 1e12 with at most two decimals"
LINE = {"limit": 100, "rate": 0.05}
DUE = {"name": "rent", "amount": 10, "day": 3}


@pytest.fixture
def said(tmp_path, monkeypatch):
    """Return a function that says what is wrong with a file in which these keys are as given."""
    monkeypatch.chdir(tmp_path)

    def fault(**content):
        Path("cash.yaml").write_text(yaml.safe_dump({"days": 30, "opening": 100, **content}), encoding="utf-8")
        with pytest.raises(ScenarioError) as caught:
            forecast("cash.yaml")
        return str(caught.value)

    return fault


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"openning": 3}, "unknown key 'openning'; did you mean 'opening'?"),
        ({"opening": "12,50"}, "opening: must be an amount of money of at most 1e12 with at most two decimals, not '12,50'"),
        ({"opening": 1.005}, "opening: must be an amount of money of at most 1e12 with at most two decimals, not 1.005"),
        ({"opening": float("nan")}, "opening: must be an amount of money of at most 1e12 with at most two decimals, not nan"),
        ({"floor": -1}, f"floor: {MONEY}, not -1"),
        ({"days": 0}, "days: must be a whole number of days >= 1 and <= 3,660, not 0"),
        ({"currency": "euro"}, "currency: must be three capital letters, such as EUR, not 'euro'"),
        (
            {"days": 3_000, "running_costs": [{"name": "rent", "amount": 1, "from": 0, "every": 1}] * 334},
            "running_costs: would be paid 1,002,334 times in all; at most 1,000,000 are reckoned",
        ),
        (
            {"receivables": [{**SALE, "collection": [1] * 101}]},
            "receivables[0]: collection must list 1 to 100 days, one for each part, not 101",
        ),
        ({"start": "2.3.2026"}, "start: must be a date like '2026-03-02', not '2.3.2026'"),
        (
            {"credit_line": {"limit": 5, "rate": 9}},
            "credit_line.rate: must be a share >= 0 and <= 1, such as 0.02 for 2 %, not 9",
        ),
        ({"credit_line": {**LINE, "day_count": 366}}, "credit_line.day_count: must be 360 or 365, not 366"),
        ({"credit_line": {**LINE, "drawn": 101}}, "credit_line: drawn must be at most the limit, 100, not 101"),
        (
            {"orders": [{**ORDER, "terms": "net thirty"}]},
            "orders[0].terms: must be terms like 'net 30' or '2/10 net 30', not 'net thirty'",
        ),
        (
            {"orders": [{**ORDER, "terms": "2/30 net 30"}]},
            "orders[0].terms: the discount must be for fewer days than the net 30, not 30",
        ),
        (
            {"orders": [{**ORDER, "terms": "2/10 net 30"}]},
            "cost_of_funds (a year) is missing: the discount of PO is measured against it",
        ),
        ({"orders": [{**ORDER, "units": 3}]}, "orders[0]: must state either amount, or units and unit_cost"),
        ({"orders": [ORDER, ORDER]}, "orders[1].name: 'PO' stands twice; each is paid once"),
        (
            {"orders": [{**ORDER, "received": "2026-03-09"}]},
            "orders[0].received: a date needs `start`, the date of day 0, in the file",
        ),
        (
            {"receivables": [{**SALE, "parts": [0.5, 0.5]}]},
            "receivables[0]: parts must be 1 shares that sum to 1, one a collection, not 0.5 + 0.5",
        ),
        (
            {"receivables": [{**SALE, "collection": [7, -1]}]},
            "receivables[0].collection[1]: must be a whole number of days >= 0 and <= 3,660, not -1",
        ),
        (
            {"receivables": [{"name": "web", "units": 10**12, "unit_price": 2, "collection": 1}]},
            "receivables[0]: units times unit_price must be at most 1,000,000,000,000, not 2,000,000,000,000",
        ),
        ({"running_costs": [{"name": "rent", "amount": 1, "every": 7}]}, "running_costs[0].from is missing"),
    ],
)
def test_a_key_is_named_with_what_is_allowed(said, content, message):
    assert said(**content) == f"cash.yaml: {message}"


def test_a_row_of_a_table_is_named(said):
    rows = ["name,supplier,amount,received,terms", "PO-1,A,10.00,0,net 30", "PO-2,A,10.005,0,30 days", ""]
    Path("orders.csv").write_text("\n".join(rows), encoding="utf-8")
    assert said(orders="orders.csv").splitlines() == [
        f"orders.csv: row 2 (line 3): amount: {MONEY}, not '10.005'",
        "orders.csv: row 2 (line 3): terms: must be terms like 'net 30' or '2/10 net 30', not '30 days'",
    ]
    Path("orders.csv").write_text("\n".join(rows).replace("terms", "term"), encoding="utf-8")
    assert "orders.csv: row 1 (line 2): unknown key 'term'; did you mean 'terms'?" in said(orders="orders.csv")
    assert said(orders="ordres.csv") == "ordres.csv: no such file"


def test_what_falls_before_day_0_is_refused(said):
    early = said(payables=[{**DUE, "day": -2}])
    assert early.startswith("cash.yaml: payable rent: falls on day -2, before the forecast begins (day 0); leave it out if")


def test_a_date_before_the_start_is_before_day_0(said):
    assert "payable rent: falls on day -2" in said(start="2026-03-04", payables=[{**DUE, "day": "2026-03-02"}])


def test_running_costs_of_earlier_days_are_taken_as_paid(tmp_path):
    cost = {"name": "rent", "amount": 10, "from": -9, "every": 7}
    file = tmp_path / "cash.yaml"
    file.write_text(yaml.safe_dump({"days": 20, "opening": 100, "running_costs": [cost]}), encoding="utf-8")
    assert [flow.day for flow in forecast(file).flows] == [5, 12, 19]


@pytest.mark.parametrize("name", ["/etc/passwd", "../orders.csv", "cash.yaml", "sub/../../orders.csv", "", "orders"])
def test_a_section_names_a_table_beside_the_file_and_nothing_else(said, name):
    told = said(orders=name)
    assert told.startswith("cash.yaml: orders: must be a list, or a table (.csv, .xlsx, .xlsm, .parquet) beside the file, not ")
    assert "root" not in told


def test_a_table_whose_name_no_system_takes_is_told(said):
    assert said(orders="x" * 5000 + ".csv").endswith("cannot be read: File name too long")


def test_the_faults_of_a_table_are_cut_like_those_of_a_file(said):
    Path("orders.csv").write_text("nmae\n" + "x\n" * 30, encoding="utf-8")
    told = said(orders="orders.csv").splitlines()
    assert (len(told), told[-1]) == (11, "orders.csv: 110 more faults")


def test_a_table_alone_is_no_forecast(tmp_path):
    with pytest.raises(ScenarioError, match=r"orders.csv: is a table; name it in a YAML file beside it that says the rest"):
        forecast(tmp_path / "orders.csv")
