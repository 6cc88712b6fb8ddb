"""Files and folders that are there whole or not at all: written beside their place, flushed to the disk, then put there in
one step; and their names.

What is put in place is on the disk before it is there, and so is its name before anything else is done: a power cut leaves
what was there before, or what is there now.
"""

from __future__ import annotations

import errno
import glob
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LONGEST = 40  # characters of a file's name in that of its part
OWN_STREAMS = ("/dev/std", "/dev/fd/", "/proc/self/fd/")
LEFT_OVER = 3600.0  # seconds after which nobody writes a part any more
NOT_FOLDERS = {errno.EINVAL, errno.EACCES, errno.EPERM, errno.ENOTSUP, errno.EISDIR}  # where folders cannot be flushed


@contextmanager
def whole_file(file: Path) -> Iterator[Path]:
    """Hand out a path beside `file`; what was written there takes the place of `file` at the end, on the disk.

    Whatever goes wrong, `file` is as it was and nothing lies beside it; an `OSError` names it. A link is followed, and what is
    no plain file (a pipe, a device) is written into.
    """
    if _is_stream(file):
        with named(file), _written_into(file) as part:
            yield part
        return
    place = Path(os.path.realpath(file))
    _remove_left_over(place)
    part = _part_of(place)
    try:
        with named(file, part):
            yield part
            _put(part, place)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def write_whole(file: Path, content: str | bytes) -> None:
    """Write a file whole or not at all; text as UTF-8."""
    with whole_file(file) as part:
        part.write_bytes(content.encode() if isinstance(content, str) else content)


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Hand out an empty folder beside `folder`, which is not there yet, or empty; filled, it takes its place, on the disk."""
    part = _part_of(folder)
    make_folder(part)
    try:
        with named(folder, part):
            yield part
            flush_all(part)
            part.rename(folder)
            flush(folder.parent)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def remove_parts(folder: Path) -> None:
    """Remove what a process that was killed left of a folder and of all below; nobody may be writing there."""
    beside = folder.parent.glob(f".{glob.escape(folder.name[:LONGEST])}.????????.part")
    for part in (*beside, *folder.rglob(".*.????????.part")):
        with suppress(OSError):
            shutil.rmtree(part) if part.is_dir() else part.unlink()


def remove_folder(folder: Path) -> None:
    """Remove a folder with all it holds, in one step: it is never there in parts."""
    if folder.exists():
        part = _part_of(folder)
        folder.rename(part)
        shutil.rmtree(part, ignore_errors=True)


def make_folder(folder: Path) -> None:
    """Make a folder with those above it, on the disk, unless it is there."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for place in reversed(missing):
        flush(place.parent)


def flush(path: Path) -> None:
    """Wait until a file's content, or a folder's names, are on the disk."""
    opened = None
    try:
        opened = os.open(path, os.O_RDONLY)
        os.fsync(opened)
    except OSError as error:
        if error.errno not in NOT_FOLDERS or not path.is_dir():
            raise
    finally:
        if opened is not None:
            os.close(opened)


def flush_all(folder: Path) -> None:
    """Wait until all that a folder holds is on the disk."""
    for path in (*folder.rglob("*"), folder):
        flush(path)


def _part_of(place: Path) -> Path:
    """Return a path beside a place that nobody else writes to."""
    return place.with_name(f".{place.name[:LONGEST]}.{secrets.token_hex(4)}.part")


def _put(part: Path, place: Path) -> None:
    """Put a part in its place, with the permissions of what is there."""
    if place.exists():
        shutil.copymode(place, part)
    flush(part)
    part.replace(place)
    flush(place.parent)


@contextmanager
def _written_into(stream: Path) -> Iterator[Path]:
    """Hand out a path of which the content is written into a pipe or a device at the end."""
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / "part"
        yield part
        sys.stdout.flush()  # which the stream may be
        with part.open("rb") as content, stream.open("ab") as into:
            shutil.copyfileobj(content, into)


def _is_stream(file: Path) -> bool:
    """Tell whether a file is a pipe or a device, or stands for one of this process's own, which may lead to a plain file."""
    return (file.exists() and not file.is_file()) or str(file).startswith(OWN_STREAMS)


@contextmanager
def named(wanted: Path, part: Path | None = None) -> Iterator[None]:
    """Name in an `OSError` what was to be written, where it names nothing or the part."""
    try:
        yield
    except OSError as error:
        ours = part is not None and str(error.filename).startswith(str(part))
        if error.errno is None or not (error.filename is None or ours):
            raise
        raise OSError(error.errno, error.strerror, str(wanted)) from error


def _remove_left_over(place: Path) -> None:
    """Remove what a process that was killed left of a file."""
    for part in place.parent.glob(f".{glob.escape(place.name[:LONGEST])}.????????.part"):
        with suppress(OSError):
            if time.time() - part.stat().st_mtime > LEFT_OVER:
                part.unlink()


def check_file(file: Path) -> None:
    """Raise `ValueError` where a file could not be written, before the work is done that fills it."""
    if file.is_dir():
        raise ValueError(f"{file}: is a folder; name a file in it")
    if _is_stream(file):
        _check_writable(file, file)
        return
    place = Path(os.path.realpath(file))
    if not place.parent.is_dir():
        raise ValueError(f"{file}: there is no folder {place.parent if file.is_symlink() else file.parent}")
    for there in (place, place.parent) if place.exists() else (place.parent,):
        _check_writable(file, there)


def check_folder(folder: Path) -> None:
    """Raise `ValueError` where a folder could not be made, or nothing be written into it."""
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    if not there.is_dir():
        raise ValueError(f"{folder}: {'' if there == folder.absolute() else f'{there} '}is a file; name a folder")
    _check_writable(folder, there)


def _check_writable(wanted: Path, there: Path) -> None:
    if not os.access(there, os.W_OK):
        raise ValueError(f"{wanted}: {'' if there == wanted else f'{there} '}cannot be written to")


def file_name(text: str) -> str:
    """Return a name for a file or folder, in which nothing leads to another folder."""
    name = "".join("-" if character in "/\\" or not character.isprintable() else character for character in text)
    return name if name.strip(".") else name.replace(".", "-") or "-"
