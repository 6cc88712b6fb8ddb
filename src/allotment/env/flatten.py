"""The observation as a vector for networks: named groups, each in periods of mean demand, within finite bounds.

A value of 1 stands for two periods of mean demand. Groups are concatenated in the order of `layout`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from allotment.env.observation import Observation, by_destination, mean_demand, visible_ages
from allotment.scenario.loader import World
from allotment.scenario.problem import Floats

PERIODS_PER_UNIT = 2.0  # periods of mean demand that the value 1 stands for
HIGHEST = 50.0  # larger values are clipped


@dataclass(frozen=True)
class Group:
    """One named part of the vector."""

    name: str
    axes: tuple[str, ...]  # what each axis counts: age, period, supply_lane, site, channel, sku, life, due_slot, …
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
        self.per_unit = 1.0 / self._scale(world)  # multiplying takes a third of the time that dividing does
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
            np.multiply(self._values(group, observation), self.per_unit[place], out=vector[:, place], casting="same_kind")
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
        owners = {"site": by_site, "channel": by_channel, "supply_lane": by_site[self.problem.lanes.to]}
        parts = []
        for group in self.layout:
            scale = next((owners[axis] for axis in group.axes if axis in owners), np.ones(1))
            behind = len(group.axes) - 1 - group.axes.index("sku") if "sku" in group.axes else 0
            parts.append(np.broadcast_to(scale.reshape(*scale.shape, *[1] * behind), group.shape).ravel())
        return np.concatenate(parts)

    def _layout(self) -> list[Group]:
        """Return the groups that the scenario switches on and the world has, in order."""
        n, chosen, clock = self.problem.shape, self.chosen, self.problem.clock
        ages, ahead, back = visible_ages(self.problem), chosen.forecast, chosen.demand_history
        by_site, by_lane, by_channel = (n.sites, n.skus), (n.lanes, n.skus), (n.channels, n.skus)
        outstanding = {
            "by_age": (("age", "supply_lane", "sku"), (ages, *by_lane)),
            "by_lane": (("supply_lane", "sku"), by_lane),
            "by_site_and_age": (("age", "site", "sku"), (ages, *by_site)),
            "by_site": (("site", "sku"), by_site),
        }[chosen.outstanding]
        by_due = chosen.open_orders == "by_due_period" and n.slots > 1
        open_orders = (("channel", "sku", "due_slot"), (*by_channel, n.slots)) if by_due else (("channel", "sku"), by_channel)
        parts = [
            ("on_hand", ("site", "sku"), by_site, True),
            ("on_hand_by_life", ("site", "sku", "life"), (*by_site, n.lives), chosen.by_remaining_life and n.lives > 1),
            ("outstanding", *outstanding, ages > 0),
            ("owed", ("supply_lane", "sku"), by_lane, chosen.owed and bool(self.problem.lanes.backlog.any())),
            ("open_orders", *open_orders, n.slots > 1 or clock.demand_first),
            ("demand_history", ("period", "channel", "sku"), (back, *by_channel), back > 0),
            ("forecast_mean", ("period", "site", "sku"), (ahead, *by_site), ahead > 0),
            ("forecast_deviation", ("period", "site", "sku"), (ahead, *by_site), ahead > 0),
            ("goodwill", ("goodwill_group",), (n.groups,), chosen.goodwill and n.groups > 0),
            ("calendar", ("calendar",), (3 if self._is_dated() else 2,), self._has_calendar()),
        ]
        layout, start = [], 0
        for name, axes, shape, present in parts:
            if present:
                layout.append(Group(name, axes, shape, start))
                start = layout[-1].stop
        return layout

    def _is_dated(self) -> bool:
        """Tell whether it matters how much of the episode is left: it has an end, or demand does not repeat."""
        return self.problem.clock.season or not self.problem.demand.repeats

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
        return observation.under_way if self.chosen.outstanding == "by_lane" else observation.outstanding

    def _on_hand_by_life(self, observation: Observation) -> Floats:
        return observation.by_life

    def _owed(self, observation: Observation) -> Floats:
        return observation.owed

    def _goodwill(self, observation: Observation) -> Floats:
        return observation.goodwill

    def _open_orders(self, observation: Observation) -> Floats:
        by_due = len(next(group for group in self.layout if group.name == "open_orders").axes) == 3
        return observation.open_by_slot if by_due else observation.open_orders

    def _demand_history(self, observation: Observation) -> Floats:
        return observation.demand_history

    def _forecast_mean(self, observation: Observation) -> Floats:
        return observation.forecast(self.chosen.forecast)[0]

    def _forecast_deviation(self, observation: Observation) -> Floats:
        return observation.forecast(self.chosen.forecast)[1]

    def _calendar(self, observation: Observation) -> Floats:
        angle = 2.0 * np.pi * observation.period / max(self.problem.clock.cycle, 2)
        columns = [np.sin(angle), np.cos(angle)]
        if self._is_dated():
            columns.append((self.problem.clock.length - observation.period) / self.problem.clock.length)
        return np.stack(columns, axis=1)


def _scales(world: World) -> tuple[Floats, Floats]:
    """Return the units that the value 1 stands for, by site (S, K) and by channel (C, K)."""
    by_channel = mean_demand(world.problem)
    by_site = world.problem.sites.expected_demand
    return PERIODS_PER_UNIT * by_site, PERIODS_PER_UNIT * np.where(by_channel > 0.0, by_channel, 1.0)
