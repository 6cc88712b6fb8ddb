"""What is measured of an episode: money by term, service and stock, over the measured periods only.

Shipped metrics stand in `METRICS`, each measured in the worlds that have what it needs; users' own are objects of the same
form, named in a study (`metrics: [my_metrics.py:Backlog]`) or handed to `evaluate`.

One that is `summed` counts in the sums of all records instead (`engine.state.Sums`), which compiled code keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from allotment.engine import kernel
from allotment.engine.state import Flows
from allotment.evaluation.breakdown import Breakdown, breakdown, lost_margin
from allotment.evaluation.capital_metrics import CAPITAL, STOCK_TURNS
from allotment.evaluation.metric_kinds import Metric, PerPeriod, Share, applies
from allotment.scenario.loader import World
from allotment.scenario.problem import SIGNS, TERMS, Floats
from allotment.simulation.simulation import Simulation


def _units(name: str) -> Callable[[World, Any], Floats]:
    return lambda world, record: np.ascontiguousarray(getattr(record, name)).sum(axis=(1, 2))


METRICS: tuple[Metric, ...] = (
    PerPeriod("demand", "units demanded per period", _units("demand"), unit="units/period", summed=True),
    PerPeriod("shipped", "units shipped per period", _units("shipped"), unit="units/period", summed=True),
    PerPeriod("lost", "units lost per period", _units("lost"), unit="units/period", summed=True),
    PerPeriod("open_demand", "units of demand open at the end of a period", _units("open_demand"), unit="units", summed=True),
    PerPeriod("in_transit", "units in transit at the end of a period", _units("in_transit"), unit="units", summed=True),
    Share("fill_rate", "share of units that are there when due", _units("on_time"), _units("demand"), summed=True),
    Share(
        "cycle_service_level",
        "share of periods with demand, by channel and SKU, in which nothing became late or lost",
        lambda world, sums: sums.cells_in_full,
        lambda world, sums: sums.cells_with_demand,
        summed=True,
    ),
    STOCK_TURNS,
    PerPeriod("on_hand", "units on hand at the end of a period", _units("on_hand"), compared=True, unit="units", summed=True),
    *CAPITAL,
)
COMPARED = [metric.name for metric in METRICS if getattr(metric, "compared", False)]  # where policies are compared


def metrics_of(world: World, own: Sequence[Metric] = ()) -> tuple[Metric, ...]:
    """Return the metrics, shipped and one's own, that are measured in a world: those of which it has what they need."""
    return tuple(metric for metric in (*METRICS, *own) if applies(metric, world))


def units_of(world: World, metrics: Sequence[Metric] = ()) -> dict[str, str]:
    """Return the unit of every measure of an episode in a world by its name, one's own metrics included; empty if unstated."""
    units = {"score": "money/period", "discounted_return": "money/episode"}
    units |= {metric.name: str(getattr(metric, "unit", "")) for metric in metrics_of(world, metrics)}
    return units | {f"money/{term}": "money/period" for term in TERMS}


RESERVED = {  # columns of episodes and of comparisons that are no metric
    *("policy", "kind", "informed", "training_seed", "episode", "seed", "periods", "length", "score", "discounted_return"),
    *("interquartile_mean", "difference", "improvement", "seeds", "worlds", "items", "score_standard_error"),
    *("p_value", "adjusted_p_value", "reference", "percent", "percent_of", "rope"),
    *("bound", "bound_episodes", "gap_closed", "gap_closed_standard_error"),
}


def _check_names(own: Sequence[str]) -> None:
    """Refuse metrics whose names are taken: `ValueError`."""
    taken = RESERVED | {metric.name for metric in METRICS}
    for name in own:
        if name in taken or name.startswith("money/") or name.removesuffix("_low").removesuffix("_high") in RESERVED:
            raise ValueError(f"metric {name}: the name is taken; give the metric another one")
        taken.add(name)


class EpisodeMeasures:
    """Sums over the measured periods of a simulation's episodes, and what is measured with them."""

    def __init__(self, world: World, simulation: Simulation, metrics: Sequence[Metric] = ()) -> None:
        self.world, self.simulation, self.batch = world, simulation, simulation.batch
        self.periods = world.scenario.horizon.periods
        self.metrics = metrics_of(world, metrics)
        _check_names([metric.name for metric in metrics])
        self.by_period = [metric for metric in self.metrics if not getattr(metric, "summed", False)]
        self.counted: dict[str, Floats] = {}
        discount = world.scenario.horizon.discount ** np.arange(self.periods, dtype=np.float64)
        self.sums = simulation.memory.begin_sums(discount, lost_margin(world))

    def add(self, period: int, flows: Flows) -> None:
        """Add the record of the period just played, unless it belongs to the warm-up."""
        kernel.measure(self.simulation.memory.address)
        if period < self.world.problem.clock.warm_up:
            return
        for metric in self.by_period:
            counted = self._checked(metric.name, "count", metric.count(self.world, flows))
            earlier, join = self.counted.get(metric.name), getattr(metric, "join", np.add)
            self.counted[metric.name] = counted if earlier is None else join(earlier, counted)

    def measures(self) -> dict[str, Floats]:
        """Return one number an episode for each measure, in the units of `units_of`; periods are measured ones."""
        money = np.ascontiguousarray(self.sums.money).sum(axis=-1)  # sums are the same to the bit whatever is played at once
        measures = {"score": (money * SIGNS).sum(axis=-1) / self.periods, "discounted_return": self.sums.reward.copy()}
        for metric in self.metrics:
            measures[metric.name] = self._checked(metric.name, "value", metric.value(self._counted(metric), self.periods))
        return measures | {f"money/{term}": money[:, place] / self.periods for place, term in enumerate(TERMS)}

    def _counted(self, metric: Metric) -> Floats:
        """Return what a metric counted in all measured periods."""
        if metric.name in self.counted:
            return self.counted[metric.name]
        return np.asarray(metric.count(self.world, self.sums), dtype=np.float64)

    def _checked(self, name: str, what: str, given: Any) -> Floats:
        """Return what a metric counted, or made of it; `ValueError` where that is not one number, or row, an episode."""
        numbers, allowed = np.asarray(given, dtype=np.float64), "(B,) or (B, n)" if what == "count" else "(B,)"
        if numbers.shape[:1] != (self.batch,) or (what == "value" and numbers.ndim != 1):
            raise ValueError(f"metric {name}: {what} must be {allowed} with B = {self.batch}, not {numbers.shape}")
        return numbers

    def score_by_sku(self) -> Floats:
        """Return the score of each episode by SKU, (episodes, K) in money per measured period."""
        return np.einsum("btk,t->bk", np.ascontiguousarray(self.sums.money), SIGNS) / self.periods

    def breakdown(self) -> Breakdown:
        """Return service, units short and lost margin of each episode, by channel, site and SKU."""
        return breakdown(self.world, self.sums, self.periods)
