"""The bare simulation: orders given, demand drawn inside, nothing observed, through the entry that every world uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

import allotment
from allotment.decisions.observation import observe
from allotment.engine import kernel
from allotment.engine.memory import Memory
from benchmarks.timing import measure

WORLDS = {"lost_sales": (4096, 100), "shared_storage": (64, 2)}  # batch, and steps in a repeat


def per_second(repeats: int = 5) -> Iterator[tuple[str, int, list[float]]]:
    """Yield a world, its batch, and site-SKU-periods simulated in a second of processor time on one core."""
    for name, (batch, steps) in WORLDS.items():
        shape, step = allotment.load_scenario(name).problem.shape, stepping(name, batch)
        simulated = batch * steps * shape.sites * shape.skus
        yield (
            name,
            batch,
            [simulated / measure(lambda step=step, n=steps: [step() for _ in range(n)]).cpu for _ in range(repeats)],
        )


def around(batch: int = 1024, steps: int = 10, repeats: int = 5) -> tuple[list[float], list[float]]:
    """Return seconds of `VectorEnv.step` of the default world, observation and info included, and of its simulation alone."""
    envs = allotment.make_vec("three_warehouses", num_envs=batch)
    envs.reset(seed=0)
    envs.action_space.seed(0)
    actions = envs.action_space.sample()
    envs.step(actions)
    step, times = stepping("three_warehouses", batch, *_orders(envs, actions)), []
    for _ in range(repeats):
        whole = measure(lambda: [envs.step(actions) for _ in range(steps)]).cpu / steps
        times.append((whole, measure(lambda: [step() for _ in range(steps)]).cpu / steps))
    return [whole for whole, _ in times], [bare for _, bare in times]


def _orders(envs, actions) -> tuple[np.ndarray]:  # type: ignore[no-untyped-def,type-arg]
    return (envs.encoding.orders(actions, observe(envs.simulation)),)


def stepping(name: str, batch: int, orders: np.ndarray | None = None) -> Callable[[], int]:  # type: ignore[type-arg]
    """Return a function that simulates a period of a batch of worlds under the same orders each time; all is compiled."""
    problem = allotment.load_scenario(name).problem
    memory = Memory(problem, batch)
    worlds = np.arange(batch)
    kernel.reset(memory.address, worlds, worlds, np.zeros_like(worlds))
    few = np.floor(np.random.default_rng(0).uniform(0.0, 10.0, memory.decided.orders.shape))
    memory.decided.orders[...] = few if orders is None else orders
    kernel.step(memory.address)
    return lambda memory=memory: kernel.step(memory.address)  # type: ignore[misc]
