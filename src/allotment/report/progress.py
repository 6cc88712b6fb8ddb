"""What a command says while it works: bars in a terminal, plain lines where its output goes elsewhere, or nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Show = Callable[[str, int, int, float | None], None]  # what is done, how much, of how much, latest score
PARTS = 10  # lines about one thing


@contextmanager
def shown(quiet: bool) -> Iterator[Show]:
    """Hand out what shows progress on standard error."""
    if quiet:
        yield lambda *news: None
    elif sys.stdout.isatty() and sys.stderr.isatty():
        with _bars() as show:
            yield show
    else:
        yield lines(lambda line: print(line, file=sys.stderr, flush=True))


def lines(write: Callable[[str], Any]) -> Show:
    """Return what writes a line when something begins, about ten on the way, and one when it is done."""
    told: dict[str, int] = {}

    def show(what: str, done: int, of: int, score: float | None) -> None:
        part = min(done, of) * PARTS // max(of, 1)
        if part > told.get(what, -1):
            told[what] = part
            write(f"{what}: {done:,} of {of:,}{_score(score)}")

    return show


@contextmanager
def _bars() -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:3.0f} %"))
    times = (TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.fields[score]}"))
    tasks: dict[str, Any] = {}
    with Progress(*columns, *times, console=Console(stderr=True)) as bars:

        def show(what: str, done: int, of: int, score: float | None) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, score="")
            bars.update(tasks[what], completed=min(done, of), total=of, score=_score(score).removeprefix(", "))

        yield show


def for_each_job(show: Show) -> Callable[[str, str, int, int, float | None], None]:
    """Return what shows the progress of jobs, each thing that a job does by itself."""
    return lambda job, what, done, of, score: show(what if job in what else f"{job}: {what}", done, of, score)


def _score(score: float | None) -> str:
    return "" if score is None else f", score {score:,.4g}"
