"""A study's results for people: TensorBoard lines, figures and the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import yaml

from allotment.env.episode_figure import draw_episode
from allotment.env.play import play
from allotment.env.record import record_of
from allotment.evaluation.testing import mean_measures
from allotment.policies.bundle import load_bundle
from allotment.report import figures, tensorboard
from allotment.report.document import write_report
from allotment.scenario.streams import derived_seed
from allotment.studies.outcome import Outcome

LAYOUT = ["score", "fill_rate", "cycle_service_level", "stock_turns", "on_hand"]


def write_logs(outcome: Outcome, folder: Path) -> None:
    """Put rules into TensorBoard as lines beside the learning curves, on the same worlds, and every policy's final score."""
    for job in outcome.jobs:
        logs = Path(job.folder) / "tb"
        measures = mean_measures(outcome.episodes[outcome.episodes["policy"] == job.name])
        if job.name not in outcome.curves:
            for old in logs.glob("events*"):
                old.unlink()
            tensorboard.write_rule_based(logs, outcome.rules.get(job.name, measures), outcome.last_step)
        settings = {**job.content, "seed": job.seed, "env": outcome.world.scenario.name}
        tensorboard.write_hyperparameters(logs, settings, {"score": measures["score"], "fill_rate": measures["fill_rate"]})
    tensorboard.write_layout(folder, LAYOUT)


def write_study_report(outcome: Outcome, folder: Path) -> Path:
    """Write the report with its figures; returns the page."""
    objective = outcome.world.scenario.objective
    drawn = {
        "differences": (
            "Paired differences to the best rule-based policy, 95 % intervals.",
            figures.panel(figures.paired_differences, outcome.comparison),
        ),
        "terms": ("Where the money goes, per period.", figures.panel(figures.cost_terms, outcome.comparison)),
        "service": ("Service against stock.", figures.panel(figures.service_against_stock, outcome.comparison)),
    }
    if outcome.curves:
        caption = "Learning curves on validation worlds; rules, in the same worlds, as lines."
        drawn = {"learning": (caption, figures.panel(_curves, outcome)), **drawn}
    for name, figure in episode_figures(outcome).items():
        drawn[f"episode_{name.replace(' ', '_')}"] = (f"The first test episode under {name}.", figure)
    return write_report(
        folder, outcome.study.name, outcome.study.question, outcome.comparison, objective, drawn, _details(outcome)
    )


def episode_figures(outcome: Outcome) -> dict[str, Any]:
    """Return the first test episode as a figure: the best policy that learned, and the best rule."""
    best = outcome.comparison.groupby("kind", sort=False)["policy"].first()
    drawn = {}
    for job in outcome.jobs:
        if job.name in set(best):
            test = outcome.world.for_test()
            policy = load_bundle(Path(job.folder) / "best", test)
            seed = np.array([derived_seed("test", job.evaluation.seed)])
            periods = [
                {name: getattr(flows, name)[0].copy() for name in flows._fields} for _, flows in play(test, policy, seed)
            ]
            drawn[job.name] = draw_episode(record_of(test, periods, f"{outcome.world.scenario.name}: {job.name}"))
    return drawn


def _curves(ax: Any, outcome: Outcome) -> Any:
    return figures.learning_curve(ax, outcome.curves, {name: rule["score"] for name, rule in outcome.rules.items()})


def _details(outcome: Outcome) -> dict[str, str]:
    entry = outcome.study.evaluation
    return {
        "World": f"{outcome.world.scenario.name}: {outcome.world.scenario.purpose}",
        "Test": f"{entry.episodes} worlds, seed {entry.seed}, the same for every policy; intervals bootstrap {entry.interval}",
        "Policies": yaml.safe_dump({job.name: job.content for job in outcome.jobs}, sort_keys=False),
    }
