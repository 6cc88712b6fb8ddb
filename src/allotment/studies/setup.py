"""What is to be compared: the run folders that a command names, or those of a study, and what of them is not there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from allotment.evaluation.place import WorldPlace
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import World
from allotment.studies.compared_policies import ComparedPolicy, compared_policies, read_run
from allotment.studies.job import Job, jobs_of
from allotment.studies.study import EvaluationEntry, Study, load_study
from allotment.studies.world_identity import common_world

STUDY_FILE = "study.yaml"


@dataclass(frozen=True)
class ComparisonSetup:
    """Policies to be compared, the world they were made in, and how they are tested unless a command says otherwise."""

    title: str
    question: str
    policies: list[ComparedPolicy]
    world: World
    evaluation: EvaluationEntry
    report: Path  # the folder for the report
    notes: list[str] = field(default_factory=list)  # what is missing or unfinished, a sentence each


def setup_of(names: Sequence[str], runs: Path) -> ComparisonSetup:
    """Return what the arguments of `allotment compare` name: run folders, or one study by its file or its folder.

    A study's run folders lie in the folder named, or below `runs`. `ScenarioError` says what is wrong with a name.
    """
    folders = [Path(name) for name in names]
    if len(folders) == 1 and (folders[0].is_file() or (folders[0] / STUDY_FILE).is_file()):
        study = load_study(folders[0])
        return setup_of_study(study, _folder_of(study, folders[0], runs))
    for name, folder in zip(names, folders, strict=True):
        if not folder.is_dir():
            raise ScenarioError(f"{name}: no such folder; expected run folders, or one study")
    return setup_of_runs(folders, runs)


def setup_of_runs(folders: Sequence[Path], runs: Path) -> ComparisonSetup:
    """Return the comparison of run folders."""
    found = [read_run(folder) for folder in folders]
    world = common_world(folders)
    name = world.name
    cut_short = {run.folder: run.run.shortfall for run in found}
    notes = [f"{folder} is {how}; its best policy so far takes part." for folder, how in cut_short.items() if how]
    question = f"Which of these policies is best in {name}?"
    return ComparisonSetup(
        f"Comparison in {name}", question, compared_policies(found), world, EvaluationEntry(), runs / "comparison", notes
    )


def setup_of_study(study: Study, folder: Path) -> ComparisonSetup:
    """Return the comparison of a study whose run folders lie in `folder`, as far as they are made."""
    world, jobs = study.world(), jobs_of(study, folder)
    place = WorldPlace(world)
    made = [job for job in jobs if job.is_made(job.run_folder, place)]
    notes = [f"{job.name} is left out: {_reason(job)}." for job in jobs if job not in made]
    if not made:
        raise ScenarioError(f"{study.name}: nothing to compare yet: {_reason(jobs[0])}; `allotment run` makes it")
    runs = [read_run(Path(job.folder)) for job in made]
    return ComparisonSetup(
        study.name, study.question, compared_policies(runs), world, study.evaluation, folder / "report", notes
    )


def _folder_of(study: Study, named: Path, runs: Path) -> Path:
    """Return where a study's run folders lie: in the folder named, if any of them does, else below `runs`."""
    if named.is_dir() and any(Path(job.folder).is_dir() for job in jobs_of(study, named)):
        return named
    return runs / study.name


def _reason(job: Job) -> str:
    """Return why a job's run folder does not count."""
    run, folder = job.run_folder, Path(job.folder)
    if not run.is_begun:
        return f"{folder} is not there"
    cut_short = run.shortfall
    return f"{folder} is {cut_short}" if cut_short else f"{folder} was made from another config, seed or world"
