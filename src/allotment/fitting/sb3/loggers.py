"""Loggers beside TensorBoard, off unless a config names them: Weights & Biases and MLflow, through their own packages.

They send what they are told elsewhere, so that the user must name the package too (`--import wandb`).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import numpy as np
from stable_baselines3.common.logger import KVWriter

from allotment import extensions
from allotment.scenario.errors import ScenarioError


class _PackageLogger(KVWriter):
    """Hands numbers to a package that is not among this project's own requirements."""

    package = ""

    def __init__(self) -> None:
        try:
            self.api: Any = import_module(self.package)
        except ImportError:
            raise ScenarioError(f"loggers: {self.package} is not installed; install it, or leave it out") from None

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, Any], step: int = 0) -> None:
        """Log every number."""
        numbers = {
            key: float(value)
            for key, value in key_values.items()
            if isinstance(value, int | float | np.number) and not isinstance(value, bool)
        }
        if numbers:
            self.log(numbers, step)

    def log(self, numbers: dict[str, float], step: int) -> None:
        """Log numbers after so many environment steps."""
        raise TypeError("a logger says how it logs")


class WeightsAndBiases(_PackageLogger):
    """Weights & Biases; settings are those of `wandb.init`."""

    package = "wandb"

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.run = self.api.init(**settings)

    def log(self, numbers: dict[str, float], step: int) -> None:
        """Log numbers after so many environment steps."""
        self.run.log(numbers, step=step)

    def close(self) -> None:
        """End the run."""
        self.run.finish()


class MLflow(_PackageLogger):
    """MLflow; settings are those of `mlflow.start_run`, and `tracking_uri` and `experiment`."""

    package = "mlflow"

    def __init__(self, tracking_uri: str | None = None, experiment: str | None = None, **settings: Any) -> None:
        super().__init__()
        if tracking_uri is not None:
            self.api.set_tracking_uri(tracking_uri)
        if experiment is not None:
            self.api.set_experiment(experiment)
        self.api.start_run(**settings)

    def log(self, numbers: dict[str, float], step: int) -> None:
        """Log numbers after so many environment steps."""
        self.api.log_metrics(numbers, step=step)

    def close(self) -> None:
        """End the run."""
        self.api.end_run()


LOGGERS = {"wandb": WeightsAndBiases, "mlflow": MLflow}


def check_logger(given: str | Mapping[str, Any], where: str) -> None:
    """Raise `ScenarioError` where a config does not name a logger, or one of a package that the user has not named."""
    extensions.check("logger", given, LOGGERS, where, KVWriter)
    name = given if isinstance(given, str) else given["use"]
    if name in LOGGERS and not extensions.is_named(name):
        raise ScenarioError(
            f"{where}: {name} is not imported because a file names it; name it yourself (--import {name}), or leave it out"
        )
