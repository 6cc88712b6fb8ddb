"""Tables with bad cells, headers, rows and bytes, of every kind of file and for every method, through the command line.

Each is refused in one line that names a file, or planned, and then what is written keeps to what they mean (`table_days`).
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from attacking import Attack
from table_days import MEANS, UNITS, faults, is_refused, rows_of

from allotment.cli import main
from allotment.planning.methods import METHODS

OTHERS = {  # cells of columns that are no units
    "due": ["0", "3", "-4", "1000000", "1000001", "1e9", "99999999", "20260301", "9999-12-31", "0001-01-01", "x", "", "12:00"],
    "arrives": ["0", "2", "-3", "1000000", "9999-12-31", "1e9", "2026-02-30", "", "1" * 400],
    "transit": ["0", "1", "2.5", "1e12", "1e13", "", "-1", "nan"],
    "max_lateness": ["0", "2", "1e12", "-1", ""],
    "priority": ["1", "2", "1e12", "", "first", "-1"],
    "unit_margin": ["5", "0", "-3", "1e12", "-1e12", "1e-12", "1e-6", "", "x", "1e13"],
    "order": ["", "A", "=1+1", "Total", "x" * 300, "a\nb", "\x00", "\ud7ff", "'", '"', "A" * 40_000],
    "region": ["", "x", "nowhere", "x "],
    "sku": ["", "k", "nothing"],
    "warehouse": ["", "W0", "Total", "W9"],
    "unit_cost": ["0", "1e12", "-1", "3.5"],
    "lead_time": ["0", "1e12", "", "-1"],
}
COLUMNS = {  # that tell rows apart
    "stock": ("warehouse", "sku"),
    "demand": ("order", "channel", "region", "sku"),
    "lanes": ("warehouse", "region"),
    "transport": ("warehouse", "channel"),
    "receipts": ("warehouse", "sku", "arrives"),
    "reservations": ("order", "warehouse", "sku"),
    "channels": ("channel",),
    "offers": ("supplier", "sku"),
}


def some_day(draws):
    """Draw a day's tables: one to six order lines, up to three warehouses, and any of the other tables."""
    lines, sites = int(draws.integers(1, 7)), int(draws.integers(1, 4))
    skus = ["k", "l"][: draws.integers(1, 3)]
    amounts = draws.choice([0, 1, 2, 3, 5, 8, 20, 1000, 10**9, 10**12 - 1, 10**12], 4)

    def units(count):
        return [str(each) for each in draws.choice(amounts, count)]

    wanted = units(lines)
    demand = {
        "order": [f"o{line}" for line in range(lines)],
        "channel": [str(each) for each in draws.choice(["web", "shop"], lines)],
        "region": [str(each) for each in draws.choice(["x", "y"], lines)],
        "sku": [str(each) for each in draws.choice(skus, lines)],
        "demand": wanted,
    }
    more = {
        "committed": [str(min(int(a), int(b))) for a, b in zip(wanted, units(lines), strict=True)],
        "minimum": units(lines),
        "due": [str(each) for each in draws.integers(0, 6, lines)],
        "max_lateness": [str(each) for each in draws.integers(0, 3, lines)],
        "unit_margin": [str(each) for each in draws.choice([1, 2, 2, 2.5, 1e-6, 1e6, 1e12], lines)],
        "priority": [str(each) for each in draws.integers(1, 3, lines)],
    }
    demand |= {name: cells for name, cells in more.items() if draws.random() < 0.4}
    names = [f"W{site}" for site in range(sites)]
    places = [(name, sku) for name in names for sku in skus]
    site, sku = (list(each) for each in zip(*places, strict=True))
    day = {"stock": {"warehouse": site, "sku": sku, "on_hand": units(len(places))}, "demand": demand}
    ends = [(name, region) for name in names for region in ("x", "y")]
    extra = {
        "lanes": {
            "warehouse": [name for name, _ in ends],
            "region": [region for _, region in ends],
            "freight": [str(each) for each in draws.choice([0, 0.5, 1], len(ends))],
            "transit": [str(each) for each in draws.integers(0, 3, len(ends))],
        },
        "transport": {
            "warehouse": [name for name in names for _ in range(2)],
            "channel": ["web", "shop"] * sites,
            "outbound_capacity": units(2 * sites),
        },
        "receipts": {
            "warehouse": site,
            "sku": sku,
            "arrives": [str(each) for each in draws.integers(-1, 5, len(places))],
            "units": units(len(places)),
        },
        "reservations": {"order": ["o0"], "warehouse": ["W0"], "sku": ["k"], "reserved": units(1)},
        "channels": {
            "channel": ["web", "shop"],
            "unit_margin": ["3", "2"],
            "quota": ["50", "30"],
            "forecast": ["4", "2"],
            "forecast_deviation": ["1", "1"],
        },
        "offers": {
            "supplier": ["S", "T"],
            "sku": ["k", "k"],
            "unit_cost": ["2", "3"],
            "lead_time": ["1", "2"],
            "minimum": units(2),
            "capacity": units(2),
        },
    }
    day |= {kind: columns for kind, columns in extra.items() if draws.random() < 0.4}
    return {kind: {column: list(cells) for column, cells in columns.items()} for kind, columns in day.items()}


def draw(draws):
    """Draw a day, what is wrong with it, how it is written, and a method."""
    day = some_day(draws)
    method = str(draws.choice(sorted(METHODS))) if draws.random() < 0.6 else "optimal"
    if method == "reallocate":
        strategies = [
            str(each) for each in draws.choice(["win", "gain", "redistribute", "fill", "lose"], len(day["demand"]["order"]))
        ]
        day["demand"] |= {"confirmed": list(day["demand"]["demand"]), "strategy": strategies}
    for _ in range(draws.choice([0, 0, 1, 1, 2, 3])):
        _change(draws, day)
    kind = str(draws.choice(["csv", "csv", "csv", "xlsx", "parquet"]))
    damage = [(int(draws.integers(2**31)), int(draws.integers(256))) for _ in range(draws.choice([0, 0, 0, 0, 0, 1, 5, 40]))]
    return day, method, kind, damage, str(draws.choice(["plan.xlsx", "plan.csv", "plan"]))


def _change(draws, day):
    """Change a cell, a header, or the rows of a table."""
    columns = day[draws.choice(sorted(day))]
    column = str(draws.choice(sorted(columns)))
    if not columns[column]:
        return
    row = int(draws.integers(len(columns[column])))
    what = draws.random()
    if what < 0.75:
        cells = list(MEANS) if column in UNITS else OTHERS.get(column, ["", "x", "1e400"])
        columns[column][row] = cells[draws.integers(len(cells))]
    elif what < 0.8:
        columns[str(draws.choice(["qty", "", "a,b", "demand ", "x" * 5000, "=1", "sku"]))] = columns.pop(column)
    elif what < 0.9:
        for cells in columns.values():
            cells.append(cells[row])
    else:
        for cells in columns.values():
            del cells[row]


def write(path, columns, kind, damage):
    """Write a table, with bytes changed."""
    if kind == "csv":
        text = io.StringIO()
        rows = csv.writer(text)
        rows.writerow(columns)
        rows.writerows(zip(*columns.values(), strict=True))
        path.write_bytes(text.getvalue().encode("utf-8", "surrogatepass"))
    elif kind == "xlsx":
        import openpyxl
        from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

        book = openpyxl.Workbook()
        for cells in (list(columns), *zip(*columns.values(), strict=True)):
            book.active.append([ILLEGAL_CHARACTERS_RE.sub("?", cell)[:32_000] for cell in cells])
        book.save(path)
    else:
        import pyarrow
        import pyarrow.parquet

        pyarrow.parquet.write_table(
            pyarrow.table({name: pyarrow.array(cells, pyarrow.string()) for name, cells in columns.items()}), path
        )
    if damage:
        data = bytearray(path.read_bytes())
        for place, byte in damage:
            data[place % len(data)] = byte
        path.write_bytes(bytes(data))


def judge(given):
    """Plan a day through the command line; returns "planned" or "refused"."""
    day, method, kind, damage, out = given
    folder = Path(tempfile.mkdtemp())
    try:
        files = {name: folder / f"{name}.{kind}" for name in day}
        for place, (name, columns) in enumerate(day.items()):
            write(files[name], columns, kind, damage if place == len(damage) % len(day) else [])
        options = [part for name, file in files.items() for part in (f"--{name}", str(file))]
        code, _, told = run(
            [*options, "--method", method, "--today", "0", "--json", str(folder / "p.json"), "--out", str(folder / out)]
        )
        if code == 2:
            lines = told.strip().splitlines()
            assert len(lines) == 1 and lines[0].startswith("error: "), told
            assert len(told) < 3_000 and (str(folder) in told or " make " in told or "method" in told), told
            assert not (folder / "p.json").exists() and not (folder / out).exists()
            return "refused"
        assert code == 0, f"exit code {code}: {told}"
        plan = json.loads((folder / "p.json").read_text())
        check_written(folder / out, plan)
        if not damage and all(set(COLUMNS[kind]) <= set(columns) for kind, columns in clean(day).items()):
            assert not is_refused(day), "a cell that is no number was planned with"
            assert not (broken := faults(clean(day), plan)), broken
        return "planned" if "not proven" not in " ".join(plan["notes"]) else "planned, not proven"
    finally:
        shutil.rmtree(folder)


def clean(day):
    """Return a day whose names are as the planner reads them, and without columns that have no cells."""
    return {
        kind: {
            column.strip(): [cell.strip() for cell in cells]
            for column, cells in columns.items()
            if any(cell.strip() for cell in cells)
        }
        for kind, columns in day.items()
    }


def run(arguments):
    """Run `allotment plan`; returns the exit code, what it printed, and what it told."""
    printed, told, before = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["allotment", "plan", *arguments]
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(told):
            main()
        return 0, printed.getvalue(), told.getvalue()
    except SystemExit as end:
        return end.code or 0, printed.getvalue(), told.getvalue()
    finally:
        sys.argv = before


def check_written(path, plan):
    """The tables that are written say the same as the JSON."""
    if path.suffix == ".xlsx":
        import openpyxl

        sheet = openpyxl.load_workbook(path, read_only=True)["allocation"]
        header, *rows = sheet.iter_rows(values_only=True)
        units = [row[header.index("units")] for row in rows] if rows else []
    else:
        file = path / "allocation.csv" if path.suffix == "" else path
        with file.open(newline="", encoding="utf-8") as text:
            units = [float(row["units"]) for row in csv.DictReader(text) if row.get("action", "ship") == "ship"]
    assert units == [row["units"] for row in plan["allocation"]], f"{path.name} and the JSON differ"


def prepare():
    """Load what the command needs, and its readers."""
    day = some_day(np.random.default_rng(0))
    for kind in ("csv", "xlsx", "parquet"):
        judge((day, "optimal", kind, [], "plan.xlsx"))
    assert rows_of(day["demand"])


ATTACKS = [Attack("tables", draw, judge, prepare, memory=1024, seconds=60.0)]
