"""What is known of a world before any policy plays it: `envs`, `solve` and `bound`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from allotment.cli.console import print_tables, working
from allotment.cli.options import Imports, Quiet, Seed, Tail, WorldOverrides, writable_file, writable_folder


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


def solve(
    env: str,
    overrides: WorldOverrides = None,
    step: Annotated[float, typer.Option(min=1e-6, help="Units in which continuous units are counted.")] = 1.0,
    out: Annotated[
        Path | None, typer.Option(help="Keep the optimal policy as a bundle in this folder.", callback=writable_folder)
    ] = None,
    tail: Tail = None,
    json: Annotated[Path | None, typer.Option(help="Also write the value to this file.", callback=writable_file)] = None,
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


def bound(
    env: str,
    overrides: WorldOverrides = None,
    policy: Annotated[
        str | None,
        typer.Option(metavar="RUN_OR_CONFIG", help="Whose decisions are replaced step by step; by default the world's rule."),
    ] = None,
    episodes: Annotated[int, typer.Option(min=2, help="Test worlds, the first of those that `evaluate` plays.")] = 30,
    replan: Annotated[
        bool,
        typer.Option("--replan", help="Also play what plans again at every decision, on forecasts: rolling_horizon. Slow."),
    ] = False,
    seed: Seed = 0,
    json: Annotated[Path | None, typer.Option(help="Also write the numbers to this file.", callback=writable_file)] = None,
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
    from allotment.report.bound_cells import bound_cells, bound_content, replanning
    from allotment.report.money import money_of
    from allotment.scenario.loader import load_scenario
    from allotment.whole_file import write_whole

    world = load_scenario(env, overrides or [])
    check_possible(world.problem)
    with working(quiet) as show:
        chosen, place = policy_and_place(policy or usual_rule(world), world, seed=seed, progress=show)
        seeds, done = seeds_of_tests(seed, episodes), 0

        def count() -> None:
            nonlocal done
            done += 1
            show("solving", done, episodes, None)

        found = foresight(place.world, chosen, seeds, count)
        planner = policy_and_place("rolling_horizon", world, seed=seed)[0] if replan else None
        replanned = place.evaluate(planner, episodes, seed).episodes["score"].to_numpy() if replan else None
    print_tables([bound_cells(found, money_of(world.scenario), chosen.name)])
    if replanned is not None:
        typer.echo(replanning(found, replanned, money_of(world.scenario), chosen.name))
    for name in relaxed(place.world):
        typer.echo(f"relaxed: {name}")
    if json:
        numbers = bound_content(found, replanned)
        content = {"env": world.name, "policy": chosen.name, "episodes": episodes, "seed": seed, **numbers}
        write_whole(json, json_format.dumps({**content, "relaxed": relaxed(place.world)}, indent=1) + "\n")
