"""How the cost of a step grows with a world: each of its sizes ten times as large, with limits that bind and without.

`make growth`, or `python -m benchmarks.growth`, prints the table of README.md: how long a step takes at both sizes, and the
exponent between them, 1 where the cost grows as the size does, 2 where it grows with its square.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from allotment.engine import kernel
from allotment.engine.memory import Memory
from allotment.scenario.loader import load_scenario, world_from
from allotment.scenario.problem import Floats
from benchmarks.timing import measure

TIMES = 10  # as large
RULES = ("proportional", "priority", "balanced", "min_shortage")


@dataclass(frozen=True)
class Size:
    """How large a world is, and how many there are of it."""

    skus: int = 50
    sites: int = 10
    channels: int = 10
    lanes: int = 3  # from suppliers to each site
    lead_time: int = 4  # periods
    batch: int = 8


BASE = Size()


class Kind(NamedTuple):
    """What kind of world it is."""

    binds: bool  # whether supplier, lanes, storage, handling and fulfilment lanes have less room than is asked for
    rationing: str = "proportional"
    units: str = "integer"


KINDS = [Kind(False), *(Kind(True, rule, units) for rule in RULES for units in ("integer", "continuous"))]


def growth(kind: Kind, base: Size = BASE, repeats: int = 5) -> Iterator[tuple[str, int, float, float]]:
    """Yield each size's name, its value, and the seconds of processor time of a step with it and with ten times as much."""
    before = seconds(base, kind, repeats)
    for name, value in vars(base).items():
        yield name, value, before, seconds(replace(base, **{name: TIMES * value}), kind, repeats)


def exponent(before: float, after: float) -> float:
    """Return the power of a size with which its cost grows."""
    return math.log(after / before, TIMES)


def seconds(size: Size, kind: Kind, repeats: int = 5) -> float:
    """Return the processor time of a step, the lowest of several repeats, each long enough to be measured."""
    memory = Memory(world_from(content(size, kind), "growth.yaml").problem, size.batch)
    orders = np.random.default_rng(0).uniform(0.0, 20.0, memory.decision.orders.shape)
    return _step(memory, np.floor(orders) if kind.units == "integer" else orders, repeats)


def _step(memory: Memory, orders: Floats, repeats: int) -> float:
    """Return the seconds of processor time of a step under the same orders each time."""
    worlds = np.arange(memory.batch)
    kernel.reset(memory.address, worlds, worlds, np.zeros_like(worlds))
    memory.decision.orders[...] = orders
    kernel.step(memory.address)  # compiles
    steps = max(1, int(0.02 / measure(lambda: kernel.step(memory.address)).cpu))
    return min(measure(lambda: [kernel.step(memory.address) for _ in range(steps)]).cpu / steps for _ in range(repeats))


def content(size: Size, kind: Kind) -> dict[str, Any]:
    """Return a world of some size: suppliers, sites that pass goods on in a circle, channels that two sites serve each."""
    each, names = 10 * size.skus, {name: _names(name, getattr(size, name)) for name in ("sites", "channels", "lanes")}
    sites, suppliers = names["sites"], names["lanes"]
    pairs = [(supplier, site) for site in sites for supplier in suppliers] + list(
        zip(sites, sites[1:] + sites[:1], strict=True)
    )
    served = [(sites[place % size.sites], name) for place, name in enumerate(names["channels"])]
    served += [(sites[(place + 1) % size.sites], name) for place, name in enumerate(names["channels"])]

    def limited(**limits: Any) -> dict[str, Any]:
        return limits if kind.binds else {}

    of_site = limited(handling=size.lanes * each // 4, storage=0.01 * each)
    of_lane = {"lead_time": size.lead_time} | limited(capacity=each * 3 // 4)
    return {
        "name": "growth",
        "horizon": {"kind": "window", "periods": 50},
        "units": kind.units,
        "rationing": kind.rationing,
        "skus": [{"name": f"sku-{{00001..{size.skus:05d}}}", "price": 1, "volume": 0.01}],
        "suppliers": [{"name": name} | limited(capacity=size.sites * each // 2) for name in suppliers],
        "sites": [{"name": name, "initial_stock": 20} | of_site for name in sites],
        "channels": [{"name": name, "unmet": "lost"} for name in names["channels"]],
        "supply_lanes": [{"from": source, "to": site} | of_lane for source, site in pairs],
        "fulfilment_lanes": [
            {"from": site, "to": name} | limited(capacity=4 * size.skus) for site, name in dict.fromkeys(served)
        ],
        "demand": [{"process": {"distribution": "poisson", "mean": 5}}],
    }


def _names(kind: str, count: int) -> list[str]:
    return [f"{kind}-{number}" for number in range(1, count + 1)]


def table() -> Table:
    """Return the table of growth: a row for each kind of world, and for each size how long a step takes and the exponent."""
    sizes = [f"{name} {value:,} → {TIMES * value:,}" for name, value in vars(BASE).items()]
    shown = Table("limits, rationing, units", "step, ms", *sizes, title="A step at ten times the size, ms, and the exponent")
    for kind in KINDS:
        rows = list(growth(kind))
        limits = f"binding, {kind.rationing}, {kind.units}" if kind.binds else "none"
        cells = (f"{after * 1e3:,.2f} ({exponent(before, after):.2f})" for _, _, before, after in rows)
        shown.add_row(limits, f"{rows[0][2] * 1e3:,.2f}", *cells)
    return shown


def binding_rates(repeats: int = 5) -> Iterator[tuple[int, int, float]]:
    """Yield SKUs, batch, and site-SKU-periods a second of `shared_storage` with orders far beyond its limits.

    Orders are 0 to 59 units on each lane and SKU: the supplier ships 39 % of them, sites 43 %.
    """
    for skus, batch in ((200, 8), (2_000, 8), (20_000, 8), (2_000, 64)):
        limits = {"suppliers.0.capacity": 35 * skus, "sites.0.handling": 13 * skus, "sites.0.storage": 0.135 * skus}
        changes = [f"skus.0.name=sku-{{00001..{skus:05d}}}", *(f"{name}={limit}" for name, limit in limits.items())]
        problem = load_scenario("shared_storage", changes).problem
        memory = Memory(problem, batch)
        orders = np.floor(np.random.default_rng(0).uniform(0.0, 60.0, memory.decision.orders.shape))
        yield skus, batch, batch * problem.shape.sites * skus / _step(memory, orders, repeats)


def main() -> None:
    """Print both tables."""
    console = Console(width=200)
    console.print(table())
    rates = Table("shared_storage, SKUs", "batch", "million site-SKU-periods/s", title="Limits that bind")
    for skus, batch, rate in binding_rates():
        rates.add_row(f"{skus:,}", f"{batch}", f"{rate / 1e6:.1f}")
    console.print(rates)


if __name__ == "__main__":
    main()
