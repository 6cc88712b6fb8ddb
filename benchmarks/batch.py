"""One native batch against as many copies of the single environment, stepped by Gymnasium one after the other."""

from __future__ import annotations

from collections.abc import Iterator

from gymnasium.vector import SyncVectorEnv, VectorEnv

import allotment
from benchmarks.timing import measure

WORLDS = ("lost_sales", "three_warehouses")


def steps_per_second(
    environments: int = 64, steps: int = 25, repeats: int = 5
) -> Iterator[tuple[str, list[float], list[float]]]:
    """Yield a world, then environment steps per second of processor time of each repeat: native batch, and copies."""
    for name in WORLDS:
        world = allotment.load_scenario(name)
        native = allotment.make_vec(world, num_envs=environments)
        copies = SyncVectorEnv([lambda world=world: allotment.make(world)] * environments)
        yield name, *([_rate(envs, steps) for _ in range(repeats)] for envs in (native, copies))


def _rate(envs: VectorEnv, steps: int) -> float:
    envs.reset(seed=0)
    envs.action_space.seed(0)
    actions = [envs.action_space.sample() for _ in range(steps)]
    envs.step(actions[0])
    return envs.num_envs * steps / measure(lambda: [envs.step(action) for action in actions]).cpu
