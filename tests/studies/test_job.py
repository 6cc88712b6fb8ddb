"""A study's job: it carries its world, config and code, works in the run's folder or away from it, and does nothing twice."""

import pickle
from pathlib import Path

import pytest
import yaml
from priced_shops import PPO, constant_order, priced

from allotment.runs.run_folder import RunFolder
from allotment.studies.job import Job, jobs_of
from allotment.studies.study import EvaluationEntry, load_study

SILENT = (lambda *report: None,)


def job(folder, config=None, **settings):
    world = priced()
    return Job(
        name="few",
        policy="constant_order",
        config=config or constant_order(2),
        origin=world.origin,
        world=world.content,
        seed=0,
        folder=str(folder),
        evaluation=EvaluationEntry(episodes=5),
        **settings,
    )


def in_folder(folder):
    return {str(file.relative_to(folder)): file.read_bytes() for file in Path(folder).rglob("*") if file.is_file()}


def without_times(files):
    """Return what two makings of one run share: all but when they were made, and how long that took."""
    return {
        name: content for name, content in files.items() if name not in ("metadata.json", "log.txt") and "tfevents" not in name
    }


def test_a_job_returns_the_files_of_its_run_folder(tmp_path):
    made = job(tmp_path / "run").run(*SILENT)
    assert made == in_folder(tmp_path / "run")
    assert RunFolder(tmp_path / "run").finished


def test_a_job_away_from_the_folder_makes_the_same_and_leaves_nothing_there(tmp_path):
    here = job(tmp_path / "run").run(*SILENT)
    away = pickle.loads(pickle.dumps(job(tmp_path / "away", here=False))).run(*SILENT)
    assert not (tmp_path / "away").exists()
    assert without_times(away) == without_times(here)


def test_a_finished_job_is_left_as_it_is(tmp_path):
    this = job(tmp_path / "run")
    assert not this.is_done(this.place())
    made = this.run(*SILENT)
    assert this.is_done(this.place())
    assert this.run(*SILENT) == made


def test_another_config_in_the_folder_is_made_again(tmp_path):
    job(tmp_path / "run").run(*SILENT)
    other = job(tmp_path / "run", config=constant_order(9))
    assert not other.is_done(other.place())
    other.run(*SILENT)
    assert other.is_done(other.place())
    assert RunFolder(tmp_path / "run").config == constant_order(9)


def test_more_episodes_are_tested_without_training_again(tmp_path):
    this = job(tmp_path / "run", config=PPO)
    this.run(*SILENT)
    weights = (tmp_path / "run" / "final" / "weights.safetensors").stat().st_mtime_ns
    longer = this.model_copy(update={"evaluation": EvaluationEntry(episodes=9)})
    assert not longer.is_done(longer.place())
    longer.run(*SILENT)
    assert longer.is_done(longer.place())
    assert (tmp_path / "run" / "final" / "weights.safetensors").stat().st_mtime_ns == weights


def test_what_a_job_tells_bears_its_name(tmp_path):
    told = []
    job(tmp_path / "run").run(lambda *report: told.append(report))
    assert told
    assert {report[0] for report in told} == {"few"}
    *_, (_, what, done, of, _) = told
    assert (what, done) == ("testing", of)


def test_rules_take_one_seed_and_what_learns_takes_each_and_goes_first(tmp_path):
    (tmp_path / "world.yaml").write_text(yaml.safe_dump(priced().content))
    content = {
        "name": "shops",
        "question": "Does it learn?",
        "env": str(tmp_path / "world.yaml"),
        "seeds": [4, 7],
        "policies": [{"config": "newsvendor"}, {"config": "ppo", "name": "learner"}],
        "evaluation": {"episodes": 5},
    }
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(content))
    jobs = jobs_of(load_study(tmp_path / "study.yaml"), tmp_path / "out")
    assert [(each.name, each.policy, each.seed) for each in jobs] == [
        ("learner seed 4", "learner", 4),
        ("learner seed 7", "learner", 7),
        ("newsvendor", "newsvendor", 4),
    ]
    assert [Path(each.folder).name for each in jobs] == ["learner-seed4", "learner-seed7", "newsvendor-seed4"]
    assert all(each.world == priced().content for each in jobs)


def test_a_job_does_not_know_of_other_keys(tmp_path):
    with pytest.raises(ValueError, match="workers"):
        job(tmp_path, workers=2)
