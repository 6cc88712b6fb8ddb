"""Making a policy, into a run folder: `train` and `tune`."""

from __future__ import annotations

from collections.abc import Iterator
from math import hypot
from pathlib import Path
from typing import Annotated, Any

import typer

from allotment.cli.console import working
from allotment.cli.options import EnvOverrides, Imports, Name, Out, Overrides, Quiet, Seed

LINES = 200  # of parameters that are printed


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
    if resume and tell_finished(resume, overrides):
        return
    with working(quiet, imports) as show:
        if resume:
            run = allotment.resume(resume, overrides or [], show)
        elif source:
            _tell_differences(source)
            run = allotment.repeat(source, out, show)
        else:
            run = allotment.train(str(env), str(config), seed, out, overrides or [], env_overrides or [], name, show)
    for line in reached(run):
        typer.echo(line)
    typer.echo(f"run folder: {run}")
    if not quiet:
        typer.echo(f"evaluate:   allotment evaluate {run}\nwatch:      tensorboard --logdir {run.parent}")


def tell_finished(run: Path, overrides: list[str] | None) -> bool:
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


def reached(run: Path) -> Iterator[str]:
    """Yield what a search said of a run's best policy, what that reached on validation worlds, and the rule it corrects."""
    from allotment.runs.run_folder import RunFolder

    metadata = RunFolder(run).metadata
    best, rule, search = metadata.get("validation"), metadata.get("corrected_rule"), metadata.get("search")
    if search and best:
        gap, error = search["score"] - best["score"], hypot(search["standard_error"], best["standard_error"])
        chosen = f"{search['method']}, best of {search['candidates']:,} candidates"
        yield f"search:     {_score(search)} in its own {search['worlds']:,} worlds ({chosen})"
        yield f"            {abs(gap):,.4f} ± {error:,.4f} {'above' if gap > 0 else 'below'} that in fresh ones"
    if best:
        at = f" after {best['steps']:,} steps" if "steps" in best else ", fresh to the search" if search else ""
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
    with working(quiet, imports) as show:
        run = allotment.train(env, config, seed, out, overrides or [], env_overrides or [], name, show)
    policy = allotment.load_policy(run)
    typer.echo(f"# {policy.name} in {policy.world.name}")
    for line in reached(run):
        typer.echo(f"# {line}")
    typer.echo(f"# run folder: {run}")
    typer.echo(_parameters(policy, run), nl=False)


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
