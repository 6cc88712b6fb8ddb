"""Checkpoints: everything a training needs to go on as if nothing had happened, in one file that is whole or not there.

A training is put on disk between two rollouts, where nothing is half done: weights and optimisers, counters, the state of
every environment, normalisation statistics, the replay buffer, the random generators and the learning curve. The file holds
arrays and plain values and runs nothing when it is read; the state of another package's environments is sealed by the user's
own key.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback

from allotment.fitting.sb3.training_state import captured, restore, set_generators
from allotment.fitting.sb3.tree_file import Kept, TreeError, TreeFile, check_array, write_tree
from allotment.runs.run_folder import RunFolder
from allotment.scenario.errors import ScenarioError
from allotment.whole_file import whole_file

LARGEST_CURVE = 2**24  # numbers of a learning curve
POINT = (float, int, float)  # value, step and time of a series


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
    try:
        with TreeFile(run.checkpoint) as kept:
            _check_progress(kept.tree)
            restore(model, kept)
            progress, generators = kept.loaded(kept.tree["progress"]), kept.loaded(kept.tree["generators"])
    except (ValueError, OverflowError, RuntimeError, OSError) as error:
        told = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ScenarioError(
            f"{run.checkpoint}: {told.removeprefix(f'{run.checkpoint}: ')}; "
            f"remove {run.checkpoints} to train again from the start"
        ) from None
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


def _check_progress(content: Any) -> None:
    """Raise `TreeError` where a file does not say how far a training came."""
    found = content.get("progress") if isinstance(content, dict) else None
    if not isinstance(found, dict) or found.keys() != {"measures", "curve", "best", "series"}:
        raise TreeError("progress must hold measures, curve, best and series")
    measures, best, series = found["measures"], found["best"], found["series"]
    if not (_are(measures, list, str) and {"steps", "score"} <= set(measures) and len(set(measures)) == len(measures)):
        raise TreeError("progress/measures must be names, steps and score among them")
    rows = found["curve"].shape[0] if isinstance(found["curve"], Kept) and found["curve"].shape else 0
    most = LARGEST_CURVE // len(measures)
    check_array(found["curve"], "array", "float64", (min(max(rows, 1), most), len(measures)), "progress/curve")
    if not (
        isinstance(best, dict) and _are([*best], list, str) and _are([*best.values()], list, int, float) and "score" in best
    ):
        raise TreeError("progress/best must be numbers by name, score among them")
    if not (isinstance(series, dict) and _are([*series], list, str) and all(map(_is_held, series.values()))):
        raise TreeError("progress/series must be the first and last point of each series, or none")


def _are(values: Any, kind: Any, *types: type) -> bool:
    return type(values) is kind and all(type(each) in types for each in values)


def _is_held(value: Any) -> bool:
    """Tell whether a value is the first and the last point of a series, or none."""
    return value is None or (type(value) is tuple and len(value) == 2 and all(map(_is_point, value)))


def _is_point(value: Any) -> bool:
    if type(value) is not tuple or tuple(map(type, value)) != POINT:
        return False
    return bool(0 <= value[1] < 2**62 and math.isfinite(value[2]))
