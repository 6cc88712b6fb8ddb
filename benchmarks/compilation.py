"""From a new process to the first step: with an empty cache of compiled code, and with a full one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass

FIRST_STEP = """
import json, time
start = time.perf_counter()
import allotment, gymnasium
env = gymnasium.make("allotment/ThreeWarehouses-v0")
ready = time.perf_counter()
env.reset(seed=0)
env.step(env.action_space.sample())
print(json.dumps([ready - start, time.perf_counter() - ready]))
"""


@dataclass(frozen=True)
class FirstStep:
    """Seconds on the clock of a new process."""

    loading: float  # imports, and the world's file into arrays
    stepping: float  # compiling or reading compiled code, then the first reset and step


def first_steps(repeats: int = 3) -> tuple[FirstStep, list[FirstStep]]:
    """Return the first use, which compiles and fills an empty cache, and `repeats` later ones, which read it."""
    with tempfile.TemporaryDirectory() as cache:
        return _first_step(cache), [_first_step(cache) for _ in range(repeats)]


def _first_step(cache: str) -> FirstStep:
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
    done = subprocess.run([sys.executable, "-c", FIRST_STEP], env=environment, capture_output=True, text=True, check=True)
    return FirstStep(*json.loads(done.stdout))
