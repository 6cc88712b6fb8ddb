"""Executors: jobs one after the other, or in processes of one thread each; a failure ends the others."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from allotment.execution.executor import THREADS, Processes, Serial, executor_for


@dataclass(frozen=True)
class Square:
    number: int

    def run(self, progress):
        progress(f"square {self.number}", "squaring", 1, 1, float(self.number))
        return self.number**2, os.getpid(), [os.environ.get(name) for name in THREADS]


@dataclass(frozen=True)
class Wait:
    """Waits to be ended; a mark says that it has begun, another that nothing ended it."""

    marks: str

    def run(self, progress):
        (Path(self.marks) / "begun").touch()
        time.sleep(60)
        (Path(self.marks) / "ended").touch()


@dataclass(frozen=True)
class Fail:
    marks: str

    def run(self, progress):
        while not (Path(self.marks) / "begun").exists():
            time.sleep(0.02)
        raise ValueError("no such SKU")


def worked(executor, jobs):
    """Return what jobs made, by job, and what they told."""
    told = []
    made = dict(executor.run(jobs, lambda *report: told.append(report)))
    return made, sorted(told)


@pytest.mark.parametrize("executor", [Serial(), Processes(2)], ids=["serial", "processes"])
def test_each_job_comes_back_with_what_it_made_and_what_it_told(executor):
    jobs = [Square(number) for number in (3, 1, 2)]
    made, told = worked(executor, jobs)
    assert {job.number: result[0] for job, result in made.items()} == {1: 1, 2: 4, 3: 9}
    assert told == [(f"square {number}", "squaring", 1, 1, float(number)) for number in (1, 2, 3)]


def test_jobs_run_here_one_after_the_other():
    jobs = [Square(number) for number in (3, 1, 2)]
    done = list(Serial().run(jobs, lambda *report: None))
    assert [job for job, _ in done] == jobs
    assert {process for _, (_, process, _) in done} == {os.getpid()}


def test_processes_are_others_with_one_thread_each():
    made, _ = worked(Processes(2), [Square(1), Square(2)])
    for _, process, threads in made.values():
        assert process != os.getpid()
        assert threads == ["1"] * len(THREADS)


def test_a_failure_passes_on_and_ends_the_other_jobs(tmp_path):
    begun = time.monotonic()
    with pytest.raises(ValueError, match="no such SKU"):
        worked(Processes(2), [Wait(str(tmp_path)), Fail(str(tmp_path))])
    assert time.monotonic() - begun < 50
    assert not (tmp_path / "ended").exists()


def test_one_job_or_one_worker_needs_no_other_process(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert executor_for(1) == executor_for(9, workers=1) == Serial()
    assert executor_for(9) == Processes(4)
    assert executor_for(3) == Processes(3)
    assert executor_for(9, workers=2) == Processes(2)
