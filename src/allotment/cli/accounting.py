"""Stock as money: `report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from allotment.cli.console import print_tables
from allotment.cli.options import Seed

if TYPE_CHECKING:
    import pandas as pd


def report(
    log: Annotated[Path, typer.Argument(metavar="LOG|RUN", help="Movements (.csv, .parquet, .jsonl), or a run folder.")],
    policy: Annotated[Path, typer.Option(help="The accounting policy, accounting.yaml.")],
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write CSV tables and a page to this folder.")] = None,
    seed: Seed = 0,
    episode: Annotated[int, typer.Option(min=0, help="Of a run: the test world whose movements are valued.")] = 0,
) -> None:
    """Value a log of movements: what the stock is worth, what was earned on it, and what it ties up."""
    from allotment.finance.policy import load_policy
    from allotment.finance.report import StockReport, write
    from allotment.finance.valuation import value

    rules = load_policy(policy)
    movements, source = _movements(log, seed, episode)
    made = StockReport(source, value(movements, rules))
    print_tables(made.cells())
    typer.echo(f"{made.finding}\n{made.basis}")
    if out is not None:
        typer.echo(f"{write(made, out)}")


def _movements(log: Path, seed: int, episode: int) -> tuple[pd.DataFrame, str]:
    """Return movements, of a file or of an episode of a run, and what they are called."""
    from allotment.assembly import movements
    from allotment.exchange.movements import read_movements
    from allotment.runs.run_folder import is_run
    from allotment.scenario.errors import ScenarioError

    if log.is_dir() and not is_run(log):
        raise ScenarioError(f"{log}: is a folder, but no run; give a run, or a file of movements (.csv, .parquet, .jsonl)")
    found = movements(str(log), seed=seed, episode=episode) if log.is_dir() else read_movements(log)
    if found.empty:
        raise ScenarioError(f"{log}: has no movements")
    return found, f"{log.name}, test world {episode} of seed {seed}" if log.is_dir() else log.name
