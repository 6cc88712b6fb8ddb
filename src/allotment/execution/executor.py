"""Jobs in parallel: worker processes that report their progress to the one that waits for them."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import threading
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any

from allotment.studies.job import Progress, work
from allotment.studies.study import Job

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


def run_jobs(jobs: list[Job], workers: int, progress: Progress) -> None:
    """Work on all jobs, `workers` at a time, each with one thread. An error or an interrupt ends the others and passes on."""
    if workers == 1 or len(jobs) == 1:
        for job in jobs:
            work(job, progress)
        return
    context = multiprocessing.get_context("spawn")
    for name in THREADS:
        os.environ.setdefault(name, "1")
    with context.Manager() as manager:
        reports = manager.Queue()
        stop = threading.Event()
        listener = threading.Thread(target=_listen, args=(reports, progress, stop))
        listener.start()
        pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_leave_interrupts)
        try:
            for future in as_completed([pool.submit(_work_and_report, job, reports) for job in jobs]):
                future.result()
        except BaseException:
            _end(pool)
            raise
        finally:
            stop.set()
            listener.join()
            pool.shutdown(cancel_futures=True)


def _work_and_report(job: Job, reports: Any) -> None:
    work(job, lambda *report: reports.put(report))


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
