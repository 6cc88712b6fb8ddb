"""Stock as money: `report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from allotment.cli.console import print_tables


def report(
    log: Annotated[Path, typer.Argument(metavar="LOG", help="Movements: .csv, .parquet or .jsonl.")],
    policy: Annotated[Path, typer.Option(help="The accounting policy, accounting.yaml.")],
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write CSV tables and a page to this folder.")] = None,
) -> None:
    """Value a log of movements: what the stock is worth, what was earned on it, and what it ties up."""
    from allotment.exchange.movements import read_movements
    from allotment.finance.policy import load_policy
    from allotment.finance.report import StockReport, write
    from allotment.finance.valuation import value
    from allotment.scenario.errors import ScenarioError

    if log.is_dir():
        raise ScenarioError(f"{log}: is a folder; give the file with the movements: .csv, .parquet or .jsonl")
    rules = load_policy(policy)
    movements = read_movements(log)
    if movements.empty:
        raise ScenarioError(f"{log}: has no movements")
    made = StockReport(log.name, value(movements, rules))
    print_tables(made.cells())
    typer.echo(f"{made.finding}\n{made.basis}")
    if out is not None:
        typer.echo(f"{write(made, out)}")
