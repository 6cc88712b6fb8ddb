"""The engine's machine code on disk: a file for each function, used only where it is whole and from the very sources at work.

A file's name holds a digest of all sources that decide on machine code and of the versions of the compiler, and one of what
the function is compiled for (its types and the processor). Its content begins with a digest of the rest. So code from other
sources, for another processor, or damaged, is never run: it is compiled again, and so is what another user wrote or might have
written, wherever it lies. Where nothing can be written, compiled code is not kept, which is said once.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import pickle
import re
import stat
import sys
import tempfile
import uuid
import warnings
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import llvmlite
import numba
from numba import config
from numba.core.caching import _Cache
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps
from numba.misc.appdirs import AppDirs

from allotment.plain_warnings import plain_warnings

PACKAGE = Path(__file__).parents[1]
ENGINE = Path(__file__).parent
KIND = ".nbc"  # of a file of machine code
SHOWN = 16  # characters of a digest in a file's name
ADMINISTRATOR = 0  # the number of the user
READABLE = 0o644  # by all, written by the owner alone
SEAL = hashlib.sha256().digest_size  # bytes before the code
IMPORTED = re.compile(r"^from allotment\.?([\w.]*) import (\([^)]*\)|.*)$", re.MULTILINE)


def sources_of(files: Iterable[Path], package: Path = PACKAGE) -> list[Path]:
    """Return some source files of a package and all others of it that they import, directly or not, sorted."""
    found: set[Path] = set()
    todo = list(files)
    while todo:
        file = todo.pop()
        if file not in found:
            found.add(file)
            todo.extend(_imported(file.read_text("utf-8"), package))
    return sorted(found)


def _imported(text: str, package: Path) -> Iterator[Path]:
    for module, names in IMPORTED.findall(text):
        place = package.joinpath(*module.split("."))
        named = (place / f"{name}.py" for name in re.findall(r"\w+", names))
        yield from (file for file in (place.with_suffix(".py"), place / "__init__.py", *named) if file.is_file())


def stamp_of(files: Iterable[Path]) -> str:
    """Return a digest of what source files say, and of what compiles them."""
    found = hashlib.sha256(f"{numba.__version__} {llvmlite.__version__} {sys.version}".encode())
    for file in files:
        found.update(file.read_bytes() + b"\0")
    return found.hexdigest()


def folders() -> list[Path]:
    """Return where machine code may be kept, best first: where the user says, beside the engine, or in the user's cache."""
    own = f"allotment_{hashlib.sha256(str(ENGINE).encode()).hexdigest()[:SHOWN]}"
    named = str(getattr(config, "CACHE_DIR", ""))  # NUMBA_CACHE_DIR
    chosen = [Path(named) / own] if named else []
    return [*chosen, ENGINE / "__pycache__", Path(AppDirs(appname="numba", appauthor=False).user_cache_dir) / own]


def writable_folder(candidates: list[Path]) -> Path:
    """Return the first folder that can be written to; where none can, the first that is there: it may hold code to read."""
    for folder in candidates:
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
            return folder
    return next((folder for folder in candidates if folder.is_dir()), candidates[0])


def remove_outdated(folder: Path, stamp: str) -> None:
    """Remove from a folder the machine code of other sources."""
    with suppress(OSError):  # another process was faster, or the folder is read-only
        for file in folder.glob("*.nb[ic]*"):
            if stamp[:SHOWN] not in file.name:
                file.unlink(missing_ok=True)


class CodeCache(_Cache):
    """Keeps the machine code of one function, for Numba."""

    told = False  # whether it was said that code cannot be kept

    def __init__(self, function: Any, folder: Path, stamp: str) -> None:
        self.function, self.folder, self.stamp = function, folder, stamp

    @property
    def cache_path(self) -> str:
        """Return the folder."""
        return str(self.folder)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the function compiled for a signature; none where that is not kept, or not as it was written."""
        target_context.refresh()
        payload = read_sealed(self._file(sig, target_context.codegen()))
        return None if payload is None else CompileResult._rebuild(target_context, *pickle.loads(payload))

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep what was compiled for a signature; where it cannot be written, say so once."""
        if data.library.has_dynamic_globals or not all(lifted.can_cache for lifted in data.lifted):
            return
        try:
            write_sealed(self._file(sig, data.codegen), dumps(data._reduce()))
        except OSError as error:
            self._tell(error)

    def _file(self, signature: Any, codegen: Any) -> Path:
        """Return the file of a signature and this processor."""
        made_for = hashlib.sha256(repr((signature, codegen.magic_tuple())).encode()).hexdigest()
        name = f"{self.function.__module__.rpartition('.')[2]}.{self.function.__qualname__}"
        return self.folder / f"{name}.{self.stamp[:SHOWN]}.{made_for[:SHOWN]}{KIND}"

    def _tell(self, error: OSError) -> None:
        if CodeCache.told or multiprocessing.parent_process() is not None:
            return
        CodeCache.told = True
        with plain_warnings(), suppress(UserWarning):  # nothing can be raised from here: compiled code may be waiting
            warnings.warn(
                f"compiled code cannot be kept in {self.folder} ({error.strerror}), so every start compiles it again; "
                "NUMBA_CACHE_DIR names another folder",
                stacklevel=1,
            )

    def enable(self) -> None:
        """Do nothing: it is always on."""

    def disable(self) -> None:
        """Do nothing: it is always on."""

    def flush(self) -> None:
        """Do nothing: what is outdated has another name."""


def write_sealed(file: Path, payload: bytes) -> None:
    """Write what a file keeps, behind its digest, whole or not at all; raises `OSError` where that cannot be done."""
    part = file.with_name(f"{file.name}.{uuid.uuid4().hex[:SHOWN]}.part")
    try:
        part.write_bytes(_seal(file, payload) + payload)
        part.chmod(READABLE)
        os.replace(part, file)
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise


def read_sealed(file: Path) -> bytes | None:
    """Return what a file keeps; none where it cannot be read, was altered, or may be of somebody else."""
    try:
        with file.open("rb") as kept:
            content = kept.read() if _is_own(os.fstat(kept.fileno())) else b""
    except OSError:
        return None
    seal, payload = content[:SEAL], content[SEAL:]
    return payload if _seal(file, payload) == seal else None


def _seal(file: Path, payload: bytes) -> bytes:
    """Return the digest of what a file keeps and of its name: code that was given another's name is not taken for it."""
    return hashlib.sha256(file.name.encode() + b"\0" + payload).digest()


def _is_own(status: os.stat_result) -> bool:
    """Tell whether nobody but this user and the system's administrator can have written a file."""
    if not hasattr(os, "geteuid"):
        return True
    return status.st_uid in (os.geteuid(), ADMINISTRATOR) and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
