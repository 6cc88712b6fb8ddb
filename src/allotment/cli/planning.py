"""One day's allocation from order tables: `plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from allotment.allocation.methods import Method
from allotment.cli.console import console
from allotment.cli.options import Imports


def plan(
    stock: Annotated[Path, typer.Option(help="What is on hand where.")],
    demand: Annotated[Path, typer.Option(help="What channels ask for by region, or order lines.")],
    lanes: Annotated[Path | None, typer.Option(help="Which warehouse serves which region or channel.")] = None,
    transport: Annotated[Path | None, typer.Option(help="Outbound capacity of warehouses by channel, units a day.")] = None,
    channels: Annotated[Path | None, typer.Option(help="Margins, past on-time-in-full rates, freight rates.")] = None,
    receipts: Annotated[Path | None, typer.Option(help="Scheduled receipts.")] = None,
    reservations: Annotated[Path | None, typer.Option(help="What is reserved for orders and channels.")] = None,
    offers: Annotated[Path | None, typer.Option(help="Suppliers' offers, for a purchase plan of what is short.")] = None,
    method: Annotated[str, typer.Option(help=f"One of {', '.join(Method)}.")] = Method.OPTIMAL,
    ignore: Annotated[
        list[str] | None, typer.Option(help="Leave out commitments, proximity, transport, margin or performance.")
    ] = None,
    need_by: Annotated[
        list[str] | None,
        typer.Option(metavar="[CHANNEL=]DAYS", help="Days within which to buy what is short; 30 is for all others."),
    ] = None,
    units: Annotated[str | None, typer.Option(help="integer or continuous; integer where all quantities are.")] = None,
    today: Annotated[str | None, typer.Option(help="Day 0 of the plan, written as the tables write days.")] = None,
    now: Annotated[str | None, typer.Option(metavar="HH:MM", help="Time of day, for carriers' cut-offs.")] = None,
    decimal: Annotated[str | None, typer.Option(help="point or comma, where the numbers do not tell it.")] = None,
    date_format: Annotated[
        str | None, typer.Option(metavar="DD/MM/YYYY", help="How dates are written, where they do not tell it.")
    ] = None,
    overdue: Annotated[
        str, typer.Option(help="Receipts that should have come: ignore, or take for today's (today).")
    ] = "ignore",
    negative: Annotated[str, typer.Option(help="Stock below zero: refuse, or take for none (zero).")] = "refuse",
    out: Annotated[
        Path | None, typer.Option(metavar="PLAN.XLSX|PLAN.CSV|FOLDER", help="Write the plan as tables to work with.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write the plan to this file.")] = None,
    figure: Annotated[
        Path | None, typer.Option(help="Draw the plan into this file; plan.png without --json and --out.")
    ] = None,
    imports: Imports = None,
) -> None:
    """Allocate one day's stock from order tables (CSV, xlsx, Parquet): who gets what from where, and what is short and why."""
    from allotment.planning.command import Outputs, show, write
    from allotment.planning.one_day import parse_need_by
    from allotment.planning.one_day import plan as allocate

    rest = {"transport": transport, "channels": channels, "receipts": receipts, "reservations": reservations, "offers": offers}
    needs = parse_need_by(need_by or [])
    outputs = Outputs(out, json, figure or (None if json or out else Path("plan.png")))
    outputs.check()
    made = allocate(
        stock,
        demand,
        lanes,
        **rest,
        method=method,
        ignore=ignore or [],
        need_by=needs,
        units=units,
        today=today,
        now=now,
        decimal=decimal,
        date_format=date_format,
        overdue=overdue,
        negative=negative,
    )
    show(made, console())
    for line in write(made, outputs):
        typer.echo(line)
