"""A folder that is there whole or not at all, and that says so: every file's digest stands in its `bundle.json`.

An altered, truncated or missing file is refused when the folder is opened. Nothing in it is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from allotment.scenario.errors import ScenarioError
from allotment.whole_file import flush, flush_all

SCHEMA = 3
ABOUT = "bundle.json"


@contextmanager
def sealed(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Hand out an empty folder and what it says of itself, both to fill; sealed, it then takes the place of `folder`."""
    recover(folder)
    part, old = _beside(folder)
    for left_over in (part, old):
        shutil.rmtree(left_over, ignore_errors=True)
    part.mkdir(parents=True)
    about: dict[str, Any] = {}
    try:
        yield part, about
        _seal(part, about)
        flush_all(part)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    _put(part, folder, old)
    shutil.rmtree(old, ignore_errors=True)


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
    """Put the former folder back where a process was killed between taking it away and putting the new one there."""
    _, old = _beside(folder)
    if old.exists() and not folder.exists():
        old.rename(folder)


def _beside(folder: Path) -> tuple[Path, Path]:
    return folder.with_name(f"{folder.name}.part"), folder.with_name(f"{folder.name}.old")


def _seal(folder: Path, about: dict[str, Any]) -> None:
    files = {str(file.relative_to(folder)): _digest(file) for file in sorted(folder.rglob("*")) if file.is_file()}
    content = {"schema": SCHEMA, **about, "files": files}
    text = json.dumps({**content, "version": version_of(content)}, indent=1)
    (folder / ABOUT).write_text(text + "\n", encoding="utf-8")


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def version_of(content: dict[str, Any]) -> str:
    """Return the short digest of what a bundle holds: equal for equal policies, whenever and wherever they were written."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def opened(folder: Path) -> dict[str, Any]:
    """Return what a sealed folder says of itself; `ScenarioError` names the first file that is not as it was written."""
    recover(folder)
    about = _json(part_of(folder, ABOUT))
    if about.get("schema") != SCHEMA:
        raise ScenarioError(f"{folder}: bundle of schema {about.get('schema')}; this version reads schema {SCHEMA}")
    if about.get("version") != version_of({key: value for key, value in about.items() if key != "version"}):
        raise ScenarioError(
            f"{folder / ABOUT}: was altered; it does not have the version {about.get('version')} that it states"
        )
    for name, digest in about["files"].items():
        if _digest(part_of(folder, name)) != digest:
            raise ScenarioError(f"{folder / name}: is not the file that was written; altered or cut off")
    return about


def part_of(folder: Path, name: str) -> Path:
    """Return a file of the folder, which must be there."""
    if not (folder / name).is_file():
        raise ScenarioError(f"{folder}: not a whole policy bundle ({name} is missing)")
    return folder / name


def is_bundle(folder: Path) -> bool:
    """Tell whether a folder holds a bundle."""
    recover(folder)
    return (folder / ABOUT).is_file()


def read_json(folder: Path, name: str) -> dict[str, Any]:
    """Return the object that a JSON file of the folder holds."""
    return _json(part_of(folder, name))


def _json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ScenarioError(f"{file}: not JSON ({error})") from None
    if not isinstance(content, dict):
        raise ScenarioError(f"{file}: must hold an object, not {type(content).__name__}")
    return content
