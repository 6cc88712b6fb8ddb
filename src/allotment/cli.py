"""The command line: worlds and policies in files, trained, compared, and reported.

Every command loads what it needs when it runs, so that `--help` answers at once. What is wrong with a file or a name is told
in one line, without a traceback.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from allotment.allocation.methods import Method

if TYPE_CHECKING:
    from rich.console import Console

    from allotment.report.cells import Cells
    from allotment.report.progress import Show

INTERRUPTED = 130  # the exit code of an interrupt
LINES = 200  # of parameters that are printed

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


Seed = Annotated[int, typer.Option(help="Seed; training, tuning and test worlds are derived from it and never meet.", min=0)]
Overrides = Annotated[list[str] | None, typer.Option("--set", metavar="A.B=C", help="Replace a value of the config.")]
EnvOverrides = Annotated[list[str] | None, typer.Option("--set-env", metavar="A.B=C", help="Replace a value of the world.")]


def _import_named(files: list[str] | None) -> list[str] | None:
    """Import what the user names, before a command looks anything up."""
    from allotment.extensions import import_named

    for name in files or []:
        import_named(name)
    return files


Imports = Annotated[
    list[str] | None,
    typer.Option(
        "--import",
        metavar="FILE.PY|PACKAGE",
        callback=_import_named,
        help="A file of your own policies, metrics and rules, or a package of environments.",
    ),
]
Metrics = Annotated[list[str] | None, typer.Option("--metric", metavar="FILE.PY:NAME", help="A metric of your own.")]


def _folder(path: Path | None) -> Path | None:
    """Check that there may be a folder, before a command does its work."""
    from allotment.whole_file import check_folder

    if path is not None:
        check_folder(path)
    return path


def _file(path: Path | None) -> Path | None:
    """Check that a file may be written, before a command does its work."""
    from allotment.whole_file import check_file

    if path is not None:
        check_file(path)
    return path


Out = Annotated[Path, typer.Option(help="Folder for run folders.", callback=_folder)]
Name = Annotated[str | None, typer.Option(help="Name of the run and its policy; by default what made it.")]
Tail = Annotated[
    float | None,
    typer.Option(min=1e-15, max=0.01, help="Neglect so much of each tail of demand; 1e-10 by default."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print results and errors alone.")]


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
    name: Name = None,
    out: Out = Path("runs"),
    resume: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Go on with a run in its folder; --set steps=N makes it longer.")
    ] = None,
    source: Annotated[Path | None, typer.Option("--repeat", metavar="RUN", help="Make again what a run folder holds.")] = None,
    imports: Imports = None,
    quiet: Quiet = False,
) -> None:
    """Train (or tune) the policy of CONFIG in ENV, into a new run folder; or go on with a run, or repeat one."""
    import allotment
    from allotment.scenario.errors import ScenarioError

    chosen = [what is not None for what in (env and config, resume, source)]
    others = env or env_overrides or seed or name
    if sum(chosen) != 1 or (resume and others) or (source and (others or overrides)):
        raise ScenarioError(
            "train takes ENV and CONFIG, or --resume RUN, or --repeat RUN; a run brings its own world, config, seed and name"
        )
    if resume and _tell_finished(resume, overrides):
        return
    with _working(quiet, imports) as show:
        if resume:
            run = allotment.resume(resume, overrides or [], show)
        elif source:
            _tell_differences(source)
            run = allotment.repeat(source, out, show)
        else:
            run = allotment.train(str(env), str(config), seed, out, overrides or [], env_overrides or [], name, show)
    for line in _reached(run):
        typer.echo(line)
    typer.echo(f"run folder: {run}")
    if not quiet:
        typer.echo(f"evaluate:   allotment evaluate {run}\nwatch:      tensorboard --logdir {run.parent}")


def _tell_finished(run: Path, overrides: list[str] | None) -> bool:
    """Say of a run that is finished what can be done with it; tell whether it is and nothing more is wanted of it."""
    from allotment.runs.run_folder import RunFolder

    begun = RunFolder.existing(run)
    if overrides or not begun.metadata.get("finished"):
        return False
    steps = begun.metadata.get("environment_steps")
    if steps is None:
        typer.echo(f"{run} is finished; make it again with allotment train --repeat {run}")
    else:
        typer.echo(
            f"{run} is finished after {steps:,} steps; go on with allotment train --resume {run} --set steps={2 * steps}"
        )
    return True


def _reached(run: Path) -> Iterator[str]:
    """Yield what a run's best policy reached on validation worlds, and the rule that it corrects in the same ones."""
    from allotment.runs.run_folder import RunFolder

    metadata = RunFolder(run).metadata
    best, rule = metadata.get("validation"), metadata.get("corrected_rule")
    if best:
        at = f" after {best['steps']:,} steps" if "steps" in best else ""
        yield f"best:       {_score(best)} in {best['episodes']} validation worlds{at}"
    if rule:
        yield f"corrects:   {rule['name']}, {_score(rule)} in the same worlds"


def _score(reached: dict[str, Any]) -> str:
    return f"score {reached['score']:,.4f} ± {reached['standard_error']:,.4f}"


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
    name: Name = None,
    out: Out = Path("runs"),
    imports: Imports = None,
    quiet: Quiet = False,
) -> None:
    """Find the best parameters of a rule-based policy, by simulation on common worlds."""
    import allotment
    from allotment.policies.config_file import is_rule, read_config
    from allotment.scenario.errors import ScenarioError

    named, content = read_config(config, overrides or [])
    if not is_rule(content, named):
        raise ScenarioError(f"{config}: has nothing to tune; use `allotment train` for a policy that learns")
    with _working(quiet, imports) as show:
        run = allotment.train(env, config, seed, out, overrides or [], env_overrides or [], name, show)
    policy = allotment.load_policy(run)
    typer.echo(f"# {policy.name} in {policy.world.name}")
    for line in _reached(run):
        typer.echo(f"# {line}")
    typer.echo(f"# run folder: {run}")
    typer.echo(_parameters(policy, run), nl=False)


@app.command()
def evaluate(
    policy: Annotated[str, typer.Argument(metavar="RUN_OR_CONFIG", help="A run folder, a bundle, or a rule's config.")],
    env: Annotated[str | None, typer.Option(help="The world; a run folder's own by default.")] = None,
    episodes: Annotated[int, typer.Option(min=1)] = 1000,
    seed: Seed = 0,
    overrides: Overrides = None,
    env_overrides: EnvOverrides = None,
    json: Annotated[Path | None, typer.Option(help="Also write the measures to this file.", callback=_file)] = None,
    exact: Annotated[bool, typer.Option(help="Compute the value from the policy's Markov chain; small worlds only.")] = False,
    bound: Annotated[
        int, typer.Option(min=0, help="Test worlds in which the share of the gap to perfect foresight is computed.")
    ] = 0,
    tail: Tail = None,
    metrics: Metrics = None,
    imports: Imports = None,
    quiet: Quiet = False,
) -> None:
    """Play a policy on the common test worlds and print what is measured."""
    import json as json_format

    from allotment.assembly import policy_and_place
    from allotment.evaluation.testing import mean_measures
    from allotment.extensions import digests, metric
    from allotment.report.breakdown_cells import breakdown_tables
    from allotment.report.knowledge import known_by
    from allotment.report.money import money_of
    from allotment.runs.run_folder import RunFolder, is_run
    from allotment.whole_file import write_whole

    with _working(quiet) as show:
        chosen, place = policy_and_place(policy, env, overrides or [], env_overrides or [], seed, show)
        done, steps = 0, episodes * place.steps_of_an_episode

        def count(worlds: int) -> None:
            nonlocal done
            done += worlds
            show("testing", done, steps, None)

        own = tuple(metric(name) for name in metrics or [])
        exactly = [] if not exact else _exactly(chosen, place, tail)
        exactly += [] if not bound else _gap(chosen, place, seed, bound, show)
        result = place.evaluate(chosen, episodes, seed, "test", count, metrics=own)
    rows, measures = result.episodes, mean_measures(result.episodes)
    errors = rows[list(measures)].std(ddof=1) / len(rows) ** 0.5
    _print_measures(chosen.name, place, len(rows), measures, errors, own)
    informed = bool(rows["informed"].all()) if place.kind == "world" else None  # nothing is known of others' environments
    if informed is not None:
        typer.echo(known_by(chosen.name, informed))
    for line in exactly:
        typer.echo(line)
    if place.kind == "world":
        _print_tables(breakdown_tables(result.breakdown.means(), money_of(place.world.scenario)))
    if json:
        content = {"policy": chosen.name, "env": place.name, "episodes": episodes, "seed": seed, "measures": measures}
        content |= {} if informed is None else {"informed": informed}
        write_whole(json, json_format.dumps(content, indent=1) + "\n")
    if env is None and not env_overrides and is_run(Path(policy)):
        with _told_where_not_kept():
            RunFolder(Path(policy)).keep_evaluation(result, place.name, seed, digests(metrics))


def _exactly(policy: Any, place: Any, tail: float | None) -> list[str]:
    """Return what a policy is worth by its Markov chain, in words."""
    from allotment.exact.solving import TAIL, effect_of_tail, exact_value, valued
    from allotment.scenario.errors import ScenarioError

    if place.kind != "world":
        raise ScenarioError(f"--exact: {place.name} is an environment of another package, whose states are not known")
    world = place.world.for_test()
    value = exact_value(world, policy, tail=tail or TAIL)
    told = [] if tail is None else [effect_of_tail(value, exact_value(world, policy, tail=10 * tail), tail)]
    return [f"exact: {valued(world, value)}", *told]


def _gap(policy: Any, place: Any, seed: int, episodes: int, show: Show) -> list[str]:
    """Return the share that a policy closes of the gap between the world's usual rule and perfect foresight, in words."""
    from allotment.assembly import policy_and_place
    from allotment.bounds.foresight import reachable, usual_rule
    from allotment.bounds.gap import gap_closed
    from allotment.bounds.perfect_information import seeds_of_tests
    from allotment.report.money import money_of
    from allotment.report.numbers import percentage
    from allotment.scenario.errors import ScenarioError

    if place.kind != "world":
        raise ScenarioError(f"--bound: {place.name} is an environment of another package, of which nothing is known beforehand")
    rule, tested = policy_and_place(usual_rule(place.world), place.world, seed=seed, progress=show)
    bounds = reachable(tested.world, rule, seeds_of_tests(seed, episodes))
    scores = [tested.evaluate(each, episodes, seed).episodes["score"].to_numpy() for each in (policy, rule)]
    share, money = gap_closed(scores[0], scores[1], bounds), money_of(place.world.scenario)
    least, most = (f"{money.sign * values.mean():,.2f}" for values in (scores[1], bounds))
    gap = f"{rule.name} has {least}, and {most} with perfect foresight, in {episodes} test worlds"
    return [f"gap closed: {percentage(share.estimate)} ± {percentage(share.standard_error)} ({gap})"]


@contextmanager
def _told_where_not_kept() -> Iterator[None]:
    """Say where what was measured cannot be kept in the run folder: it is printed, and whoever asks next plays again."""
    from allotment.runs.at_work import InUse
    from allotment.terminal import told

    try:
        yield
    except (InUse, OSError) as error:
        typer.echo(f"not kept in the run folder: {told(error)}", err=True)


@app.command()
def solve(
    env: str,
    overrides: Annotated[list[str] | None, typer.Option("--set", metavar="A.B=C", help="Replace a value of the world.")] = None,
    step: Annotated[float, typer.Option(min=1e-6, help="Units in which continuous units are counted.")] = 1.0,
    out: Annotated[
        Path | None, typer.Option(help="Keep the optimal policy as a bundle in this folder.", callback=_folder)
    ] = None,
    tail: Tail = None,
    json: Annotated[Path | None, typer.Option(help="Also write the value to this file.", callback=_file)] = None,
) -> None:
    """Find the optimum of a small world: the best decision in every state that it can reach, and what it is worth."""
    import json as json_format
    from dataclasses import asdict

    from allotment.exact.solving import TAIL, described, effect_of_tail, solve
    from allotment.policies.bundle import save_bundle
    from allotment.policies.tabular import optimal_policy
    from allotment.scenario.loader import load_scenario
    from allotment.whole_file import write_whole

    world = load_scenario(env, overrides or [])
    solution = solve(world, step, tail=tail or TAIL)
    for line in described(solution):
        typer.echo(line)
    if tail is not None:
        coarser = solve(world, step, within=solution.within, tail=10 * tail)
        typer.echo(effect_of_tail(solution.value, coarser.value, tail))
    if json:
        content = {"env": solution.world.name, "value": solution.value.value, **asdict(solution.value)}
        write_whole(json, json_format.dumps({**content, "decisions": solution.decisions}, indent=1) + "\n")
    if out is not None:
        save_bundle(optimal_policy(solution), out)
        typer.echo(f"policy: {out}")


@app.command()
def bound(
    env: str,
    overrides: Annotated[list[str] | None, typer.Option("--set", metavar="A.B=C", help="Replace a value of the world.")] = None,
    policy: Annotated[
        str | None,
        typer.Option(metavar="RUN_OR_CONFIG", help="Whose decisions are replaced step by step; by default the world's rule."),
    ] = None,
    episodes: Annotated[int, typer.Option(min=2, help="Test worlds, the first of those that `evaluate` plays.")] = 30,
    seed: Seed = 0,
    json: Annotated[Path | None, typer.Option(help="Also write the numbers to this file.", callback=_file)] = None,
    imports: Imports = None,
    quiet: Quiet = False,
) -> None:
    """Say what no policy can exceed in ENV, by linear programmes that know the future, and what knowing it is worth in what."""
    import json as json_format

    from allotment.assembly import policy_and_place
    from allotment.bounds.foresight import foresight, usual_rule
    from allotment.bounds.perfect_information import seeds_of_tests
    from allotment.programs.relaxed import relaxed
    from allotment.programs.world_program import check_possible
    from allotment.report.bound_cells import bound_cells, bound_content
    from allotment.report.money import money_of
    from allotment.scenario.loader import load_scenario
    from allotment.whole_file import write_whole

    world = load_scenario(env, overrides or [])
    check_possible(world.problem)
    with _working(quiet) as show:
        chosen, place = policy_and_place(policy or usual_rule(world), world, seed=seed, progress=show)
        seeds, done = seeds_of_tests(seed, episodes), 0

        def count() -> None:
            nonlocal done
            done += 1
            show("solving", done, episodes, None)

        found = foresight(place.world, chosen, seeds, count)
    _print_tables([bound_cells(found, money_of(world.scenario), chosen.name)])
    for name in relaxed(place.world):
        typer.echo(f"relaxed: {name}")
    if json:
        content = {"env": world.name, "policy": chosen.name, "episodes": episodes, "seed": seed, **bound_content(found)}
        write_whole(json, json_format.dumps({**content, "relaxed": relaxed(place.world)}, indent=1) + "\n")


@app.command()
def serve(
    policy: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder or a bundle.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes that answer, each with the policy.")] = 1,
    threads: Annotated[int, typer.Option(min=1, help="Requests computed side by side in each of them.")] = 4,
    token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Its token is needed for plans, metrics and docs.")
    ] = None,
    no_token: Annotated[bool, typer.Option("--no-token", help="Let other machines ask without a token.")] = False,
    allow_origin: Annotated[list[str] | None, typer.Option(metavar="ORIGIN", help="Web pages that may ask.")] = None,
    max_bytes: Annotated[int, typer.Option(min=1, help="Largest request that is read.")] = 4 * 2**20,
    max_snapshots: Annotated[int, typer.Option(min=1, help="Most snapshots in one request.")] = 256,
    max_requests: Annotated[int, typer.Option(min=1, help="Requests in flight in each worker; others come again.")] = 64,
    request_timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds for a request to arrive, to get its turn, and to be taken.")
    ] = 30.0,
    grace: Annotated[int, typer.Option(min=0, help="Seconds for requests in work when the service is told to end.")] = 10,
    imports: Imports = None,
) -> None:
    """Answer snapshots with a policy's plans over HTTP; the interface is described at /docs."""
    from functools import partial

    import allotment
    from allotment.serve.access import Access, check_origins, check_reach, read_token
    from allotment.serve.limits import Limits
    from allotment.serve.server import Serving
    from allotment.serve.server import serve as serve_policy

    if token_file and no_token:
        raise ValueError("--token-file and --no-token exclude each other")
    check_origins(allow_origin or [])
    check_reach(host, anybody=no_token or token_file is not None)
    access = Access(read_token(token_file) if token_file else None, allow_origin or ())
    limits = Limits(max_bytes, max_snapshots, request_timeout, threads, max_requests)
    serving = Serving(partial(allotment.load_policy, policy), limits, access, imports or ())
    serve_policy(serving, host, port, workers, grace, typer.echo)


@app.command()
def export(
    policy: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder or a bundle of a learned policy.")],
    file: Annotated[Path, typer.Argument(help="The ONNX file to write.", callback=_file)],
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
    with _working(quiet) as show:
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
    with _working(quiet) as show:
        compared = run_values(loaded, out, for_each_job(show), workers)
    for title, rows in by_table(compared).items():
        table = Table(*HEADERS, title=title, title_justify="left")
        for row in rows:
            table.add_row(*row.cells())
        _console().print(table)
        for note in notes(rows):
            typer.echo(note)
    typer.echo(summary(compared))
    typer.echo(f"tables: {out / loaded.name / TABLES}")
    if not all(row.agrees or row.entry.note for row in compared):
        raise typer.Exit(1)


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
    bound: Annotated[
        int | None, typer.Option(min=0, help="Test worlds in which perfect foresight is computed too; a study's own, or 0.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for tables, figures and TensorBoard.", callback=_folder)] = None,
    imports: Imports = None,
    quiet: Quiet = False,
) -> None:
    """Compare policies on the same test worlds, print the tables and write the report; several seeds are one policy."""
    from allotment.report.progress import for_each_job
    from allotment.studies.running import compare_policies
    from allotment.studies.setup import setup_of

    setup = setup_of(names, Path("runs"))
    typer.echo(f"{setup.title}: {setup.question}")
    with _working(quiet) as show:
        tell = for_each_job(show)

        def testing(name: str, done: int, of: int) -> None:
            tell(name, "testing", done, of, None)

        result = compare_policies(setup, reference, episodes, seed, out, testing, rope, bound)
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
    show(made, _console())
    for line in write(made, outputs):
        typer.echo(line)


def _print_measures(name: str, place: Any, episodes: int, measures: dict[str, float], errors: Any, own: Any) -> None:
    from rich.table import Table

    from allotment.evaluation.external import UNITS
    from allotment.evaluation.metrics import units_of

    units, played = (units_of(own), "worlds") if place.kind == "world" else (UNITS, "episodes")
    table = Table(title=f"{name} in {place.name}: {episodes} test {played}")
    table.add_column("measure")
    table.add_column("unit")
    for title in ("mean", "standard error"):
        table.add_column(title, justify="right")
    for measure, mean in measures.items():
        if mean != 0.0 or not measure.startswith("money/"):
            table.add_row(measure, units[measure], f"{mean:,.4f}", f"{errors[measure]:,.4f}")
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


def _parameters(policy: Any, run: Path) -> str:
    """Return what a rule was tuned to, as a config takes it; where that is long, where it is written."""
    import yaml

    from allotment.whole_file import write_whole

    text = yaml.safe_dump(policy.as_config(), sort_keys=False, allow_unicode=True)
    if text.count("\n") <= LINES:
        return text
    file = run / "parameters.yaml"
    write_whole(file, text)
    return f"# for a config: {file}\n"


@contextmanager
def _working(quiet: bool, imports: list[str] | None = None) -> Iterator[Show]:
    """Hand out what shows progress; an interrupt says what is kept, and how to go on with it."""
    from allotment.report.progress import shown

    try:
        with shown(quiet) as show:
            yield show
    except KeyboardInterrupt as interrupt:
        typer.echo(_what_is_kept(interrupt, imports or []), err=True)
        raise typer.Exit(INTERRUPTED) from None


def _what_is_kept(interrupt: KeyboardInterrupt, imports: list[str]) -> str:
    if not hasattr(interrupt, "run"):
        return "interrupted; what was finished is kept"
    if interrupt.run is None:
        return "interrupted before there was a policy; nothing is kept"
    again = ["allotment", "train", "--resume", str(interrupt.run), *(part for file in imports for part in ("--import", file))]
    return f"interrupted; {interrupt.run} holds the best policy so far; go on with: {shlex.join(again)}"


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


if __name__ == "__main__":
    main()
