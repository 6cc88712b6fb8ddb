"""Files that are there whole or not at all: written beside their place, then put there in one step."""

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
