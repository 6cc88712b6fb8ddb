"""Statements as camt.053: read where they add up, refused with both sums where they do not."""

from datetime import date
from decimal import Decimal

import pytest
from bank_files import IBAN, OUTLOOK, balance, document, entry, statement, summary

from allotment.finance.cash import forecast
from allotment.finance.cash.statement import read_statement
from allotment.scenario.errors import ScenarioError

pytest.importorskip("pycamt", reason="the extra treasury is not installed")
OPENED, CLOSED = balance("OPBD", "100.00"), balance("CLBD", "130.10")
ENTRIES = entry("50.20", "CRDT", "IN-1") + entry("20.10", "DBIT", "PO-1")
GOOD = (OPENED, CLOSED, ENTRIES)


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Return a function that reads a file with this text."""
    monkeypatch.chdir(tmp_path)

    def reading(text):
        (tmp_path / "bank.xml").write_text(text, encoding="utf-8")
        return read_statement("bank.xml")

    return reading


@pytest.fixture
def refused(read):
    """Return a function that returns what is said of a text that is refused."""

    def saying(text):
        with pytest.raises(ScenarioError) as caught:
            read(text)
        return str(caught.value)

    return saying


@pytest.mark.parametrize("version", ["02", "04", "08", "12"])
def test_a_statement_that_adds_up_is_read(read, version):
    found = read(document(statement(OPENED, CLOSED, ENTRIES), version=version))
    assert (found.iban, found.currency, found.opening, found.closing) == (IBAN, "EUR", 100, Decimal("130.10"))
    assert found.date == date(2026, 3, 1)
    assert [(each.amount, each.reference) for each in found.entries] == [
        (Decimal("50.20"), "IN-1"),
        (Decimal("-20.10"), "PO-1"),
    ]


def test_tags_with_a_prefix_are_read_too(read):
    text = document(statement(OPENED, CLOSED, ENTRIES)).replace("<", "<b:").replace("<b:/", "</b:").replace("<b:?", "<?")
    found = read(text.replace("xmlns=", "xmlns:b="))
    assert [each.reference for each in found.entries] == ["IN-1", "PO-1"]


def test_debit_balances_are_exact(read):
    parts = (balance("PRCD", "900000000000.07", side="DBIT"), balance("CLBD", "899999999999.99", side="DBIT"))
    found = read(document(statement(*parts, entry("0.08", "CRDT"))))
    assert (found.opening, found.closing) == (Decimal("-900000000000.07"), Decimal("-899999999999.99"))


def test_what_is_not_booked_does_not_count(read):
    found = read(
        document(statement(OPENED, CLOSED, ENTRIES, entry("9", "DBIT", "P", "PDNG"), entry("8", "CRDT", status="INFO")))
    )
    assert len(found.entries) == 2


def test_several_parts_of_an_entry_are_read_one_by_one(read):
    part = "<TxDtls><Refs><EndToEndId>{}</EndToEndId></Refs><Amt Ccy='EUR'>{}</Amt></TxDtls>"
    both = f"<NtryDtls>{part.format('PO-8', '5.10')}{part.format('PO-9', '15.00')}</NtryDtls></Ntry>"
    text = document(statement(OPENED, CLOSED, entry("50.20", "CRDT"), entry("20.10", "DBIT").replace("</Ntry>", both)))
    amounts = [(each.amount, each.reference) for each in read(text).entries]
    assert amounts == [(Decimal("50.20"), None), (Decimal("-5.10"), "PO-8"), (-15, "PO-9")]


def test_successive_statements_are_one(read, refused):
    second = statement(balance("OPBD", "130.10"), balance("CLBD", "130.00", "2026-03-02"), entry("0.10", "DBIT"))
    found = read(document(statement(OPENED, CLOSED, ENTRIES), second))
    assert (found.opening, found.closing, found.date, len(found.entries)) == (100, 130, date(2026, 3, 2), 3)
    gap = second.replace("130.10", "130.20").replace("0.10<", "0.20<")
    said = refused(document(statement(OPENED, CLOSED, ENTRIES), gap))
    assert said == "bank.xml: statement 2: opens with 130.20, the one before closes with 130.10"
    other = second.replace(IBAN, "DE44500105175407324931")
    assert "must be of one account, not DE07512108001245126162, DE44500105175407324931" in refused(
        document(statement(OPENED, CLOSED, ENTRIES), other)
    )


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            (OPENED, balance("CLBD", "130.11"), ENTRIES),
            "opening balance 100.00 + credits 50.20 - debits 20.10 is 130.10, but its closing balance is 130.11",
        ),
        ((summary("TtlNtries", "70.31", 2), *GOOD), "summary (TtlNtries) has a sum of 70.31, its entries one of 70.30"),
        ((summary("TtlDbtNtries", "20.10", 2), *GOOD), "summary (TtlDbtNtries) counts 2 entries, there are 1"),
        ((OPENED, ENTRIES), "has no balance CLBD"),
        ((CLOSED, ENTRIES), "has no balance OPBD or PRCD"),
        ((OPENED, CLOSED, ENTRIES, entry("1", "CRDT", currency="USD")), "must be in one currency, not EUR, USD"),
        ((OPENED, CLOSED, entry("NaN", "CRDT")), "entry 1 must be an amount, CRDT or DBIT, not 'NaN', 'CRDT'"),
        ((OPENED, CLOSED, entry("-1", "CRDT")), "entry 1 must be an amount, CRDT or DBIT, not '-1', 'CRDT'"),
        ((OPENED, CLOSED, entry("1", "BOTH")), "entry 1 must be an amount, CRDT or DBIT, not '1', 'BOTH'"),
        ((OPENED, balance("CLBD", "130.10", "March"), ENTRIES), "its closing balance must have a date, not 'March'"),
    ],
)
def test_a_statement_that_does_not_add_up_is_refused(refused, parts, message):
    said = refused(document(statement(*parts)))
    assert said.startswith("bank.xml: ")
    assert message in said


def test_a_summary_that_is_right_is_no_fault(read):
    parts = (summary("TtlNtries", "70.30", 2), summary("TtlCdtNtries", "50.20", 1), OPENED, CLOSED, ENTRIES)
    assert read(document(statement(*parts))).closing == Decimal("130.10")


def test_entities_are_not_expanded_and_what_is_no_statement_is_refused(refused, tmp_path):
    laughs = "<!DOCTYPE x [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]>"
    assert "is not read: it has a document type, as no statement does" in refused(
        document(statement(OPENED, CLOSED), before=laughs)
    )
    inside = "<!DOCTYPE x SYSTEM 'file:///etc/hostname'>"
    assert "is not read: it has a document type, as no statement does" in refused(
        document(statement(OPENED, CLOSED), before=inside)
    )
    assert refused("<Document/>") == "bank.xml: must be a camt.053 document, not 'Document'"
    assert refused("cash").startswith("bank.xml: is not valid XML: ")
    assert refused(document()) == "bank.xml: holds no statement"
    with pytest.raises(ScenarioError, match=r"^none.xml: no such file$"):
        read_statement("none.xml")


def test_what_is_nested_too_deep_is_refused(refused):
    deep = "<a>" * 100_000 + "</a>" * 100_000
    assert refused(document(statement(deep))) == "bank.xml: has elements nested deeper than 50 levels"


def test_a_file_that_is_too_long_is_refused(refused):
    said = refused(" " * (16 * 2**20 + 1))
    assert said == "bank.xml: holds more than 16,777,216 bytes, which is the most that is read"


def test_the_forecast_opens_with_the_statement_and_pays_nothing_twice(read, tmp_path):
    paid = (entry("196.00", "DBIT", "PO-2"), entry("100.00", "DBIT", "PO-1"), entry("70", "DBIT", "rent"))
    read(document(statement(balance("OPBD", "866.00"), balance("CLBD", "500.00"), *paid)))
    (tmp_path / "cash.yaml").write_text(
        OUTLOOK.replace("opening: 500.00\n", "").replace("day: 3}", "day: -3}"), encoding="utf-8"
    )
    made = forecast("cash.yaml", "bank.xml")
    assert [flow.name for flow in made.flows] == ["INV-7", "PO-1"]
    assert made.notes == (
        "opening cash 500.00, the closing balance of 2026-03-01 in bank.xml",
        "PO-1 is still open: 100.00 was paid in bank.xml, not 100.10",
        "PO-2 is paid: 196.00 in bank.xml",
        "rent is paid: 70.00 in bank.xml",
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("currency: EUR", "currency: USD", "is in EUR, the file's amounts are in USD"),
        (
            "start: '2026-03-02'",
            "start: '2026-03-01'",
            "closes on 2026-03-01, but day 0 of the file is 2026-03-01; it must start",
        ),
        (
            "DE07 5121 0800 1245 1261 62",
            "DE44500105175407324931",
            f"is of the account {IBAN}, the file's is DE4450010517540732",
        ),
    ],
)
def test_a_statement_of_something_else_is_refused(read, tmp_path, old, new, message):
    read(document(statement(OPENED, CLOSED, ENTRIES)))
    (tmp_path / "cash.yaml").write_text(OUTLOOK.replace(old, new), encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        forecast("cash.yaml", "bank.xml")
    assert str(caught.value).startswith(f"bank.xml: {message}")


def test_payments_under_one_reference_add_up(read, tmp_path):
    parts = (
        balance("OPBD", "600.10"),
        balance("CLBD", "500.00"),
        entry("60.00", "DBIT", "PO-1"),
        entry("40.10", "DBIT", "PO-1"),
    )
    read(document(statement(*parts)))
    (tmp_path / "cash.yaml").write_text(OUTLOOK, encoding="utf-8")
    assert "PO-1 is paid: 100.10 in bank.xml" in forecast("cash.yaml", "bank.xml").notes


def test_an_encoding_that_is_not_known_is_told(refused):
    assert "encoding" in refused(document(statement(*GOOD)).replace("UTF-8", "UTF-99"))
