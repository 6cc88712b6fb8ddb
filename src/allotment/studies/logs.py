"""A comparison in TensorBoard: one run for each training, under a readable name, and one for what they have in common."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from allotment.evaluation.comparison import MEASURES, money_columns
from allotment.evaluation.testing import mean_measures
from allotment.report import tensorboard
from allotment.report.document import Drawn
from allotment.report.hyperparameters import ranked, write_columns, write_hyperparameters
from allotment.studies.compared_policies import Contender, Run
from allotment.studies.outcome import Outcome

SHOWN = ["score", *MEASURES]  # charts that compare policies, and columns of final scores, in this order
WHOLE = "comparison"  # the run that belongs to no single policy


def write_logs(outcome: Outcome, folder: Path, images: list[Drawn]) -> None:
    """Fill the folder with the comparison's logs, in place of those of an earlier one."""
    if (folder / WHOLE).is_dir():  # else the folder, if there is one, is somebody else's
        shutil.rmtree(folder)
    settings = []
    rows = ranked([contender.name for contender in outcome.ranking])
    for contender, row in zip(outcome.ranking, rows, strict=True):
        for run in contender.runs:
            logs = folder / contender.title(run).replace("/", "-")
            _write_scores(outcome, contender, run, logs)
            settings.append(_settings(outcome, contender, run))
            write_hyperparameters(logs, settings[-1], _final(outcome, contender, run), row)
    terms = [term for term in money_columns(outcome.comparison) if outcome.comparison[term].max() > 0]
    write_columns(folder / WHOLE, settings, SHOWN)
    tensorboard.write_layout(folder / WHOLE, SHOWN + terms)
    tensorboard.write_images(folder / WHOLE, images)


def _write_scores(outcome: Outcome, contender: Contender, run: Run, logs: Path) -> None:
    """Write what a training logged, or a rule's level lines in the worlds of the learning curves, else in the test worlds."""
    if contender.name in outcome.curves:
        tensorboard.copy_scalars(run.folder / "tb", logs, leave_out="final/")
    else:
        measures = outcome.rules.get(contender.name) or _tested(outcome, contender, run)
        tensorboard.write_rule_based(logs, measures, outcome.last_step)


def _settings(outcome: Outcome, contender: Contender, run: Run) -> dict[str, Any]:
    """Return a run's settings, without the seed where several share a row."""
    seed = {"seed": run.seed} if len(contender.runs) == 1 else {}
    return {**run.config, **seed, "env": outcome.lineup.world.name}


def _final(outcome: Outcome, contender: Contender, run: Run) -> dict[str, float]:
    measures = _tested(outcome, contender, run)
    return {name: measures[name] for name in SHOWN}


def _tested(outcome: Outcome, contender: Contender, run: Run) -> dict[str, float]:
    """Return a run's mean measures in the test worlds."""
    rows = outcome.episodes
    own = rows[(rows["policy"] == contender.name) & (rows["training_seed"] == run.seed)]
    return mean_measures(own.drop(columns="training_seed"))
