"""A forecast as text for the terminal: the key figures, the discounts with their reasons, and the days on which money moves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from allotment.finance.cash.forecast import Forecast

if TYPE_CHECKING:
    from rich.table import Table

MOST_LINES = 40  # of a table; --out writes all
COLUMNS = {  # of a day's close, and how they are headed
    **{"receipts": "receipts", "payments": "payments", "operating": "cash before\nany credit", "drawn": "drawn"},
    **{"interest": "interest", "cash": "cash", "debt": "debt", "headroom": "headroom"},
}


def shown(made: Forecast) -> Iterator[Table | str]:
    """Yield what to print of a forecast, one thing after the other."""
    yield from (f"assumed: {note}" for note in made.notes)
    yield from _headlines(made)
    if made.decisions:
        yield from _discounts(made)
    yield from _days(made)


def _headlines(made: Forecast) -> Iterator[str]:
    outlook, last = made.outlook, made.decided[-1]
    yield f"lowest cash {_money(made.lowest.operating)} {_on(made, made.lowest.day)}, before any credit"
    ends = f"{_money(last.operating)} on day {last.day}"
    if made.decisions:
        all_taken, none_taken = made.with_discounts[-1].operating, made.without_discounts[-1].operating
        ends += f"; {_money(all_taken)} with all discounts, {_money(none_taken)} without any"
    yield f"cash at the end {ends}"
    if outlook.credit_line:
        drawn = f"peak debt {_money(made.peak.debt)} {_on(made, made.peak.day)} of {_money(outlook.credit_line.limit)}"
        rate = f"{(outlook.credit_line.rate * 100).normalize():f} % act/{outlook.credit_line.day_count}"
        yield f"credit line: {drawn}, interest {_money(made.interest)} ({rate}); cash is then {_money(last.cash)} at the end"
    yield _headroom(made)
    receipts, payments = made.later
    if receipts or payments:
        yield f"after day {last.day}: {_money(receipts)} more comes in, {_money(payments)} goes out"


def _headroom(made: Forecast) -> str:
    floor, tightest = _money(made.outlook.floor), made.tightest
    below = made.below_floor
    kept = f"; {below:,} {'day ends' if below == 1 else 'days end'} below the floor" if below else ""
    return f"least headroom {_money(tightest.headroom)} {_on(made, tightest.day)}, above a floor of {floor}{kept}"


def _discounts(made: Forecast) -> Iterator[Table | str]:
    rows = [
        (each.order.name, str(each.order.terms), f"{each.yearly:.1%}", "yes" if each.taken else "no", each.reason)
        for each in made.decisions
    ]
    yield _table("Discounts", ["order", "terms", "yields a year", "taken", "why"], rows[:MOST_LINES], {0, 1, 3, 4})
    if len(rows) > MOST_LINES:
        yield f"… and {len(rows) - MOST_LINES:,} more; --out writes all"


def _days(made: Forecast) -> Iterator[Table | str]:
    """Yield the days on which money moves or the debt changes."""
    moved = [close for close in made.decided if close.receipts or close.payments or close.drawn or close.interest]
    columns = [_column([getattr(close, name) for close in moved[:MOST_LINES]]) for name in COLUMNS]
    days = [f"{close.day}" if made.outlook.start is None else f"{close.day} ({made.date(close.day)})" for close in moved]
    yield _table("Days on which money moves", ["day", *COLUMNS.values()], list(zip(days, *columns, strict=False)), set())
    if len(moved) > MOST_LINES:
        yield f"… and {len(moved) - MOST_LINES:,} more; --out writes all"


def _column(amounts: list[Decimal]) -> list[str]:
    """Return amounts as text, with cents where one of them has any; a dash for nothing."""
    places = 2 if any(amount != int(amount) for amount in amounts) else 0
    return [f"{amount:,.{places}f}" if amount else "-" for amount in amounts]


def _table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]], words: set[int]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for place, name in enumerate(header):
        word = place in words
        table.add_column(name, justify="left" if word else "right", overflow="fold", no_wrap=not word)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


def _money(amount: Decimal) -> str:
    return f"{amount:,.2f}"


def _on(made: Forecast, day: int) -> str:
    return f"on day {day}" if made.outlook.start is None else f"on day {day} ({made.date(day)})"
