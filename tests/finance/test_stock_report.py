"""The report of a log: tables that tie out, files, a page, and what the command says."""

from decimal import Decimal

import pandas as pd
import pytest
from valuation_logs import log, note, policy, receipt, sale

from allotment.cli import app
from allotment.exchange.movements import write_movements
from allotment.finance import statements
from allotment.finance.report import StockReport, write
from allotment.finance.valuation import value
from allotment.scenario.errors import ScenarioError

LOG = log(
    (0, "opening", "", "north", 20, {"unit_cost": 10.0}),
    receipt(1, 30, 11.0),
    receipt(1, 8, 5.0, sku="=b"),
    (2, "transfer_receipt", "north", "south", 25, {"unit_cost": 0.2}),
    sale(3, 10, "south", unit_price=16.0),
    (4, "customer_return", "customer:c", "south", 2, {"unit_price": 16.0}),
    (5, "scrap", "north", "lost", 5, {}),
    note(6, "price", unit_price=10.5),
)
RULES = policy(fiscal_year=50, carrying={"capital": 0.1}, balances={"cash": 500.0, "receivables": 100.0, "payables": 370.0})


def made(**more):
    return value(LOG, policy(**more)) if more else value(LOG, RULES)


def test_the_roll_forward_goes_from_nothing_to_what_is_held():
    table = statements.roll_forward(made()).set_index(["place", "sku"])
    south = table.loc[("south", "a")]
    assert (south["transferred_in_units"], south["transferred_in_value"]) == (25, Decimal("255.00"))
    assert (south["sold_value"], south["returned_value"], south["closing_units"]) == (Decimal("-100"), Decimal("20"), 17)
    assert table["transferred_in_value"].sum() == -table["transferred_out_value"].sum()
    assert table["closing_value"].sum() == made().balance("inventory")
    assert table["closing_value"].sum() == statements.layers(made())["value"].sum()


def test_where_the_company_shares_its_cost_the_roll_forward_has_no_sites():
    table = statements.roll_forward(made(scope="company"))
    assert table["place"].unique().tolist() == ["company"]
    assert table["closing_units"].tolist() == [37, 8]


@pytest.mark.parametrize("formula", ["fifo", "moving_average"])
def test_stock_is_as_old_as_its_units_whatever_it_costs(formula):
    rows = log(
        receipt(0, 10, 4.0),
        receipt(6, 30, 8.0),
        sale(7, 4),
        (8, "dispatch", "north", "in_transit:n-s", 16, {}),
        (9, "transfer_receipt", "in_transit:n-s", "south", 16, {}),
        receipt(9, 5, 8.0, "south"),
    )
    table = statements.layers(value(rows, policy(cost_formula=formula))).groupby(["place", "age"])[["units", "value"]].sum()
    assert table["units"].to_dict() == {("north", 3): 20, ("south", 0): 5, ("south", 3): 10, ("south", 9): 6}
    average = {
        ("north", 3): 140,
        ("south", 0): Decimal("36.19"),
        ("south", 3): Decimal("72.38"),
        ("south", 9): Decimal("43.43"),
    }
    first_in = {("north", 3): 160, ("south", 0): 40, ("south", 3): 80, ("south", 9): 24}
    assert table["value"].to_dict() == (first_in if formula == "fifo" else average)


def test_the_trial_balance_and_the_journal_balance():
    for table in (statements.trial_balance(made()), statements.journal(made())):
        debit, credit = (table[side].dropna().sum() for side in ("debit", "credit"))
        assert debit == credit > 0


def test_profit_is_revenue_less_all_that_was_spent():
    parts = statements.profit(made())
    lost = 25 * 11 + 12 * 10 - 37 * 10.5  # on the units of a that are held
    expected = {"revenue": 8 * 16, "cost_of_sales": -80, "write_downs": -lost, "waste": -55, "freight": -5}
    assert parts == pytest.approx(expected)


def test_stock_over_time_ends_with_the_stock_and_has_its_mean():
    table = statements.stock_over_time(made())
    assert table.iloc[-1].sum() == pytest.approx(float(made().balance("inventory")))
    assert statements.average_stock(made()) == pytest.approx((200 + 570 + 570 + 470 + 490 + 435 + 435) / 7)


def test_ratios_of_a_log_need_the_balances_that_it_does_not_know():
    given, without = StockReport("log", made()).ratios, StockReport("log", made(fiscal_year=50)).ratios
    stock = float(statements.carrying_value(made()))
    assert given["inventory_to_working_capital"].value == pytest.approx(stock / (500 + 100 + stock - 370))
    for name in ("inventory_to_working_capital", "days_sales_outstanding", "days_payables_outstanding"):
        assert str(without[name]) == "undefined: a balance is not known"
    assert without["inventory_turns"].value == given["inventory_turns"].value


def test_the_folder_has_every_table_and_a_page_with_figures(tmp_path):
    page = write(StockReport("log.csv", made()), tmp_path / "out").read_text(encoding="utf-8")
    names = {"movement_summary", "roll_forward", "trial_balance", "balance_sheet"}
    names |= {"layers", "ratios", "carrying_cost", "journal"}
    assert {file.stem for file in (tmp_path / "out").glob("*.csv")} == names
    assert page.count("<figure") == 3
    assert "Stock is worth USD" in page
    for words in ("write down allowance", "working capital", "obsolescence"):
        assert words in page
    journal = pd.read_csv(tmp_path / "out" / "journal.csv", dtype=str)
    assert journal["debit"].dropna().map(Decimal).sum() == journal["credit"].dropna().map(Decimal).sum()
    assert "'=b" in journal["sku"].unique()  # which a spreadsheet does not run


def run(*words):
    app(["report", *map(str, words)], standalone_mode=False)


def test_the_command_prints_the_report_and_writes_it(tmp_path, capsys):
    write_movements(LOG, tmp_path / "log.csv")
    (tmp_path / "accounting.yaml").write_text("framework: ifrs\ncost_formula: fifo\nclose: 10\n", encoding="utf-8")
    run(tmp_path / "log.csv", "--policy", tmp_path / "accounting.yaml", "--out", tmp_path / "out")
    said = capsys.readouterr().out
    assert "Trial balance" in said
    assert "IFRS, first in, first out, cost by location, perpetual, in USD" in said
    assert (tmp_path / "out" / "report.html").is_file()


def test_the_command_refuses_a_folder_and_a_bad_row_and_writes_nothing(tmp_path):
    (tmp_path / "accounting.yaml").write_text("framework: ifrs\ncost_formula: fifo\nclose: 10\n", encoding="utf-8")
    rules = ("--policy", tmp_path / "accounting.yaml", "--out", tmp_path / "out")
    with pytest.raises(ScenarioError, match="is a folder, but no run"):
        run(tmp_path, *rules)
    (tmp_path / "log.csv").write_text("event,time,kind,sku,units,from,to\ne,0,sale,a,1,north,customer:c\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"log\.csv: row 1"):
        run(tmp_path / "log.csv", *rules)
    assert not (tmp_path / "out").exists()
