"""The observation as a vector for networks: named groups, each in periods of mean demand, within finite bounds.

A value of 1 stands for two periods of mean demand. Groups are concatenated in the order of `layout`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from allotment.env.observation import Observation, by_destination, by_home, mean_demand, visible_ages
from allotment.scenario.loader import World
from allotment.scenario.problem import Floats

PERIODS_PER_UNIT = 2.0  # periods of mean demand that the value 1 stands for
HIGHEST = 50.0  # larger values are clipped


@dataclass(frozen=True)
class Group:
    """One named part of the vector."""

    name: str
    axes: tuple[str, ...]  # what each axis counts: age, period, supply_lane, site, channel, sku, calendar
    shape: tuple[int, ...]
    start: int  # first place in the vector

    @property
    def stop(self) -> int:
        """Return the place behind the last."""
        return self.start + math.prod(self.shape)


class Flattener:
    """Turns observations of one world into vectors (B, n) of float32 between `low` and `high` (n,)."""

    def __init__(self, world: World) -> None:
        self.problem = world.problem
        self.chosen = world.scenario.observation
        self.names = world.names
        self.layout = self._layout()
        self.size = self.layout[-1].stop
        self.scale = self._scale(world)
        self.low = np.zeros(self.size, dtype=np.float32)
        self.high = np.full(self.size, HIGHEST, dtype=np.float32)
        for group in self.layout:
            if group.name == "calendar":
                self.low[group.start : group.stop], self.high[group.start : group.stop] = -1.0, 1.0

    def __call__(self, observation: Observation) -> NDArray[np.float32]:
        """Return the vector of each world, (B, n)."""
        vector = np.empty((observation.batch, self.size), dtype=np.float32)
        for group in self.layout:
            place = slice(group.start, group.stop)
            np.divide(self._values(group, observation), self.scale[place], out=vector[:, place], casting="same_kind")
        return np.clip(vector, self.low, self.high, out=vector)

    def unscaled(self, observation: Observation) -> Floats:
        """Return the vector before scaling and clipping, (B, n): units, and the calendar's numbers."""
        return np.concatenate([self._values(group, observation) for group in self.layout], axis=1)

    def _values(self, group: Group, observation: Observation) -> Floats:
        values: Floats = getattr(self, f"_{group.name}")(observation)
        return values.reshape(observation.batch, -1)

    def _scale(self, world: World) -> Floats:
        """Return what the value 1 stands for at every place of the vector, (n,)."""
        by_site, by_channel = _scales(world)
        owners = {"site": by_site, "channel": by_channel, "supply_lane": by_site[self.problem.lanes.to], "calendar": np.ones(1)}
        parts = []
        for group in self.layout:
            owner = owners[group.axes[-2] if group.axes[-1] == "sku" else "calendar"]
            parts.append(np.broadcast_to(owner, group.shape).ravel())
        return np.concatenate(parts)

    def _layout(self) -> list[Group]:
        sites, skus = self.problem.sharing.initial_stock.shape
        lanes, channels = len(self.problem.lanes.to), len(self.problem.serving.lost)
        ages = visible_ages(self.problem)
        outstanding = {
            "by_age": (("age", "supply_lane", "sku"), (ages, lanes, skus)),
            "by_lane": (("supply_lane", "sku"), (lanes, skus)),
            "by_site_and_age": (("age", "site", "sku"), (ages, sites, skus)),
            "by_site": (("site", "sku"), (sites, skus)),
        }[self.chosen.outstanding]
        ahead = self.chosen.forecast
        waits = not self.problem.serving.lost.all() or self.problem.clock.demand_first
        parts = [
            ("on_hand", ("site", "sku"), (sites, skus), True),
            ("outstanding", *outstanding, ages > 0),
            ("open_orders", ("channel", "sku"), (channels, skus), waits),
            (
                "demand_history",
                ("period", "channel", "sku"),
                (self.chosen.demand_history, channels, skus),
                self.chosen.demand_history > 0,
            ),
            ("forecast_mean", ("period", "site", "sku"), (ahead, sites, skus), ahead > 0),
            ("forecast_deviation", ("period", "site", "sku"), (ahead, sites, skus), ahead > 0),
            ("calendar", ("calendar",), (3 if self.problem.clock.season else 2,), self._has_calendar()),
        ]
        layout, start = [], 0
        for name, axes, shape, present in parts:
            if present:
                layout.append(Group(name, axes, shape, start))
                start = layout[-1].stop
        return layout

    def _has_calendar(self) -> bool:
        return self.chosen.calendar or (self.problem.clock.season and self.problem.clock.length > 1)

    def component_names(self) -> list[str]:
        """Return a name for every place of the vector, such as `outstanding[2, supplier → store, item]`."""
        known = {
            "site": self.names.sites,
            "channel": self.names.channels,
            "supply_lane": self.names.supply_lanes,
            "sku": self.names.skus,
            "calendar": ["sin", "cos", "time_to_go"],
        }
        names = []
        for group in self.layout:
            axes = [known.get(axis, range(1, size + 1)) for axis, size in zip(group.axes, group.shape, strict=True)]
            cells = product(*[list(axis)[:size] for axis, size in zip(axes, group.shape, strict=True)])
            names += [f"{group.name}[{', '.join(map(str, cell))}]" for cell in cells]
        return names

    def _on_hand(self, observation: Observation) -> Floats:
        return observation.on_hand

    def _outstanding(self, observation: Observation) -> Floats:
        if self.chosen.outstanding == "by_site":
            return observation.inbound
        if self.chosen.outstanding == "by_site_and_age":
            return by_destination(self.problem, observation.outstanding)
        return observation.outstanding_by_lane if self.chosen.outstanding == "by_lane" else observation.outstanding

    def _open_orders(self, observation: Observation) -> Floats:
        return observation.open_orders

    def _demand_history(self, observation: Observation) -> Floats:
        return observation.demand_history

    def _forecast_mean(self, observation: Observation) -> Floats:
        return observation.forecast(self.chosen.forecast)[0]

    def _forecast_deviation(self, observation: Observation) -> Floats:
        return observation.forecast(self.chosen.forecast)[1]

    def _calendar(self, observation: Observation) -> Floats:
        angle = 2.0 * np.pi * observation.period / max(self.problem.cycle, 2)
        columns = [np.sin(angle), np.cos(angle)]
        if self.problem.clock.season:
            columns.append((self.problem.clock.length - observation.period) / self.problem.clock.length)
        return np.stack(columns, axis=1)


def _scales(world: World) -> tuple[Floats, Floats]:
    """Return the units that the value 1 stands for, by site (S, K) and by channel (C, K)."""
    by_channel = mean_demand(world.problem)
    by_site = site_demand(world)
    return PERIODS_PER_UNIT * by_site, PERIODS_PER_UNIT * np.where(by_channel > 0.0, by_channel, 1.0)


def site_demand(world: World) -> Floats:
    """Return the mean demand near each site, (S, K) units/period; where there is none, an equal share of the total."""
    by_channel = mean_demand(world.problem)
    by_site = by_home(world.problem, by_channel)
    share = by_channel.sum(axis=0) / len(by_site)
    by_site = np.where(by_site > 0.0, by_site, share)
    return np.where(by_site > 0.0, by_site, 1.0)
