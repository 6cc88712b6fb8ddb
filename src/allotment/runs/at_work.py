"""One process works in a folder at a time: others are told who does, and since when. Who only reads is never refused.

The lock lies beside the folder, as `.NAME.lock`, so that the folder can be put there and taken away as a whole. It belongs to
the process: where that is killed, the folder is free. On network drives it holds as far as these keep `flock`.
"""

from __future__ import annotations

import os
import platform
import shlex
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from allotment.scenario.errors import ScenarioError
from allotment.whole_file import make_folder, named

LONGEST = 300  # characters that are told of who works in a folder

_mine = threading.local()  # the folders that this thread works in


class InUse(ScenarioError):
    """Somebody else works in a folder; the message says who, and since when."""


@contextmanager
def at_work(folder: Path, patience: float = 0.0) -> Iterator[bool]:
    """Be the only one to work in a folder, which need not be there yet; hands out whether this is where it begins.

    The same thread may do so again meanwhile. `InUse` where another process or thread does, after `patience` seconds.
    """
    place = folder.resolve()
    mine: set[Path] = _mine.__dict__.setdefault("folders", set())
    if place in mine:
        yield False
        return
    with _locked(place, folder, patience):
        mine.add(place)
        try:
            yield True
        finally:
            mine.remove(place)


@contextmanager
def _locked(place: Path, shown: Path, patience: float) -> Iterator[None]:
    file = place.with_name(f".{place.name}.lock")
    lock = FileLock(file, timeout=patience)
    try:
        with named(shown, file):
            make_folder(place.parent)
            lock.acquire()
    except Timeout:
        raise InUse(f"{shown}: in use by {_holder(file)}") from None
    try:
        with suppress(OSError):  # it holds without saying whose it is
            file.write_text(_myself(), encoding="utf-8")
        yield
    finally:
        with suppress(OSError):  # where an open file cannot be removed
            file.unlink()
        lock.release()


def _myself() -> str:
    command = shlex.join(["allotment", *sys.argv[1:]])
    return f"process {os.getpid()} on {platform.node()} since {time.strftime('%Y-%m-%d %H:%M:%S')}: {command}"


def _holder(lock: Path) -> str:
    """Return what who holds a lock says of itself, fit for a terminal."""
    said = ""
    with suppress(OSError):  # gone meanwhile, or not to be read while it is locked
        said = lock.read_text(encoding="utf-8", errors="replace")
    told = "".join(character for character in said if character.isprintable())[:LONGEST]
    return told or "another process"
