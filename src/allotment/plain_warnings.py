"""Warnings for people: one line each, without the line of source that gave it, and no traceback of what is told elsewhere."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def plain_warnings() -> Iterator[None]:
    """Show every warning as one line, `warning: …`; what TensorBoard's threads cannot write is raised where they are used."""
    before = warnings.formatwarning, threading.excepthook
    warnings.formatwarning, threading.excepthook = _one_line, _unless_raised_elsewhere
    try:
        yield
    finally:
        warnings.formatwarning, threading.excepthook = before


def _one_line(message: object, category: object, filename: object, lineno: object, line: object = None) -> str:
    return f"warning: {' '.join(str(message).split())}\n"


def _unless_raised_elsewhere(failed: threading.ExceptHookArgs) -> None:
    """Show what ended a thread, but not that a log could not be written."""
    if not (isinstance(failed.exc_value, OSError) and type(failed.thread).__module__.startswith("tensorboard.")):
        threading.__excepthook__(failed)
