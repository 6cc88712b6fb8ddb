"""Jobs, worked on one after the other or in processes side by side; a cluster would join behind the same interface.

A job carries what it needs and returns what it made, so that a worker shares neither memory nor folders with whoever waits.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
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
        with context.Manager() as manager:
            reports, stop = manager.Queue(), threading.Event()
            listener = threading.Thread(target=_listen, args=(reports, progress, stop))
            listener.start()
            pool = ProcessPoolExecutor(self.workers, mp_context=context, initializer=_leave_interrupts)
            try:
                begun = {pool.submit(_run_and_report, job, reports): job for job in jobs}
                for future in as_completed(begun):
                    yield begun[future], future.result()
            except BaseException:
                _end(pool)
                raise
            finally:
                stop.set()
                listener.join()
                pool.shutdown(cancel_futures=True)


def executor_for(jobs: int, workers: int | None = None) -> Executor:
    """Return what runs `jobs` jobs: this process where one worker or one job is enough, else `workers` processes."""
    chosen = workers or min(os.cpu_count() or 1, jobs)
    return Serial() if chosen == 1 or jobs <= 1 else Processes(chosen)


def _run_and_report(job: Job, reports: Any) -> Any:
    return job.run(lambda *report: reports.put(report))


def _listen(reports: Any, progress: Progress, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            progress(*reports.get(timeout=0.1))
        except queue.Empty:
            continue
        except (EOFError, OSError):
            return


def _leave_interrupts() -> None:
    """Leave Ctrl-C to the waiting process, which ends its workers itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _end(pool: ProcessPoolExecutor) -> None:
    for process in list((pool._processes or {}).values()):
        process.terminate()
