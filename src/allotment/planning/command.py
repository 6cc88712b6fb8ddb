"""What `allotment plan` shows and writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from allotment.planning.display import tables
from allotment.planning.outcome import Plan

if TYPE_CHECKING:
    from rich.console import Console


def show(plan: Plan, console: Console) -> None:
    """Print a plan."""
    for thing in tables(plan):
        console.print(thing, highlight=False, markup=False, soft_wrap=isinstance(thing, str))


def write(plan: Plan, json_file: Path | None, figure_file: Path | None) -> Iterator[str]:
    """Write a plan as JSON and as a figure, to files where they are named; yields a line for each."""
    if json_file:
        json_file.write_text(json.dumps(plan.to_dict(), indent=1, allow_nan=False) + "\n", encoding="utf-8")
        yield f"plan:   {json_file}"
    if figure_file:
        from allotment.planning.figure import save

        save(plan, figure_file)
        yield f"figure: {figure_file}"
