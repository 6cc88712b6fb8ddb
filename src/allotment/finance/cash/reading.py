"""Reading a file of cash to come: a YAML file, of which sections may be tables (CSV, xlsx or Parquet) that lie beside it."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from allotment.finance.cash.flows import check_flows
from allotment.finance.cash.schema import Account, Order, Outlook, Payable, Receivable, RunningCost
from allotment.scenario.errors import MOST_FAULTS, ScenarioError, explain, shown
from allotment.scenario.table_file import is_blank, read_table_file, where
from allotment.scenario.yaml_file import read_yaml

TABLES: dict[str, type[BaseModel]] = {
    "suppliers": Account,
    "running_costs": RunningCost,
    "payables": Payable,
    "receivables": Receivable,
    "orders": Order,
}
TABLE_FILES = (".csv", ".xlsx", ".xlsm", ".parquet")
DATES = {"running_costs": ("first", "until"), "payables": ("day",), "receivables": ("invoiced",), "orders": ("received",)}
UNIQUE = ("suppliers", "orders", "payables")  # sections whose entries go by their name


def read_outlook(file: str | Path) -> Outlook:
    """Return what a file says of the cash to come, in which every day is a number.

    Raises `ScenarioError`, which names the file, the key or the row, and what is allowed.
    """
    outlook = parsed_outlook(file)
    check_flows(outlook, str(file))
    return outlook


def parsed_outlook(file: str | Path, opening: Decimal | None = None) -> Outlook:
    """Return the same before it is known that nothing in it falls before day 0; `opening` takes the place of the file's."""
    path = Path(file)
    if path.suffix.lower() in TABLE_FILES:
        raise ScenarioError(
            f"{path}: is a table; name it in a YAML file beside it that says the rest, as `orders: {path.name}`"
        )
    content = read_yaml(path)
    if opening is not None:
        content = {**content, "opening": opening}
    for section, model in TABLES.items():
        if isinstance(content.get(section), str):
            content[section] = _rows(_beside(path, section, content[section]), model)
    try:
        outlook = Outlook.model_validate(content)
    except ValidationError as error:
        raise ScenarioError(explain(error, content, Outlook, str(path))) from None
    _check_names(outlook, str(path))
    return numbered(outlook, str(path))


def _beside(path: Path, section: str, name: str) -> Path:
    """Return the file of a table that a section names; refused where it is none, or lies elsewhere."""
    table = Path(name)
    if table.suffix.lower() not in TABLE_FILES or table.is_absolute() or ".." in table.parts:
        kinds = ", ".join(TABLE_FILES)
        raise ScenarioError(f"{path}: {section}: must be a list, or a table ({kinds}) beside the file, not {shown(name)}")
    return path.parent / table


def _rows(file: Path, model: type[BaseModel]) -> list[dict[str, Any]]:
    """Return the rows of a table as entries of a section, each of which is checked."""
    try:
        table = read_table_file(file)
    except OSError as error:
        raise ScenarioError(f"{shown(str(file))}: cannot be read: {error.strerror or type(error).__name__}") from None
    headers = {"_".join(header.lower().replace("-", " ").split()): cells for header, cells in table.columns.items()}
    count = len(next(iter(headers.values()), []))
    rows = [{key: cells[row] for key, cells in headers.items() if not is_blank(cells[row])} for row in range(count)]
    faults: list[str] = []
    for number, row in enumerate(rows):
        try:
            model.model_validate(row)
        except ValidationError as error:
            faults += explain(error, row, model, where(table.source, number, table.lines)).splitlines()
    if faults:
        left = [f"{file}: {len(faults) - MOST_FAULTS} more faults"] if len(faults) > MOST_FAULTS else []
        raise ScenarioError("\n".join(faults[:MOST_FAULTS] + left))
    return rows


def _check_names(outlook: Outlook, origin: str) -> None:
    """Refuse an order, a payable or a supplier that stands twice, which would be paid twice."""
    for section in UNIQUE:
        seen: set[str] = set()
        for place, entry in enumerate(getattr(outlook, section)):
            if entry.name in seen:
                raise ScenarioError(f"{origin}: {section}[{place}].name: {shown(entry.name)} stands twice; each is paid once")
            seen.add(entry.name)


def numbered(outlook: Outlook, origin: str) -> Outlook:
    """Return an outlook in which dates are days since its start."""
    changed: dict[str, Any] = {}
    for section, keys in DATES.items():
        entries = enumerate(getattr(outlook, section))
        changed[section] = [
            entry.model_copy(
                update={key: _number(getattr(entry, key), outlook, f"{origin}: {section}[{place}].{key}") for key in keys}
            )
            for place, entry in entries
        ]
    return outlook.model_copy(update=changed)


def _number(day: int | datetime.date | None, outlook: Outlook, place: str) -> int | None:
    if not isinstance(day, datetime.date):
        return day
    if outlook.start is None:
        raise ScenarioError(f"{place.replace('.first', '.from')}: a date needs `start`, the date of day 0, in the file")
    return (day - outlook.start).days
