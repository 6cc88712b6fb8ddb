"""What a change of a world is worth: `invest`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def invest(
    file: Annotated[
        Path, typer.Argument(metavar="CASE.YAML", help="The cost, and the change of a world or the gain it brings.")
    ],
) -> None:
    """Weigh an investment: capacity, lead time or handling bought now, against what it earns in common test worlds."""
    from rich.table import Table

    from allotment.assembly import evaluate
    from allotment.cli.console import console
    from allotment.finance.investment import appraisal, read_case, rows, stated

    case = read_case(file)
    if case.gain is not None:
        made = stated(case)
    else:
        from allotment.scenario.loader import load_scenario

        assert case.world is not None
        without, changed = (
            evaluate(case.policy, case.world, case.episodes, case.seed, env_overrides=change)["score"].to_numpy()
            for change in ([], case.change)
        )
        made = appraisal(case, without, changed, case.period or load_scenario(case.world).scenario.period)
    table = Table(show_header=False, box=None)
    for name, value in rows(made).items():
        table.add_row(name, value)
    console().print(table)
    if case.gain is None:
        typer.echo(f"{case.episodes} test worlds, the same with and without the change; 95 % intervals.")
