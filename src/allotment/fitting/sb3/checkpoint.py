"""Checkpoints: everything a training needs to go on as if nothing had happened, in one file that is whole or not there.

A training is put on disk between two rollouts, where nothing is half done: weights and optimisers, counters, the state of
every environment, normalisation statistics, the replay buffer, the random generators and the learning curve. The file holds
arrays and plain values and runs nothing when it is read; the state of another package's environments is sealed by the user's
own key.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback

from allotment.fitting.checkpoint_file import opened_checkpoint
from allotment.fitting.learning_curve import check_progress
from allotment.fitting.sb3.training_state import captured, restore, set_generators
from allotment.fitting.tree_file import TreeError, write_tree
from allotment.runs.run_folder import RunFolder
from allotment.whole_file import whole_file


@dataclass(frozen=True)
class Resumed:
    """What an interrupted training goes on with, beside what its algorithm and its environments took over."""

    steps: int  # environment steps done
    progress: dict[str, Any]
    generators: dict[str, Any]


def resumed(model: BaseAlgorithm, run: RunFolder) -> Resumed | None:
    """Put a training that was just built into the state that a run's checkpoint holds; returns none where there is none.

    `ScenarioError` where the checkpoint is damaged, or of another training, or not to be trusted.
    """
    if not run.checkpoint.is_file():
        return None
    with opened_checkpoint(run) as kept:
        check_progress(kept.tree)
        restore(model, kept)
        progress, generators = kept.loaded(kept.tree["progress"]), kept.loaded(kept.tree["generators"])
    return Resumed(model.num_timesteps, progress, generators)


class Checkpoints(BaseCallback):
    """Writes the checkpoint every so many steps and at the end; in a resumed training it first sets the generators."""

    def __init__(self, run: RunFolder, every: int, progress: Callable[[], Any], start: Resumed | None) -> None:
        super().__init__()
        self.run, self.every, self.progress, self.start = run, every, progress, start
        self.written_at = -every if start is None else start.steps
        self.possible = True

    def _on_step(self) -> bool:
        return True

    def _on_rollout_start(self) -> None:
        if self.start is not None:
            set_generators(self.model, self.start.generators)
            self.start = None
        elif self.possible and self.num_timesteps - self.written_at >= self.every:
            self._write()

    def _on_training_end(self) -> None:
        if self.possible and self.start is None:
            self._write()  # for a training that is to be longer after all

    def _write(self) -> None:
        try:
            content = {**captured(self.model), "progress": self.progress()}
        except Exception as error:  # an environment of another package that cannot be pickled, for whatever reason
            self._tell(error)
            return
        self.run.checkpoints.mkdir(exist_ok=True)
        try:
            with whole_file(self.run.checkpoint) as part:
                write_tree(content, part)
        except TreeError as error:
            self._tell(error)
        self.written_at = self.num_timesteps

    def _tell(self, error: Exception) -> None:
        self.possible = False
        warnings.warn(f"training cannot be resumed once interrupted: its state cannot be kept ({error})", stacklevel=3)
