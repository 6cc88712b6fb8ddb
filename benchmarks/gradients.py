"""Gradients through the simulation: an episode played in Torch, and the slope of its rewards in every order.

`python -m benchmarks.gradients DEVICE BATCH...` measures them on an accelerator, in elapsed time.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import allotment
from allotment.engine import dynamics
from allotment.engine.drawn import draw
from allotment.engine.relaxation import FEATURES, IGNORED, on_torch, relaxed
from allotment.engine.tracing.worlds import TracedWorlds
from benchmarks.timing import repeat, spread

TREATMENTS = {feature.name: IGNORED for feature in FEATURES}


def episodes(batch: int = 1024, repeats: int = 7, device: str = "cpu") -> tuple[list[float], list[float]]:
    """Return site-periods a second in the base network, played, and played and differentiated.

    On the processor they are those of a second of its time, elsewhere of elapsed time.
    """
    torch.set_num_threads(1)
    problem = relaxed(allotment.load_scenario("gym_invmgmt_base").problem, {})
    worlds = np.arange(batch)
    start = on_torch(dynamics.reset(problem, worlds, np.zeros_like(worlds)), torch.float32, device)
    orders = torch.full((problem.clock.length, batch, problem.shape.lanes, 1), 20.0, requires_grad=True, device=device)

    def play() -> torch.Tensor:
        state, total = start, torch.zeros((), device=device)
        for decided in orders:
            state, flows = dynamics.step(problem, state, decided)
            total = total + flows.reward.sum()
        return total

    def per_second(work: Callable[[], torch.Tensor | None]) -> list[float]:
        def finished() -> None:
            work()
            if device != "cpu":
                torch.cuda.synchronize()

        seconds = [each.cpu if device == "cpu" else each.wall for each in repeat(finished, repeats)]
        return [batch * problem.shape.sites * problem.clock.length / each for each in seconds]

    play().backward()
    gc.freeze()  # what Torch has loaded is not looked through again in the middle of an episode
    with torch.no_grad():
        forward = per_second(play)
    return forward, per_second(lambda: play().backward())


def network(warehouses: int = 3, stores: int = 21) -> dict[str, Any]:
    """Return a world of one SKU whose stores order from every warehouse, and whose customers do not wait."""
    names = [f"store-{number:02d}" for number in range(1, stores + 1)]
    customers = [f"customers-{number:02d}" for number in range(1, stores + 1)]
    return {
        "name": "stores",
        "objective": "cost",
        "horizon": {"kind": "window", "periods": 50},
        "skus": [{"name": "item"}],
        "suppliers": [{"name": "factory"}],
        "sites": [
            {"name": f"warehouse-{{1..{warehouses}}}", "holding_cost": 0.3, "initial_stock": 100},
            *({"name": name, "kind": "store", "holding_cost": 1, "initial_stock": 15} for name in names),
        ],
        "channels": [{"name": name, "unmet": "lost", "shortage_cost": 9} for name in customers],
        "supply_lanes": [
            {"from": "factory", "to": "warehouse-*", "lead_time": 3},
            {"from": "warehouse-*", "to": "store-*", "lead_time": 2},
        ],
        "fulfilment_lanes": [{"from": name, "to": to} for name, to in zip(names, customers, strict=True)],
        "demand": [{"process": {"distribution": "poisson", "mean": 5}}],
    }


WORLDS: dict[str, tuple[Any, int, int, float]] = {  # scenario, batch, periods, target in millions
    "gym_invmgmt_base": ("gym_invmgmt_base", 1024, 30, 2.0),
    "three_warehouses": ("three_warehouses", 512, 20, 1.7),
    "3 warehouses, 21 stores": (network(), 1024, 20, 5.7),
    "shared_storage": ("shared_storage", 16, 4, 1.0),
}


def traced(world: Any, batch: int, periods: int, ahead: bool = False, repeats: int = 5) -> list[float]:
    """Return site-SKU-periods a CPU second of worlds whose periods are programs, played and differentiated.

    In single precision on one thread; worlds are drawn inside, or `ahead`. Tracing and compiling are not counted.
    """
    torch.set_num_threads(1)
    problem = relaxed(allotment.load_scenario(world).problem, TREATMENTS)
    lanes, skus = problem.lanes.allowed.shape
    wanted = torch.from_numpy(problem.sites.expected_demand[problem.lanes.to]).float().expand(batch, lanes, skus)
    given = draw(problem, np.arange(batch), periods) if ahead else np.arange(batch)
    orders, worlds = wanted.clone().requires_grad_(), TracedWorlds(problem, given)

    def play() -> None:
        worlds.restart(given)
        rows, total = worlds.start(torch.float32), torch.zeros(())
        for _ in range(periods):
            rows, records = worlds.step(rows, {"orders": orders})
            total = total + records["reward"].sum()
        total.backward()

    play()
    gc.freeze()
    return [batch * problem.shape.sites * skus * periods / each.cpu for each in repeat(play, repeats)]


if __name__ == "__main__":
    for size in map(int, sys.argv[2:]):
        played, differentiated = (spread([each / 1e6 for each in values]) for values in episodes(size, device=sys.argv[1]))
        print(f"{sys.argv[1]}, batch {size:,}: {played} M site-periods/s forward, {differentiated} forward and backward")
