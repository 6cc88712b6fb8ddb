"""What `allotment plan` shows and writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from allotment.planning.display import tables
from allotment.planning.files import check_format, write_tables
from allotment.planning.outcome import Plan
from allotment.whole_file import check_file, check_folder, write_whole

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class Outputs:
    """Where a plan goes; None for what is not wanted."""

    tables: Path | None
    json: Path | None
    figure: Path | None

    def check(self) -> None:
        """Refuse what could not be written, before the work is done: `ValueError`."""
        for file in filter(None, (self.json, self.figure)):
            check_file(file)
        if self.tables:
            check_format(self.tables)
            (check_file if self.tables.suffix else check_folder)(self.tables)
        if self.figure:
            from allotment.planning.figure import check_picture

            check_picture(self.figure)


def show(plan: Plan, console: Console) -> None:
    """Print a plan."""
    for thing in tables(plan):
        console.print(thing, highlight=False, markup=False, soft_wrap=isinstance(thing, str))


def write(plan: Plan, outputs: Outputs) -> Iterator[str]:
    """Write a plan where it is wanted; yields a line for each file."""
    if outputs.tables:
        write_tables(plan, outputs.tables)
        yield f"tables: {outputs.tables}"
    if outputs.json:
        write_whole(outputs.json, json.dumps(plan.to_dict(), indent=1, allow_nan=False) + "\n")
        yield f"plan:   {outputs.json}"
    if outputs.figure:
        from allotment.planning.figure import save

        save(plan, outputs.figure)
        yield f"figure: {outputs.figure}"
