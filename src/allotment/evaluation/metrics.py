"""What is measured of an episode: money by term, service and stock, over the measured periods only.

A metric counts something in each measured period's record and makes one number of the sums. Shipped ones stand in `METRICS`;
users' own are objects of the same form, named in a study (`metrics: [my_metrics.py:Backlog]`) or handed to `evaluate`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from allotment.engine.state import Flows
from allotment.evaluation.breakdown import Breakdown, BreakdownSums
from allotment.quantities import rounding_error
from allotment.scenario.loader import World
from allotment.scenario.problem import SIGNS, TERMS, Floats


class Metric(Protocol):
    """Something to measure of episodes; one that has a `unit` besides is shown with it."""

    @property
    def name(self) -> str:
        """Return the name of its column."""
        ...

    @property
    def about(self) -> str:
        """Return what it measures, in words."""
        ...

    def count(self, world: World, flows: Flows) -> Floats:
        """Return what a period's record adds to the sums, (B,) or (B, n)."""
        ...

    def value(self, sums: Floats, periods: int) -> Floats:
        """Return the measure of each episode, (B,), from its sums over the measured periods."""
        ...


@dataclass(frozen=True)
class PerPeriod:
    """A mean over the measured periods."""

    name: str
    about: str
    of: Callable[[World, Flows], Floats]
    compared: bool = False  # shown where policies are compared
    unit: str = "per period"

    def count(self, world: World, flows: Flows) -> Floats:
        """Return the amount of a period."""
        return self.of(world, flows)

    def value(self, sums: Floats, periods: int) -> Floats:
        """Return the mean amount."""
        return sums / periods


@dataclass(frozen=True)
class Share:
    """A part over a whole, each summed over the measured periods; 1, or what `otherwise` says, where there is no whole."""

    name: str
    about: str
    part: Callable[[World, Flows], Floats]
    whole: Callable[[World, Flows], Floats]
    otherwise: float = 1.0
    compared: bool = True
    unit: str = "share"

    def count(self, world: World, flows: Flows) -> Floats:
        """Return part and whole of a period."""
        return np.stack([self.part(world, flows), self.whole(world, flows)], axis=1)

    def value(self, sums: Floats, periods: int) -> Floats:
        """Return the share."""
        part, whole = sums[:, 0], sums[:, 1]
        return np.where(whole > 0.0, part / np.where(whole > 0.0, whole, 1.0), self.otherwise)


def _units(name: str) -> Callable[[World, Flows], Floats]:
    return lambda world, flows: getattr(flows, name).sum(axis=(1, 2))


def _cells_with_demand(world: World, flows: Flows) -> Floats:
    return (flows.demand > 0.0).sum(axis=(1, 2))


def _cells_in_full(world: World, flows: Flows) -> Floats:
    return ((flows.demand > 0.0) & (flows.late + flows.lost <= rounding_error(flows.demand))).sum(axis=(1, 2))


def _at_cost(units: Floats, world: World) -> Floats:
    """Return what units (B, places, K) are worth at unit cost; as units where nothing has a cost."""
    costs = world.problem.goods.unit_cost.mean(axis=0)
    return units.sum(axis=1) @ (costs if costs.any() else np.ones_like(costs))


METRICS: tuple[Metric, ...] = (
    PerPeriod("demand", "units demanded per period", _units("demand"), unit="units/period"),
    PerPeriod("shipped", "units shipped per period", _units("shipped"), unit="units/period"),
    PerPeriod("lost", "units lost per period", _units("lost"), unit="units/period"),
    PerPeriod("open_demand", "units of demand open at the end of a period", _units("open_demand"), unit="units"),
    PerPeriod("in_transit", "units in transit at the end of a period", _units("in_transit"), unit="units"),
    Share("fill_rate", "share of units that are there when due", _units("on_time"), _units("demand")),
    Share(
        "cycle_service_level",
        "share of periods with demand, by channel and SKU, in which nothing became late or lost",
        _cells_in_full,
        _cells_with_demand,
    ),
    Share(
        "stock_turns",
        "cost of goods sold in the measured periods over the mean value of stock on hand",
        lambda world, flows: _at_cost(flows.shipped, world) * world.scenario.horizon.periods,
        lambda world, flows: _at_cost(flows.on_hand, world),
        otherwise=np.nan,
        unit="turns/episode",
    ),
    PerPeriod("on_hand", "units on hand at the end of a period", _units("on_hand"), compared=True, unit="units"),
)
COMPARED = [metric.name for metric in METRICS if getattr(metric, "compared", False)]  # where policies are compared


def units_of(metrics: Sequence[Metric] = ()) -> dict[str, str]:
    """Return the unit of every measure of an episode by its name, metrics of one's own included; empty where none is stated."""
    units = {"score": "money/period", "discounted_return": "money/episode"}
    units |= {metric.name: str(getattr(metric, "unit", "")) for metric in (*METRICS, *metrics)}
    return units | {f"money/{term}": "money/period" for term in TERMS}


RESERVED = {  # columns of episodes and of comparisons that are no metric
    *("policy", "kind", "training_seed", "episode", "seed", "periods", "length", "score", "discounted_return"),
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
    """Sums over the measured periods of a batch of episodes, and what is measured with them."""

    def __init__(self, world: World, batch: int, metrics: Sequence[Metric] = ()) -> None:
        self.world = world
        self.periods = world.scenario.horizon.periods
        self.money = np.zeros((len(TERMS), len(world.names.skus), batch)).transpose(2, 0, 1)  # in memory as records are
        self.discounted = np.zeros(batch)
        self.batch = batch
        self.metrics = (*METRICS, *metrics)
        _check_names([metric.name for metric in metrics])
        self.sums: dict[str, Floats] = {}
        self.parts = BreakdownSums(world)

    def add(self, period: int, flows: Flows) -> None:
        """Add a period's record, unless it belongs to the warm-up."""
        measured = period - self.world.problem.clock.warm_up
        if measured < 0:
            return
        self.money += flows.money
        self.discounted += self.world.scenario.horizon.discount**measured * flows.reward
        self.parts.add(period, flows)
        for metric in self.metrics:
            counted = np.asarray(metric.count(self.world, flows), dtype=np.float64)
            if counted.shape[:1] != (self.batch,):
                raise ValueError(
                    f"metric {metric.name}: count must be (B,) or (B, n) with B = {self.batch}, not {counted.shape}"
                )
            self.sums[metric.name] = self.sums.get(metric.name, 0.0) + counted

    def measures(self) -> dict[str, Floats]:
        """Return one number an episode for each measure, in the units of `units_of`; periods are measured ones."""
        money = np.ascontiguousarray(self.money).sum(axis=-1)  # sums are the same to the bit whatever is played at once
        measures = {"score": (money * SIGNS).sum(axis=-1) / self.periods, "discounted_return": self.discounted}
        for metric in self.metrics:
            measures[metric.name] = np.asarray(metric.value(self.sums[metric.name], self.periods), dtype=np.float64)
            if measures[metric.name].shape != (self.batch,):
                shape = measures[metric.name].shape
                raise ValueError(f"metric {metric.name}: value must be (B,) with B = {self.batch}, not {shape}")
        return measures | {f"money/{term}": money[:, place] / self.periods for place, term in enumerate(TERMS)}

    def score_by_sku(self) -> Floats:
        """Return the score of each episode by SKU, (episodes, K) in money per measured period."""
        return np.einsum("btk,t->bk", np.ascontiguousarray(self.money), SIGNS) / self.periods

    def breakdown(self) -> Breakdown:
        """Return service, units short and lost margin of each episode, by channel, site and SKU."""
        return self.parts.breakdown(self.periods)
