"""Several policies on the same worlds, with a report: `run` and `compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from allotment.cli.console import console, print_tables, working
from allotment.cli.options import Imports, Out, Quiet, writable_folder


def run(
    study: Annotated[str, typer.Argument(help="A study's folder or its study.yaml.")],
    out: Out = Path("runs"),
    workers: Annotated[int | None, typer.Option(min=1, help="Processes side by side; one a core by default.")] = None,
    imports: Imports = None,
    quiet: Quiet = False,
) -> None:
    """Train, tune and test all of a study; print the table and write the report."""
    from allotment.report.progress import for_each_job
    from allotment.studies.running import run_study
    from allotment.studies.study import load_study
    from allotment.studies.value_study import is_value_study

    if is_value_study(study):
        _run_values(study, out, workers, quiet)
        return
    loaded = load_study(study)
    typer.echo(f"{loaded.name}: {loaded.question}")
    with working(quiet) as show:
        result = run_study(loaded, out, for_each_job(show), workers)
    _print_result(result)
    typer.echo(f"run folders: {out / loaded.name}")


def _run_values(study: str, out: Path, workers: int | None, quiet: bool) -> None:
    """Compute the values of a study of published ones, and print them beside these; exit code 1 where one differs."""
    from rich.table import Table

    from allotment.report.progress import for_each_job
    from allotment.studies.value_study import load_value_study
    from allotment.studies.valuing import HEADERS, TABLES, by_table, notes, run_values, summary

    loaded = load_value_study(study)
    typer.echo(f"{loaded.name}: {loaded.question}")
    with working(quiet) as show:
        compared = run_values(loaded, out, for_each_job(show), workers)
    for title, rows in by_table(compared).items():
        table = Table(*HEADERS, title=title, title_justify="left")
        for row in rows:
            table.add_row(*row.cells())
        console().print(table)
        for note in notes(rows):
            typer.echo(note)
    typer.echo(summary(compared))
    typer.echo(f"tables: {out / loaded.name / TABLES}")
    if not all(row.agrees or row.entry.note for row in compared):
        raise typer.Exit(1)


def compare(
    names: Annotated[list[str], typer.Argument(metavar="RUN... | STUDY", help="Run folders of one world, or one study.")],
    reference: Annotated[str | None, typer.Option(help="The policy to compare with; the best rule by default.")] = None,
    episodes: Annotated[int | None, typer.Option(min=2, help="Test worlds; a study's own, or 1000.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the test worlds; a study's own, or 0.")] = None,
    rope: Annotated[
        float | None,
        typer.Option(
            min=0, metavar="PERCENT", help="Differences within ± so much are equal in practice; a study's own, or 0.5."
        ),
    ] = None,
    bound: Annotated[
        int | None, typer.Option(min=0, help="Test worlds in which perfect foresight is computed too; a study's own, or 0.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for tables, figures and TensorBoard.", callback=writable_folder)
    ] = None,
    imports: Imports = None,
    quiet: Quiet = False,
) -> None:
    """Compare policies on the same test worlds, print the tables and write the report; several seeds are one policy."""
    from allotment.report.progress import for_each_job
    from allotment.studies.running import compare_policies
    from allotment.studies.setup import setup_of

    setup = setup_of(names, Path("runs"))
    typer.echo(f"{setup.title}: {setup.question}")
    with working(quiet) as show:
        tell = for_each_job(show)

        def testing(name: str, done: int, of: int) -> None:
            tell(name, "testing", done, of, None)

        result = compare_policies(setup, reference, episodes, seed, out, testing, rope, bound)
    _print_result(result)


def _print_result(result: Any) -> None:
    """Print a comparison's tables and finding, what it lacks, and where the report is."""
    from allotment.report.breakdown_cells import all_tables
    from allotment.report.cells import headline

    outcome = result.outcome
    print_tables(all_tables(outcome.comparison, outcome.breakdown_means, outcome.money))
    for sentence in (headline(outcome.comparison, outcome.money), *outcome.setup.notes):
        console().print(sentence, markup=False, highlight=False)
    typer.echo(f"report:      {result.report}\ntensorboard: tensorboard --logdir {result.report.parent / 'tensorboard'}")
