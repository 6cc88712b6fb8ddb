"""Logs of movements as files: CSV, Parquet and JSON Lines, read into one table and written from it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from allotment.exchange.movement_checks import MOST_MOVEMENTS, Fault, checked_movements
from allotment.exchange.movement_schema import COLUMNS, VERSION, VERSION_KEY
from allotment.names import no_formula
from allotment.scenario.errors import ScenarioError, nearest, shown
from allotment.whole_file import whole_file

ENDINGS = (".csv", ".parquet", ".jsonl")
DELIMITERS = (",", ";", "\t")


def read_movements(path: str | Path, sites: Sequence[str] | None = None) -> pd.DataFrame:
    """Read a log of movements, by the ending of its file: `.csv`, `.parquet` or `.jsonl`.

    Returns the columns of `COLUMNS` in their order, sorted by time and seq, each event once: texts (empty where nothing is
    said), `units`, `unit_cost` and `unit_price` as numbers (NaN where nothing is said), `seq` as an integer, `time` as an
    integer period throughout or as `datetime` objects with their offsets. `ScenarioError` names file, row and column of the
    first thing that is wrong; nothing is read of a file with a bad row. Where `sites` are named, there are no others.
    """
    file = Path(path)
    kind = _kind(file)
    if not file.is_file():
        raise ScenarioError(f"{file}: no such file" if not file.exists() else f"{file}: is no file")
    try:
        cells = {".csv": _from_csv, ".parquet": _from_parquet, ".jsonl": _from_lines}[kind](file)
    except OSError as error:
        raise ScenarioError(f"{file}: cannot be read: {error.strerror or type(error).__name__}") from None
    if len(cells) > MOST_MOVEMENTS:
        raise ScenarioError(f"{file}: has {len(cells):,} movements; a log has at most {MOST_MOVEMENTS:,}")
    return checked_movements(cells, str(file), _fault_in(file, kind), sites)


def as_movements(frame: pd.DataFrame, source: str = "movements") -> pd.DataFrame:
    """Return a data frame as a log of movements, checked as a file is; see `read_movements`."""

    def fault(row: int, column: str, sentence: str) -> ScenarioError:
        return ScenarioError(f"{source}: row {row + 1}, column {column}: {sentence}")

    return checked_movements(frame, source, fault)


def write_movements(frame: pd.DataFrame, path: str | Path) -> None:
    """Write a log, whole or not at all, by the ending of its file; `ScenarioError` where it is no log.

    In CSV, texts that a spreadsheet would run get an apostrophe before them; Parquet and JSON Lines keep everything.
    """
    file, log = Path(path), as_movements(frame)
    write = {".csv": _to_csv, ".parquet": _to_parquet, ".jsonl": _to_lines}[_kind(file)]
    if log["time"].dtype == object:
        log["time"] = log["time"].map(datetime.isoformat).astype("str")
    with whole_file(file) as part:
        write(log, part)


def _kind(file: Path) -> str:
    kind = file.suffix.lower()
    if kind not in ENDINGS:
        raise ScenarioError(f"{file}: movements are kept in {', '.join(ENDINGS)}; {nearest(kind, ENDINGS)}")
    return kind


def _fault_in(file: Path, kind: str) -> Fault:
    def fault(row: int, column: str, sentence: str) -> ScenarioError:
        line = "" if kind == ".parquet" else f" (line {_line(file, row + (kind == '.csv'))})"
        return ScenarioError(f"{file}: row {row + 1}{line}, column {column}: {sentence}")

    return fault


def _line(file: Path, row: int) -> int:
    """Return the line of a file's row (from 0), counted without empty lines."""
    with file.open("rb") as lines:
        filled = (number for number, line in enumerate(lines, start=1) if line.strip(b"\r\n"))
        return next(islice(filled, row, None))


def _from_csv(file: Path) -> pd.DataFrame:
    """Read every cell as text; what is empty is missing."""
    import pyarrow
    from pyarrow import csv

    with file.open(encoding="utf-8-sig", errors="replace") as lines:
        header = next((line for line in lines if line.strip()), "")
    if not header:
        raise ScenarioError(f"{file}: has no rows")
    delimiter = max(DELIMITERS, key=header.count)
    try:
        table = csv.read_csv(
            file,
            parse_options=csv.ParseOptions(delimiter=delimiter),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(COLUMNS, pyarrow.string()), null_values=[""], strings_can_be_null=True
            ),
        )
    except pyarrow.ArrowInvalid as error:
        raise ScenarioError(f"{file}: is no CSV: {str(error).splitlines()[0]}") from None
    try:
        names = table.column_names
    except UnicodeDecodeError:
        raise ScenarioError(f"{file}: is no CSV: its header is not in UTF-8") from None
    _check_distinct(file, names)
    return table.to_pandas()


def _from_parquet(file: Path) -> pd.DataFrame:
    import pyarrow
    from pyarrow import parquet

    try:
        table = parquet.read_table(file)
    except pyarrow.ArrowException as error:
        raise ScenarioError(f"{file}: is no Parquet file ({str(error).splitlines()[0]})") from None
    found = (table.schema.metadata or {}).get(VERSION_KEY, str(VERSION).encode()).decode(errors="replace")
    if found != str(VERSION):
        raise ScenarioError(f"{file}: has version {shown(found)} of the schema of movements; {VERSION} is read")
    _check_distinct(file, table.column_names)
    return table.to_pandas(integer_object_nulls=True)


def _check_distinct(file: Path, names: list[str]) -> None:
    twins = [name for name in names if names.count(name) > 1]
    if twins:
        raise ScenarioError(f"{file}: has two columns {twins[0]!r}")


def _from_lines(file: Path) -> pd.DataFrame:
    """Read JSON Lines: an object a line, blank lines left out."""
    columns: dict[str, list[Any]] = {}
    rows = 0
    with file.open(encoding="utf-8-sig", errors="replace") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            for name, value in _object(file, number, line).items():
                if name not in columns:
                    if name not in COLUMNS:
                        raise ScenarioError(f"{file}: line {number}: unknown column {shown(name)}; {nearest(name, COLUMNS)}")
                    columns[name] = []
                cells = columns[name]
                cells.extend([None] * (rows - len(cells)))
                cells.append(value)
            rows += 1
    if not rows:
        raise ScenarioError(f"{file}: has no rows")
    return pd.DataFrame(
        {name: pd.Series(cells + [None] * (rows - len(cells)), dtype=object) for name, cells in columns.items()}
    )


def _object(file: Path, number: int, line: str) -> dict[str, Any]:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        raise ScenarioError(f"{file}: line {number}: is no JSON, but {shown(line.strip())}") from None
    if not isinstance(content, dict):
        raise ScenarioError(f"{file}: line {number}: must be an object with a movement's columns, not {shown(content)}")
    return content


def _to_csv(log: pd.DataFrame, part: Path) -> None:
    texts = [name for name, column in COLUMNS.items() if column.holds == "text"]
    safe = log.assign(**{name: log[name].map({text: no_formula(text) for text in log[name].unique()}) for name in texts})
    safe.to_csv(part, index=False, lineterminator="\n")


def _to_parquet(log: pd.DataFrame, part: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    table = pyarrow.Table.from_pandas(log, preserve_index=False)
    parquet.write_table(table.replace_schema_metadata({VERSION_KEY: str(VERSION)}), part, compression="zstd")


def _to_lines(log: pd.DataFrame, part: Path) -> None:
    """Write an object a line, of the columns that not every file has only what is said."""
    with part.open("w", encoding="utf-8", newline="\n") as file:
        for row in log.itertuples(index=False, name=None):
            said = {name: cell for name, cell in zip(COLUMNS, row, strict=True) if COLUMNS[name].needed or _is_said(cell)}
            file.write(json.dumps(said | _no_units(said), ensure_ascii=False) + "\n")


def _is_said(cell: Any) -> bool:
    return cell != "" and cell == cell


def _no_units(said: dict[str, Any]) -> dict[str, Any]:
    """Return null units where none are said, which JSON has no number for."""
    return {} if _is_said(said["units"]) else {"units": None}
