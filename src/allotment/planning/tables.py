"""Reading a day's tables: every cell is checked, and what is wrong is told with file, row and column.

A table is a CSV file (commas, a header, UTF-8), a Parquet file, or a data frame. Rows are counted from 1 without the header;
for a CSV file the line is told too.
"""

from __future__ import annotations

import csv
import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from allotment.allocation.day import Floats
from allotment.planning.columns import LAYOUTS, Column
from allotment.planning.values import NUMBERS, Moment, day, is_empty, name
from allotment.scenario.errors import ScenarioError, nearest

MISSPELT = 0.8  # how alike a name must be to be taken for a misspelt column rather than for another that is not read


@dataclass(frozen=True)
class Table:
    """The columns that a table has, read and checked."""

    source: str  # the file, or what a data frame was given as
    rows: int
    lines: list[int]  # of a CSV file; empty for others
    names: dict[str, list[str]]  # by column, one a row; empty where the cell is
    numbers: dict[str, Floats]
    days: dict[str, list[Moment | None]]

    def fault(self, row: int, column: str, sentence: str) -> ScenarioError:
        """Return the error that says what is wrong with a cell."""
        return ScenarioError(f"{place(self.source, row, self.lines)}, column {column}: {sentence}")

    def number(self, column: str, default: float) -> Floats:
        """Return a column of numbers, or the same number for each row where the table has no such column."""
        return self.numbers[column] if column in self.numbers else np.full(self.rows, default)

    def name(self, column: str) -> list[str]:
        """Return a column of names, empty ones where the table has no such column."""
        return self.names.get(column, [""] * self.rows)


def place(source: str, row: int, lines: list[int]) -> str:
    """Return where a row is (counted from 0 here, from 1 in the text)."""
    return f"{source}: row {row + 1}" + (f" (line {lines[row]})" if lines else "")


def read_table(kind: str, given: Any, whole: bool) -> Table:
    """Read a table of a kind, a key of `LAYOUTS`; in whole units, quantities must be whole.

    Raises `ScenarioError` for what is missing, misspelt, listed twice, or no value of its column.
    """
    if isinstance(given, str | Path):
        source, columns, lines = _from_file(Path(given))
    else:
        source, columns, lines = kind, {str(column): given[column].tolist() for column in given.columns}, []
    layout = LAYOUTS[kind]
    _check_header(source, list(columns), layout.columns)
    rows = len(next(iter(columns.values())))
    if rows == 0:
        raise ScenarioError(f"{source}: has no rows")
    table = Table(source, rows, lines, {}, {}, {})
    for column, declared in layout.columns.items():
        if column in columns:
            _read_column(table, column, declared, columns[column], whole)
    _check_unique(table, next((keys for keys in layout.keys if keys[0] in table.names), ()))
    return table


def _from_file(path: Path) -> tuple[str, dict[str, list[Any]], list[int]]:
    """Return the name of a file, its columns by name, and the lines of its rows."""
    if not path.is_file():
        raise ScenarioError(f"{path}: no such file")
    if path.suffix.lower() == ".parquet":
        import pyarrow.parquet

        table = pyarrow.parquet.read_table(path)
        return str(path), {column: table[column].to_pylist() for column in table.column_names}, []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            header = [column.strip() for column in next(reader, [])]
            found = [(reader.line_num, row) for row in reader if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ScenarioError(f"{path}: is no CSV file in UTF-8 ({error})") from error
    lines = [line for line, _ in found]
    for number, (_, row) in enumerate(found):
        if len(row) != len(header):
            where = place(str(path), number, lines)
            raise ScenarioError(f"{where}: has {len(row)} cells, but the header has {len(header)} columns")
    for column in header:
        if header.count(column) > 1:
            raise ScenarioError(f"{path}: has two columns {column!r}")
    cells = zip(*(row for _, row in found), strict=True) if found else ([] for _ in header)
    return str(path), dict(zip(header, map(list, cells), strict=True)), lines


def _check_header(source: str, header: list[str], allowed: dict[str, Column]) -> None:
    for column in allowed:
        if allowed[column].required and column not in header:
            near = [given for given in header if given not in allowed and nearest(given, [column]).startswith("did")]
            hint = f"is {near[0]!r} meant for it?" if near else f"it has {', '.join(header) or 'none'}"
            raise ScenarioError(f"{source}: column {column} is missing; {hint}")
    for column in header:
        free = [candidate for candidate in allowed if candidate not in header]
        if column not in allowed and (meant := difflib.get_close_matches(column, free, n=1, cutoff=MISSPELT)):
            raise ScenarioError(f"{source}: column {column} is unknown; did you mean {meant[0]!r}?")


def _read_column(table: Table, column: str, declared: Column, cells: list[Any], whole: bool) -> None:
    """Put the values of a column into the table."""
    if declared.required:
        for row, cell in enumerate(cells):
            if is_empty(cell) or (isinstance(cell, str) and not cell.strip()):
                raise table.fault(row, column, "is empty")
    if declared.kind == "name":
        table.names[column] = ["" if is_empty(cell) else name(cell) for cell in cells]
    elif declared.kind == "day":
        table.days[column] = _each(table, column, cells, day, None)
    else:
        values = _numbers(table, column, declared, cells)
        fractions = np.isfinite(values) & (values != np.floor(values))
        if whole and declared.kind == "units" and fractions.any():
            row = int(fractions.argmax())
            raise table.fault(row, column, f"must be a whole number (or units continuous), not {values[row]:g}")
        table.numbers[column] = values


def _numbers(table: Table, column: str, declared: Column, cells: list[Any]) -> Floats:
    """Return the numbers of a column; all at once where that works, else one by one to find what is wrong or empty."""
    convert = NUMBERS[declared.kind]
    if declared.kind in ("units", "amount", "number", "money"):
        try:
            values = np.array(cells, dtype=float)
        except (TypeError, ValueError):
            values = np.array([np.nan])
        if np.isfinite(values).all() and (declared.kind == "money" or (values >= 0.0).all()):
            return values
    return np.array(_each(table, column, cells, convert, declared.default), dtype=float)


def _each(table: Table, column: str, cells: list[Any], convert: Any, default: Any) -> list[Any]:
    values = []
    for row, cell in enumerate(cells):
        try:
            values.append(default if is_empty(cell) or (isinstance(cell, str) and not cell.strip()) else convert(cell))
        except ValueError as error:
            raise table.fault(row, column, f"{error}, not {cell!r}") from None
    return values


def _check_unique(table: Table, keys: tuple[str, ...]) -> None:
    """Refuse two rows whose keys are the same."""
    present = [key for key in keys if key in table.names]
    first: dict[tuple[str, ...], int] = {}
    for row, found in enumerate(zip(*(table.names[key] for key in present), strict=True)):
        if found in first:
            where = place(table.source, first[found], table.lines).removeprefix(f"{table.source}: ")
            raise table.fault(row, " and ".join(present), f"{', '.join(map(repr, found))} is listed already in {where}")
        first[found] = row
