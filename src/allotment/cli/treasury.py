"""Cash to come, and what banks are told and tell: `cash`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from allotment.cli.console import console
from allotment.cli.options import writable_folder


def cash(
    file: Annotated[Path, typer.Argument(metavar="FILE.YAML", help="Opening cash, terms, receivables, running costs.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", callback=writable_folder, help="Write the tables (CSV) and a figure (cash.png)."),
    ] = None,
    statement: Annotated[
        Path | None, typer.Option(metavar="FILE.XML", help="Open with the balance of a bank's statement (camt.053).")
    ] = None,
    payments: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", callback=writable_folder, help="Write the payments to suppliers (pain.001), a file a day."
        ),
    ] = None,
    until: Annotated[
        int | None, typer.Option(min=0, help="The last day of the payments written; by default the last of all.")
    ] = None,
) -> None:
    """Forecast cash by day from open orders and terms: the lowest cash, debt, headroom, and which discounts to take."""
    if until is not None and payments is None:
        raise typer.BadParameter("says until when to pay; it needs --payments", param_hint="--until")
    from allotment.finance.cash.display import shown
    from allotment.finance.cash.forecast import forecast

    made = forecast(file, statement)
    for thing in shown(made):
        console().print(thing, highlight=False, markup=False, soft_wrap=isinstance(thing, str))
    if out:
        from allotment.finance.cash.figure import save
        from allotment.finance.cash.tables import write_tables

        written = write_tables(made, out)
        save(made, out / "cash.png")
        typer.echo(f"tables: {', '.join(map(str, written))}\nfigure: {out / 'cash.png'}")
    if payments:
        from allotment.finance.cash.payments import write_payments

        for line in write_payments(made, payments, until):
            typer.echo(f"payments: {line}")
