"""Books with a cash of their own: what is bought and sold is paid on its due day, and no day knows what comes later."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_valuation_properties import FORMULAS, books, logs, total
from valuation_logs import log, money, note, policy, receipt, sale

from allotment.finance import working_capital
from allotment.finance.ledger import SETTLING
from allotment.finance.page import figures_of, notes_of
from allotment.finance.policy import load_policy
from allotment.finance.report import StockReport
from allotment.finance.valuation import value
from allotment.scenario.errors import ScenarioError

PLAIN = {"opening": 1000, "payment": {"default": "net 12"}, "collection": {"default": 5}}
CAMPAIGN = {  # section 6 of the design, and experiments/promotion_campaign/cash.yaml
    "opening": 900_000,
    "floor": 150_000,
    "credit_line": {"limit": 600_000, "rate": 0.09},
    "running_costs": [{"name": "wages and rent", "amount": 40_000, "from": 5, "every": 7, "until": 47}],
    "payables": [{"name": "old invoices", "amount": 1_600_000, "day": 10}],
    "payment": {"default": "net 30", "suppliers": {"B": "2/10 net 30"}},
    "collection": {"default": 30, "customers": {"online": [7, 14, 21, 28], "retail": 45}},
}


def on(day):
    return f"{date(2026, 3, 1) + timedelta(days=day)}T12:00:00+00:00"


def campaign():
    def sold(units, customer, price):
        return (on(0), "sale", "north", f"customer:{customer}", units, {"unit_price": price})

    return log(
        (on(0), "opening", "", "north", 15_000, {"unit_cost": 100.0}),
        *(sold(7000, "online", 276.0), sold(3000, "enterprise", 248.0), sold(5000, "retail", 238.0)),
        (on(7), "receipt", "supplier:A", "north", 2000, {"unit_cost": 195.0}),
        (on(21), "receipt", "supplier:B", "north", 2500, {"unit_cost": 180.0}),
    )


def settled(rows, terms=PLAIN, **more):
    return value(rows, policy(treasury=terms, **more))


def cash(made):
    """Return cash at the end of each day with a change."""
    closes = made.settlement.closes
    return {close.day: close.cash for close in closes if close.receipts or close.payments}


def test_the_books_of_the_campaign_have_the_cash_that_the_forecast_tells():
    made = settled(campaign(), CAMPAIGN, close="quarter", fiscal_year=3)
    closes, first = made.settlement.closes, made.log.day[0]
    lowest, peak = min(closes, key=lambda close: close.operating), max(closes, key=lambda close: close.debt)
    assert (lowest.operating, lowest.day - first, peak.debt) == (-297_000, 12, 447_000)
    assert closes[60].operating == 2_055_000
    assert made.balance("interest") == money("423.12")
    assert made.balance("inventory") == 2000 * 195 + 2500 * 180 - 9_000  # IAS 2.11: the discount is taken off cost
    assert min(close.headroom for close in closes) == 153_000
    left = settled(campaign(), CAMPAIGN | {"cost_of_funds": 0.5}, close="quarter", fiscal_year=3)
    assert (left.settlement.closes[60].operating, left.balance("inventory")) == (2_046_000, 840_000)


def test_what_is_bought_and_sold_is_paid_on_its_due_day():
    made = settled(log(receipt(0, 10, 4.0), sale(3, 6, unit_price=9.0), note(20, "price", unit_price=9.0)))
    assert cash(made) == {8: 1054, 12: 1014}
    assert [made.balance("receivables", through=day) for day in (2, 3, 7, 8)] == [0, 54, 54, 0]
    assert [made.balance("payables", through=day) for day in (0, 11, 12)] == [-40, -40, 0]
    assert [made.balance("cash", through=day) for day in (0, 8, 12)] == [1000, 1054, 1014]


def test_returns_are_settled_as_what_they_take_back_is():
    rows = log(
        receipt(0, 10, 4.0),
        (1, "supplier_return", "north", "supplier:s", 2, {}),
        sale(1, 5, unit_price=9.0),
        (2, "customer_return", "customer:c", "north", 1, {"unit_price": 9.0}),
        note(20, "price", unit_price=9.0),
    )
    assert cash(settled(rows)) == {6: 1045, 7: 1036, 12: 996, 13: 1004}


def test_terms_are_those_of_the_supplier_of_the_goods_where_they_are_paid_for_on_receipt():
    terms = PLAIN | {"payment": {"default": "net 0", "suppliers": {"s": "net 3"}}}
    rows = log(
        (0, "dispatch", "supplier:s", "in_transit:s-n", 10, {}),
        (2, "receipt", "in_transit:s-n", "north", 10, {"unit_cost": 4.0}),
        (9, "transfer_receipt", "north", "south", 10, {"unit_cost": 0.5}),  # of a carrier without terms of its own
    )
    assert cash(settled(rows, terms)) == {5: 960, 9: 955}


@pytest.mark.parametrize("formula", ["fifo", "moving_average"])
def test_a_discount_is_taken_off_what_is_held_and_off_the_cost_of_what_is_sold(formula):
    terms = PLAIN | {"payment": {"default": "2/4 net 12"}, "cost_of_funds": 0.05}
    rows = log(receipt(0, 100, 10.0), sale(1, 60), note(20, "price", unit_price=20.0))
    made = settled(rows, terms, cost_formula=formula, fiscal_year=360)
    assert cash(made) == {4: 20}
    assert (made.balance("inventory"), made.balance("cost_of_sales"), made.balance("payables")) == (400 - 8, 600 - 12, 0)
    spent = settled(rows, terms, cost_formula=formula, fiscal_year=360, capitalised=["duty"])
    assert (spent.balance("inventory"), spent.balance("other_costs")) == (400, -20)
    freight = (2, "landed_cost", "", "", 100, {"unit_cost": 1.0, "document": "d", "reason": "inbound_freight"})
    rows_landed = log(receipt(0, 100, 10.0, document="d"), freight, note(20, "price", unit_price=20.0))
    landed = settled(rows_landed, terms | {"opening": 2000}, cost_formula=formula, fiscal_year=360)
    assert (landed.balance("inventory"), landed.balance("other_costs")) == (1100 - 20 - 2, 0)
    short = settled(rows, terms | {"opening": 979}, cost_formula=formula, fiscal_year=360)  # 980 are not there on day 4
    assert short.balance("inventory") == 400
    assert working_capital.discounts(short).iloc[0].tolist()[2:] == ["no", 20, money("1.09"), "headroom is lacking"]
    assert working_capital.discounts_by_supplier(made).iloc[0].tolist() == ["s", 1, 1, 20]


def test_what_is_owed_in_another_currency_is_paid_at_the_rate_of_its_day():
    rows = log(receipt(0, 100, 2.0, currency="EUR"), note(15, "price", unit_price=9.0))
    made = settled(rows, rates={"EUR": {0: 0.8, 11: 1.0}})
    assert cash(made) == {12: 800}
    assert [made.balance(name) for name in ("payables", "inventory", "exchange_difference")] == [0, 250, -50]


def test_a_currency_without_cents_is_paid_in_whole_coins():
    terms = PLAIN | {"payment": {"default": "2/4 net 12"}, "cost_of_funds": 0.0}
    made = settled(log(receipt(0, 1, 101.0, currency="JPY"), note(15, "price")), terms, currency="JPY", fiscal_year=360)
    assert cash(made) == {4: 901}
    assert str(made.balance("cash")) == "901"


def test_the_line_is_drawn_to_the_floor_and_its_interest_charged_at_each_close():
    terms = PLAIN | {"opening": 100, "floor": 60, "credit_line": {"limit": 500, "rate": 0.36}}
    made = settled(log(receipt(0, 10, 20.0), note(29, "price", unit_price=30.0)), terms, fiscal_year=360)
    assert made.balance("credit_line", through=12) == -160
    assert made.balance("interest", through=19) == money("1.12")  # 7 nights, 160 x 0.001 each
    assert made.balance("interest", through=29) == money("1.12") + money("1.61")  # 161.12 for 10 nights
    assert made.balance("cash") == 60
    assert made.settlement.closes[-1].headroom == 500 - money("162.73")


@settings(max_examples=20, deadline=None)
@given(logs(), st.sampled_from(FORMULAS), st.integers(0, 3))
def test_cash_reconciles_and_no_closed_day_knows_what_comes_after(rows, choice, close):
    line = {"limit": 1000, "rate": 0.2}
    terms = PLAIN | {"payment": {"default": "3/2 net 9"}, "collection": {"default": [0, 7]}, "credit_line": line}
    choice = (choice[0], choice[1] | {"treasury": terms, "fiscal_year": 360})
    made = books(rows, choice)
    closes, entries = made.settlement.closes, made.entries
    moved = sum(each.receipts - each.payments - each.interest + each.drawn for each in closes)
    assert 1000 + moved == closes[-1].cash == made.balance("cash")
    assert closes[-1].debt == -made.balance("credit_line")
    assert entries.amount.sum() == 0
    for day in np.unique(entries.day):
        assert entries.amount[(entries.row == SETTLING) & (entries.day == day)].sum() == 0
    assert total(made, "inventory") == sum(layer.worth for *_, layer in made.held)
    early = books(rows[rows["time"] <= 10 * close + 9], choice).entries
    for column in ("day", "account", "amount"):
        kept = getattr(entries, column)[entries.day <= 10 * close + 9]
        np.testing.assert_array_equal(getattr(early, column), kept)


def test_what_is_open_at_the_last_close_is_told_by_due_day():
    rows = log(
        receipt(0, 10, 4.0),
        sale(3, 6, unit_price=9.0),
        (8, "receipt", "supplier:t", "north", 2, {"unit_cost": 5.0}),
        sale(9, 1, unit_price=9.0),
    )
    made = settled(rows)
    assert working_capital.open_items(made).to_numpy().tolist() == [
        ["12", 3, -9, "payables", "s", "net 12", -40],
        ["14", 5, 0, "receivables", "c", "", 9],
        ["20", 11, -1, "payables", "t", "net 12", -10],
    ]
    assert made.balance("receivables", "payables") == 9 - 40 - 10


def test_the_balance_sheet_balances_and_shows_what_is_open():
    rows = log(receipt(0, 10, 4.0), sale(3, 6, unit_price=9.0), note(3, "price", unit_price=3.0), receipt(8, 1, 5.0))
    sheet = working_capital.balance_sheet(settled(rows)).set_index(["type", "account"])["amount"]
    assert sheet["assets", "inventory"] == 4 * 3 + 3  # a write-down of 4 x 1 and of 2
    assert (sheet["assets", "cash"], sheet["liabilities", "payables"]) == (1054, 45)
    assert sheet["assets", "total"] == sheet["liabilities", "total"] + sheet["equity", "total"] == 1069
    assert sheet["equity", "profit"] == 54 - 24 - 6


def test_the_cycle_of_a_period_is_what_the_design_works_out():
    rows = log(
        (0, "opening", "", "north", 100, {"unit_cost": 3.0}),
        *(step for day in range(0, 365, 73) for step in (receipt(day, 80, 3.0), sale(day, 80, unit_price=5.0))),
        (364, "price", "", "", float("nan"), {"unit_price": 9.0}),
    )
    terms = PLAIN | {"payment": {"default": "net 60"}, "collection": {"default": 80}}
    table = working_capital.cash_conversion(settled(rows, terms, close=365, fiscal_year=365))
    sales, cost = 5 * 80 * 5.0, 5 * 80 * 3.0  # as in section 3: 2,000 and 1,200; 300 of stock is 91.25 days
    row = table.iloc[0]
    assert row["days_of_inventory"] == pytest.approx(91.25)
    assert row["days_sales_outstanding"] == pytest.approx(365 * 400 / sales)  # the last sale, of day 292, is open on day 364
    assert row["days_payables_outstanding"] == 0  # the last purchase was paid on day 352
    assert row["cash_conversion_cycle"] == pytest.approx(91.25 + 73)
    assert cost == 1200


def test_the_page_shows_cash_and_the_cycle_or_says_why_not():
    rows = log(receipt(0, 10, 4.0), sale(3, 6, unit_price=9.0), note(3, "price", unit_price=9.0), sale(18, 1, unit_price=9.0))
    paid, unpaid = StockReport("log", settled(rows)), StockReport("log", value(rows, policy()))
    assert list(figures_of(paid)) == ["stock", "aging", "cash", "cycle", "profit"]
    assert list(figures_of(StockReport("log", settled(rows[:3])))) == ["stock", "aging", "cash", "profit"]  # of one period
    assert list(figures_of(unpaid)) == ["stock", "aging", "profit"]
    assert "are left out: the accounting policy has no `treasury`" in notes_of(unpaid)[0]
    assert notes_of(paid) == []
    assert "Cash conversion by period" in [cells.caption for cells in paid.cells()]
    ratios = StockReport("log", settled(rows)).ratios
    assert ratios["inventory_to_working_capital"].value == pytest.approx(12 / (1014 + 9 + 12))


def test_a_policy_file_with_terms_reads_and_names_what_is_wrong(tmp_path):
    file = tmp_path / "accounting.yaml"
    start = "framework: ifrs\ncost_formula: fifo\nclose: 10\ntreasury:\n  opening: 10.50\n"
    terms = "  payment: {default: 2/10 net 30}\n  collection: {default: [7, 14]}\n"
    file.write_text(f"{start}{terms}  cost_of_funds: 0.05\n", encoding="utf-8")
    read = load_policy(file).treasury
    assert (read.opening, read.payment.of("x").discount, read.collection.of("y")) == (
        Decimal("10.50"),
        Decimal("0.02"),
        [7, 14],
    )
    for text, said in (
        (f"{start}{terms}", "cost_of_funds \\(a year\\) is missing"),
        (f"{start}  collection: {{default: 3}}\n", "treasury.payment is missing"),
        (f"{start}{terms}  cost_of_funds: 0.05\n  flor: 3\n", "flor"),
        (f"{start}{terms}  cost_of_funds: 1\nbalances: {{cash: 3.0}}\n", "balances: cash must be left out"),
        (f"{start}{terms}  credit_line: {{limit: 3, rate: 0.1, charged: 30}}\n", "charges? interest at every close"),
    ):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(ScenarioError, match=said):
            load_policy(file)


@pytest.mark.parametrize(
    ("rows", "terms", "said"),
    [
        ([receipt(0, 1, 1.0)], {"payment": {"default": "net 1", "suppliers": {"t": "net 3"}}}, "payment.suppliers: no 't' in"),
        ([receipt(0, 1, 1.0)], {"collection": {"default": 1, "customers": {"web": 3}}}, "collection.customers: no 'web' in"),
        ([receipt(0, 1, 1.0), receipt(0, 1, 1.0, entity="b")], {}, "is of one company's cash; .* the log has no entity, b"),
        ([receipt(0, 1, 1.0)], {"credit_line": {"limit": 1, "rate": 0.1}}, "fiscal_year, the periods of a year, must be said"),
        ([receipt(0, 1, 1.0), receipt(40_000, 1, 1.0)], {}, "the log goes over 40,009 days"),
        ([receipt(0, 1, 1.0)], {"payables": [{"name": "old", "amount": 3, "day": -1}]}, "payable old: falls on day -1"),
    ],
)
def test_terms_that_do_not_fit_the_log_are_refused(rows, terms, said):
    with pytest.raises(ScenarioError, match=said):
        settled(log(*rows), PLAIN | terms)
