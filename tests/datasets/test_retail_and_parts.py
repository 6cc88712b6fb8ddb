"""Online Retail, as CSV and as workbooks, and car parts as the same table: small files, whole and spoilt."""

import csv
import os
import re
from datetime import datetime
from pathlib import Path

import pytest
from small_data_sets import PARTS, RETAIL_LINES, write_file

from allotment.datasets import carparts, online_retail
from allotment.scenario.errors import ScenarioError


def test_online_retail_counts_what_was_sold_by_country(tmp_path):
    table = online_retail.read.table(write_file(tmp_path, "online_retail_II.csv", RETAIL_LINES), {})
    frame = table.frame
    assert frame["channel"].unique().tolist() == ["France", "United Kingdom"]
    assert frame["units"].tolist() == [0, 0, 3 + 2, 12 + 24, 0, 0]  # codes that differ by case are one item
    assert frame["price"].dropna().tolist() == pytest.approx([2.1, (12 * 6.95 + 24 * 6.0) / 36])
    assert table.notes == (
        "lines that are there twice, left out: 1",
        "lines of cancelled invoices, left out: 1",
        "lines of units or prices not above 0, left out: 2",
        "lines of postage, fees and the like, left out: 1",
    )
    assert online_retail.read.table(tmp_path, {"stores": "United*"}).skus == ["85048"]


def test_both_editions_and_workbooks_of_several_sheets_are_read_alike(tmp_path):
    openpyxl = pytest.importorskip("openpyxl", reason="the extra excel is not installed")
    expected = online_retail.read.table(write_file(tmp_path / "csv", "online_retail_II.csv", RETAIL_LINES), {})
    header, *lines = csv.reader(RETAIL_LINES.splitlines())
    typed = [
        [number if number[0] == "C" else int(number), code, text, int(units), datetime.fromisoformat(time), float(price), *rest]
        for number, code, text, units, time, price, *rest in lines
    ]
    book = openpyxl.Workbook()
    for sheet, part in ((book.active, typed[:4]), (book.create_sheet("Year 2010-2011"), typed[3:])):  # they overlap
        for row in [header, *part]:
            sheet.append(row)
    (tmp_path / "xlsx").mkdir()
    book.save(tmp_path / "xlsx" / "online_retail_II.xlsx")
    found = online_retail.read.table(tmp_path / "xlsx", {})
    assert found.frame.equals(expected.frame)
    assert found.notes[0] == "lines that are there twice, left out: 2"
    american = re.sub(r"2009-12-0(\d) (\d\d:\d\d):00", r"12/\1/2009 \2", RETAIL_LINES)
    first = american.replace("Invoice,", "InvoiceNo,").replace(",Price,", ",UnitPrice,")
    assert online_retail.read.table(write_file(tmp_path / "first", "data.csv", first), {}).frame.equals(expected.frame)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (RETAIL_LINES.replace("2009-12-01 09:00:00", "13/13/2009 09:00"), "line 4: InvoiceDate must be a date"),
        (RETAIL_LINES.replace(",24,", ",2.5,"), "line 4: Quantity must be a whole number, not '2.5'"),
        (RETAIL_LINES.replace("Country", "Land"), "has no column 'Country'"),
        (
            "\n".join(RETAIL_LINES.splitlines()[:5:4]),
            "no line is of a sale",
        ),
    ],
)
def test_invoice_lines_that_are_not_as_published_are_refused(tmp_path, lines, message):
    with pytest.raises(ScenarioError, match=message):
        online_retail.read.table(write_file(tmp_path, "online_retail_II.csv", lines), {})


def test_cells_of_a_workbook_are_checked_and_what_is_no_workbook_is_refused(tmp_path):
    openpyxl = pytest.importorskip("openpyxl", reason="the extra excel is not installed")
    book = openpyxl.Workbook()
    book.active.append(RETAIL_LINES.splitlines()[0].split(","))
    book.active.append([489434, 85048, "LIGHTS", "twelve", datetime(2009, 12, 1), 6.95, 1, "France"])
    book.save(tmp_path / "online_retail_II.xlsx")
    with pytest.raises(ScenarioError, match="sheet 'Sheet': line 2: Quantity must be a whole number, not 'twelve'"):
        online_retail.read.table(tmp_path, {})
    (tmp_path / "online_retail_II.xlsx").write_text("Invoice,StockCode")
    with pytest.raises(ScenarioError, match=r"online_retail_II\.xlsx: is no workbook"):
        online_retail.read.table(tmp_path, {})


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("data.csv.gz", b"Invoice,StockCode", r"data\.csv\.gz: cannot be read: Not a gzipped file"),
        ("data.csv", b"\x17a\xa0N\x00PG,\xb5\n", r"data\.csv: is no CSV file: its first line is no text"),
        ("data.csv", b"", r"data\.csv: is empty"),
        ("data.txt", b"", r"online_retail_II\.xlsx does not exist; the folder holds data\.txt\. Online Retail, published by"),
    ],
)
def test_what_is_no_csv_is_refused_in_one_line(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ScenarioError, match=message) as error:
        online_retail.read.table(tmp_path, {})
    assert len(str(error.value).splitlines()) == 1


def test_texts_of_windows_and_marked_ones_are_read(tmp_path):
    for folder, content in (
        ("mark", RETAIL_LINES.encode("utf-8-sig")),
        ("old", RETAIL_LINES.replace("PINK", "P£NK").encode("cp1252")),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "data.csv").write_bytes(content.replace(b"\n", b"\r\n"))
        assert online_retail.read.table(tmp_path / folder, {}).frame["units"].sum() == 41


def test_parts_are_monthly_and_one_with_a_gap_is_left_out(tmp_path):
    table = carparts.read.table(write_file(tmp_path, "carparts.csv", PARTS), {})
    assert table.period == "month"
    assert table.skus == ["21029627", "21029628", "900"]
    assert table.series().T.tolist() == [[0, 1, 0, 0], [2, 0, 0, 1], [1, 0, 4, 0]]
    assert table.notes == ("parts left out because a month was not recorded: 1",)
    assert carparts.read.table(tmp_path, {"first": "1998-02-01", "last": "1998-03-31"}).series().sum() == 1 + 4
    assert carparts.read.table(tmp_path, {"first": "1998-03-01", "last": "1998-03-31"}).series().tolist() == [[0, 0, 4]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PARTS.replace("1998-03", "1998-05"), "month must hold consecutive months as 1998-01"),
        (PARTS.replace("3,4", "3,x"), "line 4: 900 must be a number or empty, not 'x'"),
        (PARTS.replace("3,4", "3,-4"), "line 4: 900 must be >= 0, not '-4'"),
        (PARTS.replace("0,3,4", "0,3"), "line 4: has 4 cells, but the header has 5 columns"),
        (PARTS.replace("3,4", "3,inf"), "line 4: 900 must be a number or empty, not 'inf'"),
        (PARTS.replace("21029628", "900"), "has two columns '900'"),
        (PARTS.splitlines()[0] + "\n", "month must hold consecutive months"),
        (PARTS.replace("month", "time"), "the first column must be 'month', not 'time'"),
    ],
)
def test_parts_that_are_not_as_published_are_refused(tmp_path, text, message):
    with pytest.raises(ScenarioError, match=message):
        carparts.read.table(write_file(tmp_path, "carparts.csv", text), {})


REAL = Path(os.environ.get("ALLOTMENT_DATA", "")) / "carparts"


@pytest.mark.skipif(
    "ALLOTMENT_DATA" not in os.environ or not REAL.is_dir(), reason="the car parts are not in $ALLOTMENT_DATA/carparts"
)
def test_the_real_parts_are_those_of_the_literature():
    table = carparts.read.table(REAL, {})
    assert table.series().shape == (51, 2509)  # 2,674 parts less 165 with gaps
    assert table.notes == ("parts left out because a month was not recorded: 165",)
