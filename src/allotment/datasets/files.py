"""The files of a data set that the user has: found, their columns checked by name and type, and read piece by piece.

Texts become categories, so that a piece of a file with many rows stays small; identifiers are texts even where they look like
numbers. What is wrong is told with file, line and column.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast

import pandas as pd

from allotment.scenario.errors import ScenarioError, nearest, shown

Kind = Literal["text", "number", "whole", "date"]
Columns = dict[str, Kind]
BLOCK = 16 * 2**20  # bytes of a file that are read at once
ENCODINGS = ("utf-8-sig", "latin-1")  # tried in this order
DATES = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%m/%d/%Y %H:%M", "%m/%d/%Y", "%m/%d/%y %H:%M")
EXPECTED = {"text": "a text", "number": "a number", "whole": "a whole number", "date": "a date as 2016-05-22"}


@dataclass(frozen=True)
class Layout:
    """Which files a data set has, and where they are to be had."""

    title: str
    origin: str  # where it is published, in words
    files: dict[str, Columns]  # the columns that are read, by file

    def path(self, folder: Path, *names: str) -> Path:
        """Return the first file of some names that is in the folder, plain or compressed by gzip; else `ScenarioError`."""
        if not folder.is_dir():
            raise ScenarioError(f"{folder} {'is no folder' if folder.exists() else 'does not exist'}. {self._needed()}")
        for name in names:
            for path in (folder / name, folder / f"{name}.gz"):
                if path.is_file():
                    return path
        raise ScenarioError(f"{folder / names[0]} does not exist{_near(folder, names[0])}. {self._needed()}")

    def _needed(self) -> str:
        files = "; ".join(f"{name} (columns {', '.join(columns)})" for name, columns in self.files.items())
        return f"{self.title}, published {self.origin}, is read from {files}"


def _near(folder: Path, name: str) -> str:
    """Say which file of the folder may be meant, or has to be unpacked first."""
    there = sorted(path.name for path in folder.iterdir() if path.is_file())
    packed = [each for each in there if each.startswith(name) and each.endswith((".7z", ".zip"))]
    if packed:
        return f"; unpack {packed[0]} first"
    return (
        f"; the folder holds {', '.join(there[:5])}{' and others' if len(there) > 5 else ''}"
        if there
        else "; the folder has no files"
    )


def whole_file(path: Path, columns: Columns) -> pd.DataFrame:
    """Return the columns of a file of few rows."""
    pieces = list(pieces_of(path, columns))
    if not pieces:
        raise ScenarioError(f"{path}: has no rows")
    if len(pieces) == 1:
        return pieces[0]
    texts = [name for name, kind in columns.items() if kind == "text"]
    joined = pd.concat([piece.astype(dict.fromkeys(texts, object)) for piece in pieces], ignore_index=True)
    return joined.astype(dict.fromkeys(texts, "category"))


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Say in one line that a file cannot be read: `ScenarioError`."""
    try:
        yield
    except (OSError, EOFError, csv.Error) as error:
        said = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise ScenarioError(f"{path}: cannot be read: {said.splitlines()[0]}") from None


def header_of(path: Path) -> list[str]:
    """Return the names in the first line of a file."""
    with readable(path), opened(path) as file:
        names = [name.strip() for name in next(csv.reader(file), [])]
    if not "".join(names).isprintable():
        raise ScenarioError(f"{path}: is no CSV file: its first line is no text")
    if not any(names):
        raise ScenarioError(f"{path}: is empty, or its first line is; the names of the columns belong there")
    return names


def check_columns(path: Path, found: Sequence[str], wanted: Sequence[str]) -> None:
    """Raise `ScenarioError` where a column is missing or there twice."""
    for name in wanted:
        if name not in found:
            raise ScenarioError(
                f"{path}: has no column {name!r} ({nearest(name, found)}); needed are {', '.join(wanted[:12])}"
                f"{f' and {len(wanted) - 12} more' if len(wanted) > 12 else ''}"
            )
        if list(found).count(name) > 1:
            raise ScenarioError(f"{path}: has two columns {name!r}")


def pieces_of(path: Path, columns: Columns) -> Iterator[pd.DataFrame]:
    """Yield the columns of a CSV file piece by piece: texts as categories, numbers, and dates.

    Raises `ScenarioError` with line and column where a cell has another type or nothing in it.
    """
    import pyarrow

    check_columns(path, header_of(path), list(columns))
    try:
        with readable(path):
            for batch in _batches(path, columns):
                yield _converted(path, batch.to_pandas(), columns)
    except pyarrow.ArrowInvalid as error:
        raise _fault(path, columns) or ScenarioError(f"{path}: is no CSV ({str(error).splitlines()[0]})") from None


def _batches(path: Path, columns: Columns) -> Iterator[Any]:
    import pyarrow
    from pyarrow import csv as arrow

    text = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
    kinds = {"text": text, "date": text, "number": pyarrow.float64(), "whole": pyarrow.int64()}
    options = arrow.ConvertOptions(
        include_columns=list(columns),
        column_types={name: kinds[kind] for name, kind in columns.items()},
        strings_can_be_null=False,
    )
    size = arrow.ReadOptions(block_size=BLOCK, encoding=_encoding(path).removesuffix("-sig"))
    yield from arrow.open_csv(path, read_options=size, convert_options=options)


def _converted(path: Path, piece: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Turn texts of dates into dates, and refuse what is empty or not finite."""
    for name, kind in columns.items():
        if kind == "date":
            piece[name] = _dates(piece[name])
        empty = piece[name] == "" if kind == "text" else ~piece[name].notna() | piece[name].isin([math.inf, -math.inf])
        if empty.any():
            raise _fault(path, columns) or ScenarioError(f"{path}: column {name} has cells without {EXPECTED[kind]}")
    return piece


def _dates(texts: pd.Series[Any]) -> pd.Series[Any]:
    """Return dates, each distinct text read once; NaT where a text is none."""
    read = pd.to_datetime(pd.Series([as_date(text) for text in texts.cat.categories], dtype="datetime64[s]"))
    return pd.Series(read.to_numpy()[texts.cat.codes.to_numpy()], index=texts.index)


def as_date(text: str) -> datetime | None:
    """Return the date, or the date and time, that a text of one of the known formats stands for."""
    for form in DATES:
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    return None


def _fault(path: Path, columns: Columns) -> ScenarioError | None:
    """Return what is wrong with the first cell that is not what its column should hold, read line by line."""
    with opened(path) as file:
        reader = csv.reader(file)
        names = [name.strip() for name in next(reader)]
        places = {name: names.index(name) for name in columns}
        for row in reader:
            if not row:
                continue
            where = f"{path}: line {reader.line_num}"
            if len(row) != len(names):
                return _too_long_or_short(path, reader.line_num, row, names)
            for name, kind in columns.items():
                if not _is(row[places[name]], kind):
                    return ScenarioError(f"{where}: {name} must be {EXPECTED[kind]}, not {shown(row[places[name]])}")
    return None


def _too_long_or_short(path: Path, line: int, row: Sequence[str], names: Sequence[str]) -> ScenarioError:
    return ScenarioError(f"{path}: line {line}: has {len(row)} cells, but the header has {len(names)} columns")


def texts_of(path: Path) -> pd.DataFrame:
    """Return all cells of a file of few rows as they are written; a row of another length than the header is refused."""
    names = header_of(path)
    with readable(path), opened(path) as file:
        reader = csv.reader(file)
        next(reader)
        rows = [(reader.line_num, row) for row in reader if row]
    for line, row in rows:
        if len(row) != len(names):
            raise _too_long_or_short(path, line, row, names)
    return pd.DataFrame([row for _, row in rows], columns=names)


def _is(cell: str, kind: Kind) -> bool:
    if kind == "text":
        return cell != ""
    if kind == "date":
        return as_date(cell) is not None
    try:
        return math.isfinite(float(cell) if kind == "number" else int(cell))
    except ValueError:
        return False


def _encoding(path: Path) -> str:
    """Return in which of the known encodings a file's beginning is a text."""
    with _raw(path) as file:
        beginning = file.read(BLOCK)
    try:
        beginning[: beginning.rfind(b"\n") + 1].decode(ENCODINGS[0])
    except UnicodeDecodeError:
        return ENCODINGS[1]
    return ENCODINGS[0]


def opened(path: Path) -> io.TextIOWrapper:
    """Return a file as text, unpacked where it is packed by gzip."""
    return io.TextIOWrapper(_raw(path), encoding=_encoding(path), newline="", errors="replace")


def _raw(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")
