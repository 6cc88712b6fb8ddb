"""From a study's file, or from run folders, to a table and a report: `allotment run` and `allotment compare`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from allotment.evaluation.place import WorldPlace
from allotment.execution.executor import Executor, executor_for
from allotment.execution.executor import Progress as JobProgress
from allotment.folder_lock import alone_in
from allotment.studies.job import jobs_of
from allotment.studies.outcome import Outcome, Progress, read_outcome
from allotment.studies.setup import STUDY_FILE, ComparisonSetup, setup_of_study
from allotment.studies.study import Study
from allotment.whole_file import write_whole


@dataclass(frozen=True)
class Result:
    """What came out of a comparison, and where it is written."""

    outcome: Outcome
    report: Path  # the page; beside it lies tensorboard/


def run_study(
    study: Study, out: Path, progress: JobProgress, workers: int | None = None, executor: Executor | None = None
) -> Result:
    """Make and test all of a study's policies below `out`, compare them, and write the report.

    What an earlier run of the same study finished is kept; `workers` processes work side by side (none = one a core), or
    an executor of one's own does.
    """
    with alone_in(out / study.name):
        return _run_study(study, out / study.name, progress, workers, executor)


def _run_study(study: Study, folder: Path, progress: JobProgress, workers: int | None, executor: Executor | None) -> Result:
    folder.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(study.model_dump(mode="json", exclude_defaults=True), sort_keys=False, allow_unicode=True)
    jobs = jobs_of(study, folder)
    write_whole(folder / STUDY_FILE, text)
    place = WorldPlace(study.world())
    todo = [job for job in jobs if not job.is_done(place)]
    for job, files in (executor or executor_for(len(todo), workers)).run(todo, progress):
        job.run_folder.unpack(files)
    from allotment.runs.tensorboard import put_away

    result = compare_policies(setup_of_study(study, folder))
    for job in jobs:  # the report has the logs of each policy, under its name
        put_away(job.run_folder.logs)
    return result


def compare_policies(
    setup: ComparisonSetup,
    reference: str | None = None,
    episodes: int | None = None,
    seed: int | None = None,
    out: Path | None = None,
    progress: Progress | None = None,
    rope: float | None = None,
) -> Result:
    """Compare policies and write the report into `out`, by default the setup's own folder; see `read_outcome`."""
    from allotment.studies.presentation import present

    outcome = read_outcome(setup, reference, episodes, seed, progress, rope)
    return Result(outcome, present(outcome, out or setup.report))
