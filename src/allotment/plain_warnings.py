"""Warnings for people: one line each, without the line of source that gave it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def plain_warnings() -> Iterator[None]:
    """Show every warning as one line, `warning: …`."""
    before = warnings.formatwarning
    warnings.formatwarning = _one_line
    try:
        yield
    finally:
        warnings.formatwarning = before


def _one_line(message: object, category: object, filename: object, lineno: object, line: object = None) -> str:
    return f"warning: {' '.join(str(message).split())}\n"
