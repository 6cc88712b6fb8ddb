"""A plan as text for the terminal: who gets what, what is short and why, transfers and purchases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from allotment.planning.outcome import Plan
from allotment.planning.summary import summary
from allotment.report.numbers import number

if TYPE_CHECKING:
    from rich.table import Table

WIDEST = 80  # characters that the columns of warehouses may take together; beyond that there are none
MOST_LINES = 20  # of a list; a plan's JSON has all


def tables(plan: Plan) -> Iterator[Table | str]:
    """Yield what to print of a plan, one thing after the other."""
    yield _headline(plan)
    yield from (f"assumed: {note}" for note in plan.notes)
    yield _allocation(plan)
    if broken := plan.broken_commitments():
        yield from _listed("Commitments not kept", broken)
    if "order" in plan.book.demand.names and (unmet := plan.unmet_rows()):
        yield from _listed("Order lines not served in full", unmet)
    if reservations := plan.reservation_rows():
        yield from _listed("Reservations before this plan", reservations)
    if plan.transfers:
        yield from _listed("Transfers that would serve unmet demand", [_transfer(row) for row in plan.transfers])
    if plan.purchases:
        spend = sum(row["spend"] for row in plan.purchases)
        yield from _listed(f"Purchases, {number(spend, 2)} in all", [_purchase(row) for row in plan.purchases])
    if plan.uncovered:
        yield from _listed("Covered by no offer", plan.uncovered)


def _headline(plan: Plan) -> str:
    totals, left_out = plan.totals(), f", without {', '.join(plan.ignored)}" if plan.ignored else ""
    money = f"; value {number(plan.objective, 2)}" if plan.day.options.value.any() else ""
    money += f" ({number(plan.value, 2)} with all factors)" if plan.ignored else ""
    units = f"{_units(totals['allocated'])} of {_units(totals['demand'])} units allocated"
    return f"{plan.method}{left_out}: {units}, {_units(totals['unmet'])} unmet{money}"


def _allocation(plan: Plan) -> Table:
    """Return the sums of what channels ask for and get, with a column for each warehouse where they are few."""
    sums, warehouses = summary(plan), plan.book.warehouses
    shown = range(len(warehouses)) if sum(len(f"  from {name} ") for name in warehouses) <= WIDEST else range(0)
    committed = bool(sums.committed.any())
    header = [sums.kind, "asked", *(["committed"] if committed else []), *(f"from {warehouses[site]}" for site in shown)]
    table = _table("", [*header, "served", "unmet", "why"], (sums.kind, "why"))
    served, wanted = sums.served, sums.wanted
    for group, title in enumerate(sums.titles):
        promise = [_units(sums.committed[group])] if committed else []
        shipped = [_units(sums.by_warehouse[group, site]) for site in shown]
        ends = [_units(served[group]), _units(wanted[group] - served[group]), sums.reasons(group)]
        _add(table, title, _units(wanted[group]), *promise, *shipped, *ends)
    promise = [_units(sums.committed.sum())] if committed else []
    shipped = [_units(sums.by_warehouse[:, site].sum()) for site in shown]
    table.add_section()
    _add(table, "all", _units(wanted.sum()), *promise, *shipped, _units(served.sum()), _units((wanted - served).sum()), "")
    return table


def _listed(title: str, rows: list[dict[str, Any]]) -> Iterator[Table | str]:
    """Yield rows as a table, and how many more there are where they are many."""
    words = [column for column, value in rows[0].items() if isinstance(value, str)]
    table = _table(title, list(rows[0]), words)
    for row in rows[:MOST_LINES]:
        _add(table, *(value if isinstance(value, str) else _units(value) for value in row.values()))
    yield table
    if len(rows) > MOST_LINES:
        yield f"… and {len(rows) - MOST_LINES:,} more; --out and --json write all"


def _transfer(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "for": f"{len(row['for']):,} {'claims' if len(row['for']) > 1 else 'claim'}"}


def _purchase(row: dict[str, Any]) -> dict[str, Any]:
    buyers = ", ".join(f"{part['channel']} {_units(part['units'])}" for part in row["for"])
    unit_cost, spend = (number(row[column], 2) for column in ("unit_cost", "spend"))
    kept: dict[str, Any] = {
        column: row[column] for column in ("supplier", "sku", "units", "ordered", "arrives") if column in row
    }
    return {**kept, "unit_cost": unit_cost, "spend": spend, "for": buyers}


def _table(title: str, header: list[str], words: Any) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title or None, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in header:
        word = name in words
        table.add_column(Text(name.replace("_", " ")), justify="left" if word else "right", overflow="fold", no_wrap=not word)
    return table


def _add(table: Table, *cells: str) -> None:
    """Add a row of texts, in which brackets are no markup."""
    from rich.text import Text

    table.add_row(*(Text(cell) for cell in cells))


def _units(units: float) -> str:
    """Return a quantity, with as many as three decimals; a dash for nothing."""
    return "-" if units == 0 else number(units, 0) if float(units).is_integer() else number(units, 3).rstrip("0")
