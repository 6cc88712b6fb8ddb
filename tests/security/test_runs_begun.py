"""A run folder that a kill left half begun is no run: it is refused by name, and a study begins it anew."""

import shutil
import sys
from pathlib import Path

import pytest
import yaml

from allotment.cli import main
from allotment.runs.run_folder import ABOUT, CONFIG, RunFolder, is_run
from allotment.studies.job import jobs_of
from allotment.studies.study import load_study

pytestmark = pytest.mark.security

STUDY = {
    "name": "small",
    "question": "Which level?",
    "env": "lost_sales",
    "overrides": ["horizon.warm_up=2", "horizon.periods=8"],
    "policies": [{"config": "base_stock", "overrides": ["tuning.worlds=8", "tuning.rounds=2"]}],
    "evaluation": {"episodes": 4},
}


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """A study's only job, done."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "study.yaml").write_text(yaml.safe_dump(STUDY))
    (job,) = jobs_of(load_study(folder), folder)
    job.run(lambda *done: None)
    return job


LEFT = {  # what is there when a run is killed before it has begun
    "nothing": (),
    "its config": (CONFIG,),
    "its config and its world": (CONFIG, "scenario.yaml"),
    "a part of what it says of itself": (CONFIG, "scenario.yaml", f"{ABOUT}.part"),
}


@pytest.fixture(params=LEFT.values(), ids=LEFT.keys())
def half_begun(request, job, tmp_path):
    folder = tmp_path / "half"
    folder.mkdir()
    for name in request.param:
        if name.endswith(".part"):
            (folder / name).write_text('{"policy": "ba')
        else:
            shutil.copy(Path(job.folder) / name, folder)
    return folder


def test_a_run_that_was_not_begun_is_refused_by_name(half_begun, monkeypatch, capsys):
    assert not is_run(half_begun)
    monkeypatch.setattr(sys, "argv", ["allotment", "train", "--resume", str(half_begun)])
    with pytest.raises(SystemExit) as end:
        main()
    told = capsys.readouterr().err
    assert end.value.code == 2
    assert told.startswith(f"error: {half_begun}: not a run folder; expected") and told.count("\n") == 1


def test_a_study_begins_it_anew(half_begun, job):
    again = job.model_copy(update={"folder": str(half_begun)})
    again.run(lambda *done: None)
    made, whole = RunFolder(half_begun), RunFolder(Path(job.folder))
    assert made.finished and made.bundle["version"] == whole.bundle["version"]
    assert not list(half_begun.rglob("*.part"))
