"""`allotment plan`: what it prints, writes and draws, and how it says that something is wrong."""

import json
import re
import sys
from pathlib import Path

import pytest
from test_plan_campaign import EXPECTED, FOLDER

from allotment.cli import main
from allotment.planning.methods import METHODS

OPTIONS = {"stock": "warehouses", "demand": "demand", "lanes": "lanes", "transport": "transport", "channels": "channels"}
CAMPAIGN = [part for option, name in OPTIONS.items() for part in (f"--{option}", FOLDER / f"{name}.csv")]


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """Return a function that runs `allotment plan` in an empty folder; it returns exit code, output and standard error."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["allotment", "plan", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        return end.value.code, printed.out, printed.err

    return run


def test_the_campaign_is_printed_and_drawn(command):
    code, out, _ = command(*CAMPAIGN)
    assert code == 0
    assert "optimal: 15,000 of 19,500 units allocated, 4,500 unmet; value 1,045,590.00" in out
    row = next(line for line in out.splitlines() if line.startswith(" retail CENTRAL"))
    assert row.split() == ["retail", "CENTRAL", "2,200", "1,000", "100", "1,600", "-", "1,700", "500", "no", "stock"]
    assert out.endswith("figure: plan.png\n")
    assert Path("plan.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("method", ["optimal", "priority"])
def test_the_plan_is_written_as_json(command, method):
    code, out, _ = command(*CAMPAIGN, "--method", method, "--json", "plan.json", "--today", "2026-03-02")
    written = json.loads(Path("plan.json").read_text())
    assert code == 0
    assert [tuple(row.values()) for row in written["allocation"]] == EXPECTED
    assert written["objective"] == 1_045_590.0
    assert sum(row["units"] for row in written["unmet"]) == 4500
    assert all(row["reason"] for row in written["unmet"])
    assert (written["method"], written["ignored"], written["today"]) == (method, [], "2026-03-02")
    assert out.endswith("plan:   plan.json\n")
    assert not Path("plan.png").exists()


def test_offers_become_a_purchase_plan_and_factors_are_ignored(command):
    offers = ["--offers", FOLDER / "offers.csv", "--need-by", "online=10,retail=25", "--need-by", "30"]
    ignored = ["--ignore", "margin", "--ignore", "performance"]
    code, out, _ = command(*CAMPAIGN, *offers, *ignored, "--json", "plan.json", "--figure", "mine.png", "--today", "2026-03-02")
    written = json.loads(Path("plan.json").read_text())
    assert code == 0
    assert written["ignored"] == ["margin", "performance"]
    assert written["objective"] != written["value"]
    assert [row["supplier"] for row in written["purchases"]] == ["A", "B"]
    assert sum(row["units"] for row in [*written["purchases"], *written["uncovered"]]) == 4500
    assert (
        f"without margin, performance: 15,000 of 19,500 units allocated, 4,500 unmet; value {written['objective']:,.2f} ("
        in out
    )
    assert "Purchases, " in out
    assert "2026-03-09" in out
    assert Path("mine.png").is_file()


def test_lists_are_cut_in_print_but_not_in_json(command):
    Path("stock.csv").write_text("warehouse,on_hand\nW,5\n")
    Path("orders.csv").write_text("order,demand\n" + "".join(f"O{number},1\n" for number in range(40)))
    code, out, _ = command("--stock", "stock.csv", "--demand", "orders.csv", "--method", "first_come", "--json", "plan.json")
    assert code == 0
    assert "… and 15 more; --out and --json write all" in out
    assert len(json.loads(Path("plan.json").read_text())["unmet"]) == 35


WRONG = {
    "a missing file": (["--stock", "nowhere.csv"], "nowhere.csv: no such file"),
    "a misspelt method": (["--method", "optimum"], "method: unknown allocation rule 'optimum'; did you mean 'optimal'?"),
    "a misspelt factor": (["--ignore", "marginn"], "unknown factor 'marginn' to ignore; did you mean 'margin'?"),
    "a need without days": (["--need-by", "online=soon"], "need-by 'online=soon': the days must be a number; write online=10"),
    "a table of another kind": (["--stock", FOLDER / "demand.csv"], "demand.csv: column warehouse is missing"),
    "an unknown warehouse": (
        ["--receipts", "receipts.csv"],
        "receipts.csv: row 1 (line 2), column warehouse: unknown warehouse",
    ),
}


@pytest.mark.parametrize("fault", WRONG)
def test_what_is_wrong_is_said_in_one_line(command, fault):
    Path("receipts.csv").write_text("warehouse,arrives,units\nNORTH,3,5\n")
    arguments, words = WRONG[fault]
    code, _, err = command(*CAMPAIGN, *arguments)
    assert code == 2
    assert words in err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert not Path("plan.png").exists()


def test_names_with_brackets_are_printed_as_they_are(command):
    Path("stock.csv").write_text("warehouse,on_hand\n[red]W,5\n")
    Path("demand.csv").write_text("channel,demand\n[/web],9\n")
    code, out, _ = command("--stock", "stock.csv", "--demand", "demand.csv", "--json", "plan.json")
    assert code == 0
    assert "from [red]W" in out
    assert "[/web]" in out


def test_it_explains_itself(command):
    code, out, _ = command("--help")
    assert code == 0
    assert set(METHODS) <= set(re.findall(r"\w+", out))
    for option in ("--stock", "--demand", "--ignore", "--need-by", "--offers", "--json", "--figure"):
        assert option in out
