"""The file that a training goes on from, as every trainer reads it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from allotment.fitting.tree_file import TreeFile
from allotment.runs.run_folder import RunFolder
from allotment.scenario.errors import ScenarioError


@contextmanager
def opened_checkpoint(run: RunFolder) -> Iterator[TreeFile]:
    """Hand out a run's checkpoint; `ScenarioError` says what is wrong with it, and how to begin again."""
    try:
        with TreeFile(run.checkpoint) as kept:
            yield kept
    except (ValueError, OverflowError, RuntimeError, OSError) as error:
        told = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ScenarioError(
            f"{run.checkpoint}: {told.removeprefix(f'{run.checkpoint}: ')}; "
            f"remove {run.checkpoints} to train again from the start"
        ) from None
