"""The command line: worlds and policies in files, trained, compared, and reported.

Every command loads what it needs when it runs, so that `--help` answers at once. What is wrong with a file or a name is told
in one line, without a traceback.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from allotment.allocation.methods import Method

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from allotment.report.cells import Cells

INTERRUPTED = 130  # the exit code that Typer gives an interrupt

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Inventory allocation worlds and policies."
)

Seed = Annotated[int, typer.Option(help="Seed; training, tuning and test worlds are derived from it and never meet.", min=0)]
Overrides = Annotated[list[str] | None, typer.Option("--set", metavar="A.B=C", help="Replace a value of the config.")]
EnvOverrides = Annotated[list[str] | None, typer.Option("--set-env", metavar="A.B=C", help="Replace a value of the world.")]


def _import_files(files: list[str] | None) -> list[str] | None:
    """Import what the user names, before a command looks anything up."""
    from allotment.extensions import import_file

    for file in files or []:
        import_file(file)
    return files


Imports = Annotated[
    list[str] | None,
    typer.Option("--import", metavar="FILE", callback=_import_files, help="A file of your own policies, metrics and rules."),
]
Metrics = Annotated[list[str] | None, typer.Option("--metric", metavar="FILE.PY:NAME", help="A metric of your own.")]
Out = Annotated[Path, typer.Option(help="Folder for run folders.")]


@app.command()
def envs() -> None:
    """List the worlds, with what is known of them."""
    from allotment.resources import shipped_names
    from allotment.scenario.errors import ScenarioError
    from allotment.scenario.loader import load_scenario

    for name in shipped_names("envs"):
        try:
            scenario = load_scenario(name).scenario
        except ScenarioError as error:
            typer.echo(f"{name}: not available here\n  {str(error).splitlines()[0]}")
            continue
        typer.echo(f"{name}: {scenario.purpose}")
        for known in scenario.known:
            typer.echo(f"  {known.policy}: {known.value:g} per period ({known.source})")


@app.command()
def train(
    env: Annotated[str | None, typer.Argument(help="A world's name or file, or another package's Gymnasium id.")] = None,
    config: Annotated[str | None, typer.Argument(help="A policy's name or file.")] = None,
    seed: Seed = 0,
    overrides: Overrides = None,
    env_overrides: EnvOverrides = None,
    out: Out = Path("runs"),
    resume: Annotated[Path | None, typer.Option(metavar="RUN", help="Go on with an interrupted run, in its folder.")] = None,
    source: Annotated[Path | None, typer.Option("--from", metavar="RUN", help="Make again what a run folder holds.")] = None,
    imports: Imports = None,
) -> None:
    """Train (or tune) the policy of CONFIG in ENV, into a new run folder; or go on with a run, or repeat one."""
    import allotment
    from allotment.assembly import load_place
    from allotment.scenario.errors import ScenarioError

    chosen = [what is not None for what in (env and config, resume, source)]
    if sum(chosen) != 1 or ((resume or source) and (env or overrides or env_overrides or seed)):
        raise ScenarioError(
            "train takes ENV and CONFIG, or --resume RUN, or --from RUN; a run brings its own world, config and seed"
        )
    with _progress() as bars:
        if resume:
            run = allotment.resume(resume, _one_bar(bars))
        elif source:
            _tell_differences(source)
            run = allotment.repeat(source, out, _one_bar(bars))
        else:
            place = load_place(str(env), env_overrides or [])
            run = allotment.train(place, str(config), seed, out, overrides or [], progress=_one_bar(bars))
    typer.echo(f"run folder: {run}\nevaluate:   allotment evaluate {run}\nwatch:      tensorboard --logdir {run.parent}")


def _tell_differences(run: Path) -> None:
    """Say where the installed packages are not those that a run was made with: its weights may then come out differently."""
    from allotment.runs.run_folder import RunFolder

    differing = RunFolder(run).differing_packages()
    if differing:
        typer.echo(f"other versions than in {run}, so the result may differ: {', '.join(differing)}", err=True)


@app.command()
def tune(
    env: str,
    config: str,
    seed: Seed = 0,
    overrides: Overrides = None,
    env_overrides: EnvOverrides = None,
    out: Out = Path("runs"),
    imports: Imports = None,
) -> None:
    """Find the best parameters of a rule-based policy, by simulation on common worlds."""
    import allotment
    from allotment.policies.config_file import is_rule, read_config
    from allotment.scenario.errors import ScenarioError

    name, content = read_config(config, overrides or [])
    if not is_rule(content, name):
        raise ScenarioError(f"{config}: has nothing to tune; use `allotment train` for a policy that learns")
    with _progress() as bars:
        world = allotment.load_scenario(env, env_overrides or [])
        run = allotment.train(world, config, seed, out, overrides or [], progress=_one_bar(bars))
    for line in _parameter_lines(allotment.load_policy(run, world)):
        typer.echo(line)
    typer.echo(f"run folder: {run}")


@app.command()
def evaluate(
    policy: Annotated[str, typer.Argument(metavar="RUN_OR_CONFIG", help="A run folder, a bundle, or a rule's config.")],
    env: Annotated[str | None, typer.Option(help="The world; a run folder's own by default.")] = None,
    episodes: Annotated[int, typer.Option(min=1)] = 1000,
    seed: Seed = 0,
    overrides: Overrides = None,
    env_overrides: EnvOverrides = None,
    json: Annotated[Path | None, typer.Option(help="Also write the measures to this file.")] = None,
    metrics: Metrics = None,
    imports: Imports = None,
) -> None:
    """Play a policy on the common test worlds and print what is measured."""
    import json as json_format

    from allotment.evaluation.testing import mean_measures
    from allotment.extensions import digests, metric
    from allotment.report.breakdown_cells import breakdown_tables
    from allotment.report.money import money_of
    from allotment.runs.run_folder import RunFolder, is_run

    with _progress() as bars:
        chosen, place = _policy_and_place(policy, env, env_overrides or [], overrides or [], seed, _one_bar(bars))
        show, tested = _one_bar(bars), place.for_test()
        done, steps = 0, episodes * tested.steps_of_an_episode

        def count(worlds: int) -> None:
            nonlocal done
            done += worlds
            show("testing", done, steps, None)

        own = tuple(metric(name) for name in metrics or [])
        result = tested.evaluate(chosen, episodes, seed, "test", count, metrics=own)
    if env is None and is_run(Path(policy)):
        RunFolder(Path(policy)).keep_evaluation(result, tested.name, seed, digests(metrics))
    rows, measures = result.episodes, mean_measures(result.episodes)
    errors = rows[list(measures)].std(ddof=1) / len(rows) ** 0.5
    _print_measures(chosen.name, place, len(rows), measures, errors)
    if place.kind == "world":
        _print_tables(breakdown_tables(result.breakdown.means(), money_of(place.world.scenario)))
    if json:
        content = {"policy": chosen.name, "env": place.name, "episodes": episodes, "seed": seed, "measures": measures}
        json.write_text(json_format.dumps(content, indent=1) + "\n", encoding="utf-8")


@app.command()
def serve(
    policy: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder or a bundle.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8000,
    max_bytes: Annotated[int, typer.Option(min=1, help="Largest request that is read.")] = 4 * 2**20,
    max_snapshots: Annotated[int, typer.Option(min=1, help="Most snapshots in one request.")] = 256,
    imports: Imports = None,
) -> None:
    """Answer snapshots with a policy's plans over HTTP; the interface is described at /docs."""
    import uvicorn

    import allotment
    from allotment.serve.service import Limits, build_service

    loaded = allotment.load_policy(policy)
    typer.echo(f"{loaded.name} in {loaded.world.name}: http://{host}:{port}/docs")
    uvicorn.run(build_service(loaded, Limits(max_bytes, max_snapshots)), host=host, port=port, log_level="warning")


@app.command()
def export(
    policy: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder or a bundle of a learned policy.")],
    file: Annotated[Path, typer.Argument(help="The ONNX file to write.")],
    imports: Imports = None,
) -> None:
    """Write a learned policy as an ONNX graph, checked to answer as the policy does."""
    import allotment

    typer.echo(f"written: {allotment.export_onnx(policy, file)}")


@app.command()
def run(
    study: Annotated[str, typer.Argument(help="A study's folder or its study.yaml.")],
    out: Out = Path("runs"),
    workers: Annotated[int | None, typer.Option(min=1, help="Processes side by side; one a core by default.")] = None,
    imports: Imports = None,
) -> None:
    """Train, tune and test all of a study; print the table and write the report."""
    from allotment.studies.running import run_study
    from allotment.studies.study import load_study

    loaded = load_study(study)
    typer.echo(f"{loaded.name}: {loaded.question}")
    with _progress() as bars:
        result = run_study(loaded, out, _bar_for_each_job(bars), workers)
    _print_result(result)
    typer.echo(f"run folders: {out / loaded.name}")


@app.command()
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
    out: Annotated[Path | None, typer.Option(help="Folder for tables, figures and TensorBoard.")] = None,
    imports: Imports = None,
) -> None:
    """Compare policies on the same test worlds, print the tables and write the report; several seeds are one policy."""
    from allotment.studies.running import compare_policies
    from allotment.studies.setup import setup_of

    setup = setup_of(names, Path("runs"))
    typer.echo(f"{setup.title}: {setup.question}")
    with _progress() as bars:
        show = _bar_for_each_job(bars)
        testing = lambda name, *done: show(name, "testing", *done, None)  # noqa: E731
        result = compare_policies(setup, reference, episodes, seed, out, testing, rope)
    _print_result(result)


@app.command()
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
    units: Annotated[str, typer.Option(help="integer or continuous.")] = "integer",
    today: Annotated[str | None, typer.Option(help="Day 0 of the plan, written as the tables write days.")] = None,
    now: Annotated[str | None, typer.Option(metavar="HH:MM", help="Time of day, for carriers' cut-offs.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the plan to this file.")] = None,
    figure: Annotated[Path | None, typer.Option(help="Draw the plan into this file; plan.png without --json.")] = None,
    imports: Imports = None,
) -> None:
    """Allocate one day's stock from order tables (CSV or Parquet): who gets what from where, and what is short and why."""
    from allotment.planning.command import show, write
    from allotment.planning.one_day import parse_need_by
    from allotment.planning.one_day import plan as allocate

    rest = {"transport": transport, "channels": channels, "receipts": receipts, "reservations": reservations, "offers": offers}
    needs = parse_need_by(need_by or [])
    made = allocate(
        stock, demand, lanes, **rest, method=method, ignore=ignore or [], need_by=needs, units=units, today=today, now=now
    )
    show(made, _console())
    for line in write(made, json, figure or (None if json else Path("plan.png"))):
        typer.echo(line)


def _policy_and_place(
    policy: str, env: str | None, env_overrides: list[str], overrides: list[str], seed: int, show: Any
) -> Any:
    """Return a policy and its place from a run folder, or from a rule's config and a world; open parameters are tuned."""
    import allotment
    from allotment.assembly import load_place
    from allotment.fitting.tuning import tuned_rule
    from allotment.policies.config_file import is_rule, read_config
    from allotment.scenario.errors import ScenarioError

    place = load_place(env, env_overrides) if env else None
    if Path(policy).is_dir():
        loaded = allotment.load_policy(policy, place)
        return loaded, load_place(loaded.world)
    name, content = read_config(policy, overrides)
    if not is_rule(content, name):
        raise ScenarioError(f"{policy}: learns; train it first (allotment train ENV {policy}) and evaluate its run folder")
    if place is None:
        raise ScenarioError(f"{policy}: a config has no world of its own; name one with --env")
    return tuned_rule(content, name, place.world, seed, show), place


def _print_measures(name: str, place: Any, episodes: int, measures: dict[str, float], errors: Any) -> None:
    from rich.table import Table

    unit = "worlds, per period" if place.kind == "world" else "episodes, returns"
    table = Table(title=f"{name} in {place.name}: {episodes} test {unit}")
    table.add_column("measure")
    for title in ("mean", "standard error"):
        table.add_column(title, justify="right")
    for measure, mean in measures.items():
        if mean != 0.0 or not measure.startswith("money/"):
            table.add_row(measure, f"{mean:,.4f}", f"{errors[measure]:,.4f}")
    _console().print(table)


def _print_result(result: Any) -> None:
    """Print a comparison's tables and finding, what it lacks, and where the report is."""
    from allotment.report.breakdown_cells import all_tables
    from allotment.report.cells import headline

    outcome = result.outcome
    _print_tables(all_tables(outcome.comparison, outcome.breakdown_means, outcome.money))
    for sentence in (headline(outcome.comparison, outcome.money), *outcome.setup.notes):
        _console().print(sentence, markup=False, highlight=False)
    typer.echo(f"report:      {result.report}\ntensorboard: tensorboard --logdir {result.report.parent / 'tensorboard'}")


def _print_tables(tables: Sequence[Cells]) -> None:
    """Print tables, each with its note below."""
    from allotment.report.tables import to_terminal

    for cells in tables:
        _console().print(to_terminal(cells), *([""] if cells.note else []))


def _console() -> Console:
    """Return a console on which the tables fit: at least 120 columns, whatever the terminal says of itself."""
    from rich.console import Console

    return Console(width=max(Console().width, 120))


def _parameter_lines(policy: Any) -> Iterator[str]:
    """Yield a rule's parameters, a line a site, SKUs in the order of the world's file; without caps that nothing reaches."""
    from allotment.policies.rules import NO_CAP

    for name, values in policy.values.items():
        if (values < NO_CAP).all():
            sites = [f" at {site}" for site in policy.world.names.sites] if values.ndim == 2 else [""]
            for site, row in zip(sites, values.reshape(len(sites), -1), strict=True):
                text = " ".join(f"{value:.4g}" for value in row)
                yield f"{name}{site}: {text if len(text) <= 300 else text[:297] + '...'}"


@contextmanager
def _progress() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:3.0f} %"))
    times = (TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.fields[score]}"))
    with Progress(*columns, *times, console=console, disable=not console.is_terminal) as bars:
        yield bars


def _one_bar(bars: Progress) -> Any:
    """Return a function that shows what is being done, one bar for each thing."""
    tasks: dict[str, Any] = {}

    def show(what: str, done: int, of: int, score: float | None) -> None:
        if what not in tasks:
            tasks[what] = bars.add_task(what, score="")
        text = "" if score is None else f"score {score:,.4g}"
        bars.update(tasks[what], completed=min(done, of), total=of, score=text)

    return show


def _bar_for_each_job(bars: Progress) -> Any:
    """Return a function that shows the progress of jobs, one bar for each thing a job does."""
    show = _one_bar(bars)
    return lambda job, what, done, of, score: show(what if job in what else f"{job}: {what}", done, of, score)


def main() -> None:
    """Run the command line; wrong input ends in one line on standard error and exit code 2, an interrupt in 130."""
    from allotment.plain_warnings import plain_warnings

    try:
        with plain_warnings():
            app()
    except SystemExit as end:
        if end.code == INTERRUPTED:
            typer.echo("interrupted; what was finished is kept", err=True)
        raise
    except (ValueError, FileNotFoundError, NotADirectoryError, PermissionError) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
