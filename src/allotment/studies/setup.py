"""What is to be compared: the run folders that a command names, or those of a study, and what of them is not there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from allotment.runs.run_folder import metadata
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import World
from allotment.studies.compared_policies import Contender, contenders_of, read_run, shortfall
from allotment.studies.job import is_made
from allotment.studies.study import EvaluationEntry, Job, Study, jobs_of, load_study
from allotment.studies.world_identity import common_world

STUDY_FILE = "study.yaml"


@dataclass(frozen=True)
class Lineup:
    """Policies to be compared, the world they were made in, and how they are tested unless a command says otherwise."""

    title: str
    question: str
    contenders: list[Contender]
    world: World
    evaluation: EvaluationEntry
    report: Path  # the folder for the report
    notes: list[str] = field(default_factory=list)  # what is missing or unfinished, a sentence each


def lineup_of(names: Sequence[str], runs: Path) -> Lineup:
    """Return what the arguments of `allotment compare` name: run folders, or one study by its file or its folder.

    A study's run folders lie in the folder named, or below `runs`. `ScenarioError` says what is wrong with a name.
    """
    folders = [Path(name) for name in names]
    if len(folders) == 1 and (folders[0].is_file() or (folders[0] / STUDY_FILE).is_file()):
        study = load_study(folders[0])
        return study_lineup(study, _folder_of(study, folders[0], runs))
    for name, folder in zip(names, folders, strict=True):
        if not folder.is_dir():
            raise ScenarioError(f"{name}: no such folder; expected run folders, or one study")
    return run_lineup(folders, runs)


def run_lineup(folders: Sequence[Path], runs: Path) -> Lineup:
    """Return the comparison of run folders."""
    found = [read_run(folder) for folder in folders]
    world = common_world(folders)
    name = world.name
    cut_short = {run.folder: shortfall(run.metadata, run.config) for run in found}
    notes = [f"{folder} is {how}; its best policy so far takes part." for folder, how in cut_short.items() if how]
    question = f"Which of these policies is best in {name}?"
    return Lineup(f"Comparison in {name}", question, contenders_of(found), world, EvaluationEntry(), runs / "comparison", notes)


def study_lineup(study: Study, folder: Path) -> Lineup:
    """Return the comparison of a study whose run folders lie in `folder`, as far as they are made."""
    world, jobs = study.world(), jobs_of(study, folder)
    made = [job for job in jobs if is_made(job, world)]
    notes = [f"{job.name} is left out: {_reason(job)}." for job in jobs if job not in made]
    if not made:
        raise ScenarioError(f"{study.name}: nothing to compare yet: {_reason(jobs[0])}; `allotment run` makes it")
    runs = [read_run(Path(job.folder)) for job in made]
    return Lineup(study.name, study.question, contenders_of(runs), world, study.evaluation, folder / "report", notes)


def _folder_of(study: Study, named: Path, runs: Path) -> Path:
    """Return where a study's run folders lie: in the folder named, if any of them does, else below `runs`."""
    if named.is_dir() and any(Path(job.folder).is_dir() for job in jobs_of(study, named)):
        return named
    return runs / study.name


def _reason(job: Job) -> str:
    """Return why a job's run folder does not count."""
    folder = Path(job.folder)
    if not (folder / "metadata.json").is_file():
        return f"{folder} is not there"
    cut_short = shortfall(metadata(folder), job.content)
    return f"{folder} is {cut_short}" if cut_short else f"{folder} was made from another config, seed or world"
