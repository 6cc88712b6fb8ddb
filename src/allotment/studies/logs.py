"""A comparison in TensorBoard: one run for each training, under a readable name, and one for what they have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from allotment.evaluation.breakdown import AXES
from allotment.evaluation.comparison import MEASURES, own_measures
from allotment.evaluation.testing import mean_measures
from allotment.quantities import ROUNDING
from allotment.report import tensorboard
from allotment.report.breakdown_cells import greatest
from allotment.report.document import Drawn
from allotment.runs.hyperparameters import ranked, write_columns, write_hyperparameters
from allotment.runs.tensorboard import write_rule_based
from allotment.studies.compared_policies import ComparedPolicy, Run
from allotment.studies.outcome import Outcome
from allotment.whole_file import file_name, remove_folder

SHOWN = ["score", *MEASURES]  # charts that compare policies, and columns of final scores, in this order
WHOLE = "comparison"  # the run that belongs to no single policy


def write_logs(outcome: Outcome, folder: Path, images: list[Drawn]) -> None:
    """Fill the folder with the comparison's logs, in place of those of an earlier one."""
    if (folder / WHOLE).is_dir():  # else the folder, if there is one, is somebody else's
        remove_folder(folder)
    (folder / WHOLE).mkdir(parents=True)  # first of all: what is written half is known as one's own next time
    settings, measures = [], _varying(outcome)
    shown = {axis: greatest(axis, outcome.breakdown_means) for axis in AXES}
    rows = ranked([policy.name for policy in outcome.ranking])
    for policy, row in zip(outcome.ranking, rows, strict=True):
        for run, breakdown in zip(policy.runs, outcome.breakdowns[policy.name], strict=True):
            logs = folder / file_name(policy.title(run))
            _write_scores(outcome, policy, run, logs, measures)
            tensorboard.write_breakdown(logs, breakdown.means(), shown, _steps(outcome, policy))
            settings.append(_settings(outcome, policy, run))
            write_hyperparameters(logs, settings[-1], _final(outcome, policy, run), row)
    write_columns(folder / WHOLE, settings, _columns(outcome))
    first = [name for name in SHOWN if name in measures]
    tensorboard.write_layout(folder / WHOLE, [*first, *(name for name in measures if name not in first)], shown)
    tensorboard.write_images(folder / WHOLE, images)


def _varying(outcome: Outcome) -> list[str]:
    """Return the measures that are not the same in every run: the score first, then service, then the others."""
    runs = [_tested(outcome, policy, run) for policy in outcome.ranking for run in policy.runs]
    table = pd.DataFrame(runs).dropna(axis=1, how="all")
    constant = table.max() - table.min() <= ROUNDING * table.abs().max()
    kept = ~constant if len(runs) > 1 else table.any()
    return [name for name in map(str, table.columns) if name == "score" or kept[name]]


def _steps(outcome: Outcome, policy: ComparedPolicy) -> list[int]:
    """Return where a policy's results in the test worlds stand: a rule's are a line, those of what learned its end."""
    return [outcome.last_step] if policy.name in outcome.curves else [0, outcome.last_step]


def _write_scores(outcome: Outcome, policy: ComparedPolicy, run: Run, logs: Path, measures: list[str]) -> None:
    """Write what a training logged, or a rule's level lines in the worlds of the learning curves, else in the test worlds."""
    if policy.name in outcome.curves:
        tensorboard.copy_scalars(run.folder / "tb", logs, measures)
    else:
        found = outcome.rules.get(policy.name) or _tested(outcome, policy, run)
        write_rule_based(logs, {name: found[name] for name in measures if name in found}, outcome.last_step)


def _settings(outcome: Outcome, policy: ComparedPolicy, run: Run) -> dict[str, Any]:
    """Return a run's settings, without the seed where several share a row."""
    seed = {"seed": run.seed} if len(policy.runs) == 1 else {}
    return {**run.config, **seed, "env": outcome.setup.world.name}


def _final(outcome: Outcome, policy: ComparedPolicy, run: Run) -> dict[str, float]:
    measures = _tested(outcome, policy, run)
    return {name: measures[name] for name in _columns(outcome)}


def _columns(outcome: Outcome) -> list[str]:
    """Return the final scores that are listed: those that the world has."""
    return [name for name in SHOWN + own_measures(outcome.comparison) if name in outcome.comparison]


def _tested(outcome: Outcome, policy: ComparedPolicy, run: Run) -> dict[str, float]:
    """Return a run's mean measures in the test worlds."""
    rows = outcome.episodes
    own = rows[(rows["policy"] == policy.name) & (rows["training_seed"] == run.seed)]
    return mean_measures(own.drop(columns="training_seed"))
