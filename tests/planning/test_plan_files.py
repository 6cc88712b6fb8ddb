"""A plan as tables to work with: what stands in the workbook, the CSV file and the folder, and where they may lie."""

import csv
from pathlib import Path

import pandas as pd
import pytest
from test_plan_campaign import EXPECTED
from test_plan_command import CAMPAIGN, FOLDER, command  # noqa: F401

OFFERS = ["--offers", FOLDER / "offers.csv", "--today", "2026-03-02"]


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_workbook_has_a_sheet_a_table_ready_to_print(command):  # noqa: F811
    openpyxl = pytest.importorskip("openpyxl")
    code, out, _ = command(*CAMPAIGN, *OFFERS, "--out", "plan.xlsx")
    assert (code, out.endswith("tables: plan.xlsx\n")) == (0, True)
    assert not Path("plan.png").exists()
    book = openpyxl.load_workbook("plan.xlsx")
    assert book.sheetnames == ["summary", "allocation", "unmet", "purchases", "assumptions"]
    found = [tuple(row) for row in book["allocation"].iter_rows(min_row=2, values_only=True)]
    assert [row[: len(EXPECTED[0])] for row in found] == EXPECTED
    assert sum(row[-2] for row in book["unmet"].iter_rows(min_row=2, values_only=True)) == 4500
    for sheet in book:
        assert (sheet.freeze_panes, sheet.print_title_rows, sheet.page_setup.orientation) == ("A2", "$1:$1", "landscape")
        assert sheet["A1"].font.bold


def test_one_file_says_all_that_is_to_be_done(command):  # noqa: F811
    code, _, _ = command(*CAMPAIGN, *OFFERS, "--out", "plan.csv")
    assert code == 0
    rows = rows_of("plan.csv")
    assert sum(float(row["units"]) for row in rows if row["action"] == "ship") == 15_000
    assert sum(float(row["units"]) for row in rows if row["action"] == "short") == 4500
    assert [row["supplier"] for row in rows if row["action"] == "buy"] == ["B"]
    assert {row["action"] for row in rows} == {"ship", "short", "buy"}


def test_a_folder_has_a_file_a_table(command):  # noqa: F811
    code, _, _ = command(*CAMPAIGN, "--out", "plans/today")
    assert code == 0
    names = ["allocation", "assumptions", "broken_commitments", "purchases", "summary", "transfers", "uncovered", "unmet"]
    assert sorted(file.stem for file in Path("plans/today").iterdir()) == names
    summary = rows_of("plans/today/summary.csv")
    assert sum(float(row["served"]) for row in summary) == 15_000
    assert {"channel", "asked", "committed", "served", "unmet", "why"} < set(summary[0])


HOSTILE = ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\tx", "plain"]


def test_no_cell_is_a_formula(command):  # noqa: F811
    openpyxl = pytest.importorskip("openpyxl")
    pd.DataFrame({"warehouse": ["=W", "V"], "on_hand": [5, 1]}).to_parquet("stock.parquet")
    pd.DataFrame({"order": [f"{name}." for name in HOSTILE], "demand": 1}).to_parquet("demand.parquet")
    tables = ["--stock", "stock.parquet", "--demand", "demand.parquet"]
    for out in ("plan.xlsx", "plan.csv", "folder"):
        assert command(*tables, "--out", out)[0] == 0
    cells = [cell for sheet in openpyxl.load_workbook("plan.xlsx") for row in sheet.iter_rows() for cell in row]
    assert any(str(cell.value).startswith("=cmd") for cell in cells)
    assert {cell.data_type for cell in cells} <= {"s", "inlineStr", "n"}
    assert all(cell.quotePrefix for cell in cells if isinstance(cell.value, str) and cell.value.startswith("="))
    files = [Path("plan.csv"), *Path("folder").iterdir()]
    for file in files:
        with open(file, newline="", encoding="utf-8") as lines:
            for row in csv.reader(lines):
                for cell in row:
                    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r")), (file, cell)


WHERE = {
    "a format that is none": (["--out", "plan.docx"], "--out plan.docx: must be a file .xlsx or .csv, or a folder, not .docx"),
    "a folder that is not there": (["--out", "nowhere/plan.csv"], "error: nowhere/plan.csv: there is no folder nowhere"),
    "a folder for a file": (["--json", "folder"], "error: folder: is a folder; name a file in it"),
    "a file for a folder": (["--out", "file"], "error: file: is a file; name a folder"),
    "a picture that is none": (["--figure", "plan.txt"], "--figure plan.txt: must end in one of ."),
    "a folder that is a file": (["--json", "file/plan.json"], "error: file/plan.json: there is no folder file"),
}


@pytest.mark.parametrize("fault", WHERE)
def test_where_a_plan_goes_is_checked_before_the_work(command, fault, monkeypatch):  # noqa: F811
    Path("folder").mkdir()
    Path("file").write_text("mine")
    monkeypatch.setattr("allotment.planning.one_day.plan", lambda *_, **__: pytest.fail("was worked on already"))
    arguments, words = WHERE[fault]
    code, _, err = command(*CAMPAIGN, *arguments)
    assert (code, err.count("\n")) == (2, 1)
    assert words in err
    assert Path("file").read_text() == "mine"
