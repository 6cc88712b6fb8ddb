"""One process at a time in a folder that is written to: the second is refused by the name of the first.

The lock is a file beside the folder, `.NAME.lock`, that the system holds for a process as long as it lives: one that is killed
holds nothing. It says who holds it. Processes on several machines see each other where their common file system locks files.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from allotment.scenario.errors import ScenarioError


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold a folder, which need not be there yet; `ScenarioError` names the process that holds it."""
    file = folder.absolute().with_name(f".{folder.absolute().name}.lock")
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(file, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ScenarioError(f"{folder}: {_holder(file)} works in it; wait until it has ended, or end it") from None
    try:
        file.write_text(json.dumps(_here()), encoding="utf-8")
        yield
    finally:
        with suppress(OSError):
            file.unlink()  # while it is held: whoever opened it meanwhile looks again
        lock.release()


def _here() -> dict[str, str | int]:
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:200]
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    return {"process": os.getpid(), "host": platform.node(), "command": command, "since": since}


def _holder(file: Path) -> str:
    """Return who holds a lock, in words."""
    try:
        holder = json.loads(file.read_text(encoding="utf-8"))
        return f"process {holder['process']} on {holder['host']} ({holder['command']}, since {holder['since']})"
    except (OSError, ValueError, KeyError, TypeError):  # it has just taken the lock, or let go of it
        return "another process"
