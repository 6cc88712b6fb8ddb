"""What a network that sees the world as cells (site × SKU) answers with, and how actions are made of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allotment.decisions.allocation_actions import AllocationActions
from allotment.scenario.loader import World
from allotment.scenario.problem import Integers


@dataclass(frozen=True)
class Answers:
    """What a network of cells answers with: so many numbers a cell, and which of them make each action."""

    width: int  # numbers that a cell answers with
    chosen: np.ndarray  # of all cells' numbers, cell by cell, those that count
    groups: np.ndarray  # the action of each; an action of several is their mean

    @property
    def actions(self) -> int:
        """Return the number of actions."""
        return int(self.groups.max()) + 1

    def beside(self, more: Answers) -> Answers:
        """Return these answers and more of the same cells behind them: their actions come after these."""
        width = self.width + more.width
        places = [(each.chosen // each.width) * width + each.chosen % each.width for each in (self, more)]
        chosen = np.concatenate([places[0], places[1] + self.width])
        return Answers(width, chosen, np.concatenate([self.groups, self.actions + more.groups]))


def lane_answers(world: World, lanes: np.ndarray, skus: np.ndarray, groups: np.ndarray) -> Answers:
    """Return answers for lanes and SKUs (n,), each of an action: a cell answers for every lane that leads to it."""
    return _of_owners(world, world.problem.lanes.to, lanes, skus, groups)


def with_allocation(answers: Answers, world: World, allocation: AllocationActions) -> Answers:
    """Return answers for orders, and behind them those for allocation and protection: a cell for what it ships and keeps.

    A budget's is the mean of what the cells say that it pays for.
    """
    skus = len(world.names.skus)
    if allocation.largest_allocation.size:
        lanes = np.repeat(np.arange(len(world.problem.fulfilment.site)), skus)
        which = np.tile(np.arange(skus), len(world.problem.fulfilment.site))
        answers = answers.beside(_of_owners(world, world.problem.fulfilment.site, lanes, which, np.arange(len(lanes))))
    if allocation.largest_protection.size:
        site, rank, sku = (axis.ravel() for axis in np.indices(allocation.largest_protection.shape))
        width = allocation.largest_protection.shape[1]
        answers = answers.beside(Answers(width, (site * skus + sku) * width + rank, np.arange(len(site))))
    if allocation.largest_budget.size:
        of = world.problem.treasury.budget_of.ravel()
        answers = answers.beside(Answers(1, np.flatnonzero(of >= 0), of[of >= 0]))
    return answers


def _of_owners(world: World, owners: Integers, lanes: np.ndarray, skus: np.ndarray, groups: np.ndarray) -> Answers:
    """Return answers for lanes and SKUs (n,), each of an action: a cell answers for every lane that it owns."""
    rank = np.array([int((owners[:lane] == owners[lane]).sum()) for lane in range(len(owners))])
    width = int(np.bincount(owners).max())
    cell = owners[lanes] * len(world.names.skus) + skus
    return Answers(width, cell * width + rank[lanes], groups)
