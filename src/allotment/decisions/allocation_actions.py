"""What a network decides beside orders, where the scenario leaves it to the policy: allocation to channels, and protection.

Both are quantities from nothing to so many periods of mean demand: of the channel, or of the site.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from allotment.decisions.observation import mean_demand
from allotment.decisions.policy import Policy
from allotment.engine.state import Decision
from allotment.scenario.loader import World
from allotment.scenario.problem import Floats

Array = Any  # a NumPy array or a Torch tensor
PERIODS = 3.0  # of mean demand that the largest action stands for, at least one unit


@dataclass(frozen=True)
class AllocationActions:
    """The actions behind those for orders: one for each fulfilment lane and SKU, then one for each site, class and SKU."""

    world: World
    allocates: bool = True  # where the scenario leaves allocation to the policy
    protects: bool = True  # likewise protection

    @classmethod
    def around(cls, world: World, rule: Policy) -> AllocationActions:
        """Return the actions for what a rule leaves open of allocation and protection."""
        return cls(world, getattr(rule, "allocator", None) is None, getattr(rule, "protected", None) is None)

    @property
    def size(self) -> int:
        """Return the number of actions."""
        return self.largest_allocation.size + self.largest_protection.size

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

    def allocation(self, actions: Array) -> Array | None:
        """Return what is allocated, (B, F, K) units, from all actions (B, …) of a policy."""
        if not self.largest_allocation.size:
            return None
        own = actions[:, actions.shape[1] - self.size : actions.shape[1] - self.largest_protection.size]
        return _quantities(own, self.largest_allocation)

    def protection(self, actions: Array) -> Array | None:
        """Return what is protected, (B, S, J, K) units, from all actions (B, …) of a policy; nothing below the last class."""
        if not (self.protects and self.world.problem.rules.protects):
            return None
        xp = array_namespace(actions)
        protected = _quantities(actions[:, actions.shape[1] - self.largest_protection.size :], self.largest_protection)
        return xp.concat([protected, xp.zeros((protected.shape[0], *self._last_class), dtype=protected.dtype)], axis=2)

    def beside(self, decided: Decision, actions: Array) -> Decision:
        """Return a rule's decision with what actions (B, …) decide of allocation and protection, where the rule does not."""
        allocation, protection = self.allocation(actions), self.protection(actions)
        return decided._replace(
            allocation=decided.allocation if allocation is None else allocation,
            protection=decided.protection if protection is None else protection,
        )

    @property
    def _last_class(self) -> tuple[int, int, int]:
        return self.world.problem.shape.sites, 1, self.world.problem.shape.skus


def _quantities(actions: Array, limits: Floats) -> Array:
    """Return quantities (B, …) in units from actions (B, n) in [-1, 1]."""
    xp = array_namespace(actions)
    shares = xp.reshape(0.5 * (actions + 1.0), (actions.shape[0], *limits.shape))
    return shares * xp.asarray(limits, dtype=actions.dtype)
