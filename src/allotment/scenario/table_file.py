"""Tables in files: CSV of whatever delimiter and encoding, Excel workbooks, and Parquet, as columns of cells.

Cells of CSV files are text, those of the others have types. Blank rows and columns around a table, and delimiters at the end of
its lines, are no part of it. What had to be assumed is noted.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from allotment.scenario.errors import ScenarioError

MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
WINDOWS = "cp1252"
MOST_BYTES = 100 * 2**20  # of a file, and of what a workbook unpacks to
MOST_ROWS, MOST_COLUMNS, MOST_CELLS = 1_000_000, 1_000, 10_000_000
LONGEST_CELL = 32_767  # characters, as spreadsheets have it
LONGEST_HEADER = 100  # characters
LONGEST_ROW = 1_000_000  # characters
ENCRYPTED = b"\xd0\xcf\x11\xe0"  # how an encrypted or an old workbook begins
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
        _check_bytes(path, path.stat().st_size)
        if kind == ".parquet":
            return _from_parquet(path)
        if kind in (".xlsx", ".xlsm"):
            return _from_workbook(path)
        if kind in (".xls", ".ods"):
            raise ScenarioError(f"{path}: {kind} workbooks are not read; save it as .xlsx or .csv")
        return _from_text(path)
    except OSError as error:
        said = (error.strerror or str(error) or type(error).__name__).splitlines()[0]
        raise ScenarioError(f"{path}: cannot be read: {said}") from None


def _check_bytes(path: Path, size: int) -> None:
    if size > MOST_BYTES:
        raise ScenarioError(f"{path}: holds {size:,} bytes; a table holds at most {MOST_BYTES:,}")


def _check_counts(source: str, rows: int, columns: int) -> None:
    """Refuse more rows, columns or cells than a table may have: `ScenarioError`."""
    for count, most, what in (
        (rows, MOST_ROWS, "rows"),
        (columns, MOST_COLUMNS, "columns"),
        (rows * columns, MOST_CELLS, "cells"),
    ):
        if count > most:
            raise ScenarioError(f"{source}: has {count:,} {what} or more; a table has at most {most:,}")


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
        with pyarrow.parquet.ParquetFile(path) as file:
            _check_counts(str(path), file.metadata.num_rows, len(file.schema_arrow.names))
            unpacked = sum(file.metadata.row_group(group).total_byte_size for group in range(file.num_row_groups))
            _check_bytes(path, unpacked)
            texts = [field.name for field in file.schema_arrow if _is_text(field.type)]
            _check_types(str(path), file.schema_arrow)
        # each distinct text once, however many rows have it
        table = pyarrow.parquet.read_table(path, read_dictionary=texts)
    except pyarrow.ArrowException as error:
        raise ScenarioError(f"{path}: is no Parquet file ({str(error).splitlines()[0]})") from None
    _check_distinct(str(path), table.column_names)
    columns = {name: list(_cells_of(table.column(name))) for name in table.column_names}
    for name, cells in columns.items():
        _check_cells(str(path), enumerate(cells), f", column {name}")
    return TableFile(str(path), columns, [])


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _check_types(source: str, schema: Any) -> None:
    """Refuse columns that hold neither texts, numbers, flags nor times."""
    from pyarrow import types

    for field in schema:
        kind = field.type.value_type if types.is_dictionary(field.type) else field.type
        if not (
            _is_text(kind)
            or types.is_null(kind)
            or (types.is_primitive(kind) and kind.bit_width <= 64)
            or types.is_decimal(kind)
        ):
            raise ScenarioError(f"{source}: column {field.name} holds {kind}; cells are texts, numbers, flags or times")


def _cells_of(column: Any) -> Iterator[Any]:
    """Yield the cells of a column; rows with the same text share it."""
    for chunk in column.chunks:
        if hasattr(chunk, "dictionary"):
            texts = chunk.dictionary.to_pylist()
            yield from (None if place is None else texts[place] for place in chunk.indices.to_pylist())
        else:
            yield from chunk.to_pylist()


def _check_cells(source: str, cells: Iterable[tuple[int, Any]], column: str = "") -> None:
    """Refuse texts that are too long for a cell."""
    for row, cell in cells:
        if isinstance(cell, str) and len(cell) > LONGEST_CELL:
            raise ScenarioError(
                f"{source}: row {row + 1}{column}: has a cell of {len(cell):,} characters; at most {LONGEST_CELL:,} are read"
            )


def _from_workbook(path: Path) -> TableFile:
    """Read the first visible sheet that holds anything."""
    try:
        import openpyxl  # noqa: F401
    except ModuleNotFoundError:
        raise ScenarioError(f"{path}: workbooks need openpyxl: pip install 'allotment[excel]', or save it as .csv") from None
    try:
        _check_unpacked(path)
        sheets, written = _sheets_of(path, values=True), _sheets_of(path, values=False)
    except (ScenarioError, MemoryError):
        raise
    except Exception as error:  # the reader's own, of many kinds, for what is no workbook
        said = (str(error).splitlines() or [""])[0] or type(error).__name__
        raise ScenarioError(f"{path}: is no workbook ({said})") from None
    for (_, found), (_, formulas) in zip(sheets, written, strict=True):
        _check_calculated(str(path), found, formulas)
    filled = [(title, rows) for title, rows in sheets if any(not is_blank(cell) for row in rows for cell in row)]
    if not filled:
        raise ScenarioError(f"{path}: has no rows")
    title, rows = filled[0]
    others = [repr(name) for name, _ in filled[1:]]
    notes = (f"sheet {title!r} is read, not {', '.join(others)}",) if others else ()
    return _table(str(path), list(enumerate(rows, start=1)), notes=notes)


def _check_unpacked(path: Path) -> None:
    """Refuse a workbook that is encrypted, or unpacks to more than may be read."""
    from zipfile import ZipFile

    with path.open("rb") as file:
        if file.read(len(ENCRYPTED)) == ENCRYPTED:
            raise ScenarioError(f"{path}: is encrypted, or an old workbook; save it as .xlsx without a password, or as .csv")
    with ZipFile(path) as parts:
        if any(part.flag_bits & 1 for part in parts.infolist()):
            raise ScenarioError(f"{path}: is encrypted; save it without a password, or as .csv")
        _check_bytes(path, sum(part.file_size for part in parts.infolist()))


def _sheets_of(path: Path, values: bool) -> list[tuple[str, list[list[Any]]]]:
    """Return the visible sheets, each with its rows: of values, or of formulas."""
    import openpyxl

    book = openpyxl.load_workbook(path, read_only=True, data_only=values, keep_links=False)
    try:
        visible = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        return [(sheet.title, _rows_of(f"{path}: sheet {sheet.title!r}", sheet)) for sheet in visible]
    finally:
        book.close()


def _rows_of(source: str, sheet: Any) -> list[list[Any]]:
    """Return the rows of a sheet, counted as they come: one cell far out makes a sheet as large as it is far."""
    rows: list[list[Any]] = []
    cells = 0
    for number, found in enumerate(sheet.iter_rows(values_only=True), start=1):
        row = list(found)
        while row and row[-1] is None:
            row.pop()
        cells += len(row)
        _check_counts(source, number, len(row))
        _check_counts(source, cells // MOST_COLUMNS, MOST_COLUMNS)
        _check_cells(source, ((number - 1, cell) for cell in row))
        rows.append(row)
    return rows


def _check_calculated(source: str, values: list[list[Any]], written: list[list[Any]]) -> None:
    """Refuse formulas that nobody has calculated, and those that could not be."""
    for line, (row, texts) in enumerate(zip_longest(values, written, fillvalue=()), start=1):
        for value, text in zip_longest(row, texts):
            if value is None and isinstance(text, str) and text.startswith("="):
                raise ScenarioError(
                    f"{source}: line {line}: {text} has no value; open the workbook in a spreadsheet and save it"
                )
            if isinstance(value, str) and value in ERRORS:
                raise ScenarioError(f"{source}: line {line}: {value} is an error of the spreadsheet")


def _from_text(path: Path) -> TableFile:
    text, notes = _decoded(path)
    rows = list(io.StringIO(text, newline=""))
    longest = max(range(len(rows)), key=lambda number: len(rows[number]), default=0)
    if rows and len(rows[longest]) > LONGEST_ROW:
        raise ScenarioError(
            f"{path}: line {longest + 1}: has {len(rows[longest]):,} characters; at most {LONGEST_ROW:,} are read"
        )
    first = next((number for number, row in enumerate(rows) if row.strip()), 0)
    said = re.fullmatch(r"sep=(.)", rows[first].strip(), re.IGNORECASE) if rows else None  # as Excel writes it
    delimiter = said[1] if said else _delimiter(rows[first]) if rows else ","
    if said:
        rows[first] = "\n"
    if delimiter != ",":
        notes = (*notes, f"cells are parted by {DELIMITERS.get(delimiter, repr(delimiter))}")
    return _table(str(path), list(_rows(path, rows, delimiter)), delimiter, notes)


def _rows(path: Path, lines: list[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a text, each with the number of its last line; a row that does not end is refused early."""
    known: dict[str, str] = {}  # a text that stands in many cells is kept once
    cells = taken = 0

    def counted() -> Iterator[str]:
        nonlocal taken
        for number, line in enumerate(lines, start=1):
            taken += len(line)
            if taken > LONGEST_ROW:
                raise ScenarioError(
                    f"{path}: line {number}: is in a row of more than {LONGEST_ROW:,} characters; is a quote open?"
                )
            yield line

    reader = csv.reader(counted(), delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        for number, row in enumerate(reader):
            taken, cells = 0, cells + len(row)
            where_ = f"{path}: line {reader.line_num}"
            _check_counts(where_, number, len(row))
            _check_counts(where_, cells // MOST_COLUMNS, MOST_COLUMNS)
            _check_cells(where_, ((number - 1, cell) for cell in row))
            yield reader.line_num, [known.setdefault(cell, cell) for cell in row]
    except csv.Error as error:
        raise ScenarioError(f"{path}: line {reader.line_num}: is no CSV ({error})") from None


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
        if "\0" in text and encoding != WINDOWS:
            line = text.count("\n", 0, text.index("\0")) + 1
            raise ScenarioError(f"{path}: line {line}: has a NUL character, which is in no text")
        if "\0" not in text:
            return text, (f"is read as Windows text ({WINDOWS})",) if encoding == WINDOWS else ()
    raise ScenarioError(f"{path}: is text neither in UTF-8, nor in UTF-16, nor in {WINDOWS}")


def _delimiter(header: str) -> str:
    """Return the delimiter that parts a header into the most cells."""

    def cells(mark: str) -> int:
        try:
            return len(next(csv.reader([header], delimiter=mark, skipinitialspace=True), []))
        except csv.Error:  # a cell that is too long
            return 0

    return max(DELIMITERS, key=cells)


def _table(
    source: str, rows: Iterable[tuple[int, list[Any]]], delimiter: str | None = None, notes: tuple[str, ...] = ()
) -> TableFile:
    """Return the table of numbered rows, of which the first that is not blank is the header."""
    filled = [(line, row) for line, row in rows if not all(map(is_blank, row))]
    if not filled:
        raise ScenarioError(f"{source}: has no rows")
    header, body = ["" if is_blank(cell) else _header(cell) for cell in filled[0][1]], filled[1:]
    lines, width = [line for line, _ in body], max(place + 1 for place, name in enumerate(header) if name)
    _check_lengths(source, width, body, lines, delimiter is not None)
    kept = [place for place in range(width) if header[place] or any(not is_blank(_at(row, place)) for _, row in body)]
    for place in kept:
        if not header[place]:
            raise ScenarioError(f"{source}: column {place + 1} has cells, but no name in the header")
    _check_distinct(source, [header[place] for place in kept])
    columns = {header[place]: [_stripped(_at(row, place)) for _, row in body] for place in kept}
    return TableFile(source, columns, lines, delimiter, notes)


def _header(cell: Any) -> str:
    """Return the name of a column in one line and in signs that can be printed, not all of a long one."""
    text = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in " ".join(str(cell).split()))
    return text if len(text) <= LONGEST_HEADER else f"{text[:LONGEST_HEADER]}…"


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
