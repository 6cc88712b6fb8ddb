"""What a network decides beside orders, where the scenario leaves it to the policy: allocation, protection and budgets.

The first two are quantities from nothing to so many periods of mean demand, of the channel or of the site; a budget is a part
of the total. Around a rule they are corrections to what the rule decides, or leaves to the scenario; a budget's reaches as far
as its part would be if all were alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from array_api_compat import array_namespace

from allotment.decisions.observation import Observation, mean_demand
from allotment.decisions.serving import Serving
from allotment.engine.state import Decision, reserves
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import World
from allotment.scenario.problem import Floats

Array = Any  # a NumPy array or a Torch tensor
Corrected = Literal["allocation", "protection", "budget"]  # of a rule's decision, beside its orders
PERIODS = 3.0  # of mean demand that the largest action stands for, at least a unit; a correction reaches half as far, or a unit


@dataclass(frozen=True)
class AllocationActions:
    """The actions behind those for orders: of each fulfilment lane and SKU, of each site, class and SKU, and of each budget."""

    world: World
    allocates: bool = True  # where the scenario leaves allocation to the policy
    protects: bool = True  # likewise protection
    divides: bool = True  # likewise budgets
    corrects: bool = False  # a rule's decision

    @classmethod
    def around(cls, world: World, corrected: Sequence[Corrected], where: str) -> AllocationActions:
        """Return the actions that correct a rule; `ScenarioError` where the scenario does not leave it to policies."""
        rules = world.problem.rules
        left = {"allocation": rules.allocates, "protection": rules.protects, "budget": rules.budgets}
        for name in corrected:
            if not left[name]:
                raise ScenarioError(f"{where}: {world.name} leaves no {name} to policies; its decisions must name it")
        return cls(world, "allocation" in corrected, "protection" in corrected, "budget" in corrected, corrects=True)

    @property
    def size(self) -> int:
        """Return the number of actions."""
        return self.largest_allocation.size + self.largest_protection.size + self.largest_budget.size

    @cached_property
    def largest_allocation(self) -> Floats:
        """Return the most that an action allocates, (F, K) units; no lanes where the policy does not allocate."""
        problem = self.world.problem
        lanes = problem.fulfilment.channel if self.allocates and problem.rules.allocates else np.zeros(0, dtype=np.int64)
        return np.maximum(PERIODS * mean_demand(problem)[lanes], 1.0)

    @cached_property
    def largest_protection(self) -> Floats:
        """Return the most that an action protects from the classes below, (S, classes − 1, K) units."""
        problem, classes = self.world.problem, self.world.problem.shape.classes
        below = classes - 1 if self.protects and problem.rules.protects else 0
        return np.maximum(PERIODS * np.repeat(problem.sites.expected_demand[:, None], below, axis=1), 1.0)

    @cached_property
    def largest_budget(self) -> Floats:
        """Return the most that an action gives to a budget, (Q,) money: the total; no budgets where the policy divides none."""
        treasury, divides = self.world.problem.treasury, self.divides and self.world.problem.rules.budgets
        return np.full(treasury.amounts.shape[1] if divides else 0, treasury.total.max())

    def allocation(self, actions: Array) -> Array | None:
        """Return what is allocated, (B, F, K) units, from all actions (B, …) of a policy."""
        return _quantities(self._of_allocation(actions), self.largest_allocation) if self.largest_allocation.size else None

    def protection(self, actions: Array) -> Array | None:
        """Return what is protected, (B, S, J, K) units, from all actions (B, …) of a policy; nothing below the last class."""
        if not (self.protects and self.world.problem.rules.protects):
            return None
        return self._with_last_class(_quantities(self._of_protection(actions), self.largest_protection))

    def budget(self, actions: Array) -> Array | None:
        """Return what each budget gets, (B, Q) money, from all actions (B, …) of a policy; more than the total is cut alike."""
        return _quantities(self._of_budget(actions), self.largest_budget) if self.largest_budget.size else None

    def corrected(self, decided: Decision, observation: Observation, actions: Array) -> Decision:
        """Return a rule's decision with the rest corrected by actions (B, …), nothing by actions of 0.

        What the rule leaves to the scenario is what the scenario's rule would ship, or reserve and protect: nothing; budgets
        are alike.
        """
        xp, stated = array_namespace(actions), self.stated(actions)
        if self.largest_allocation.size:
            shipped = self._left_to_scenario(decided, observation) if decided.allocation is None else decided.allocation
            decided = decided._replace(allocation=xp.clip(shipped + stated["allocation_correction"], min=0.0))
        if self.largest_protection.size:
            kept = 0.0 if decided.protection is None else decided.protection
            decided = decided._replace(protection=xp.clip(kept + stated["protection_correction"], min=0.0))
        if self.largest_budget.size:
            alike = self.largest_budget[None] / len(self.largest_budget)
            divided = alike if decided.budget is None else decided.budget
            decided = decided._replace(budget=xp.clip(divided + stated["budget_correction"], min=0.0))
        return decided

    def stated(self, actions: Array) -> dict[str, Array]:
        """Return what actions (B, …) say by themselves, by name, (B, …) units: quantities, or corrections of a rule's."""
        if not self.corrects:
            found = {"allocation": self.allocation(actions), "protection": self.protection(actions)}
            found["budget"] = self.budget(actions)
            return {name: units for name, units in found.items() if units is not None}
        found = {}
        if self.largest_allocation.size:
            found["allocation_correction"] = _corrections(self._of_allocation(actions), self.largest_allocation)
        if self.largest_protection.size:
            corrections = _corrections(self._of_protection(actions), self.largest_protection)
            found["protection_correction"] = self._with_last_class(corrections)
        if self.largest_budget.size:
            alike = self.largest_budget / len(self.largest_budget)
            found["budget_correction"] = _corrections(self._of_budget(actions), 2.0 * alike)
        return found

    def _left_to_scenario(self, decided: Decision, observation: Observation) -> Floats | float:
        """Return what the scenario's rule ships where it is left to it; nothing where an allocation only reserves."""
        if reserves(self.world.problem):
            return 0.0
        return Serving(self.world).allocation(observation, decided.orders)

    def _of_allocation(self, actions: Array) -> Array:
        first = actions.shape[1] - self.size
        return actions[:, first : first + self.largest_allocation.size]

    def _of_protection(self, actions: Array) -> Array:
        last = actions.shape[1] - self.largest_budget.size
        return actions[:, last - self.largest_protection.size : last]

    def _of_budget(self, actions: Array) -> Array:
        return actions[:, actions.shape[1] - self.largest_budget.size :]

    def _with_last_class(self, protected: Array) -> Array:
        """Return protection (B, S, J − 1, K) with that of the last class: nothing."""
        shape, xp = self.world.problem.shape, array_namespace(protected)
        nothing = xp.zeros((protected.shape[0], shape.sites, 1, shape.skus), dtype=protected.dtype)
        return xp.concat([protected, nothing], axis=2)


def _quantities(actions: Array, limits: Floats) -> Array:
    """Return quantities (B, …) in units from actions (B, n) in [-1, 1]."""
    xp = array_namespace(actions)
    shares = xp.reshape(0.5 * (actions + 1.0), (actions.shape[0], *limits.shape))
    return shares * xp.asarray(limits, dtype=actions.dtype)


def _corrections(actions: Array, limits: Floats) -> Array:
    """Return corrections (B, …) in units, up to half the limits either way or a unit, from actions (B, n) in [-1, 1]."""
    xp, reach = array_namespace(actions), np.maximum(0.5 * limits, 1.0)
    return xp.reshape(actions, (actions.shape[0], *limits.shape)) * xp.asarray(reach, dtype=actions.dtype)
