"""Time taken by repeated work: the median, and how far single repeats lie from it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Duration:
    """What one repeat took. CPU time counts only while the process runs: a busy neighbour changes it less."""

    wall: float  # seconds
    cpu: float  # seconds


def measure(work: Callable[[], object]) -> Duration:
    """Do the work once and return what it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Duration(time.perf_counter() - wall, time.process_time() - cpu)


def repeat(work: Callable[[], object], times: int) -> list[Duration]:
    """Do the work `times` times and return what each took."""
    return [measure(work) for _ in range(times)]


def spread(values: list[float], form: str = ",.2f") -> str:
    """Return values as text: their median, and the lowest and the highest of them."""
    return f"{np.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"
