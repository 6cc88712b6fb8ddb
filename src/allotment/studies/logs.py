"""A comparison in TensorBoard: one run for each training, under a readable name, and one for what they have in common."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from allotment.evaluation.comparison import MEASURES, money_columns
from allotment.evaluation.testing import mean_measures
from allotment.report import tensorboard
from allotment.report.document import Drawn
from allotment.runs.hyperparameters import ranked, write_columns, write_hyperparameters
from allotment.runs.tensorboard import copy_scalars, write_rule_based
from allotment.studies.compared_policies import ComparedPolicy, Run
from allotment.studies.outcome import Outcome

SHOWN = ["score", *MEASURES]  # charts that compare policies, and columns of final scores, in this order
WHOLE = "comparison"  # the run that belongs to no single policy


def write_logs(outcome: Outcome, folder: Path, images: list[Drawn]) -> None:
    """Fill the folder with the comparison's logs, in place of those of an earlier one."""
    if (folder / WHOLE).is_dir():  # else the folder, if there is one, is somebody else's
        shutil.rmtree(folder)
    settings = []
    rows = ranked([policy.name for policy in outcome.ranking])
    for policy, row in zip(outcome.ranking, rows, strict=True):
        for run in policy.runs:
            logs = folder / policy.title(run).replace("/", "-")
            _write_scores(outcome, policy, run, logs)
            settings.append(_settings(outcome, policy, run))
            write_hyperparameters(logs, settings[-1], _final(outcome, policy, run), row)
    terms = [term for term in money_columns(outcome.comparison) if outcome.comparison[term].max() > 0]
    write_columns(folder / WHOLE, settings, SHOWN)
    tensorboard.write_layout(folder / WHOLE, SHOWN + terms)
    tensorboard.write_images(folder / WHOLE, images)


def _write_scores(outcome: Outcome, policy: ComparedPolicy, run: Run, logs: Path) -> None:
    """Write what a training logged, or a rule's level lines in the worlds of the learning curves, else in the test worlds."""
    if policy.name in outcome.curves:
        copy_scalars(run.folder / "tb", logs, leave_out="final/")
    else:
        measures = outcome.rules.get(policy.name) or _tested(outcome, policy, run)
        write_rule_based(logs, measures, outcome.last_step)


def _settings(outcome: Outcome, policy: ComparedPolicy, run: Run) -> dict[str, Any]:
    """Return a run's settings, without the seed where several share a row."""
    seed = {"seed": run.seed} if len(policy.runs) == 1 else {}
    return {**run.config, **seed, "env": outcome.setup.world.name}


def _final(outcome: Outcome, policy: ComparedPolicy, run: Run) -> dict[str, float]:
    measures = _tested(outcome, policy, run)
    return {name: measures[name] for name in SHOWN}


def _tested(outcome: Outcome, policy: ComparedPolicy, run: Run) -> dict[str, float]:
    """Return a run's mean measures in the test worlds."""
    rows = outcome.episodes
    own = rows[(rows["policy"] == policy.name) & (rows["training_seed"] == run.seed)]
    return mean_measures(own.drop(columns="training_seed"))
