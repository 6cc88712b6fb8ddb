"""The command line: worlds and policies in files, trained, compared, and reported.

Every command loads what it needs when it runs, so that `--help` answers at once. What is wrong with a file or a name is told
in one line, without a traceback.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from allotment.cli.accounting import report
from allotment.cli.evaluation import evaluate
from allotment.cli.investment import invest
from allotment.cli.planning import plan
from allotment.cli.serving import export, serve
from allotment.cli.studies import compare, run
from allotment.cli.training import train, tune
from allotment.cli.treasury import cash
from allotment.cli.worlds import bound, envs, solve

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Inventory allocation worlds and policies.",
)


def _tell_version(wanted: bool) -> None:
    if wanted:
        from allotment import __version__

        typer.echo(f"allotment {__version__}")
        raise typer.Exit


@app.callback()
def allotment_command(
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Inventory allocation worlds and policies."""


for command in (
    envs,
    train,
    tune,
    evaluate,
    solve,
    bound,
    serve,
    export,
    run,
    compare,
    plan,
    report,
    cash,
    invest,
):  # as `--help` lists them
    app.command()(command)


def main() -> None:
    """Run the command line; wrong input ends in one line on standard error and exit code 2, an interrupt in 130."""
    from allotment.plain_warnings import plain_warnings
    from allotment.terminal import lasting_output, told

    try:
        with plain_warnings(), lasting_output():
            app()
    except (ValueError, OSError) as error:
        typer.echo(f"error: {told(error)}", err=True)
        sys.exit(2)
