"""Evaluation during training: the policy as it stands, on validation worlds, under the names of the final evaluation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from stable_baselines3.common.callbacks import BaseCallback
from torch.utils.tensorboard import SummaryWriter

from allotment.evaluation.testing import evaluate, mean_measures
from allotment.policies.learned import LearnedPolicy
from allotment.report.tensorboard import write_scores
from allotment.scenario.loader import World

Progress = Callable[[int, int, float | None], None]  # environment steps done, in all, latest validation score


class Validation(BaseCallback):
    """Measures the policy every so many environment steps, keeps the best one and the learning curve."""

    def __init__(
        self,
        world: World,
        current: Callable[[Any], LearnedPolicy],
        keep: Callable[[LearnedPolicy], None],
        folder: Path,
        seed: int,
        every: int,
        episodes: int,
        progress: Progress | None,
    ) -> None:
        super().__init__()
        self.world, self.current, self.keep = world, current, keep
        self.seed, self.every, self.episodes, self.progress = seed, every, episodes, progress
        self.writer = SummaryWriter(str(folder))
        self.curve: list[dict[str, float]] = []
        self.best = float("-inf")

    def _on_training_start(self) -> None:
        self.measure()
        self.report()

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        if self.num_timesteps - self.curve[-1]["steps"] >= self.every:
            self.measure()
        self.report()

    def measure(self) -> None:
        """Evaluate now, log it, and keep the policy if it is the best so far."""
        policy = self.current(self.model)
        episodes = evaluate(policy, self.world, self.episodes, self.seed, purpose="validate").episodes
        measures = mean_measures(episodes)
        write_scores(self.writer, measures, self.num_timesteps)
        self.curve.append({"steps": float(self.num_timesteps), **measures})
        if measures["score"] > self.best:
            self.best = measures["score"]
            self.keep(policy)

    def report(self) -> None:
        """Tell how far training has come."""
        if self.progress:
            self.progress(self.num_timesteps, self.model._total_timesteps, self.curve[-1]["score"])

    def finish(self, file: Path) -> None:
        """Measure the policy as training leaves it and write the learning curve, one row a measurement."""
        if self.curve[-1]["steps"] < self.num_timesteps:
            self.measure()
        self.writer.close()
        pd.DataFrame(self.curve).to_parquet(file)
