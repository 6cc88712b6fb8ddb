"""Files that are there whole or not at all: written beside their place, then put there in one step; and their names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def whole_file(file: Path) -> Iterator[Path]:
    """Hand out a path beside `file`; what was written there takes the place of `file` at the end, on the disk.

    A link is followed. What is no plain file (a pipe, a device) is written into, and never replaced. An `OSError` names `file`.
    """
    place = Path(os.path.realpath(file))
    special = place.exists() and not place.is_file()
    part = place if special else place.with_name(f"{place.name}.part")
    try:
        yield part
        if not special:
            keep(part)
            part.replace(place)
    except BaseException as error:
        if not special:
            with suppress(OSError):
                part.unlink()
        if isinstance(error, OSError) and error.filename in (None, str(part)):
            error.filename, error.filename2 = str(file), None
        raise
    keep(place.parent)


def keep(path: Path) -> None:
    """Wait until what a file or a folder holds is on the disk, and would be there after a loss of power."""
    if os.name == "nt" and path.is_dir():  # which has no such thing for folders
        return
    with _opened(path) as number:
        os.fsync(number)


def keep_all(folder: Path) -> None:
    """Wait until everything below a folder is on the disk."""
    for below in (*folder.rglob("*"), folder):
        keep(below)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    number = os.open(path, os.O_RDONLY)
    try:
        yield number
    finally:
        os.close(number)


def write_whole(file: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    with whole_file(file) as part:
        part.write_text(text, encoding="utf-8")


def check_file(file: Path) -> None:
    """Raise `ValueError` where a file could not be written, before the work is done that fills it."""
    if file.is_dir():
        raise ValueError(f"{file}: is a folder; name a file in it")
    if not file.absolute().parent.is_dir():
        raise ValueError(f"{file}: there is no folder {file.parent}")
    _check_writable(file, file.absolute().parent if file.is_file() or not file.exists() else file)


def check_folder(folder: Path) -> None:
    """Raise `ValueError` where a folder could not be made, or nothing be written into it."""
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    if not there.is_dir():
        raise ValueError(f"{folder}: {'' if there == folder.absolute() else f'{there} '}is a file; name a folder")
    _check_writable(folder, there)


def _check_writable(wanted: Path, folder: Path) -> None:
    if not os.access(folder, os.W_OK):
        raise ValueError(f"{wanted}: {folder} cannot be written to")


def file_name(text: str) -> str:
    """Return a name for a file or folder, in which nothing leads to another folder."""
    name = "".join("-" if character in "/\\" or not character.isprintable() else character for character in text)
    return name if name.strip(".") else name.replace(".", "-") or "-"
