"""A plan as tables to work with: a workbook with a sheet a table, a CSV file of all that is to be done, or a folder of them.

No text starts a formula in a spreadsheet: what begins like one is written as text.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allotment.names import no_formula
from allotment.planning.outcome import Plan, Row
from allotment.planning.summary import summary
from allotment.scenario.errors import ScenarioError
from allotment.whole_file import whole_file, write_whole

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # how a cell begins that a spreadsheet would run
MOST_ROWS = 10_000  # of the summary
WIDEST = 48  # characters of a column
ACTIONS = {"allocation": "ship", "transfers": "transfer", "purchases": "buy", "unmet": "short"}


def check_format(path: Path) -> None:
    """Refuse a file that is none of .xlsx and .csv, and a workbook where nothing can write one: `ScenarioError`."""
    if path.suffix.lower() not in (".xlsx", ".csv", ""):
        raise ScenarioError(f"--out {path}: must be a file .xlsx or .csv, or a folder, not {path.suffix}")
    if path.suffix.lower() == ".xlsx":
        _openpyxl(path)


def write_tables(plan: Plan, path: Path) -> None:
    """Write a plan into a workbook (.xlsx), one table (.csv), or a folder with a CSV file a table."""
    if path.suffix.lower() == ".xlsx":
        _write_workbook(plan, path)
    elif path.suffix.lower() == ".csv":
        write_whole(path, _csv(_actions(plan)))
    else:
        path.mkdir(parents=True, exist_ok=True)
        for name, rows in tables_of(plan).items():
            write_whole(path / f"{name}.csv", _csv(rows))


def tables_of(plan: Plan) -> dict[str, list[Row]]:
    """Return the tables of a plan by name, each a list of rows; those that may be empty are there all the same."""
    return {
        "summary": list(_summary(plan)),
        "allocation": plan.allocation_rows(),
        "unmet": plan.unmet_rows(),
        "broken_commitments": plan.broken_commitments(),
        "transfers": [_flat(row) for row in plan.transfers],
        "purchases": [_flat(row) for row in plan.purchases],
        "uncovered": plan.uncovered,
        "assumptions": [{"note": note} for note in plan.notes],
    }


def _actions(plan: Plan) -> list[Row]:
    """Return all that is to be done, and what stays short, as one table."""
    tables = tables_of(plan)
    return [{"action": action, **row} for name, action in ACTIONS.items() for row in tables[name]]


def _summary(plan: Plan) -> Iterator[Row]:
    """Yield what each channel in each region, or each order or SKU, asks for, gets from each warehouse, and lacks."""
    sums = summary(plan, MOST_ROWS)
    for group, title in enumerate(sums.titles):
        shipped = {
            f"from {name}": round(float(sums.by_warehouse[group, site]), 9) for site, name in enumerate(plan.book.warehouses)
        }
        wanted, missing = float(sums.wanted[group]), float(sum(units[group] for units in sums.missing.values()))
        ends = {"served": round(wanted - missing, 9), "unmet": round(missing, 9), "why": sums.reasons(group)}
        yield {sums.kind: title, "asked": wanted, "committed": float(sums.committed[group]), **shipped, **ends}


def _flat(row: Row) -> Row:
    """Return a row with those it is for as a text."""
    if not isinstance(row.get("for"), list):
        return row
    return {**row, "for": "; ".join(" ".join(str(value) for value in part.values() if value != "") for part in row["for"])}


def _columns(rows: list[Row]) -> list[str]:
    return list(dict.fromkeys(column for row in rows for column in row))


def _csv(rows: list[Row]) -> str:
    text, columns = io.StringIO(), _columns(rows)
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writerow({column: no_formula(column) for column in columns})
    writer.writerows({column: no_formula(value) for column, value in row.items()} for row in rows)
    return text.getvalue()


def _write_workbook(plan: Plan, path: Path) -> None:
    openpyxl = _openpyxl(path)
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in tables_of(plan).items():
        if rows or name in ("summary", "allocation", "unmet"):
            _fill(book.create_sheet(name.replace("_", " ")), rows)
    with whole_file(path) as unfinished:
        book.save(unfinished)


def _fill(sheet: Worksheet, rows: list[Row]) -> None:
    """Write a table into a sheet, with its header kept in sight and on each printed page."""
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.properties import PageSetupProperties

    columns = _columns(rows) or ["nothing"]
    for place, column in enumerate(columns, start=1):
        values = [column, *(row.get(column) for row in rows)]
        for line, value in enumerate(values, start=1):
            _write_cell(sheet.cell(line, place), value)
        header = sheet.cell(1, place)
        header.font, header.alignment = Font(bold=True), Alignment(wrap_text=True, vertical="top")
        longest = max(len(str(value)) for value in values if value is not None)
        sheet.column_dimensions[get_column_letter(place)].width = min(longest + 2, WIDEST)
    sheet.freeze_panes = "A2"
    sheet.print_title_rows = "1:1"
    sheet.page_setup.orientation, sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = "landscape", 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    if rows:
        sheet.auto_filter.ref = sheet.dimensions


def _write_cell(cell: Any, value: Any) -> None:
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    if isinstance(value, str):
        cell.value = ILLEGAL_CHARACTERS_RE.sub("\N{REPLACEMENT CHARACTER}", value)
        cell.data_type = "s"  # a text, whatever it begins with
        cell.quotePrefix = value.startswith(FORMULA)
        return
    cell.value = value
    if isinstance(value, int | float):
        cell.number_format = "#,##0" if float(value).is_integer() else "#,##0.###"


def _openpyxl(path: Path) -> Any:
    try:
        import openpyxl
    except ModuleNotFoundError:
        raise ScenarioError(f"{path}: workbooks need openpyxl: pip install 'allotment[excel]'") from None
    return openpyxl
