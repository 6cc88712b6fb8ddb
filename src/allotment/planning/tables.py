"""Reading a day's tables: every cell is checked, and what is wrong is told with file, row and column.

A table is a file (CSV, xlsx or Parquet) or a data frame. Rows are counted from 1 without the header; where a file has lines or
a sheet rows, these are told too.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from allotment.allocation.day import Flags, Floats
from allotment.planning.columns import LAYOUTS, Column, Layout
from allotment.planning.conventions import LONGEST_TEXT, NUMERIC, POINT, Conventions, Texts
from allotment.planning.values import BOUNDS, LAST_QUANTITY, LONGEST_NAME, Moment, day, name, reader
from allotment.scenario.errors import ScenarioError, nearest
from allotment.scenario.table_file import is_blank, read_table_file, where

MOST_NAMES = 12  # of columns, that a message lists
MISSPELT = 0.8  # how alike a name must be to be taken for a misspelt column rather than for another that is not read


@dataclass(frozen=True)
class Given:
    """A table as it was given: the cells of the columns that are read, under the names that they have here."""

    kind: str  # a key of `LAYOUTS`
    source: str  # the file, or what a data frame was given as
    columns: dict[str, list[Any]]
    lines: list[int]  # of the rows in their file; empty for a data frame
    delimiter: str | None
    notes: tuple[str, ...]  # what was assumed

    @property
    def layout(self) -> Layout:
        """Return what its columns say."""
        return LAYOUTS[self.kind]

    def texts(self) -> Iterator[Texts]:
        """Yield the columns as they are written."""
        for column, cells in self.columns.items():
            yield Texts(self.source, column, self.layout.columns[column].kind, cells, self.lines, self.delimiter)


@dataclass(frozen=True)
class Table:
    """The columns that a table has, read and checked."""

    source: str
    rows: int
    lines: list[int]  # of the rows in their file; empty for others
    names: dict[str, list[str]] = field(default_factory=dict)  # by column, one a row; empty where the cell is
    numbers: dict[str, Floats] = field(default_factory=dict)
    days: dict[str, list[Moment | None]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()  # what was assumed of it

    def fault(self, row: int, column: str, sentence: str) -> ScenarioError:
        """Return the error that says what is wrong with a cell."""
        return ScenarioError(f"{where(self.source, row, self.lines)}, column {column}: {sentence}")

    def number(self, column: str, default: float) -> Floats:
        """Return a column of numbers, or the same number for each row where the table has no such column."""
        return self.numbers[column] if column in self.numbers else np.full(self.rows, default)

    def name(self, column: str) -> list[str]:
        """Return a column of names, empty ones where the table has no such column."""
        return self.names.get(column, [""] * self.rows)

    def only(self, rows: Flags) -> Table:
        """Return the table with some of its rows alone."""
        kept = np.flatnonzero(rows).tolist()
        return replace(
            self,
            rows=len(kept),
            lines=[self.lines[row] for row in kept] if self.lines else [],
            names={column: [cells[row] for row in kept] for column, cells in self.names.items()},
            numbers={column: cells[rows] for column, cells in self.numbers.items()},
            days={column: [cells[row] for row in kept] for column, cells in self.days.items()},
        )


def open_table(kind: str, given: Any) -> Given:
    """Return a table of a kind, a key of `LAYOUTS`, as it is given; `ScenarioError` for columns missing or misspelt."""
    if isinstance(given, str | Path):
        file = read_table_file(Path(given))
        source, found, lines, delimiter, notes = file.source, file.columns, file.lines, file.delimiter, file.notes
    else:
        source, found, lines, delimiter, notes = kind, _cells_of_frame(kind, given), [], None, ()
    layout = LAYOUTS[kind]
    names = _matched(source, list(found), layout.columns)
    _check_header(source, names, layout)
    if not found or not next(iter(found.values())):
        raise ScenarioError(f"{source}: has no rows")
    unread = [header for header, column in names.items() if column is None]
    told = [*notes, *([f"not read: {', '.join(unread)}"] if unread else [])]
    columns = {column: found[header] for header, column in names.items() if column is not None}
    return Given(
        kind, source, {name: columns[name] for name in layout.columns if name in columns}, lines, delimiter, tuple(told)
    )


def _cells_of_frame(kind: str, frame: Any) -> dict[str, list[Any]]:
    """Return the columns of a data frame, whatever their types, with nothing for what is missing."""
    if not (hasattr(frame, "columns") and hasattr(frame, "iloc")):
        raise ScenarioError(f"{kind}: must be a file or a data frame, not a {type(frame).__name__}")
    headers = [str(column) for column in frame.columns]
    for header in headers:
        if headers.count(header) > 1:
            raise ScenarioError(f"{kind}: has two columns {header!r}")
    columns = {}
    for place, header in enumerate(headers):
        series = frame.iloc[:, place]
        columns[header] = series.astype(object).where(series.notna(), None).tolist()
    return columns


def _plain(header: str) -> str:
    """Return a header without what does not matter: case, blanks, hyphens and underscores."""
    return re.sub(r"[\s_-]+", "", header.casefold())


def _matched(source: str, headers: list[str], allowed: dict[str, Column]) -> dict[str, str | None]:
    """Return the column that each header stands for; None for one that is not read."""
    known = {_plain(column): column for column in allowed}
    names = {header: known.get(_plain(header)) for header in headers}
    for column in dict.fromkeys(filter(None, names.values())):
        twins = [repr(header) for header in headers if names[header] == column]
        if len(twins) > 1:
            raise ScenarioError(f"{source}: columns {' and '.join(twins)} are both {column!r}; leave one out")
    return names


def _check_header(source: str, names: dict[str, str | None], layout: Layout) -> None:
    read = {column for column in names.values() if column}
    unread = [header for header, column in names.items() if column is None]
    for header in unread:
        column = (layout.synonyms or {}).get(_plain(header))
        if column in layout.columns and column not in read:
            raise ScenarioError(f"{source}: column {header} is not read; is it meant for {column!r}? Then call it so")
    for column, declared in layout.columns.items():
        if declared.required and column not in read:
            near = [given for given in unread if nearest(_plain(given), [_plain(column)]).startswith("did")]
            hint = (
                f"is {near[0]!r} meant for it?"
                if near
                else f"it has {', '.join(list(names)[:MOST_NAMES]) or 'none'}{' …' if len(names) > MOST_NAMES else ''}"
            )
            raise ScenarioError(f"{source}: column {column} is missing; {hint}")
    free = {_plain(column): column for column in layout.columns if column not in read}
    for header in unread:
        if meant := difflib.get_close_matches(_plain(header), free, n=1, cutoff=MISSPELT):
            raise ScenarioError(f"{source}: column {header} is unknown; did you mean {free[meant[0]]!r}?")


def read_table(given: Given, conventions: Conventions) -> Table:
    """Return a table with its cells read; `ScenarioError` names the row and column of one that is no value of its column."""
    rows = len(next(iter(given.columns.values())))
    table, told = Table(given.source, rows, given.lines), []
    for column, cells in given.columns.items():
        declared = given.layout.columns[column]
        empty = [row for row, cell in enumerate(cells) if is_blank(cell) or cell != cell]
        if declared.required and empty:
            raise table.fault(empty[0], column, "is empty")
        if len(empty) == rows and declared.kind != "name":
            continue  # as if it were not there
        values = _read(table, column, declared, cells, empty, conventions)
        if empty and declared.kind != "name":
            told.append(_assumed(column, declared, empty, values))
    return replace(table, notes=(*given.notes, *told))


def _read(
    table: Table, column: str, declared: Column, cells: list[Any], empty: list[int], conventions: Conventions
) -> Floats | None:
    """Put the values of a column into the table; returns them where they are numbers."""
    if declared.kind == "name":
        table.names[column] = _each(table, column, cells, empty, name, "", LONGEST_NAME)
        return None
    if declared.kind == "day":
        table.days[column] = _each(table, column, cells, empty, lambda cell: day(cell, conventions), None)
        return None
    values = _numbers(table, column, declared, cells, empty, conventions.decimal(table.source))
    if empty and declared.worst:
        known = np.delete(values, empty)
        values[empty] = known.max() if declared.worst == "highest" else known.min()
    table.numbers[column] = values
    return values


def _numbers(table: Table, column: str, declared: Column, cells: list[Any], empty: list[int], decimal: str) -> Floats:
    """Return the numbers of a column; all at once where that works, else one by one to find what is wrong."""
    if not empty and declared.kind in NUMERIC and _are_plain(cells, decimal):
        try:
            values = np.array(cells, dtype=float)
        except (TypeError, ValueError, OverflowError):
            values = np.array([np.nan])
        least, most = BOUNDS[declared.kind]
        if (np.abs(values) <= LAST_QUANTITY).all() and (values >= least).all() and (values <= most).all():
            return values
    return np.array(_each(table, column, cells, empty, reader(declared.kind, decimal), declared.default), dtype=float)


def _are_plain(cells: list[Any], decimal: str) -> bool:
    """Tell whether cells are numbers, or texts of digits with decimal points."""
    if all(isinstance(cell, str) for cell in cells):
        return decimal == POINT and set("".join(cells)) <= set("0123456789.")
    return all(isinstance(cell, int | float) and not isinstance(cell, bool) for cell in cells)


def _each(
    table: Table,
    column: str,
    cells: list[Any],
    empty: list[int],
    convert: Callable[[Any], Any],
    default: Any,
    longest: int = LONGEST_TEXT,
) -> list[Any]:
    values = [default] * len(cells)
    known: dict[str, Any] = {}  # what texts say, of which many stand in several rows
    for row in sorted(set(range(len(cells))).difference(empty)):
        cell = cells[row]
        try:
            if not isinstance(cell, str):
                values[row] = convert(cell)
            elif len(cell) > longest:
                raise ValueError(f"must have at most {longest} characters")
            elif cell in known:
                values[row] = known[cell]
            else:
                values[row] = known[cell] = convert(cell)
        except (ValueError, OverflowError) as error:
            raise table.fault(row, column, f"{error}, not {_shown(cell)}") from None
    return values


def _shown(cell: Any) -> str:
    """Return a cell for a message, in one line and not all of a long one."""
    text = repr(cell).replace("\n", " ")
    return text if len(text) <= LONGEST_TEXT + 2 else f"{text[:LONGEST_TEXT]}…"


def _assumed(column: str, declared: Column, empty: list[int], values: Floats | None) -> str:
    """Return what empty cells of a column were taken for."""
    count = f"row {empty[0] + 1}" if len(empty) == 1 else f"{len(empty):,} rows"
    worst = f"the {declared.worst}, {values[empty[0]]:g}" if declared.worst and values is not None else None
    return f"empty {column} of {count}: {declared.empty or worst or f'{declared.default:g}'}"
