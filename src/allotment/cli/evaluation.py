"""Measuring one policy in the test worlds: `evaluate`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from allotment.cli.console import console, print_tables, working
from allotment.cli.options import EnvOverrides, Imports, Metrics, Overrides, Quiet, Seed, Tail, new_folder, writable_file

if TYPE_CHECKING:
    from allotment.report.progress import Show


def evaluate(
    policy: Annotated[str, typer.Argument(metavar="RUN_OR_CONFIG", help="A run folder, a bundle, or a rule's config.")],
    env: Annotated[str | None, typer.Option(help="The world; a run folder's own by default.")] = None,
    episodes: Annotated[int, typer.Option(min=1)] = 1000,
    seed: Seed = 0,
    overrides: Overrides = None,
    env_overrides: EnvOverrides = None,
    json: Annotated[Path | None, typer.Option(help="Also write the measures to this file.", callback=writable_file)] = None,
    movements: Annotated[
        Path | None,
        typer.Option(help="Also write each episode's log of movements into this new folder, as Parquet.", callback=new_folder),
    ] = None,
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

    with working(quiet) as show:
        chosen, place = policy_and_place(policy, env, overrides or [], env_overrides or [], seed, show)
        done, steps = 0, episodes * place.steps_of_an_episode

        def count(worlds: int) -> None:
            nonlocal done
            done += worlds
            show("testing", done, steps, None)

        own = tuple(metric(name) for name in metrics or [])
        exactly = [] if not exact else _exactly(chosen, place, tail)
        exactly += [] if not bound else _gap(chosen, place, seed, bound, show)
        if movements:
            _write_movements(chosen, place, seed, episodes, movements, show)
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
        print_tables(breakdown_tables(result.breakdown.means(), money_of(place.world.scenario)))
    if json:
        content = {"policy": chosen.name, "env": place.name, "episodes": episodes, "seed": seed, "measures": measures}
        content |= {} if informed is None else {"informed": informed}
        write_whole(json, json_format.dumps(content, indent=1) + "\n")
    if env is None and not env_overrides and is_run(Path(policy)):
        with _told_where_not_kept():
            RunFolder(Path(policy)).keep_evaluation(result, place.name, seed, digests(metrics))


def _write_movements(policy: Any, place: Any, seed: int, episodes: int, folder: Path, show: Show) -> None:
    from allotment.finance.movement_folder import write_folder
    from allotment.scenario.errors import ScenarioError

    if place.kind != "world":
        raise ScenarioError(f"--movements: {place.name} is an environment of another package, whose units are not known")
    done = 0

    def count(logs: int) -> None:
        nonlocal done
        done += logs
        show("writing movements", done, episodes, None)

    write_folder(place.world, policy, seed, episodes, folder, count)


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


def _print_measures(name: str, place: Any, episodes: int, measures: dict[str, float], errors: Any, own: Any) -> None:
    from rich.table import Table

    from allotment.evaluation.external import UNITS
    from allotment.evaluation.metrics import units_of

    units, played = (units_of(place.world, own), "worlds") if place.kind == "world" else (UNITS, "episodes")
    table = Table(title=f"{name} in {place.name}: {episodes} test {played}")
    table.add_column("measure")
    table.add_column("unit")
    for title in ("mean", "standard error"):
        table.add_column(title, justify="right")
    for measure, mean in measures.items():
        if mean != 0.0 or not measure.startswith("money/"):
            table.add_row(measure, units[measure], f"{mean:,.4f}", f"{errors[measure]:,.4f}")
    console().print(table)


@contextmanager
def _told_where_not_kept() -> Iterator[None]:
    """Say where what was measured cannot be kept in the run folder: it is printed, and whoever asks next plays again."""
    from allotment.runs.at_work import InUse
    from allotment.terminal import told

    try:
        yield
    except (InUse, OSError) as error:
        typer.echo(f"not kept in the run folder: {told(error)}", err=True)
