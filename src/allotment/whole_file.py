"""Files that are there whole or not at all: written beside their place, then put there in one step; and their names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(file: Path) -> Iterator[Path]:
    """Hand out a path beside `file`; what was written there takes the place of `file` at the end, on the disk."""
    part = file.with_name(f"{file.name}.part")
    yield part
    with part.open("rb") as written:
        os.fsync(written.fileno())
    part.replace(file)


def write_whole(file: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    with whole_file(file) as part:
        part.write_text(text, encoding="utf-8")


def file_name(text: str) -> str:
    """Return a name for a file or folder, in which nothing leads to another folder."""
    name = "".join("-" if character in "/\\" or not character.isprintable() else character for character in text)
    return name if name.strip(".") else name.replace(".", "-") or "-"
