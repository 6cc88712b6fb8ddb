"""Tables in files: CSV of whatever delimiter and encoding, Excel workbooks, and Parquet, as columns of cells.

Cells of CSV files are text, those of the others have types. Blank rows and columns around a table, and delimiters at the end of
its lines, are no part of it. What had to be assumed is noted.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allotment.scenario.errors import ScenarioError

MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
WINDOWS = "cp1252"
ERRORS = ("#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!")


@dataclass(frozen=True)
class TableFile:
    """The columns of a table as they stand in a file."""

    source: str
    columns: dict[str, list[Any]]  # by header, one cell a row
    lines: list[int]  # of each row in its file or sheet; empty where a file has none
    delimiter: str | None = None  # of a text file
    notes: tuple[str, ...] = ()  # what was assumed about the file


def read_table_file(path: Path) -> TableFile:
    """Read a CSV, xlsx or Parquet file; `ScenarioError` with file and row where it is no table."""
    if not path.is_file():
        raise ScenarioError(f"{path}: no such file" if not path.exists() else f"{path}: is no file")
    kind = path.suffix.lower()
    try:
        if kind == ".parquet":
            return _from_parquet(path)
        if kind in (".xlsx", ".xlsm"):
            return _from_workbook(path)
        if kind in (".xls", ".ods"):
            raise ScenarioError(f"{path}: {kind} workbooks are not read; save it as .xlsx or .csv")
        return _from_text(path)
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read: {error.strerror or error}") from None


def where(source: str, row: int, lines: Sequence[int]) -> str:
    """Return where a row is (counted from 0 here, from 1 in the text)."""
    return f"{source}: row {row + 1}" + (f" (line {lines[row]})" if len(lines) else "")


def is_blank(cell: Any) -> bool:
    """Tell whether a cell is empty, or holds nothing but blanks."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _from_parquet(path: Path) -> TableFile:
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(path)
    except pyarrow.ArrowException as error:
        raise ScenarioError(f"{path}: is no Parquet file ({str(error).splitlines()[0]})") from None
    _check_distinct(str(path), table.column_names)
    return TableFile(str(path), {name: table.column(name).to_pylist() for name in table.column_names}, [])


def _from_workbook(path: Path) -> TableFile:
    """Read the first visible sheet that holds anything."""
    try:
        import openpyxl
    except ModuleNotFoundError:
        raise ScenarioError(f"{path}: workbooks need openpyxl: pip install 'allotment[excel]', or save it as .csv") from None
    from zipfile import BadZipFile

    from openpyxl.utils.exceptions import InvalidFileException

    def sheets_of(values: bool) -> list[tuple[str, list[list[Any]]]]:
        book = openpyxl.load_workbook(path, read_only=True, data_only=values)
        try:
            visible = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
            return [(sheet.title, [list(row) for row in sheet.iter_rows(values_only=True)]) for sheet in visible]
        finally:
            book.close()

    try:
        sheets = sheets_of(values=True)
    except (BadZipFile, KeyError, ValueError, InvalidFileException) as error:
        raise ScenarioError(f"{path}: is no workbook ({error})") from None
    for (_, found), (_, written) in zip(sheets, sheets_of(values=False), strict=True):
        _check_calculated(str(path), found, written)
    filled = [(title, rows) for title, rows in sheets if any(not is_blank(cell) for row in rows for cell in row)]
    if not filled:
        raise ScenarioError(f"{path}: has no rows")
    title, rows = filled[0]
    others = [repr(name) for name, _ in filled[1:]]
    notes = (f"sheet {title!r} is read, not {', '.join(others)}",) if others else ()
    return _table(str(path), list(enumerate(rows, start=1)), notes=notes)


def _check_calculated(source: str, values: list[list[Any]], written: list[list[Any]]) -> None:
    """Refuse formulas that nobody has calculated, and those that could not be."""
    for line, (row, texts) in enumerate(zip(values, written, strict=False), start=1):
        for value, text in zip(row, texts, strict=False):
            if value is None and isinstance(text, str) and text.startswith("="):
                raise ScenarioError(
                    f"{source}: line {line}: {text} has no value; open the workbook in a spreadsheet and save it"
                )
            if isinstance(value, str) and value in ERRORS:
                raise ScenarioError(f"{source}: line {line}: {value} is an error of the spreadsheet")


def _from_text(path: Path) -> TableFile:
    text, notes = _decoded(path)
    rows = list(io.StringIO(text, newline=""))
    first = next((number for number, row in enumerate(rows) if row.strip()), 0)
    said = re.fullmatch(r"sep=(.)", rows[first].strip(), re.IGNORECASE) if rows else None  # as Excel writes it
    delimiter = said[1] if said else _delimiter(rows[first]) if rows else ","
    if said:
        rows[first] = "\n"
    if delimiter != ",":
        notes = (*notes, f"cells are parted by {DELIMITERS.get(delimiter, repr(delimiter))}")
    reader = csv.reader(rows, delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        found = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise ScenarioError(f"{path}: line {reader.line_num}: is no CSV ({error})") from None
    return _table(str(path), found, delimiter, notes)


def _decoded(path: Path) -> tuple[str, tuple[str, ...]]:
    """Return a file's text: in UTF-8, in UTF-16, or as Windows writes it in western Europe, which is noted."""
    data = path.read_bytes()
    encodings = [encoding for mark, encoding in MARKS if data.startswith(mark)] or ["utf-8", WINDOWS]
    if b"\0" in data[:2]:
        encodings = ["utf-16-be" if data.startswith(b"\0") else "utf-16-le"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text, (f"is read as Windows text ({WINDOWS})",) if encoding == WINDOWS else ()
    raise ScenarioError(f"{path}: is text neither in UTF-8, nor in UTF-16, nor in {WINDOWS}")


def _delimiter(header: str) -> str:
    """Return the delimiter that parts a header into the most cells."""
    return max(DELIMITERS, key=lambda mark: len(next(csv.reader([header], delimiter=mark, skipinitialspace=True), [])))


def _table(
    source: str, rows: Iterable[tuple[int, list[Any]]], delimiter: str | None = None, notes: tuple[str, ...] = ()
) -> TableFile:
    """Return the table of numbered rows, of which the first that is not blank is the header."""
    filled = [(line, row) for line, row in rows if not all(map(is_blank, row))]
    if not filled:
        raise ScenarioError(f"{source}: has no rows")
    header, body = ["" if is_blank(cell) else str(cell).strip() for cell in filled[0][1]], filled[1:]
    lines, width = [line for line, _ in body], max(place + 1 for place, name in enumerate(header) if name)
    _check_lengths(source, width, body, lines, delimiter is not None)
    kept = [place for place in range(width) if header[place] or any(not is_blank(_at(row, place)) for _, row in body)]
    for place in kept:
        if not header[place]:
            raise ScenarioError(f"{source}: column {place + 1} has cells, but no name in the header")
    _check_distinct(source, [header[place] for place in kept])
    columns = {header[place]: [_stripped(_at(row, place)) for _, row in body] for place in kept}
    return TableFile(source, columns, lines, delimiter, notes)


def _check_lengths(source: str, width: int, body: list[tuple[int, list[Any]]], lines: list[int], text: bool) -> None:
    """Each row must have a cell for each name, in texts; more may follow only where they are empty."""
    for number, (_, row) in enumerate(body):
        if (text and len(row) < width) or not all(map(is_blank, row[width:])):
            seen, names = (f"{count} cell{'' if count == 1 else 's'}" for count in (len(row), width))
            raise ScenarioError(
                f"{where(source, number, lines)}: has {seen}, but the header has {names.replace('cell', 'column')}"
            )


def _check_distinct(source: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ScenarioError(f"{source}: has two columns {name!r}")


def _at(row: list[Any], place: int) -> Any:
    return row[place] if place < len(row) else None


def _stripped(cell: Any) -> Any:
    return cell.strip() if isinstance(cell, str) else cell
