"""What makes a policy of a config: tuning, training, and whatever else fits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from allotment.evaluation.place import Place
from allotment.runs.run_folder import RunFolder

Progress = Callable[[str, int, int, float | None], None]  # what is done, how much, of how much, latest score


class Fitter(Protocol):
    """Makes policies of one kind of config."""

    def check(self, place: Place, config: dict[str, Any], name: str) -> None:
        """Raise `ScenarioError` where a config says what this cannot make in a place; `name` stands for the config's file."""
        ...

    def bound_to_length(self, config: dict[str, Any]) -> list[str]:
        """Return what in a config depends on how long a training is in all, so that a longer one is not the same so far."""
        ...

    def fit(self, place: Place, config: dict[str, Any], run: RunFolder, progress: Progress | None = None) -> Any:
        """Make the policy of a config in a place, fill the run folder, and return the policy.

        What was interrupted in this folder goes on from where it stood.
        """
        ...
