"""A comparison's results for people: the report with its tables and figures, and the logs for TensorBoard beside it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from allotment.environments.figure_text import plain_text
from allotment.evaluation.comparison import by_knowledge
from allotment.evaluation.rollout import rollout
from allotment.policies.bundle import load_bundle
from allotment.report import figures
from allotment.report.cells import gap_note, reading_note, reference_policy, shown_name
from allotment.report.channels import served_by_channel
from allotment.report.document import draw, write_report
from allotment.report.episodes import episodes_side_by_side
from allotment.scenario.streams import derived_seed
from allotment.simulation.episode_record import EpisodeRecord, record_of
from allotment.studies.compared_policies import ComparedPolicy, Run
from allotment.studies.logs import write_logs
from allotment.studies.outcome import Outcome

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LONGEST = 104  # periods of an episode that a figure shows; more could not be told apart

METHOD = (
    "Estimate ± Student's t × bootstrap standard error. Seeds, worlds and items are resampled each by itself; their variances "
    "add up, and each brings its own t (Cochran and Cox, 1957). Interquartile mean and chance to beat the reference "
    "(probability of improvement) as in Agarwal and others (NeurIPS 2021), correction for many comparisons as in Holm (1979)."
)


def present(outcome: Outcome, folder: Path) -> Path:
    """Write the report and the logs for TensorBoard into `folder`; returns the report's page."""
    setup = outcome.setup
    with plain_text(_names(outcome)):
        images = draw({name: (caption, figure) for name, caption, figure in _figures(outcome)})
    write_logs(outcome, folder / "tensorboard", images)
    comparison, means = outcome.comparison, outcome.breakdown_means
    return write_report(
        folder, setup.title, setup.question, comparison, means, outcome.money, images, _details(outcome), setup.notes
    )


def _names(outcome: Outcome) -> list[str]:
    """Return the names that figures have."""
    world, money = outcome.setup.world.names, outcome.money
    policies = [policy.title(run) for policy in outcome.setup.policies for run in policy.runs]
    return [*policies, *outcome.breakdowns, *world.sites, *world.channels, money.rate]


def _figures(outcome: Outcome) -> Iterator[tuple[str, str, Figure]]:
    """Yield the report's figures, each with its name and caption."""
    comparison, money = by_knowledge(outcome.comparison), outcome.money
    rows = figures.rows_of(comparison)
    reference, worlds = reference_policy(comparison), f"{outcome.worlds.episodes:,} test worlds"
    means = f"means over {worlds}{' and training seeds' if comparison['seeds'].max() > 1 else ''}"
    if outcome.curves:
        yield "learning", _curve_caption(outcome), figures.panel(_curves, outcome)
    if len(comparison) > 1:
        caption = f"Differences to {reference}, paired by world, with 95 % intervals. {reading_note(comparison)}"
        yield "differences", caption, figures.panel(figures.paired_differences, comparison, money, rows=rows)
        caption = f"How likely each policy scores higher than {reference} in the same world, with 95 % intervals: {worlds}."
        yield "chances", caption, figures.panel(figures.chances, comparison, rows=rows)
        caption = f"What each term of money adds to the difference to {reference}, per {money.period}: {means}."
        yield "terms", caption, figures.panel(figures.term_differences, comparison, money, rows=rows)
    else:
        caption = f"Where the money goes, per {money.period}: {means}."
        yield "terms", caption, figures.panel(figures.cost_terms, comparison, money, rows=rows)
    if "gap_closed" in comparison and len(comparison) > 1:
        caption = f"What each policy earns of what foresight would add.{gap_note(comparison, money)}"
        yield "gap", caption, figures.panel(figures.gaps_closed, comparison, money, rows=rows)
    if len(outcome.setup.world.scenario.channels) > 1 and not outcome.breakdown_means[reference].empty:
        caption = f"Who got what was scarce: units that were there when due, and units short, by channel: {means}."
        yield "channels", caption, served_by_channel(outcome.breakdown_means, reference, money)
    yield "service", f"Service against stock: {means}.", figures.panel(figures.service_against_stock, comparison)
    records = [_episode(outcome, each) for each in outcome.ranking]
    yield "episodes", _episode_caption(outcome), episodes_side_by_side(records, money.period)


def _curves(ax: Any, outcome: Outcome) -> Any:
    """Draw the learning curves, of policies by the names that tables have."""
    names = {row["policy"]: shown_name(row) for _, row in outcome.comparison.iterrows()}
    curves = {names[policy]: curve for policy, curve in outcome.curves.items()}
    rules = {names[rule]: measures["score"] for rule, measures in outcome.rules.items()}
    return figures.learning_curve(ax, curves, rules, outcome.money)


def _curve_caption(outcome: Outcome) -> str:
    seeds = outcome.comparison.set_index("policy")["seeds"]
    several = any(seeds[policy] > 1 for policy in outcome.curves)
    band = " Of several seeds, the line is the mean and the band reaches from the lowest to the highest." if several else ""
    return f"Scores during training, on validation worlds; rules, in the same worlds, as dashed lines.{band}"


def _episode_caption(outcome: Outcome) -> str:
    measured = outcome.worlds.world.scenario.horizon.periods
    name = outcome.money.period
    part = f", the first {LONGEST} of its {measured:,} measured {name}s" if measured > LONGEST else f", its measured {name}s"
    return f"The first test world under each policy{part}, the best policy first. Panels of a row have the same scale."


def _episode(outcome: Outcome, policy: ComparedPolicy) -> EpisodeRecord:
    """Return measured periods of the first test episode under a policy, of several seeds under the first."""
    world, run = outcome.worlds.world, policy.runs[0]
    loaded = load_bundle(run.folder / "best", world)
    seed, warm_up = np.array([derived_seed("test", outcome.worlds.seed)]), world.problem.clock.warm_up
    played = islice(rollout(world, loaded, seed), warm_up, warm_up + LONGEST)
    periods = [{name: getattr(flows, name)[0].copy() for name in flows._fields} for _, flows in played]
    return record_of(world, periods, policy.title(run))


def _details(outcome: Outcome) -> dict[str, str]:
    scenario, worlds = outcome.setup.world.scenario, outcome.worlds
    return {
        "World": f"{scenario.name}: {scenario.purpose}",
        "Test": f"{worlds.episodes} worlds of seed {worlds.seed}. {reading_note(outcome.comparison)}",
        "Intervals": METHOD,
        "Policies": yaml.safe_dump({each.name: each.runs[0].config for each in outcome.ranking}, sort_keys=False),
        "Run folders": "\n".join(_origin(run) for each in outcome.ranking for run in each.runs),
    }


def _origin(run: Run) -> str:
    return f"{run.folder}: seed {run.seed}, commit {run.run.metadata.get('git_commit') or 'unknown'}"
