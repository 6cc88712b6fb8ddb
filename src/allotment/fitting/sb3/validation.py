"""Evaluation during training: the policy as it stands, on validation worlds, under the names of the final evaluation."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from allotment.evaluation.testing import mean_measures
from allotment.runs.run_folder import Validated, validated
from allotment.whole_file import whole_file

Steps = Callable[[int, int, float | None], None]  # environment steps done, in all, latest validation score
SECONDS_BETWEEN_REPORTS = 0.2
POINTS = 10  # of a learning curve, unless a config says how far apart they are


class Validation(BaseCallback):
    """Measures the policy at the first end of a rollout behind every multiple of so many environment steps, and at the end.

    Keeps the best policy and the learning curve.
    """

    def __init__(
        self,
        measure: Callable[[Any], pd.DataFrame],
        current: Callable[[Any], Any],
        keep: Callable[[Any], None],
        write: Callable[[Mapping[str, float], int], None],
        every: int,
        progress: Steps | None,
    ) -> None:
        super().__init__()
        self.measured, self.current, self.keep, self.write_measures = measure, current, keep, write
        self.every, self.progress = every, progress
        self.curve: list[dict[str, float]] = []
        self.best: Validated | None = None
        self.reported_at = 0.0

    def progress_so_far(self) -> dict[str, Any]:
        """Return what a resumed training needs to measure on as before."""
        measures = list(self.curve[0])
        curve = np.array([[row[name] for name in measures] for row in self.curve], dtype=np.float64)
        return {"measures": measures, "curve": curve, "best": self.best}

    def go_on(self, progress: dict[str, Any]) -> None:
        """Take up the learning curve of an interrupted training."""
        self.curve = [dict(zip(progress["measures"], row, strict=True)) for row in progress["curve"].tolist()]
        self.best = progress["best"]

    def _on_training_start(self) -> None:
        if not self.curve:
            self.measure()
        self.report()

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        if self.num_timesteps // self.every > self.curve[-1]["steps"] // self.every:
            self.measure()
        if time.monotonic() - self.reported_at > SECONDS_BETWEEN_REPORTS:
            self.report()

    def _on_training_end(self) -> None:
        if self.curve[-1]["steps"] < self.num_timesteps:
            self.measure()
        self.report()

    def measure(self) -> None:
        """Evaluate now, log it, and keep the policy if it is the best so far."""
        policy = self.current(self.model)
        rows = self.measured(policy)
        measures = mean_measures(rows)
        self.write_measures(measures, self.num_timesteps)
        self.curve.append({"steps": float(self.num_timesteps), **measures})
        if self.best is None or measures["score"] > self.best["score"]:
            self.best = {**validated(rows), "steps": self.num_timesteps}
            self.keep(policy)

    def report(self) -> None:
        """Tell how far training has come."""
        self.reported_at = time.monotonic()
        if self.progress:
            self.progress(self.num_timesteps, self.model._total_timesteps, self.curve[-1]["score"])

    def write(self, file: Path) -> None:
        """Write the learning curve, one row a measurement."""
        with whole_file(file) as part:
            pd.DataFrame(self.curve).to_parquet(part)


def spacing(steps: int, model: BaseAlgorithm) -> int:
    """Return the environment steps between the points of a learning curve: about ten points, whole rollouts apart."""
    rollout = _rollout(model)
    return max(1, round(steps / POINTS / rollout)) * rollout


def _rollout(model: Any) -> int:
    """Return the environment steps of a rollout; of one that lasts as long as an episode, one a world."""
    if isinstance(model, OnPolicyAlgorithm):
        return model.n_steps * model.n_envs
    frequency: Any = getattr(model, "train_freq", None)
    by_step = frequency is not None and frequency.unit.value == "step"
    return int(model.n_envs) * (int(frequency.frequency) if by_step else 1)
