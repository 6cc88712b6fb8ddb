"""Jobs, worked on one after the other or in processes side by side; a cluster would join behind the same interface.

A job carries what it needs and returns what it made, so that a worker shares neither memory nor folders with whoever waits.
Workers end with the process that waits for them, even where that one is killed.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from allotment.execution import worker

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
SOON = 0.05  # seconds after which reports are looked for again
Progress = Callable[[str, str, int, int, float | None], None]  # job, what is done, how much, of how much, score


class Job(Protocol):
    """Something to do; picklable."""

    def run(self, progress: Progress) -> Any:
        """Do it, and return what was made."""
        ...


J = TypeVar("J", bound=Job)


class Executor(Protocol):
    """Works on jobs."""

    def run(self, jobs: Sequence[J], progress: Progress) -> Iterator[tuple[J, Any]]:
        """Yield each job with what it made, as they end. An error or an interrupt ends the others and passes on."""
        ...


@dataclass(frozen=True)
class Serial:
    """One job after the other, in this process."""

    def run(self, jobs: Sequence[J], progress: Progress) -> Iterator[tuple[J, Any]]:
        """Yield each job with what it made."""
        for job in jobs:
            yield job, job.run(progress)


@dataclass(frozen=True)
class Processes:
    """`workers` jobs side by side, each in a process with one thread."""

    workers: int

    def run(self, jobs: Sequence[J], progress: Progress) -> Iterator[tuple[J, Any]]:
        """Yield each job with what it made, as they end."""
        context = multiprocessing.get_context("spawn")
        for name in THREADS:
            os.environ.setdefault(name, "1")
        reports = context.SimpleQueue()
        pool = ProcessPoolExecutor(self.workers, mp_context=context, initializer=worker.begin, initargs=(reports,))
        with _Listener(reports, progress) as listener:
            try:
                begun = {pool.submit(_run_and_report, job): job for job in jobs}
                for future in as_completed(begun):
                    listener.check()
                    yield begun[future], future.result()
            except BaseException:
                _end(pool)
                raise
            finally:
                pool.shutdown(cancel_futures=True)


def executor_for(jobs: int, workers: int | None = None) -> Executor:
    """Return what runs `jobs` jobs: this process where one worker or one job is enough, else `workers` processes."""
    chosen = workers or min(os.cpu_count() or 1, jobs)
    return Serial() if chosen == 1 or jobs <= 1 else Processes(chosen)


def _run_and_report(job: Job) -> Any:
    return job.run(worker.report)


class _Listener:
    """Hears what workers tell, as long as they may: one that nobody hears would wait."""

    def __init__(self, reports: Any, progress: Progress) -> None:
        self.reports, self.progress = reports, progress
        self.failure: BaseException | None = None  # of what shows progress
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> _Listener:
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop.set()
        self.thread.join()

    def check(self) -> None:
        """Raise what showing progress has raised."""
        if self.failure is not None:
            raise self.failure

    def _listen(self) -> None:
        while not (self.stop.wait(SOON) and self.reports.empty()):
            while not self.reports.empty():
                self._show(self.reports.get())

    def _show(self, told: tuple[Any, ...]) -> None:
        if self.failure is None:
            try:
                self.progress(*told)
            except BaseException as failure:
                self.failure = failure


def _end(pool: ProcessPoolExecutor) -> None:
    for process in list((pool._processes or {}).values()):
        worker.end(process)
