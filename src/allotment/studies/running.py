"""Running a study from its file to its report."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from allotment.studies.execution import run_jobs
from allotment.studies.outcome import Outcome, read_outcome
from allotment.studies.study import Study, jobs_of
from allotment.studies.work import Progress


@dataclass(frozen=True)
class StudyResult:
    """Where a study's results lie, and what they are."""

    folder: Path
    report: Path
    outcome: Outcome


def run_study(study: Study, out: Path, progress: Progress, workers: int | None = None) -> StudyResult:
    """Make and test all of a study's policies below `out`, write TensorBoard logs and the report.

    What an earlier run of the same study finished is kept; `workers` processes work side by side (none = one a core).
    """
    world = study.world()
    folder = out / study.name
    folder.mkdir(parents=True, exist_ok=True)
    jobs = jobs_of(study, folder)
    run_jobs(jobs, workers or min(os.cpu_count() or 1, len(jobs)), progress)
    outcome = read_outcome(study, world, jobs)
    from allotment.studies.presentation import write_logs, write_study_report

    write_logs(outcome, folder)
    return StudyResult(folder, write_study_report(outcome, folder / "report"), outcome)
