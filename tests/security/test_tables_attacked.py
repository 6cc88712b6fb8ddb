"""The planner's tables and its solver: a sample of the attacks, and the faults that were found, each by itself."""

import io
import json
import warnings
import zipfile

import attack_days
import attack_tables
import numpy as np
import openpyxl
import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest
from attacking import drawn
from small_days import sites

import allotment
from allotment import extensions
from allotment.allocation import solving
from allotment.allocation.day import Claims
from allotment.allocation.program import optimal
from allotment.planning import checking
from allotment.scenario import table_file
from allotment.scenario.errors import ScenarioError
from allotment.scenario.table_file import read_table_file

pytestmark = pytest.mark.security


@pytest.mark.parametrize("attack", [*attack_days.ATTACKS, *attack_tables.ATTACKS], ids=lambda attack: attack.name)
def test_a_sample_of_the_attack_is_planned_right_or_refused(attack):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ends = {attack.judge(drawn(attack, 7, number)) for number in range(15)}
    assert ends & {"planned", "allocated", "equal"}


def test_quantities_of_a_million_million_are_planned_to_the_unit():
    day = sites([1e12, 7], [1e12, 5], value=[[2.0, 2.0], [1.0, 1.0]], committed=[3, 5])
    given = optimal(day)
    assert day.served(given).tolist() == [1e12, 5]
    short = sites([1e12 - 500], [1e12], value=1.0)
    assert day.whole and short.served(optimal(short)).tolist() == [1e12 - 500]


def test_what_is_unmet_of_large_quantities_is_told_to_the_unit():
    stock, demand = (
        pd.DataFrame({"warehouse": ["W"], "on_hand": [10**12 - 500]}),
        pd.DataFrame({"order": ["A"], "demand": [10**12]}),
    )
    totals = allotment.plan(stock, demand, today=0).totals()
    assert totals == {"supply": 10**12 - 500, "demand": 10**12, "allocated": 10**12 - 500, "unmet": 500}


def test_a_loss_as_large_as_can_be_does_not_hide_a_small_gain():
    day = sites([5, 5], [4], value=[[1e-6, -1e12]])
    assert optimal(day).sum() == 4


def test_an_answer_that_the_solver_gets_wrong_is_cut_to_what_is_possible_and_not_called_the_best(monkeypatch):
    day = sites([5, 5], [4, 4], value=1.0)
    monkeypatch.setattr(solving, "in_fractions", lambda model, *_: solving.Answer(np.full(len(model.cost), 9.0), -1e9))
    with pytest.warns(RuntimeWarning, match="not proven to be the best"):
        given = optimal(day)
    assert attack_days.beyond(day, given) == []


def test_a_solver_that_finds_nothing_leaves_a_possible_plan_and_says_so(monkeypatch):
    def fail(*_):
        raise solving.Unsolved

    monkeypatch.setattr(solving, "in_fractions", fail)
    with pytest.warns(RuntimeWarning, match="stopped"):
        assert optimal(sites([5], [4, 4], value=[[1.0], [2.0]])).sum() == 5


@pytest.mark.parametrize("given", ["no array", [[9.0]], [[-1.0]], [[0.5]], [[np.nan]], [[1.0], [1.0]]], ids=str)
def test_a_rule_whose_plan_is_not_possible_is_refused_by_name(monkeypatch, given):
    monkeypatch.setattr(extensions, "find", lambda *_: lambda day: given)
    stock, demand = pd.DataFrame({"warehouse": ["W"], "on_hand": [5]}), pd.DataFrame({"order": ["A"], "demand": [4]})
    with pytest.raises(ScenarioError, match="method mine gave") as error:
        allotment.plan(stock, demand, today=0, method="mine")
    assert "\n" not in str(error.value)


def test_days_that_do_not_fit_are_refused_by_their_counts(monkeypatch):
    monkeypatch.setattr(checking, "MOST_OPTIONS", 5)
    monkeypatch.setattr("allotment.planning.lanes.MOST_OPTIONS", 5)
    stock = pd.DataFrame({"warehouse": ["V", "W"], "on_hand": [5, 5]})
    demand = pd.DataFrame({"order": ["A", "B", "C"], "demand": [4, 4, 4]})
    with pytest.raises(ScenarioError, match="3 rows of demand × 2 warehouses make 6 ways of serving them; at most 5"):
        allotment.plan(stock, demand, today=0)


def _csv(path, data):
    (path / "t.csv").write_bytes(data)
    return path / "t.csv"


def _workbook(path, **parts):
    """Return a workbook with some of its parts replaced."""
    book, plain = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["warehouse", "on_hand"])
    book.save(plain)
    with zipfile.ZipFile(plain) as given, zipfile.ZipFile(path / "t.xlsx", "w", zipfile.ZIP_DEFLATED) as changed:
        for name in given.namelist():
            changed.writestr(name, parts.get(name.rpartition("/")[2].removesuffix(".xml"), given.read(name)))
    return path / "t.xlsx"


SHEET = b"""<?xml version="1.0"?>%s<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">
<sheetData><row r="%s"><c r="%s" t="inlineStr"><is><t>%s</t></is></c></row></sheetData></worksheet>"""
ENTITY = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
BOMBS = {
    "a file too large": (lambda path: _csv(path, b"a\n" * 2_000_000), "bytes; a table holds at most"),
    "a line too long": (lambda path: _csv(path, b"a,b\n" + b"x" * 1_500_000), "line 2: has 1,500,000 characters"),
    "a quote that stays open": (lambda path: _csv(path, b'a,b\n1,"' + b"x,\n" * 900_000), "line|field larger"),
    "many columns": (lambda path: _csv(path, b",".join(b"c%d" % n for n in range(100_000)) + b"\n"), "100,000 columns or more"),
    "a NUL": (lambda path: _csv(path, b"a,b\n1,\0\n"), "line 2: has a NUL character"),
    "a cell too long": (lambda path: _csv(path, b"a,b\n1," + b"x" * 40_000), "has a cell of 40,000 characters"),
    "a zip bomb": (lambda path: _workbook(path, sheet1=b" " * 5_000_000), "bytes; a table holds at most"),
    "a row far down": (lambda path: _workbook(path, sheet1=SHEET % (b"", b"99999999", b"A99999999", b"x")), "rows or more"),
    "a column far out": (lambda path: _workbook(path, sheet1=SHEET % (b"", b"1", b"ZZZ1", b"x")), "18,278 columns or more"),
    "an entity": (lambda path: _workbook(path, sheet1=SHEET % (ENTITY, b"1", b"A1", b"&e;")), "is no workbook"),
    "an encrypted workbook": (
        lambda path: (path / "t.xlsx").write_bytes(b"\xd0\xcf\x11\xe0 ...") and path / "t.xlsx",
        "encrypted",
    ),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_files_that_would_take_the_memory_are_refused_before_or_while_they_are_read(bomb, tmp_path, monkeypatch):
    monkeypatch.setattr(table_file, "MOST_BYTES", 3_000_000)
    monkeypatch.setattr(table_file, "MOST_ROWS", 100_000)
    make, words = BOMBS[bomb]
    with pytest.raises(ScenarioError, match=words) as error:
        read_table_file(make(tmp_path))
    assert "\n" not in str(error.value) and len(str(error.value)) < 500


def test_a_parquet_text_that_stands_in_many_rows_is_kept_once_and_a_long_one_is_refused(tmp_path):
    many, long, lists = (tmp_path / f"{name}.parquet" for name in ("many", "long", "lists"))
    pyarrow.parquet.write_table(pyarrow.table({"sku": ["x" * 30_000] * 500}), many)
    cells = read_table_file(many).columns["sku"]
    assert len(cells) == 500 and len({id(cell) for cell in cells}) < 50
    pyarrow.parquet.write_table(pyarrow.table({"sku": ["x" * 40_000]}), long)
    with pytest.raises(ScenarioError, match="row 1, column sku: has a cell of 40,000 characters"):
        read_table_file(long)
    pyarrow.parquet.write_table(pyarrow.table({"sku": [[1, 2]]}), lists)
    with pytest.raises(ScenarioError, match=r"column sku holds list<"):
        read_table_file(lists)


def test_purchases_of_large_quantities_keep_to_offers():
    stock, demand = pd.DataFrame({"warehouse": ["W"], "on_hand": [0]}), pd.DataFrame({"order": ["A"], "demand": [10**12]})
    offers = pd.DataFrame(
        {"supplier": ["S", "T"], "unit_cost": [1.0, 2.0], "lead_time": [1, 1], "minimum": [3, 7], "capacity": [10**12 - 5, 50]}
    )
    plan = allotment.plan(stock, demand, offers=offers, today=0)
    assert {row["supplier"]: row["units"] for row in plan.purchases} == {"S": 10**12 - 5, "T": 7}
    assert json.dumps(plan.to_dict()) and plan.uncovered == []


def test_shares_of_large_quantities_add_up():
    day = sites([1e12], [1e12, 1e12, 3.0], value=1.0)
    from allotment.allocation.fairness import fair

    assert fair(day).sum() == 1e12 and isinstance(day.claims, Claims)
