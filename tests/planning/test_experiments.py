"""What the READMEs of the experiments show is what comes out."""

import re
import shlex
import sys
from pathlib import Path

import pytest
from test_plan_campaign import FILES, FOLDER, by_channel

import allotment
from allotment.cli import main

README = (FOLDER / "README.md").read_text(encoding="utf-8")


def test_the_campaigns_command_runs(monkeypatch, capsys, tmp_path):
    (change, command) = re.findall(r"^\$ (.*)$", README, re.MULTILINE)
    assert change == f"cd {FOLDER.relative_to(Path(__file__).parents[2])}"
    monkeypatch.chdir(FOLDER)
    monkeypatch.setattr(sys, "argv", [*shlex.split(command), "--json", str(tmp_path / "plan.json")])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
    assert "Purchases, 840,000.00 in all" in capsys.readouterr().out


ROWS = re.findall(r"^\| (\w+) \| ([\d,]+), ([\d,]+), ([\d,]+) \| ([\d,]+) \| ([\d,]+|any.*) \|$", README, re.MULTILINE)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_campaigns_table_of_ignored_factors_holds(row):
    assert len(ROWS) == 6
    plan = allotment.plan(**FILES, ignore=[] if row[0] == "nothing" else [row[0]])
    assert [f"{units:,}" for units in by_channel_in_order(plan)] == list(row[1:4])
    assert f"{plan.objective:,.0f}" == row[4]
    assert row[5].startswith("any") or f"{plan.value:,.0f}" == row[5]


def by_channel_in_order(plan):
    sums = by_channel(plan.allocation_rows())
    return [sums[name] for name in ("online", "retail", "enterprise")]


@pytest.mark.parametrize(
    ("method", "value", "broken"), [("fair_share", 1_010_924, 1), ("first_come", 983_535, 3), ("highest_stock", 963_450, 3)]
)
def test_rules_that_look_at_one_thing_do_worse(method, value, broken):
    plan = allotment.plan(**FILES, method=method)
    assert f"{value:,}" in README
    assert (round(plan.objective), len(plan.broken_commitments())) == (value, broken)
