"""A folder that is there whole or not at all, and that says so: every file's digest stands in its `bundle.json`.

An altered, truncated or missing file is refused when the folder is opened, and so are links, and names that lead elsewhere.
Nothing in it is ever unpickled. While a folder is replaced, two others lie beside it, `.NAME.writing` and `.NAME.former`.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from allotment.names import check_links, is_inside
from allotment.policies.json_file import read_json
from allotment.scenario.errors import ScenarioError, shown
from allotment.whole_file import flush, flush_all

SCHEMA = 3
ABOUT = "bundle.json"
UNFINISHED = "unfinished"  # a file in a folder that is being written
MOST_FILES, LARGEST_FILE = 1_000, 2**32  # of a bundle, and its bytes
DIGEST = re.compile(r"[0-9a-f]{64}")


@contextmanager
def sealed(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Hand out an empty folder and what it says of itself, both to fill; sealed, it then takes the place of `folder`."""
    recover(folder)
    part, old = _beside(folder)
    for left_over in (part, old):
        _clear(left_over)
    part.mkdir(parents=True)
    (part / UNFINISHED).touch()
    about: dict[str, Any] = {}
    try:
        yield part, about
        _seal(part, about)
        (part / UNFINISHED).unlink()
        flush_all(part)
    except BaseException:
        _remove(part)
        raise
    _put(part, folder, old)
    _remove(old)


def _put(part: Path, folder: Path, old: Path) -> None:
    """Put a folder in the place of another, on the disk."""
    while part.exists():
        if folder.exists():
            folder.rename(old)
        try:
            part.rename(folder)
        except OSError:
            if not folder.exists():  # else a reader has put the former one back meanwhile
                raise
    flush(folder.parent)


def recover(folder: Path) -> None:
    """Put the former folder back where a process was killed between taking it away and putting the new one there.

    Only a sealed folder is put back, by the name that is given to one that is being replaced: no folder of a user's is.
    """
    _, old = _beside(folder)
    whole = (old / ABOUT).is_file() and not (old / UNFINISHED).exists()
    if whole and not old.is_symlink() and not folder.exists():
        with suppress(ScenarioError):
            _envelope(old)
            old.rename(folder)


def _beside(folder: Path) -> tuple[Path, Path]:
    """Return where a folder is written, and where its former one goes."""
    name = folder.name or folder.resolve().name
    return folder.with_name(f".{name}.writing"), folder.with_name(f".{name}.former")


def _clear(left_over: Path) -> None:
    """Remove what a killed process left; `ScenarioError` where a folder of that name is none of those that are written here."""
    own = any((left_over / mark).is_file() for mark in (UNFINISHED, ABOUT)) or not left_over.exists()
    empty = left_over.is_dir() and not any(left_over.iterdir())
    if left_over.is_symlink() or not (own or empty):
        raise ScenarioError(f"{left_over}: is in the way; remove it")
    _remove(left_over)


def _remove(folder: Path) -> None:
    """Remove a folder that was written here: its mark last, so that what a process killed meanwhile leaves is known again."""
    with suppress(OSError):
        (folder / UNFINISHED).touch()
        for entry in folder.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            elif entry.name != UNFINISHED:
                entry.unlink()
    shutil.rmtree(folder, ignore_errors=True)


def _seal(folder: Path, about: dict[str, Any]) -> None:
    written = [file for file in sorted(folder.rglob("*")) if file.is_file() and file.name != UNFINISHED]
    files = {file.relative_to(folder).as_posix(): _digest(file) for file in written}
    content = {"schema": SCHEMA, **about, "files": files}
    text = json.dumps({**content, "version": version_of(content)}, indent=1)
    (folder / ABOUT).write_text(text + "\n", encoding="utf-8")


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def version_of(content: dict[str, Any]) -> str:
    """Return the short digest of what a bundle holds: equal for equal policies, whenever and wherever they were written."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def opened(folder: Path) -> dict[str, Any]:
    """Return what a sealed folder says of itself; `ScenarioError` names the first file that is not as it was written."""
    recover(folder)
    about = _envelope(folder)
    check_links(folder)
    for name, digest in about["files"].items():
        if part_of(folder, name).stat().st_size > LARGEST_FILE or _digest(folder / name) != digest:
            raise ScenarioError(f"{folder / name}: is not the file that was written; altered or cut off")
    return about


def _envelope(folder: Path) -> dict[str, Any]:
    """Return what a folder says of itself, and says rightly: of this schema, with a digest of each file inside of it."""
    about = read_json(part_of(folder, ABOUT))
    if about.get("schema") != SCHEMA:
        raise ScenarioError(f"{folder}: bundle of schema {shown(about.get('schema'))}; this version reads schema {SCHEMA}")
    if about.get("version") != version_of({key: value for key, value in about.items() if key != "version"}):
        stated = shown(about.get("version"))
        raise ScenarioError(f"{folder / ABOUT}: was altered; it does not have the version {stated} that it states")
    files = about.get("files")
    if not isinstance(files, dict) or len(files) > MOST_FILES:
        raise ScenarioError(f"{folder / ABOUT}: files must be a mapping of at most {MOST_FILES} names, not {shown(files)}")
    for name, digest in files.items():
        if not is_inside(name):
            raise ScenarioError(f"{folder / ABOUT}: files: {name[:100]!a} is no name of a file in the bundle")
        if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
            raise ScenarioError(f"{folder / ABOUT}: files: {name} must have a digest of 64 signs, not {shown(digest)}")
    return about


def part_of(folder: Path, name: str, about: dict[str, Any] | None = None) -> Path:
    """Return a file of the folder, which must be there, and sealed by what the folder says of itself."""
    try:
        there = (folder / name).is_file()
    except (OSError, ValueError):  # a name that no file can have
        there = False
    if not there or (about is not None and name not in about["files"]):
        raise ScenarioError(f"{folder}: not a whole policy bundle ({name} is missing)")
    return folder / name


def standing(folder: Path) -> tuple[int, int] | None:
    """Return what tells a folder from the one that takes its place; none where there is none."""
    try:
        status = (folder / ABOUT).stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


def is_bundle(folder: Path) -> bool:
    """Tell whether a folder holds a bundle."""
    recover(folder)
    return (folder / ABOUT).is_file()
