"""Names that others chose, and links in their folders: nothing in a folder of somebody else leads out of it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator

from allotment.scenario.errors import ScenarioError, shown

LONGEST_NAME = 100  # characters, and twice as many bytes: with a seed behind it, a folder may still go by it
CELL = re.compile(r"(^|[;\t\r\n])(?=\s*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20])")  # where a formula may begin
FOLDER_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")


def fault_of_name(name: str) -> str | None:
    """Return what is wrong with a name that is shown, and none where it may be any text of one line."""
    if not name.strip():
        return "must not be empty"
    if not name.isprintable():
        return f"must be of signs that can be printed, on one line, not {name[:LONGEST_NAME]!a}"
    if len(name) > LONGEST_NAME or len(name.encode()) > 2 * LONGEST_NAME:
        return f"must have at most {LONGEST_NAME} characters and {2 * LONGEST_NAME} bytes, not {shown(name)}"
    return None


def _shown_name(name: str) -> str:
    fault = fault_of_name(name)
    if fault:
        raise ValueError(fault)
    return name


def _folder_name(name: str) -> str:
    if not FOLDER_NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise ValueError(
            f"must be at most {LONGEST_NAME} letters (a-z), digits, hyphens, underscores and points, the first no point, "
            f"not {name[: LONGEST_NAME + 1]!a}"
        )
    return name


ShownName = Annotated[str, AfterValidator(_shown_name)]  # of a policy, in tables
FolderName = Annotated[str, AfterValidator(_folder_name)]  # of a run or a study, by which its folder goes


def checked_name(name: Any, where: str) -> str:
    """Return a name that folders may go by; `ScenarioError` says what is allowed."""
    try:
        return _folder_name(name)
    except TypeError:
        raise ScenarioError(f"{where} must be text, not {shown(name)}") from None
    except ValueError as error:
        raise ScenarioError(f"{where} {error}") from None


def is_inside(name: str) -> bool:
    """Tell whether a text names a file inside of a folder, `part/file.json`, and none elsewhere."""
    parts = name.split("/")
    return name.isprintable() and "\\" not in name and ":" not in name and not {"", ".", ".."} & set(parts)


def no_formula(value: object) -> object:
    """Return a value of which a spreadsheet runs nothing: an apostrophe stands before what begins like a formula.

    That is also so behind a sign that parts cells where a list is separated by something else than commas.
    """
    return CELL.sub(r"\1'", value) if isinstance(value, str) else value


def check_links(folder: Path) -> None:
    """Raise `ScenarioError` where something in a folder is a link: what is read or written through it lies elsewhere."""
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            if Path(parent, name).is_symlink():
                place = Path(parent, name).relative_to(folder)
                raise ScenarioError(f"{folder}: {shown(str(place))} is a link; put what it leads to in its place")
