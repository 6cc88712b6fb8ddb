"""The observation as a vector for networks: named groups, each in periods of mean demand, within finite bounds.

A value of 1 stands for two periods of mean demand. Groups are concatenated in the order of `layout`; see `groups`.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allotment.decisions.groups import Group, layout
from allotment.decisions.observation import Observation, mean_demand
from allotment.scenario.amounts import SMALLEST
from allotment.scenario.loader import World
from allotment.scenario.problem import Floats

PERIODS_PER_UNIT = 2.0  # periods of mean demand that the value 1 stands for


class Flattener:
    """Turns observations of one world into vectors (B, n) of float32 between `low` and `high` (n,)."""

    def __init__(self, world: World) -> None:
        self.problem = world.problem
        self.chosen = world.scenario.observation
        self.names = world.names
        self.layout = layout(world.problem, self.chosen)
        self.size = self.layout[-1].stop
        self.per_unit = 1.0 / self._scale(world)  # multiplying takes a third of the time that dividing does
        sizes = [group.stop - group.start for group in self.layout]
        self.low = np.repeat([group.kind.low for group in self.layout], sizes).astype(np.float32)
        self.high = np.repeat([group.kind.high for group in self.layout], sizes).astype(np.float32)

    def __call__(self, observation: Observation) -> NDArray[np.float32]:
        """Return the vector of each world, (B, n)."""
        vector = np.empty((observation.batch, self.size), dtype=np.float32)
        for group in self.layout:
            place = slice(group.start, group.stop)
            np.multiply(self._values(group, observation), self.per_unit[place], out=vector[:, place], casting="same_kind")
        return np.clip(vector, self.low, self.high, out=vector)

    def traced(self, observation: Any) -> Any:
        """Return the vector, (1, n), of an observation of traced arrays."""
        return np.clip(self.unscaled(observation) * self.per_unit, self.low.astype(float), self.high.astype(float))

    def unscaled(self, observation: Observation) -> Floats:
        """Return the vector before scaling and clipping, (B, n): units, and the calendar's numbers."""
        return np.concatenate([self._values(group, observation) for group in self.layout], axis=1)

    def _values(self, group: Group, observation: Observation) -> Floats:
        return group.kind.values(observation, self.chosen).reshape(observation.batch, -1)

    def _scale(self, world: World) -> Floats:
        """Return what the value 1 stands for at every place of the vector, (n,)."""
        by_site, by_channel = _scales(world)
        by_lane = by_site[self.problem.lanes.to]
        money = np.array([_money_scale(world, by_channel)])
        owners = {"site": by_site, "channel": by_channel, "supply_lane": by_lane, "sku": by_site.sum(axis=0)}
        owners |= dict.fromkeys(("account", "settlement", "budget"), money)
        parts = []
        for group in self.layout:
            scale = next((owners[axis] for axis in group.axes if axis in owners), np.ones(1))
            behind = len(group.axes) - 1 - group.axes.index("sku") if "sku" in group.axes else 0
            parts.append(np.broadcast_to(scale.reshape(*scale.shape, *[1] * behind), group.shape).ravel())
        return np.concatenate(parts)

    def component_names(self) -> list[str]:
        """Return a name for every place of the vector, such as `in_transit[2, supplier → store, item]`."""
        known = {
            "site": self.names.sites,
            "channel": self.names.channels,
            "supply_lane": self.names.supply_lanes,
            "sku": self.names.skus,
            "calendar": ["sin", "cos", "time_to_go"],
            "budget": self.names.budgets,
        }
        names = []
        for group in self.layout:
            axes = [known.get(axis, range(1, size + 1)) for axis, size in zip(group.axes, group.shape, strict=True)]
            cells = product(*[list(axis)[:size] for axis, size in zip(axes, group.shape, strict=True)])
            names += [f"{group.name}[{', '.join(map(str, cell))}]" for cell in cells]
        return names


def _money_scale(world: World, by_channel: Floats) -> float:
    """Return the money that the value 1 stands for: what the units of all channels cost, or bring where they cost nothing."""
    cost, price = world.problem.goods.unit_cost.mean(axis=0), world.problem.prices.price.mean(axis=0)
    money = float((by_channel * (cost if cost.any() else price)).sum())
    return money if money > SMALLEST else 1.0


def _scales(world: World) -> tuple[Floats, Floats]:
    """Return the units that the value 1 stands for, by site (S, K) and by channel (C, K)."""
    by_channel = mean_demand(world.problem)
    by_site = world.problem.sites.expected_demand
    return PERIODS_PER_UNIT * by_site, PERIODS_PER_UNIT * np.where(by_channel > SMALLEST, by_channel, 1.0)
