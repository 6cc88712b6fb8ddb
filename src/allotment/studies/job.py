"""What a worker does with a job: make the policy unless it is there already, and play the test worlds."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from allotment.policies.bundle import load_bundle
from allotment.runs.run_folder import metadata, update_metadata
from allotment.scenario.loader import World, load_scenario
from allotment.studies.study import Job
from allotment.whole_file import whole_file

Progress = Callable[[str, str, int, int, float | None], None]  # job, what is done, how much, of how much, score


def work(job: Job, progress: Progress) -> None:
    """Fill the job's run folder, evaluation included. Finished folders of the same job are left as they are."""
    from allotment.evaluation.testing import evaluate
    from allotment.fitting.fit import make_policy

    folder, world = Path(job.folder), load_scenario(job.env, job.overrides)

    def show(what: str, done: int, of: int, score: float | None) -> None:
        progress(job.name, what, done, of, score)

    if not is_made(job, world):
        if not is_of(job, world):
            shutil.rmtree(folder, ignore_errors=True)
        make_policy(world, job.policy, job.content, job.seed, folder, progress=show)
    if is_evaluated(job):
        return
    policy, test = load_bundle(folder / "best"), world.for_test()
    done, periods = 0, job.evaluation.episodes * test.problem.clock.length

    def count(worlds: int) -> None:
        nonlocal done
        done += worlds
        show("testing", done, periods, None)

    result = evaluate(_in_world(policy, folder, test), test, job.evaluation.episodes, job.evaluation.seed, progress=count)
    rows = result.episodes.assign(policy=job.name)
    with whole_file(folder / "evaluation.parquet") as part:
        rows.to_parquet(part)
    np.save(folder / "score_by_sku.npy", result.score_by_sku)
    update_metadata(folder, evaluation=job.evaluation.model_dump())


def _in_world(policy: Any, folder: Path, world: World) -> Any:
    """Return the policy in the test world, where that is not the world it was made in."""
    return load_bundle(folder / "best", world) if world.origin != policy.world.origin else policy


def is_made(job: Job, world: World) -> bool:
    """Tell whether the folder holds this very policy, finished."""
    folder = Path(job.folder)
    return is_of(job, world) and bool(metadata(folder).get("finished")) and (folder / "best").is_dir()


def is_of(job: Job, world: World) -> bool:
    """Tell whether the folder belongs to this very policy, so that what was begun in it can go on."""
    folder = Path(job.folder)
    made_from = _yaml(folder / "config.yaml"), _yaml(folder / "scenario.yaml"), metadata(folder).get("seed")
    return made_from == (job.content, world.content, job.seed)


def is_evaluated(job: Job) -> bool:
    """Tell whether the folder holds this very evaluation."""
    folder = Path(job.folder)
    found = (folder / "evaluation.parquet").is_file() and (folder / "score_by_sku.npy").is_file()
    return found and metadata(folder).get("evaluation") == job.evaluation.model_dump()


def _yaml(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else None
