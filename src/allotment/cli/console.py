"""What a command prints while it works and in the end: progress, tables, and what an interrupt leaves."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from allotment.report.cells import Cells
    from allotment.report.progress import Show

INTERRUPTED = 130  # the exit code of an interrupt


def console() -> Console:
    """Return a console on which the tables fit: at least 120 columns, whatever the terminal says of itself."""
    from rich.console import Console

    return Console(width=max(Console().width, 120))


def print_tables(tables: Sequence[Cells]) -> None:
    """Print tables, each with its note below."""
    from allotment.report.tables import to_terminal

    for cells in tables:
        console().print(to_terminal(cells), *([""] if cells.note else []))


@contextmanager
def working(quiet: bool, imports: list[str] | None = None) -> Iterator[Show]:
    """Hand out what shows progress; an interrupt says what is kept, and how to go on with it."""
    from allotment.report.progress import shown

    try:
        with shown(quiet) as show:
            yield show
    except KeyboardInterrupt as interrupt:
        typer.echo(_what_is_kept(interrupt, imports or []), err=True)
        raise typer.Exit(INTERRUPTED) from None


def _what_is_kept(interrupt: KeyboardInterrupt, imports: list[str]) -> str:
    if not hasattr(interrupt, "run"):
        return "interrupted; what was finished is kept"
    if interrupt.run is None:
        return "interrupted before there was a policy; nothing is kept"
    again = ["allotment", "train", "--resume", str(interrupt.run), *(part for file in imports for part in ("--import", file))]
    return f"interrupted; {interrupt.run} holds the best policy so far; go on with: {shlex.join(again)}"
