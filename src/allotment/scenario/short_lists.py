"""Long lists written short: `table: file.csv` for a list, and `name: sku-{0001..2000}` for many entries of one kind."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any, TypeGuard

import yaml

from allotment.scenario.errors import ScenarioError
from allotment.scenario.schema import LISTS
from allotment.scenario.yaml_file import short_name

RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
MOST_ENTRIES = 100_000


def with_tables(content: dict[str, Any], file: Path) -> dict[str, Any]:
    """Return a scenario file's content with the rows of CSV files in the place of `{table: file.csv}`.

    A list may be such a mapping, or hold some among its entries. Columns are the entries' keys; a cell is read as YAML, an
    empty one leaves its key out. Files are looked for beside the scenario's.
    """
    filled = dict(content)
    for section in LISTS:
        entries = content.get(section)
        if _is_table(entries):
            filled[section] = _rows(entries["table"], file, section)
        elif isinstance(entries, list):
            filled[section] = [
                row for entry in entries for row in (_rows(entry["table"], file, section) if _is_table(entry) else [entry])
            ]
    return filled


def _is_table(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict) and set(value) == {"table"}


def _rows(name: Any, file: Path, section: str) -> list[dict[str, Any]]:
    table = file.parent / str(name)
    if not table.is_file():
        raise ScenarioError(f"{short_name(file)}: {section}.table: {name!r} does not lie beside it")
    with table.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    where = short_name(table)
    return [
        {key: _cell(text, f"{where}, row {row + 2}, column {key}") for key, text in cells.items() if text not in ("", None)}
        for row, cells in enumerate(rows)
    ]


def _cell(text: Any, where: str) -> Any:
    if not isinstance(text, str):
        raise ScenarioError(f"{where}: the row has more cells than the header")
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        raise ScenarioError(f"{where}: {text!r} is not YAML") from None


def with_names_written_out(content: dict[str, Any], origin: str) -> dict[str, Any]:
    """Return a scenario's content with an entry for every name that a range in a name stands for."""
    filled = dict(content)
    for section in LISTS:
        entries = content.get(section)
        if isinstance(entries, list):
            filled[section] = [each for entry in entries for each in _written_out(entry, f"{origin}: {section}")]
    return filled


def _written_out(entry: Any, where: str) -> list[Any]:
    name = entry.get("name") if isinstance(entry, dict) else None
    found = RANGE.search(name) if isinstance(name, str) else None
    if not isinstance(name, str) or found is None:
        return [entry]
    first, last = found.groups()
    if int(last) < int(first) or int(last) - int(first) >= MOST_ENTRIES:
        raise ScenarioError(f"{where}: the range in {name!r} must rise, by less than {MOST_ENTRIES}")
    numbers = range(int(first), int(last) + 1)
    return [{**entry, "name": f"{name[: found.start()]}{number:0{len(first)}d}{name[found.end() :]}"} for number in numbers]
