"""What `allotment plan` shows and writes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from allotment.planning.display import tables
from allotment.planning.files import check_format, write_tables
from allotment.planning.outcome import Plan
from allotment.scenario.errors import ScenarioError
from allotment.whole_file import write_whole

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class Outputs:
    """Where a plan goes; None for what is not wanted."""

    tables: Path | None
    json: Path | None
    figure: Path | None

    def check(self) -> None:
        """Refuse a file that could not be written, before the work is done: `ScenarioError`."""
        for option, path in (("out", self.tables), ("json", self.json), ("figure", self.figure)):
            if path is None:
                continue
            is_folder = option == "out" and not path.suffix
            if path.is_dir() and not is_folder:
                raise ScenarioError(f"--{option} {path}: is a folder; name a file in it")
            if is_folder and path.exists() and not path.is_dir():
                raise ScenarioError(f"--{option} {path}: is a file; name a folder, or a file .xlsx or .csv")
            there = next(folder for folder in ([path] if is_folder else []) + [*path.absolute().parents] if folder.exists())
            if not there.is_dir() or (not is_folder and there != path.absolute().parent):
                raise ScenarioError(f"--{option} {path}: there is no folder {path.parent}")
            if not os.access(there, os.W_OK):
                raise ScenarioError(f"--{option} {path}: {there} cannot be written to")
        if self.tables:
            check_format(self.tables)
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
