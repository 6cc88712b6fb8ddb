"""From a study's file, or from run folders, to a table and a report: `allotment run` and `allotment compare`."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import yaml

from allotment.evaluation.place import WorldPlace
from allotment.execution.executor import Executor, executor_for
from allotment.execution.executor import Progress as JobProgress
from allotment.runs.at_work import InUse, at_work
from allotment.studies.job import Job, jobs_of
from allotment.studies.outcome import Outcome, Progress, read_outcome
from allotment.studies.setup import STUDY_FILE, ComparisonSetup, setup_of_study
from allotment.studies.study import Study
from allotment.whole_file import make_folder, named, write_whole

PATIENCE = 600.0  # seconds for another process to write its report into the same folder


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
    an executor of one's own does. `InUse` where another process works on the same study there.
    """
    folder = out / study.name
    text = yaml.safe_dump(study.model_dump(mode="json", exclude_defaults=True), sort_keys=False, allow_unicode=True)
    jobs = jobs_of(study, folder)
    with at_work(folder):
        make_folder(folder)
        write_whole(folder / STUDY_FILE, text)
        place = WorldPlace(study.world())
        todo = [job for job in jobs if not job.is_done(place)]
        for job, files in (executor or executor_for(len(todo), workers)).run(todo, progress):
            _keep(job, files)
        result = compare_policies(setup_of_study(study, folder))
        for job in jobs:
            _put_logs_away(job)
    return result


def _keep(job: Job, files: dict[str, bytes]) -> None:
    """Keep what a worker made."""
    with job.run_folder.held():
        job.run_folder.unpack(files)


def _put_logs_away(job: Job) -> None:
    """Leave the logs of a policy to the report, which has them under its name."""
    from allotment.runs.tensorboard import put_away

    with suppress(InUse), job.run_folder.held():
        put_away(job.run_folder.logs)


def compare_policies(
    setup: ComparisonSetup,
    reference: str | None = None,
    episodes: int | None = None,
    seed: int | None = None,
    out: Path | None = None,
    progress: Progress | None = None,
    rope: float | None = None,
    bound: int | None = None,
) -> Result:
    """Compare policies and write the report into `out`, by default the setup's own folder; see `read_outcome`."""
    from allotment.studies.presentation import present

    outcome, folder = read_outcome(setup, reference, episodes, seed, progress, rope, bound), out or setup.report
    with named(folder), at_work(folder, patience=PATIENCE):
        return Result(outcome, present(outcome, folder))
