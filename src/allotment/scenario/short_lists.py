"""Long lists written short: `table: file.csv` for a list, and `name: sku-{0001..2000}` for many entries of one kind."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any, TypeGuard, get_args

import yaml

from allotment.resources import lies_at
from allotment.scenario.errors import ScenarioError, shown
from allotment.scenario.schema import LISTS, Scenario
from allotment.scenario.sizes import MOST_ENTRIES, check_entries
from allotment.scenario.table_file import is_blank, read_table_file, where
from allotment.scenario.yaml_file import parse_yaml, problem_of, short_name

THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+", re.ASCII)
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
RANGE = re.compile(r"\{(\d{1,18})\.\.(\d{1,18})\}", re.ASCII)


def with_tables(content: dict[str, Any], file: Path) -> dict[str, Any]:
    """Return a scenario file's content with the rows of table files in the place of `{table: file.csv}`.

    A list may be such a mapping, or hold some among its entries. Columns are the entries' keys; a cell is text or a number as
    its key wants it, one in braces or brackets is YAML, an empty one leaves its key out. Files are looked for beside the
    scenario's.
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
    if not lies_at(table):
        raise ScenarioError(f"{short_name(file)}: {section}.table: {shown(name)} does not lie beside it")
    found = read_table_file(table)
    source = short_name(table)
    for note in found.notes:
        warnings.warn(f"{source}: {note}", stacklevel=2)
    texts = {key for key in found.columns if _wants_text(section, key)}
    rows: list[dict[str, Any]] = [{} for _ in found.lines or next(iter(found.columns.values()))]
    for key, cells in found.columns.items():
        for row, cell in enumerate(cells):
            if not is_blank(cell) and cell == cell:
                place = f"{where(source, row, found.lines)}, column {key}"
                if found.delimiter == ";" and key not in texts and THOUSANDS.fullmatch(str(cell)):
                    raise ScenarioError(f"{place}: {cell!r} can be thousands or a fraction; part the cells by commas instead")
                rows[row][key] = _value(cell, key in texts, place)
    return rows


def _wants_text(section: str, key: str) -> bool:
    """Tell whether a key of a section's entries holds a text and nothing else."""
    (entry,) = get_args(Scenario.model_fields[section].annotation)
    field = next((field for name, field in entry.model_fields.items() if key in (name, field.alias)), None)
    return field is not None and set(get_args(field.annotation) or [field.annotation]) <= {str, type(None)}


def _value(cell: Any, is_text: bool, place: str) -> Any:
    """Return what a cell says: its text where its key wants one, else a number, or a mapping or list written as YAML."""
    if is_text:
        return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
    if not isinstance(cell, str):
        return int(cell) if isinstance(cell, float) and cell.is_integer() else cell
    if NUMBER.fullmatch(cell):
        return float(cell) if set(cell) & set(".eE") else int(cell)
    if not cell.startswith(("{", "[")):
        return {"true": True, "false": False}.get(cell.lower(), cell)
    try:
        return parse_yaml(cell)
    except yaml.YAMLError as error:
        raise ScenarioError(f"{place}: {cell!r} is not YAML: {problem_of(error)}") from None


def with_names_written_out(content: dict[str, Any], origin: str) -> dict[str, Any]:
    """Return a scenario's content with an entry for every name that a range in a name stands for."""
    filled = dict(content)
    for section in LISTS:
        entries = content.get(section)
        if isinstance(entries, list):
            where = f"{origin}: {section}"
            check_entries(where, sum(_count(entry, where) for entry in entries))
            filled[section] = [each for entry in entries for each in _written_out(entry)]
    return filled


def _range_in(entry: Any) -> re.Match[str] | None:
    """Return the range in an entry's name."""
    name = entry.get("name") if isinstance(entry, dict) else None
    return RANGE.search(name) if isinstance(name, str) else None


def _count(entry: Any, where: str) -> int:
    """Return how many entries one stands for."""
    found = _range_in(entry)
    if found is None:
        return 1
    first, last = (int(end) for end in found.groups())
    if last < first or last - first >= MOST_ENTRIES:
        raise ScenarioError(f"{where}: the range in {shown(entry['name'])} must rise, by less than {MOST_ENTRIES}")
    return last - first + 1


def _written_out(entry: Any) -> list[Any]:
    found = _range_in(entry)
    if found is None:
        return [entry]
    name, digits = entry["name"], len(found[1])
    numbers = range(int(found[1]), int(found[2]) + 1)
    return [{**entry, "name": f"{name[: found.start()]}{number:0{digits}d}{name[found.end() :]}"} for number in numbers]
