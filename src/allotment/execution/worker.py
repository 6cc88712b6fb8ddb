"""What a worker process is: it leaves interrupts to whoever waits for it, tells what it does, and ends with its parent.

A worker leads a process group of its own, so that what it starts ends with it too.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from multiprocessing import parent_process
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Any

WATCHED = 1.0  # seconds after which a worker looks again whether its parent is still the same

_reports: Any = None  # of this worker: the queue to its parent


def begin(reports: Any) -> None:
    """Make this process a worker; call it first of all."""
    global _reports
    _reports = reports
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who waits for the worker ends it
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # it may still warn on the terminal
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()


def report(*told: Any) -> None:
    """Tell the parent something."""
    _reports.put(told)


def end(worker: BaseProcess) -> None:
    """End a worker and what it started; called by its parent."""
    with suppress(ProcessLookupError):  # it is not yet a group, or gone
        if worker.pid is not None and hasattr(os, "killpg"):
            os.killpg(worker.pid, signal.SIGTERM)
    worker.terminate()


def _end_with_parent(parent: int) -> None:
    """Wait until the parent is gone, however it ended; then end this process and what it started.

    The sentinel tells at once; a process that the parent forked may hold it open, and then the parent's number tells.
    """
    process = parent_process()
    while process is not None and not wait([process.sentinel], WATCHED) and os.getppid() == parent:
        pass
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
