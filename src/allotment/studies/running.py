"""From a study's file, or from run folders, to a table and a report: `allotment run` and `allotment compare`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import yaml

from allotment.execution.executor import run_jobs
from allotment.studies.job import Progress as JobProgress
from allotment.studies.outcome import Outcome, Progress, read_outcome
from allotment.studies.setup import STUDY_FILE, Lineup, study_lineup
from allotment.studies.study import Study, jobs_of


@dataclass(frozen=True)
class Result:
    """What came out of a comparison, and where it is written."""

    outcome: Outcome
    report: Path  # the page; beside it lies tensorboard/


def run_study(study: Study, out: Path, progress: JobProgress, workers: int | None = None) -> Result:
    """Make and test all of a study's policies below `out`, compare them, and write the report.

    What an earlier run of the same study finished is kept; `workers` processes work side by side (none = one a core).
    """
    folder = out / study.name
    folder.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(study.model_dump(mode="json", exclude_defaults=True), sort_keys=False, allow_unicode=True)
    jobs = jobs_of(study, folder)
    (folder / STUDY_FILE).write_text(text, encoding="utf-8")
    run_jobs(jobs, workers or min(os.cpu_count() or 1, len(jobs)), progress)
    return compare_lineup(study_lineup(study, folder))


def compare_lineup(
    lineup: Lineup,
    reference: str | None = None,
    episodes: int | None = None,
    seed: int | None = None,
    out: Path | None = None,
    progress: Progress | None = None,
) -> Result:
    """Compare policies and write the report into `out`, by default the lineup's own folder; see `read_outcome`."""
    from allotment.studies.presentation import present

    outcome = read_outcome(lineup, reference, episodes, seed, progress)
    return Result(outcome, present(outcome, out or lineup.report))
