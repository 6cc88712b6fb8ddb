"""What a command prints, and how it ends: an error is one line, and printed results may be lost, but nothing else with them."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def told(error: BaseException) -> str:
    """Return an error in words; of the system's own, what it is about and what is wrong."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{os.fsdecode(error.filename)}: {error.strerror[0].lower()}{error.strerror[1:]}"
    return str(error)


@contextmanager
def lasting_output() -> Iterator[None]:
    """Let a command do its work to the end where nobody takes what it prints.

    Who reads it may stop to (`| head`). Where the output cannot be written for another reason, the `OSError` is raised at
    the end.
    """
    usual = sys.__stdout__
    if usual is None or sys.stdout is not usual:  # somebody else's
        yield
        return
    usual.flush()
    output = _Lasting(usual.fileno())
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(output), usual.encoding, usual.errors, newline=None, line_buffering=usual.line_buffering
    )
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stdout = usual
        _tell(output.failure)


def _tell(failure: OSError | None) -> None:
    """Raise that the output could not be written, unless somebody stopped to read it or another error is on its way."""
    if failure is not None and failure.errno != errno.EPIPE and not isinstance(sys.exception(), Exception):
        raise OSError(failure.errno, failure.strerror, "standard output")


class _Lasting(io.FileIO):
    """The standard output, which from the first failure on takes everything and writes nothing."""

    def __init__(self, number: int) -> None:
        super().__init__(number, "w", closefd=False)
        self.failure: OSError | None = None

    def write(self, content: Any) -> int:
        """Write bytes; returns how many were taken."""
        if self.failure is None:
            try:
                return super().write(content) or 0
            except BlockingIOError:
                raise
            except OSError as failure:
                self.failure = failure
        return len(content)
