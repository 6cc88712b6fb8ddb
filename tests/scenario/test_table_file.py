"""Table files: whatever delimiter, encoding and blanks, the same table comes out, or a fault with its row."""

import sys

import pandas as pd
import pytest

from allotment.scenario.errors import ScenarioError
from allotment.scenario.table_file import read_table_file

TEXT = 'warehouse,on hand\nKöln,3\n"a, b; c\td",40\n'
WANTED = {"warehouse": ["Köln", "a, b; c\td"], "on hand": ["3", "40"]}


def written(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table_file(path)


@pytest.mark.parametrize(("mark", "note"), [(",", ()), (";", ("semicolons",)), ("\t", ("tabs",)), ("|", ("bars",))])
def test_the_delimiter_is_that_of_the_header(tmp_path, mark, note):
    quoted = '"a, b; c\td"'
    found = written(tmp_path / "t.csv", f"warehouse{mark}on hand\nKöln{mark}3\n{quoted}{mark}40\n")
    assert (found.columns, found.lines) == (WANTED, [2, 3])
    assert found.notes == tuple(f"cells are parted by {name}" for name in note)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_the_encoding_is_found(tmp_path, encoding):
    found = written(tmp_path / "t.csv", TEXT.encode(encoding))
    assert found.columns == WANTED
    assert found.notes == (("is read as Windows text (cp1252)",) if encoding == "cp1252" else ())


BLANKS = {
    "blank rows": "\n\nwarehouse,on hand\n\nKöln,3\n , \n",
    "delimiters at the end": "warehouse,on hand,,\nKöln,3,,\n",
    "more of them in the rows": "warehouse,on hand\nKöln,3,,,\n",
    "a blank column before and between": ",warehouse,,on hand\n,Köln,,3\n",
    "blanks in cells": ' warehouse , "on hand"\n  Köln ,  3\n',
    "what spreadsheets say of the delimiter": "sep=;\nwarehouse;on hand\nKöln;3\n",
    "returns of Windows": "warehouse,on hand\r\nKöln,3\r\n",
    "returns of old": "warehouse,on hand\rKöln,3\r",
}


@pytest.mark.parametrize("kind", BLANKS)
def test_blanks_around_a_table_are_no_part_of_it(tmp_path, kind):
    assert written(tmp_path / "t.csv", BLANKS[kind]).columns == {"warehouse": ["Köln"], "on hand": ["3"]}


FAULTS = {
    "a row too short": ("a,b\n1,2\n3\n", r"t\.csv: row 2 \(line 3\): has 1 cell, but the header has 2 columns"),
    "a row too long": ("a,b\n1,2,3\n", r"t\.csv: row 1 \(line 2\): has 3 cells, but the header has 2 columns"),
    "a column without a name": ("a,,b\n1,2,3\n", r"t\.csv: column 2 has cells, but no name in the header"),
    "two columns of a name": ("a,b,a\n1,2,3\n", r"t\.csv: has two columns 'a'"),
    "nothing": ("", r"t\.csv: has no rows"),
    "nothing but blanks": ("\n , \n", r"t\.csv: has no rows"),
    "a quote that does not end": ('a,b\n"1,2\n3,4\n', r"t\.csv: line 3: is no CSV \(unexpected end of data\)"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_no_table_is_told_with_its_place(tmp_path, fault):
    text, words = FAULTS[fault]
    with pytest.raises(ScenarioError, match=words):
        written(tmp_path / "t.csv", text)


def test_a_workbook_is_read_with_its_types(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.title = "empty"
    sheet, other = book.create_sheet("stock"), book.create_sheet("notes")
    for row in ([], [None, "warehouse", "on hand", None], [None, "A", 3.5], [], [None, "B", 4]):
        sheet.append(row)
    other.append(["hello"])
    book.save(tmp_path / "t.xlsx")
    found = read_table_file(tmp_path / "t.xlsx")
    assert (found.columns, found.lines) == ({"warehouse": ["A", "B"], "on hand": [3.5, 4]}, [3, 5])
    assert found.notes == ("sheet 'stock' is read, not 'notes'",)


def test_parquet_is_read_with_its_types(tmp_path):
    pd.DataFrame({"a": [1, None], "b": ["x", "y"]}).to_parquet(tmp_path / "t.parquet")
    assert read_table_file(tmp_path / "t.parquet").columns == {"a": [1.0, None], "b": ["x", "y"]}


@pytest.mark.parametrize("name", ["t.xlsx", "t.parquet"])
def test_a_file_that_is_not_what_its_name_says_is_named(tmp_path, name):
    with pytest.raises(ScenarioError, match=r"t\.\w+: is no (workbook|Parquet file)"):
        written(tmp_path / name, "a,b\n1,2\n")


def test_what_is_missing_is_said(tmp_path, monkeypatch):
    with pytest.raises(ScenarioError, match="no such file"):
        read_table_file(tmp_path / "t.csv")
    with pytest.raises(ScenarioError, match="is no file"):
        read_table_file(tmp_path)
    with pytest.raises(ScenarioError, match=r"\.xls workbooks are not read; save it as \.xlsx or \.csv"):
        written(tmp_path / "t.xls", "a")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(ScenarioError, match=r"pip install 'allotment\[excel\]'"):
        written(tmp_path / "t.xlsx", "a")


def workbook(path, *rows, hidden=()):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    if hidden:
        book.active.sheet_state = "hidden"
        for row in hidden:
            book.active.append(row)
    sheet = book.create_sheet("now") if hidden else book.active
    for row in rows:
        sheet.append(row)
    if hidden:
        book.active = 1
    book.save(path)
    return path


def test_a_hidden_sheet_is_not_read(tmp_path):
    found = read_table_file(workbook(tmp_path / "t.xlsx", ["a"], [5], hidden=[["a"], [99]]))
    assert (found.columns, found.notes) == ({"a": [5]}, ())


NO_VALUES = {
    "a formula that nobody calculated": (["=B2", 3], r"t\.xlsx: line 2: =B2 has no value; open the workbook"),
    "an error": (["#N/A", 3], r"t\.xlsx: line 2: #N/A is an error of the spreadsheet"),
    "a cell beyond the header": ([1, 2, "URGENT"], r"t\.xlsx: row 1 \(line 2\): has 3 cells, but the header has 2 columns"),
}


@pytest.mark.parametrize("kind", NO_VALUES)
def test_a_cell_of_a_workbook_without_a_value_is_refused(tmp_path, kind):
    row, words = NO_VALUES[kind]
    with pytest.raises(ScenarioError, match=words):
        read_table_file(workbook(tmp_path / "t.xlsx", ["a", "b"], row))
