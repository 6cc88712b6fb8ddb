"""Large Excel workbooks, row by row: each sheet with a header, of which some columns are read."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from allotment.datasets.files import EXPECTED, Columns, Kind, as_date
from allotment.scenario.errors import ScenarioError, shown

MOST_ROWS = 50_000  # of a piece


def pieces_of_workbook(path: Path, columns_of: Callable[[list[str]], Columns]) -> Iterator[pd.DataFrame]:
    """Yield the columns that `columns_of` picks from each sheet's header, piece by piece.

    Raises `ScenarioError` with sheet, line and column where a cell has another type or nothing in it.
    """
    try:
        import openpyxl
    except ModuleNotFoundError:
        raise ScenarioError(f"{path}: workbooks need openpyxl: pip install 'allotment[excel]', or save it as .csv") from None
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
    except Exception as error:  # the reader's own, of many kinds, for what is no workbook
        raise ScenarioError(f"{path}: is no workbook ({(str(error).splitlines() or [''])[0]})") from None
    try:
        for sheet in book.worksheets:
            yield from _pieces(f"{path}: sheet {sheet.title!r}", sheet.iter_rows(values_only=True), columns_of)
    finally:
        book.close()


def _pieces(source: str, rows: Iterator[Any], columns_of: Callable[[list[str]], Columns]) -> Iterator[pd.DataFrame]:
    names = [str(cell or "").strip() for cell in next(rows, ())]
    if not any(names):
        return
    columns = columns_of(names)
    places = {name: names.index(name) for name in columns}
    held: list[list[Any]] = []
    for number, row in enumerate(rows, start=2):
        if all(cell is None for cell in row):
            continue
        held.append([_cell(row, place, columns[name], f"{source}: line {number}: {name}") for name, place in places.items()])
        if len(held) == MOST_ROWS:
            yield _frame(held, columns)
            held = []
    if held:
        yield _frame(held, columns)


def _cell(row: Any, place: int, kind: Kind, where: str) -> Any:
    """Return a cell as its column should hold it; identifiers that a workbook has as numbers become texts."""
    cell: Any = row[place] if place < len(row) else None
    if kind == "text" and cell is not None and str(cell) != "":
        return str(cell)
    if kind == "date":
        found = cell if isinstance(cell, datetime) else as_date(cell) if isinstance(cell, str) else None
        if found is not None:
            return found
    if _is_finite(cell) and (kind == "number" or (kind == "whole" and cell == math.floor(cell))):
        return cell
    raise ScenarioError(f"{where} must be {EXPECTED[kind]}, not {shown(cell)}")


def _is_finite(cell: Any) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool) and math.isfinite(cell)


def _frame(rows: Iterable[list[Any]], columns: Columns) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(columns))
    return frame.astype({name: "datetime64[s]" for name, kind in columns.items() if kind == "date"})
