"""Encodings: how a network's action in [-1, 1] becomes quantities to order.

The engine takes quantities; an encoding belongs to a policy. Ranges are stated in periods of mean demand, so that one policy
file serves every world. The mapping itself works on NumPy arrays and on Torch tensors alike.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, Protocol

import numpy as np
from array_api_compat import array_namespace

from allotment.decisions.allocation_actions import AllocationActions, Corrected
from allotment.decisions.observation import Observation
from allotment.decisions.policy import Policy
from allotment.engine.dynamics.arrays import sum_into, take
from allotment.engine.exponential import exponential
from allotment.engine.state import Decision
from allotment.scenario.amounts import LARGEST
from allotment.scenario.errors import ScenarioError, shown
from allotment.scenario.loader import World
from allotment.scenario.problem import Flags, Floats, Integers

MOST_CHOICES = 100_000  # of a list, each an output of a network
Array = Any  # a NumPy array or a Torch tensor


class Encoding(Protocol):
    """An action space and its meaning."""

    @property
    def name(self) -> str:
        """Return the encoding's name in configs."""
        ...

    @property
    def size(self) -> int:
        """Return the number of actions."""
        ...

    def base(self, observation: Observation) -> Floats | None:
        """Return what actions count from: nothing, the inventory position (B, S, K) or a rule's orders (B, L, K), in units."""
        ...

    def quantities(self, actions: Array, base: Array | None) -> Array:
        """Return quantities (B, L, K) in units from actions (B, size) in [-1, 1] and what they count from."""
        ...

    def orders(self, actions: Floats, observation: Observation) -> Floats:
        """Return quantities (B, L, K) in units from actions (B, size) in [-1, 1]."""
        ...

    @property
    def allocation_actions(self) -> AllocationActions:
        """Return what the last of its actions decide beside orders."""
        ...

    def decision(self, actions: Floats, observation: Observation) -> Decision:
        """Return the decision that actions (B, size) in [-1, 1] stand for."""
        ...

    def within(self, world: World) -> Encoding:
        """Return the same encoding in another form of its world: its continuous relaxation, say."""
        ...


class OfOrders(ABC):
    """What encodings of orders have in common: allocation, protection and budgets are the last of their actions."""

    world: World

    @cached_property
    def allocation_actions(self) -> AllocationActions:
        """Return what the last of its actions decide beside orders."""
        return AllocationActions(self.world)

    def decision(self, actions: Floats, observation: Observation) -> Decision:
        """Return the decision that actions (B, size) in [-1, 1] stand for."""
        shared = self.allocation_actions
        allocation, protection = shared.allocation(actions), shared.protection(actions)
        return Decision(self.orders(actions, observation), allocation, protection, shared.budget(actions))

    def within(self, world: World) -> Any:
        """Return the same encoding in another form of its world."""
        return replace(self, world=world)  # type: ignore[type-var]

    @abstractmethod
    def orders(self, actions: Floats, observation: Observation) -> Floats:
        """Return quantities (B, L, K) in units from actions (B, size) in [-1, 1]."""


@dataclass(frozen=True)
class Quantity(OfOrders):
    """A quantity for each lane and SKU it carries, from 0 to `periods` of mean demand at the destination."""

    world: World
    periods: float = 3.0
    name: str = "quantity"

    def __post_init__(self) -> None:
        _check_reach(self.name, self.periods, self.world)

    @cached_property
    def cells(self) -> tuple[Integers, Integers]:
        """Return lane and SKU of each action for orders."""
        problem = self.world.problem
        return np.nonzero(problem.lanes.allowed & problem.rules.orders)  # type: ignore[return-value]

    @cached_property
    def groups(self) -> Integers:
        """Return which action decides each cell: one each."""
        return np.arange(len(self.cells[0]))

    @property
    def size(self) -> int:
        """Return the number of actions."""
        return len(self.cells[0]) + self.allocation_actions.size

    @cached_property
    def limits(self) -> Floats:
        """Return the largest quantity of each cell, in units."""
        return self.periods * _demand_at(self.world, self.cells)

    @cached_property
    def _where(self) -> Integers:
        return _places(self.world, self.cells)

    def base(self, observation: Observation) -> None:
        """Actions count from nothing."""

    def quantities(self, actions: Array, base: Array | None = None) -> Array:
        """Return quantities (B, L, K) in units from actions (B, size)."""
        own = actions[:, : len(self.limits)]
        return _placed(self.world, 0.5 * (own + 1.0) * _like(self.limits, actions), self._where)

    def orders(self, actions: Floats, observation: Observation) -> Floats:
        """Return quantities (B, L, K) in units from actions (B, size)."""
        return self.quantities(actions)


@dataclass(frozen=True)
class OrderUpTo(OfOrders):
    """A target position for each site and SKU, and for each lane a weight in the split of the shortfall.

    Transfers between sites come first, each its share of the shortfall; what they add or take counts, and suppliers share
    the rest. Targets reach from 0 to `periods` of mean demand near the site.
    """

    world: World
    periods: float = 12.0
    sharpness: float = 3.0  # how much of a shortfall the heaviest lane takes
    name: str = "order_up_to"

    def __post_init__(self) -> None:
        _check_reach(self.name, self.periods, self.world)
        _check_orders(self.name, self.world)

    @property
    def size(self) -> int:
        """Return the number of actions: targets, then weights of lanes where a site has a choice."""
        return self.world.problem.sites.initial_stock.size + int(self._choice.sum()) + self.allocation_actions.size

    @cached_property
    def limits(self) -> Floats:
        """Return the largest target of each site and SKU, (S, K) units."""
        return self.periods * self.world.problem.sites.expected_demand

    @cached_property
    def scored(self) -> Integers:
        """Return which action weighs each lane, (L,); -1 where a site has no choice."""
        return np.where(self._choice, self.limits.size + np.cumsum(self._choice) - 1, -1)

    @cached_property
    def _choice(self) -> Flags:
        """Return which lanes have a weight of their own: those that lead where others lead too, (L,)."""
        to = self.world.problem.lanes.to
        return np.bincount(to)[to] > 1

    def base(self, observation: Observation) -> Floats:
        """Return the inventory position, (B, S, K) units."""
        return observation.inventory_position

    def quantities(self, actions: Array, base: Array | None) -> Array:
        """Return quantities (B, L, K) in units from actions (B, size) and the inventory position (B, S, K)."""
        xp, lanes, limits = array_namespace(actions), self.world.problem.lanes, _like(self.limits, actions)
        assert base is not None
        target = 0.5 * (xp.reshape(actions[:, : self.limits.size], (-1, *self.limits.shape)) + 1.0) * limits
        weights = self._weights(actions[:, self.limits.size : self.limits.size + int(self._choice.sum())])
        between = _like((lanes.site >= 0)[:, None].astype(float), actions)
        shortfall = xp.clip(target - base, min=0.0)
        transfers = between * weights * shortfall[:, lanes.to]
        rest = xp.clip(target - (base + moved(self.world, transfers)), min=0.0)[:, lanes.to]
        return transfers + self._normalised(weights * (1.0 - between)) * rest

    def orders(self, actions: Floats, observation: Observation) -> Floats:
        """Return quantities (B, L, K) in units from actions (B, size)."""
        return self.quantities(actions, self.base(observation))

    def _weights(self, actions: Array) -> Array:
        """Return each lane's share of its site's shortfall by SKU, (B, L, K); shares of a site and SKU sum to 1."""
        lanes = self.world.problem.lanes
        where = np.where(self._choice, np.cumsum(self._choice) - 1, self._choice.sum())
        scores = self.sharpness * _padded(actions)[:, where]
        return self._normalised(exponential(scores)[:, :, None] * _like(lanes.allowed.astype(float), actions))

    def _normalised(self, weights: Array) -> Array:
        xp, to = array_namespace(weights), self.world.problem.lanes.to
        together = take(sum_into(weights, to, self.world.problem.shape.sites), to, 1)
        return weights / xp.where(together > 0.0, together, xp.ones_like(together))


@dataclass(frozen=True)
class Residual(OfOrders):
    """A correction to a rule-based policy's order on each supplier lane, up to `periods` of mean demand either way.

    Where a rule wants less than nothing (its stock is above its level), the correction counts from there: it moves the level
    at which the rule begins to order. The rest of its decision is the rule's, or left to the scenario where the rule leaves it,
    unless actions also correct it.
    """

    world: World
    rule: Policy
    periods: float = 1.0
    by: Literal["lane", "lane_and_sku"] = "lane_and_sku"  # one correction for all SKUs of a lane, or one for each
    also_corrects: tuple[Corrected, ...] = ()  # of the rule's decision, beside its orders
    name: str = "residual"

    def __post_init__(self) -> None:
        _check_reach(self.name, self.periods, self.world)
        _check_orders(self.name, self.world)
        check_forgetful(self.name, self.rule)
        self.allocation_actions  # noqa: B018, refuses what the world leaves to no policy

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
        return int(self.groups.max(initial=-1)) + 1 + self.allocation_actions.size

    @cached_property
    def limits(self) -> Floats:
        """Return the largest correction of each cell, in units."""
        return self.periods * _demand_at(self.world, self.cells)

    @cached_property
    def _where(self) -> Integers:
        return _places(self.world, self.cells)

    def within(self, world: World) -> Residual:
        """Return the same encoding in another form of its world."""
        return replace(self, world=world, rule=self.rule.within(world))  # type: ignore[attr-defined]

    def base(self, observation: Observation) -> Floats:
        """Return what the rule wants on every lane, (B, L, K) units; below 0 where it is far from ordering."""
        return _wanted(self.rule.decide(observation))

    def quantities(self, actions: Array, base: Array | None) -> Array:
        """Return quantities (B, L, K) in units from actions (B, size) and what the rule wants (B, L, K)."""
        assert base is not None
        corrections = actions[:, self.groups] * _like(self.limits, actions)
        return array_namespace(actions).clip(base + _placed(self.world, corrections, self._where), min=0.0)

    @cached_property
    def allocation_actions(self) -> AllocationActions:
        """Return what the last of its actions correct beside orders."""
        return AllocationActions.around(self.world, self.also_corrects, f"encoding {self.name}: also_corrects")

    def decision(self, actions: Floats, observation: Observation) -> Decision:
        """Return the rule's decision, corrected by actions (B, size) in [-1, 1]."""
        decided = self.rule.decide(observation)
        orders = self.quantities(actions, _wanted(decided))
        decided = Decision(orders, decided.allocation, decided.protection, decided.budget)
        return self.allocation_actions.corrected(decided, observation, actions)

    def orders(self, actions: Floats, observation: Observation) -> Floats:
        """Return quantities (B, L, K) in units from actions (B, size)."""
        return self.quantities(actions, self.base(observation))


@dataclass(frozen=True)
class Discrete(OfOrders):
    """Whole quantities from 0 to `periods` of mean demand, where a world has a single decision."""

    world: World
    periods: float = 3.0
    name: str = "discrete"

    def __post_init__(self) -> None:
        _check_reach(self.name, self.periods, self.world)
        _check_orders(self.name, self.world)
        if self.choices > MOST_CHOICES:
            reach = f"{self.choices:,} quantities, up to {self.periods:g} periods of mean demand"
            raise ScenarioError(f"encoding discrete: {reach}, are more than {MOST_CHOICES:,}; use quantity, or fewer periods")
        decisions = int(self.world.problem.lanes.allowed.sum()) + self.allocation_actions.size
        if decisions != 1:
            raise ValueError(
                f"encoding discrete needs a world with one decision; {self.world.scenario.name} has "
                f"{decisions} (allowed: quantity, order_up_to, residual)"
            )

    @property
    def size(self) -> int:
        """Return the number of actions: one position in a list."""
        return 1

    @cached_property
    def groups(self) -> Integers:
        """Return which action decides each cell: the only one."""
        return np.zeros(1, dtype=np.int64)

    @property
    def limits(self) -> Floats:
        """Return the largest quantity, (1,) units."""
        return np.array([self.choices - 1.0])

    @property
    def choices(self) -> int:
        """Return the number of quantities to choose from."""
        return int(np.ceil(self.periods * self.world.problem.sites.expected_demand.max())) + 1

    def base(self, observation: Observation) -> None:
        """Positions count from nothing."""

    def quantities(self, actions: Array, base: Array | None = None) -> Array:
        """Return quantities (B, L, K) in units from positions (B,) in the list 0, 1, …."""
        xp = array_namespace(actions)
        return _placed(self.world, xp.reshape(actions, (-1, 1)), _places(self.world, self.cells))

    @cached_property
    def cells(self) -> tuple[Integers, Integers]:
        """Return lane and SKU of the one decision."""
        return np.nonzero(self.world.problem.lanes.allowed)  # type: ignore[return-value]

    def orders(self, actions: Floats, observation: Observation) -> Floats:
        """Return quantities (B, L, K) in units from positions (B,) in the list 0, 1, …."""
        return self.quantities(actions)


def _wanted(decision: Decision) -> Floats:
    """Return what a rule wants on every lane, (B, L, K) units; below 0 where it is far from ordering."""
    return decision.orders if decision.wanted is None else decision.wanted


def _check_reach(name: str, periods: Any, world: World) -> None:
    """Refuse an encoding whose actions reach to nothing, or further than quantities can be."""
    if isinstance(periods, bool) or not isinstance(periods, int | float) or not 0 < periods <= LARGEST:
        raise ScenarioError(f"encoding {name}: periods must be a number > 0, not {shown(periods)}")
    units = periods * float(world.problem.sites.expected_demand.max(initial=0.0))
    if units > LARGEST:
        raise ScenarioError(f"encoding {name}: {periods:g} periods reach to {units:,.3g} units, more than {LARGEST:,.0f}")


def check_forgetful(name: str, rule: Any) -> None:
    """Refuse a rule that remembers more than it is shown, which an encoding cannot keep for it."""
    if getattr(rule, "memory_size", 0):
        raise ScenarioError(f"encoding {name}: {rule.name} remembers past demand; take a rule that does not")


def _check_orders(name: str, world: World) -> None:
    """Refuse an encoding of orders where the policy decides none."""
    if not world.problem.rules.orders:
        raise ValueError(f"encoding {name} needs a world whose policy decides orders; {world.scenario.name} allows quantity")


def _demand_at(world: World, cells: tuple[Integers, Integers]) -> Floats:
    """Return the mean demand of a cell's SKU where its lane leads to, (n,) units/period."""
    lanes, skus = cells
    return world.problem.sites.expected_demand[world.problem.lanes.to[lanes], skus]


def _like(constant: Floats, array: Array) -> Array:
    """Return a constant as an array of the same kind as another."""
    return array_namespace(array).asarray(constant, dtype=array.dtype)


def _places(world: World, cells: tuple[Integers, Integers]) -> Integers:
    """Return, for every lane and SKU, which cell stands there; the place behind the last cell for none, (L × K,)."""
    shape = world.problem.lanes.allowed.shape
    places = np.full(shape, len(cells[0]))
    places[cells] = np.arange(len(cells[0]))
    return places.ravel()


def _placed(world: World, units: Array, places: Integers) -> Array:
    """Put the units of cells (B, n) on their lanes and SKUs, (B, L, K); nothing elsewhere."""
    return array_namespace(units).reshape(_padded(units)[:, places], (-1, *world.problem.lanes.allowed.shape))


def _padded(columns: Array) -> Array:
    """Return columns (B, n) with one of zeros behind them."""
    xp = array_namespace(columns)
    return xp.concat([columns, xp.zeros((columns.shape[0], 1), dtype=columns.dtype)], axis=1)


def moved(world: World, orders: Array) -> Array:
    """Return what orders between sites (B, L, K) add to, or take from, each site's position, (B, S, K) units."""
    lanes, sites = world.problem.lanes, world.problem.shape.sites
    between = np.flatnonzero(lanes.site >= 0)
    units = take(orders, between, 1)
    return sum_into(units, lanes.to[between], sites) - sum_into(units, lanes.site[between], sites)
