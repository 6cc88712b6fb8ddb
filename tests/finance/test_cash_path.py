"""Cash by day: the worked example of a campaign, the line of credit by hand, and what always holds."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allotment.finance.cash import forecast
from allotment.finance.cash.schema import Outlook

CAMPAIGN = Path(__file__).parents[2] / "experiments" / "promotion_campaign" / "cash.yaml"


def outlook(**content):
    """Return an outlook of what is said, over 30 days with 1,000.00 to begin with."""
    return Outlook.model_validate({"days": 30, "opening": 1_000, **content})


def owed(amount, *, day=1, name="invoice"):
    return {"name": name, "amount": amount, "day": day}


def test_the_campaign_is_exact():
    made = forecast(CAMPAIGN)
    assert (made.lowest.operating, made.lowest.day) == (Decimal("-297000"), 12)
    assert made.with_discounts[60].operating == Decimal("2055000")
    assert made.without_discounts[60].operating == Decimal("2046000")
    assert (made.peak.debt, made.peak.day, made.interest) == (Decimal("447000"), 12, Decimal("423.12"))
    assert made.decided[60].cash == Decimal("2054576.88")
    assert (made.tightest.headroom, made.tightest.day, made.below_floor) == (Decimal("153000"), 12, 0)
    debts = [made.decided[day].debt for day in (9, 10, 11, 12, 13, 14, 18, 19, 20, 21)]
    assert debts == [0, 407_000, 407_000, 447_000, 447_000, 0, 0, 4_000, 4_000, 0]


def test_interest_counts_the_nights_of_the_debt_and_is_charged_when_said():
    line = {"limit": 50_000, "rate": 0.10, "day_count": 360}
    owes = outlook(floor=0, credit_line={**line, "charged": 10}, payables=[owed(37_000, day=5)])
    closes = forecast(owes).decided
    assert closes[5].debt == 36_000
    assert [(close.day, close.interest) for close in closes if close.interest] == [
        (10, Decimal("50.00")),  # five nights of 36,000 at 10 % over 360 days
        (20, Decimal("100.14")),  # ten nights of 36,050
        (30, Decimal("100.42")),  # ten nights of 36,150.14
    ]
    assert closes[30].debt == Decimal("36250.56")
    assert forecast(owes.model_copy(update={"credit_line": None})).interest == 0


def test_a_line_that_is_drawn_when_day_0_begins_is_repaid_from_what_is_above_the_floor():
    closes = forecast(outlook(floor=400, credit_line={"limit": 900, "rate": 0, "drawn": 700})).decided
    assert (closes[0].drawn, closes[0].cash, closes[0].debt, closes[0].headroom) == (-600, 400, 100, 800)


def test_a_line_that_does_not_reach_leaves_days_below_the_floor():
    made = forecast(outlook(floor=500, credit_line={"limit": 300, "rate": 0}, payables=[owed(1_000, day=29)]))
    assert (made.decided[29].cash, made.decided[29].debt, made.decided[29].headroom) == (300, 300, -200)
    assert made.below_floor == 2


def test_parts_of_a_receivable_add_up_to_the_cent():
    thirds = {"name": "web", "amount": "100.00", "invoiced": 3, "collection": [1, 2, 3]}
    closes = forecast(outlook(receivables=[thirds])).decided
    assert [closes[day].receipts for day in (4, 5, 6)] == [Decimal("33.33"), Decimal("33.33"), Decimal("33.34")]
    halves = {**thirds, "collection": "10 20", "parts": "0.3, 0.7"}
    closes = forecast(outlook(receivables=[halves])).decided
    assert (closes[13].receipts, closes[23].receipts) == (30, 70)


def test_what_is_due_after_the_last_day_is_told():
    made = forecast(outlook(payables=[owed(40, day=31)], receivables=[{"name": "shop", "amount": 70, "collection": 45}]))
    assert made.later == (70, 40)
    assert made.decided[30].operating == 1_000


amounts = st.integers(0, 10**9).map(lambda number: Decimal(number) / 100)
dated = st.tuples(st.integers(0, 35), amounts)


@given(st.lists(dated), st.lists(dated), amounts, amounts, st.integers(0, 30), st.integers(1, 40))
def test_cash_reconciles_and_the_line_is_drawn_for_the_floor_alone(comes, goes, limit, floor, percent, charged):
    made = forecast(
        outlook(
            floor=floor,
            credit_line={"limit": limit, "rate": percent / 100, "charged": charged},
            payables=[owed(amount, day=day, name=str(place)) for place, (day, amount) in enumerate(goes)],
            receivables=[{"name": "sales", "amount": amount, "collection": day} for day, amount in comes],
        )
    )
    before = (Decimal(1_000), Decimal(0))
    for close in made.decided:
        assert close.cash == before[0] + close.receipts - close.payments - close.interest + close.drawn
        assert close.debt == before[1] + close.drawn
        assert 0 <= close.debt <= limit
        assert close.cash >= floor or close.debt == limit
        assert close.cash <= floor or close.debt == 0
        assert all(amount == round(amount, 2) for amount in (close.cash, close.debt, close.headroom))
        before = (close.cash, close.debt)
    assert before[0] - before[1] == made.decided[-1].operating - made.interest
    last = sum(amount for day, amount in comes if day <= 30) - sum(amount for day, amount in goes if day <= 30)
    assert made.decided[-1].operating == 1_000 + last


def test_tables_and_dates_read_as_the_same_outlook_does(tmp_path):
    text = CAMPAIGN.read_text(encoding="utf-8").replace("days: 60", "days: 60\nstart: '2026-03-02'")
    text = text.partition("receivables:")[0] + "receivables: sales.csv\norders: orders.csv\n"
    sales = "Name,Units,Unit Price,Collection\nonline,7000,276,7 14 21 28\nenterprise,3000,248,30\nretail,5000,238,45\n"
    orders = "name;supplier;units;unit_cost;received;terms\nPO-1;A;2000;195;2026-03-09;net 30\nPO-2;B;2500;180;21;2/10, n/30\n"
    for name, content in {"cash.yaml": text, "sales.csv": sales, "orders.csv": orders}.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    made = forecast(tmp_path / "cash.yaml")
    assert made.decided == forecast(CAMPAIGN).decided
    assert str(made.date(31)) == "2026-04-02"


@pytest.mark.parametrize(
    ("terms", "written"),
    [
        ("net 30", "net 30"),
        ("N45", "net 45"),
        ("2/10 net 30", "2/10 net 30"),
        ("1.5%/10, n/60", "1.5/10 net 60"),
        ({"net": 30, "discount": 0.02, "within": 10}, "2/10 net 30"),
    ],
)
def test_terms_are_read_as_they_are_written(terms, written):
    order = {"name": "PO", "supplier": "A", "amount": 10, "received": 0, "terms": terms}
    assert str(outlook(cost_of_funds=0, orders=[order]).orders[0].terms) == written
