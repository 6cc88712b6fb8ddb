"""What is checked of the rows of a table together: that none stands twice, lacks a key, or sums up the others."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from allotment.allocation.day import ROUNDING, Floats
from allotment.planning.columns import Layout
from allotment.planning.tables import Table
from allotment.scenario.table_file import where

TOTALS = frozenset(
    (
        *("total", "totals", "grandtotal", "subtotal", "sum", "sums", "summe", "gesamt", "gesamtsumme", "gesamtergebnis"),
        *("ergebnis", "somme", "totale", "totalgeneral", "sumatotal", "suma", "итого", "всего", "合计", "总计", "合計", "總計"),
    )
)


def check_rows(table: Table, layout: Layout) -> None:
    """Refuse a row that has no key where others have one, that sums up the others, or whose keys stand twice."""
    keys = [key for key in _identifying(table, layout) if any(table.names.get(key, ()))]
    for key in keys:
        if "" in table.names[key] and key not in layout.either:
            raise table.fault(table.names[key].index(""), key, "is empty, but other rows have one")
    if layout.either:
        _check_either(table, layout.either)
    if layout.summed is not None:
        _check_totals(table, keys, layout.summed, layout.several)
    if keys and not layout.several:
        _check_unique(table, keys)


def _identifying(table: Table, layout: Layout) -> Sequence[str]:
    """Return the columns that tell rows apart."""
    return next((keys for keys in layout.keys if keys[0] in table.names), ())


def _check_either(table: Table, either: Sequence[str]) -> None:
    for row, found in enumerate(zip(*(table.name(key) for key in either), strict=True)):
        if not any(found):
            raise table.fault(row, either[0], f"is empty, and so is {' and '.join(either[1:])}; one of them says whose it is")


def _check_totals(table: Table, keys: Sequence[str], column: str, several: bool) -> None:
    """Refuse rows that are called totals, and those of the last name where they repeat the sums of all the other rows."""
    units = table.numbers[column]
    for key in keys:
        names = table.names[key]
        for row, found in enumerate(names):
            if re.sub(r"\W", "", found.casefold()) in TOTALS:
                raise table.fault(row, key, f"{found!r} is no {key} but a sum of the others; leave the row out")
        others = [other for other in keys if other != key]
        for found in names[-1:] if key != "order" and not several else ():
            rows = [row for row, seen in enumerate(names) if seen == found]
            if _repeats(table, names, found, rows, others, units):
                row, value = rows[0], units[rows[0]]
                many = "" if len(rows) == 1 else f" (and {len(rows) - 1:,} more rows do)"
                hint = "leave it out, or, if it is no sum, let it not be the last"
                raise table.fault(row, column, f"{value:g} of {found!r} repeats the sum of the other rows{many}; {hint}")


def _repeats(table: Table, names: list[str], found: str, rows: list[int], others: list[str], units: Floats) -> bool:
    """Tell whether each row of a name holds the sum of at least two rows of other names with the same other keys."""
    sums: dict[tuple[str, ...], float] = defaultdict(float)
    counts: dict[tuple[str, ...], int] = defaultdict(int)
    for row, seen in enumerate(names):
        if seen != found:
            kept = tuple(table.names[other][row] for other in others)
            sums[kept] += units[row]
            counts[kept] += 1
    if max(counts.values(), default=0) < 2:
        return False
    for row in rows:
        kept = tuple(table.names[other][row] for other in others)
        if counts[kept] == 0 or not units[row] > 0.0 or abs(units[row] - sums[kept]) > ROUNDING * max(1.0, units[row]):
            return False
    return True


def _check_unique(table: Table, keys: Sequence[str]) -> None:
    """Refuse two rows whose keys are the same."""
    first: dict[tuple[str, ...], int] = {}
    for row, found in enumerate(zip(*(table.names[key] for key in keys), strict=True)):
        if found in first:
            there = where(table.source, first[found], table.lines).removeprefix(f"{table.source}: ")
            hint = "; two lines of an order need a column line" if "order" in keys and "line" not in keys else ""
            raise table.fault(row, " and ".join(keys), f"{', '.join(map(repr, found))} is listed already in {there}{hint}")
        first[found] = row
