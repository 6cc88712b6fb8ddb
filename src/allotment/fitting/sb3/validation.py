"""Evaluation during training by Stable-Baselines3: when the learning curve gets its points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from allotment.fitting.learning_curve import LearningCurve

POINTS = 10  # of a learning curve, unless a config says how far apart they are


class Validation(BaseCallback):
    """Measures the policy at the first end of a rollout behind every multiple of so many environment steps, and at the end.

    Ends the training after `patience` measurements in a row without a better score.
    """

    def __init__(self, curve: LearningCurve, current: Callable[[Any], Any], every: int, patience: int | None = None) -> None:
        super().__init__()
        self.curve, self.current, self.every, self.patience = curve, current, every, patience

    def _on_training_start(self) -> None:
        if not self.curve.points:
            self.measure()
        self._report()

    def _on_step(self) -> bool:
        return not self.curve.exhausted(self.patience)

    def _on_rollout_end(self) -> None:
        if self.num_timesteps // self.every > self.curve.steps // self.every:
            self.measure()
        self._report(at_once=False)

    def _on_training_end(self) -> None:
        if self.curve.steps < self.num_timesteps and not self.curve.exhausted(self.patience):
            self.measure()
        self._report()

    def measure(self) -> None:
        """Evaluate now, log it, and keep the policy if it is the best so far."""
        self.curve.measure(self.current(self.model), self.num_timesteps)

    def _report(self, at_once: bool = True) -> None:
        self.curve.report(self.num_timesteps, self.model._total_timesteps, at_once)


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
