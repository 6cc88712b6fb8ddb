"""Evaluation during training: the policy as it stands, on validation worlds, under the names of the final evaluation."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from stable_baselines3.common.callbacks import BaseCallback
from torch.utils.tensorboard import SummaryWriter

from allotment.evaluation.testing import mean_measures
from allotment.runs.tensorboard import write_scores
from allotment.whole_file import whole_file

Steps = Callable[[int, int, float | None], None]  # environment steps done, in all, latest validation score
SECONDS_BETWEEN_REPORTS = 0.2


class Validation(BaseCallback):
    """Measures the policy every so many environment steps, keeps the best one and the learning curve."""

    def __init__(
        self,
        measure: Callable[[Any], pd.DataFrame],
        current: Callable[[Any], Any],
        keep: Callable[[Any], None],
        writer: SummaryWriter,
        every: int,
        progress: Steps | None,
    ) -> None:
        super().__init__()
        self.measured, self.current, self.keep, self.writer = measure, current, keep, writer
        self.every, self.progress = every, progress
        self.curve: list[dict[str, float]] = []
        self.best = float("-inf")
        self.reported_at = 0.0

    def progress_so_far(self) -> dict[str, Any]:
        """Return what a resumed training needs to measure on as before."""
        return {"curve": list(self.curve), "best": self.best}

    def go_on(self, progress: dict[str, Any]) -> None:
        """Take up the learning curve of an interrupted training."""
        self.curve, self.best = list(progress["curve"]), progress["best"]

    def _on_training_start(self) -> None:
        if not self.curve:
            self.measure()
        self.report()

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        if self.num_timesteps - self.curve[-1]["steps"] >= self.every:
            self.measure()
        if time.monotonic() - self.reported_at > SECONDS_BETWEEN_REPORTS:
            self.report()

    def measure(self) -> None:
        """Evaluate now, log it, and keep the policy if it is the best so far."""
        policy = self.current(self.model)
        measures = mean_measures(self.measured(policy))
        write_scores(self.writer, measures, self.num_timesteps)
        self.curve.append({"steps": float(self.num_timesteps), **measures})
        if measures["score"] > self.best:
            self.best = measures["score"]
            self.keep(policy)

    def report(self) -> None:
        """Tell how far training has come."""
        self.reported_at = time.monotonic()
        if self.progress:
            self.progress(self.num_timesteps, self.model._total_timesteps, self.curve[-1]["score"])

    def finish(self) -> None:
        """Measure the policy as training leaves it."""
        if self.curve[-1]["steps"] < self.num_timesteps:
            self.measure()

    def write(self, file: Path) -> None:
        """Write the learning curve, one row a measurement."""
        with whole_file(file) as part:
            pd.DataFrame(self.curve).to_parquet(part)
