"""The accounting policy: what does not fit together is refused when it is read, by file and key."""

from datetime import date

import pytest
from valuation_logs import log, note, policy, receipt, sale

from allotment.finance.calendar import Books
from allotment.finance.policy import load_policy
from allotment.finance.valuation import value
from allotment.scenario.errors import ScenarioError


def refused(tmp_path, text):
    file = tmp_path / "accounting.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError) as error:
        load_policy(file)
    assert "accounting.yaml: " in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("framework: ifrs\ncost_formula: lifo", "lifo is not allowed under ifrs (IAS 2.25); allowed: fifo, weighted_average"),
        ("framework: ifrs\ncost_formula: fifo\nscop: company", "did you mean 'scope'?"),
        ("framework: ifrs\ncost_formula: fifo\nterms: {defualt: destination}", "did you mean 'default'?"),
        ("framework: gaap\ncost_formula: fifo", "framework"),
        ("framework: ifrs", "cost_formula"),
        ("framework: ifrs\ncost_formula: weighted_average", "weighted_average needs system: periodic, not perpetual"),
        ("framework: ifrs\ncost_formula: moving_average\nsystem: periodic", "moving_average needs system: perpetual"),
        ("framework: ifrs\ncost_formula: fifo\nsystem: periodic", "periodic needs scope: company"),
        ("framework: ifrs\ncost_formula: fifo\nfiscal_year: 13", "fiscal_year must be a month"),
        ("framework: ifrs\ncost_formula: fifo\nclose: 4\nfiscal_year: 10", "must be a multiple of close (4), not 10"),
        ("framework: ifrs\ncost_formula: fifo\ntimezone: Mars", "IANA time zones"),
        ("framework: ifrs\ncost_formula: fifo\nentities: {mx: {currency: MXN}}", "MXN, the currency of mx, is missing"),
        ("framework: ifrs\ncost_formula: fifo\nrates: {EUR: {5: 1.0, 2: 2.0}}", "must go from the first date to the last"),
    ],
)
def test_a_policy_that_does_not_fit_is_refused(tmp_path, text, said):
    assert said in refused(tmp_path, text)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"close": "month"}, "close must be a number of periods, as the log has it, not month"),
        ({"skus": {"b": {"weight": 1.0}}}, "skus: no 'b' in the log"),
        ({"points_of_sale": ["nort"]}, "points_of_sale: no 'nort' in the log; did you mean 'north'?"),
        ({"terms": {"suppliers": {"t": "destination"}}}, "terms.suppliers: no 't' in the log"),
        ({"rates": {"EUR": {"2026-01-01": 1.0}}}, "rates.EUR: '2026-01-01': days must be periods"),
        ({"entities": {"us": {"currency": "USD"}}}, "entity 'usa' is not in the accounting policy; did you mean 'us'?"),
        ({"cost_formula": "standard"}, "skus.a.standard_cost is missing"),
    ],
)
def test_a_policy_must_be_of_the_log(more, said):
    with pytest.raises(ScenarioError, match="accounting policy") as error:
        value(log(receipt(0, 1, 1.0, entity="usa")), policy(**more))
    assert said in str(error.value)


def test_a_rate_that_is_not_there_yet_is_named():
    with pytest.raises(ScenarioError, match="no rate of EUR on 3"):
        value(log(receipt(3, 1, 1.0, currency="EUR")), policy(rates={"EUR": {5: 1.0}}))


@pytest.mark.parametrize(
    ("close", "day", "last"),
    [
        ("day", "2026-02-03", "2026-02-03"),
        ("week", "2026-02-03", "2026-02-08"),
        ("month", "2024-02-03", "2024-02-29"),
        ("quarter", "2026-02-03", "2026-04-30"),  # of a fiscal year that begins in November
        ("year", "2026-11-01", "2027-10-31"),
    ],
)
def test_books_close_at_the_end_of_their_period(close, day, last):
    books = Books(policy(close=close, fiscal_year=11), dated=True)
    assert books.text(books.last_day(date.fromisoformat(day).toordinal())) == last


def test_a_timestamp_falls_on_a_day_of_the_policy_s_time_zone():
    rows = log(receipt("2025-12-31T23:30:00-05:00", 1, 1.0))
    assert value(rows, policy(close="day")).log.day[0] == date(2026, 1, 1).toordinal()
    assert value(rows, policy(close="day", timezone="America/New_York")).log.day[0] == date(2025, 12, 31).toordinal()


def test_the_same_event_counts_once_and_with_other_content_is_refused():
    import pandas as pd

    rows = log(receipt(0, 4, 1.0), sale(1, 1))
    assert value(pd.concat([rows, rows]), policy()).balance("inventory") == 3
    with pytest.raises(ScenarioError, match="movement 'e1': is there twice with different content"):
        value(pd.concat([rows, rows.assign(units=2)[1:]]), policy())


def test_costs_of_more_digits_than_a_millionth_are_exact():
    made = value(log(receipt(0, 3_000_000, 0.123456785), note(1, "price", unit_price=1.0)), policy())
    assert str(made.balance("inventory")) == "370370.36"  # 370,370.355, halves to even
