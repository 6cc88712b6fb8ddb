"""One native batch against as many copies of the single environment, stepped by Gymnasium one after the other."""

from __future__ import annotations

from collections.abc import Iterator

import gymnasium as gym

import allotment  # noqa: F401 - registers the worlds
from benchmarks.timing import measure

WORLDS = ("allotment/LostSales-v0", "allotment/ThreeWarehouses-v0")
MODES = {"native batch": "vector_entry_point", "copies": "sync"}


def steps_per_second(environments: int = 256, steps: int = 50, repeats: int = 3) -> Iterator[tuple[str, str, list[float]]]:
    """Yield world, way of batching, and environment steps per second of processor time of each repeat."""
    for world in WORLDS:
        for title, mode in MODES.items():
            envs = gym.make_vec(world, num_envs=environments, vectorization_mode=mode)
            envs.reset(seed=0)
            envs.action_space.seed(0)
            yield world, title, [_rate(envs, steps, environments) for _ in range(repeats)]
            envs.close()


def _rate(envs: gym.vector.VectorEnv, steps: int, environments: int) -> float:
    actions = [envs.action_space.sample() for _ in range(steps)]
    return environments * steps / measure(lambda: [envs.step(action) for action in actions]).cpu
