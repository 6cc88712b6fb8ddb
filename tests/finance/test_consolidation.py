"""Books of a group: what one entity earned from another on unsold units is taken off, by entries that balance."""

import pytest
from valuation_logs import log, money, policy, receipt, sale

from allotment.finance.consolidation import consolidated, consolidation_journal, group_trial_balance
from allotment.finance.report import StockReport
from allotment.finance.valuation import value

GROUP = {"us": {"currency": "USD"}, "mexico": {"currency": "MXN"}}
RATES = {"MXN": {"2026-01-01": 10.0, "2026-01-31": 13.0}}


def at(day):
    return f"2026-01-{day:02}T00:00:00+00:00"


def group(*more, rates=RATES, **rules):
    """Return books in which the first sells the second for USD 10,000 what cost it 6,000."""
    rows = log(
        receipt(at(5), 100, 60.0, entity="us"),
        (at(10), "dispatch", "north", "in_transit:n-s", 100, {"entity": "us"}),
        (
            *(at(20), "transfer_receipt", "in_transit:n-s", "south", 100),
            {"entity": "mexico", "unit_price": 100.0, "currency": "USD"},
        ),
        *more,
    )
    return value(rows, policy(close="month", entities=GROUP, rates=rates, **rules))


def balances(made):
    """Return the group's accounts, debits positive."""
    table = group_trial_balance(made)
    assert table["debit"].sum() == table["credit"].sum()
    return {row.account: row.debit - row.credit for row in table.itertuples()}


def test_the_sale_between_subsidiaries_is_eliminated_and_translated():
    made = group()
    assert made.balance("inventory", entity="mexico") == 100_000
    assert made.balance("inventory", entity="us") == 0
    # the buyer owes USD 10,000, which is MXN 130,000 at the close; its stock is not remeasured
    owed = [made.balance(name, entity="mexico") for name in ("intercompany_payables", "exchange_difference")]
    assert owed == [-130_000, 30_000]
    table = consolidated(made).set_index("entity")
    assert table.loc["mexico", ["stock", "unrealised_profit", "cost"]].tolist() == [100_000, 40_000, 60_000]
    assert table.loc["mexico", ["translated", "translation"]].tolist() == [money("4615.38"), money("-1384.62")]


def test_the_journal_of_the_group_leaves_stock_at_its_cost_and_no_sale_within():
    made = group()
    found = balances(made)
    assert found["inventory"] == money("4615.38")
    assert not [name for name in found if name.startswith("intercompany")]
    assert found["payables"] == -6000
    # stock 6,000 at 10 is 4,615.38 at 13; MXN 130,000 that was owed at 10 and then at 13 makes up for the exchange difference
    assert found["exchange_difference"] == money("2307.69")
    assert found["translation"] == money("1384.62") - money("2307.69")
    journal = consolidation_journal(made)
    assert journal["debit"].dropna().sum() == journal["credit"].dropna().sum()
    profit = journal[journal["what"] == "profit on what is unsold"]
    assert profit["credit"].dropna().tolist() == [money("3076.93"), money("923.07")]  # 4,000 in all
    assert profit["account"].tolist()[::2] == ["inventory", "translation"]


@pytest.mark.parametrize("formula", ["fifo", "moving_average"])
def test_what_the_buyer_has_sold_costs_the_group_what_the_seller_paid(formula):
    sold = sale(at(25), 40, "south", entity="mexico", unit_price=1500.0, currency="MXN")
    made = group(sold, rates={"MXN": {"2026-01-01": 10.0}}, cost_formula=formula)
    found = balances(made)
    assert (found["revenue"], found["cost_of_sales"], found["inventory"]) == (-6000, 2400, 3600)
    assert "translation" not in found  # one rate all the time


def test_the_report_of_a_group_shows_its_entries():
    captions = [cells.caption for cells in StockReport("log", group()).cells()]
    assert captions[:3] == [
        "Group: stock without profit within it",
        "Group: trial balance",
        "Group: consolidation journal",
    ]
