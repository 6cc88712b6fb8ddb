"""Encodings: how a network's action in [-1, 1] becomes quantities to order.

The engine takes quantities; an encoding belongs to a policy. Ranges are stated in periods of mean demand, so that one policy
file serves every world.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

import numpy as np

from allotment.env.decision import Decides
from allotment.env.flatten import site_demand
from allotment.env.observation import Observation
from allotment.scenario.loader import World
from allotment.scenario.problem import Floats, Integers


class Encoding(Protocol):
    """An action space and its meaning."""

    @property
    def name(self) -> str:
        """Return the encoding's name in configs."""
        ...

    @property
    def periods(self) -> float:
        """Return the reach of its actions in periods of mean demand."""
        ...

    @property
    def size(self) -> int:
        """Return the number of actions."""
        ...

    def orders(self, actions: Floats, observation: Observation) -> Floats:
        """Return quantities (B, L, K) in units from actions (B, size) in [-1, 1]."""
        ...


@dataclass(frozen=True)
class Quantity:
    """A quantity for each lane and SKU it carries, from 0 to `periods` of mean demand at the destination."""

    world: World
    periods: float = 3.0
    name: str = "quantity"

    @cached_property
    def cells(self) -> tuple[Integers, Integers]:
        """Return lane and SKU of each action."""
        return np.nonzero(self.world.problem.lanes.allowed)  # type: ignore[return-value]

    @cached_property
    def groups(self) -> Integers:
        """Return which action decides each cell: one each."""
        return np.arange(self.size)

    @property
    def size(self) -> int:
        """Return the number of actions."""
        return int(self.world.problem.lanes.allowed.sum())

    @cached_property
    def _limits(self) -> Floats:
        """Return the largest quantity of each cell, in units."""
        return self.periods * _demand_at(self.world, self.cells)

    def orders(self, actions: Floats, observation: Observation) -> Floats:
        """Return quantities (B, L, K) in units from actions (B, size)."""
        lanes, skus = self.cells
        orders = np.zeros((len(actions), *self.world.problem.lanes.allowed.shape))
        orders[:, lanes, skus] = 0.5 * (actions + 1.0) * self._limits
        return orders


@dataclass(frozen=True)
class OrderUpTo:
    """A target position for each site and SKU, and for each lane a weight in the split of the shortfall.

    Transfers between sites come first, each its share of the shortfall; what they add or take counts, and suppliers share
    the rest. Targets reach from 0 to `periods` of mean demand near the site.
    """

    world: World
    periods: float = 12.0
    sharpness: float = 3.0  # how much of a shortfall the heaviest lane takes
    name: str = "order_up_to"

    @property
    def size(self) -> int:
        """Return the number of actions: targets, then weights of lanes where a site has a choice."""
        return self.world.problem.sharing.initial_stock.size + len(self._weighted_lanes())

    def _weighted_lanes(self) -> Integers:
        to = self.world.problem.lanes.to
        return np.flatnonzero(np.bincount(to)[to] > 1)

    def orders(self, actions: Floats, observation: Observation) -> Floats:
        """Return quantities (B, L, K) in units from actions (B, size)."""
        lanes = self.world.problem.lanes
        limit = self.periods * site_demand(self.world)
        target = 0.5 * (actions[:, : limit.size].reshape(-1, *limit.shape) + 1.0) * limit
        weights = self._weights(actions[:, limit.size :])
        between = lanes.site >= 0
        shortfall = np.maximum(target - observation.inventory_position, 0.0)
        transfers = np.where(between[:, None], weights * shortfall[:, lanes.to], 0.0)
        position = observation.inventory_position + moved(self.world, transfers)
        rest = np.maximum(target - position, 0.0)[:, lanes.to]
        return transfers + np.where(between[:, None], 0.0, self._among_suppliers(weights) * rest)

    def _weights(self, actions: Floats) -> Floats:
        """Return each lane's share of its site's shortfall by SKU, (B, L, K); shares of a site and SKU sum to 1."""
        lanes = self.world.problem.lanes
        scores = np.zeros((len(actions), len(lanes.to)))
        scores[:, self._weighted_lanes()] = self.sharpness * actions
        return self._normalised(np.exp(scores)[:, :, None] * lanes.allowed)

    def _among_suppliers(self, weights: Floats) -> Floats:
        return self._normalised(weights * (self.world.problem.lanes.site < 0)[:, None])

    def _normalised(self, weights: Floats) -> Floats:
        lanes = self.world.problem.lanes
        together = (lanes.to[:, None] == lanes.to[None, :]).astype(float) @ weights
        return weights / np.where(together > 0.0, together, 1.0)


@dataclass(frozen=True)
class Residual:
    """A correction to a rule-based policy's order on each supplier lane, up to `periods` of mean demand either way.

    Where a rule wants less than nothing (its stock is above its level), the correction counts from there: it moves the level
    at which the rule begins to order.
    """

    world: World
    rule: Decides
    periods: float = 1.0
    by: Literal["lane", "lane_and_sku"] = "lane_and_sku"  # one correction for all SKUs of a lane, or one for each
    name: str = "residual"

    @cached_property
    def cells(self) -> tuple[Integers, Integers]:
        """Return lane and SKU of each correction: what suppliers' lanes carry."""
        lanes = self.world.problem.lanes
        return np.nonzero(lanes.allowed & (lanes.site < 0)[:, None])  # type: ignore[return-value]

    @cached_property
    def groups(self) -> Integers:
        """Return which action corrects each cell."""
        lanes, _ = self.cells
        return np.unique(lanes, return_inverse=True)[1] if self.by == "lane" else np.arange(len(lanes))

    @property
    def size(self) -> int:
        """Return the number of actions."""
        return int(self.groups.max()) + 1

    @cached_property
    def _scale(self) -> Floats:
        """Return the largest correction of each cell, in units."""
        return self.periods * _demand_at(self.world, self.cells)

    def orders(self, actions: Floats, observation: Observation) -> Floats:
        """Return quantities (B, L, K) in units from actions (B, size)."""
        lanes, skus = self.cells
        decision = self.rule.decide(observation)
        orders = (decision.orders if decision.wanted is None else decision.wanted).copy()
        orders[:, lanes, skus] += actions[:, self.groups] * self._scale
        return np.maximum(orders, 0.0)


@dataclass(frozen=True)
class Discrete:
    """Whole quantities from 0 to `periods` of mean demand, where a world has a single decision."""

    world: World
    periods: float = 3.0
    name: str = "discrete"

    def __post_init__(self) -> None:
        if self.world.problem.lanes.allowed.sum() != 1:
            raise ValueError(
                f"encoding discrete needs a world with one decision; {self.world.scenario.name} has "
                f"{int(self.world.problem.lanes.allowed.sum())} (allowed: quantity, order_up_to, residual)"
            )

    @property
    def size(self) -> int:
        """Return the number of actions: one position in a list."""
        return 1

    @property
    def choices(self) -> int:
        """Return the number of quantities to choose from."""
        return int(np.ceil(self.periods * site_demand(self.world).max())) + 1

    def orders(self, actions: Floats, observation: Observation) -> Floats:
        """Return quantities (B, L, K) in units from positions (B,) in the list 0, 1, …."""
        orders = np.zeros((observation.batch, *self.world.problem.lanes.allowed.shape))
        orders[:, self.world.problem.lanes.allowed] = np.reshape(actions, (-1, 1))
        return orders


ENCODINGS = {"quantity": Quantity, "order_up_to": OrderUpTo, "residual": Residual, "discrete": Discrete}


def _demand_at(world: World, cells: tuple[Integers, Integers]) -> Floats:
    """Return the mean demand of a cell's SKU where its lane leads to, (n,) units/period."""
    lanes, skus = cells
    return site_demand(world)[world.problem.lanes.to[lanes], skus]


def moved(world: World, orders: Floats) -> Floats:
    """Return what orders between sites (B, L, K) add to, or take from, each site's position, (B, S, K) units."""
    lanes = world.problem.lanes
    sites = np.arange(len(world.problem.sharing.handling))
    between = lanes.site >= 0
    added = ((lanes.to[None, :] == sites[:, None]) & between).astype(float)
    taken = (lanes.site[None, :] == sites[:, None]).astype(float)
    return (added - taken) @ orders
