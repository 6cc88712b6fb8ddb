"""Training from end to end: the shipped PPO, and the share of it that is the environment's."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import allotment
from allotment.environments.sb3 import Sb3VecEnv
from benchmarks.timing import Duration, measure

CONFIG, ENVIRONMENTS = "ppo", 256


@dataclass(frozen=True)
class TrainingTime:
    """What one training took, validation included, and how much of it passed inside the environment."""

    steps: int  # environment steps
    total: Duration
    environment: Duration

    @property
    def steps_per_second(self) -> float:
        """Return environment steps per second on the clock."""
        return self.steps / self.total.wall

    @property
    def steps_per_cpu_second(self) -> float:
        """Return environment steps per second of processor time."""
        return self.steps / self.total.cpu

    @property
    def environment_share(self) -> float:
        """Return the share of processor time that passed inside the environment."""
        return self.environment.cpu / self.total.cpu


def training_times(world: str, steps: int, repeats: int = 3) -> Iterator[TrainingTime]:
    """Yield what each training took; a short one before them compiles and loads what all need."""
    _train(world, ENVIRONMENTS, 0)
    for seed in range(repeats):
        with _inside() as environment:
            total = measure(lambda seed=seed: _train(world, steps, seed))
        yield TrainingTime(steps, total, Duration(environment["wall"], environment["cpu"]))


def _train(world: str, steps: int, seed: int) -> None:
    overrides = [f"steps={steps}", f"environments={ENVIRONMENTS}"]
    with tempfile.TemporaryDirectory() as out:
        allotment.train(world, CONFIG, seed, out, overrides)


@contextmanager
def _inside() -> Iterator[dict[str, float]]:
    """Add up the time that passes inside the environment's own functions while the context lasts."""
    passed = {"wall": 0.0, "cpu": 0.0}
    originals = {name: getattr(Sb3VecEnv, name) for name in ("reset", "step_async", "step_wait")}
    try:
        for name, function in originals.items():
            setattr(Sb3VecEnv, name, _timed(function, passed))
        yield passed
    finally:
        for name, function in originals.items():
            setattr(Sb3VecEnv, name, function)


def _timed(function: Callable[..., Any], passed: dict[str, float]) -> Callable[..., Any]:
    def timed(*arguments: Any) -> Any:
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            return function(*arguments)
        finally:
            passed["wall"] += time.perf_counter() - wall
            passed["cpu"] += time.process_time() - cpu

    return timed
