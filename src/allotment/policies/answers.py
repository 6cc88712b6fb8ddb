"""What a network that sees the world as cells (site × SKU) answers with, and how actions are made of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allotment.scenario.loader import World


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


def lane_answers(world: World, lanes: np.ndarray, skus: np.ndarray, groups: np.ndarray) -> Answers:
    """Return answers for lanes and SKUs (n,), each of an action: a cell answers for every lane that leads to it."""
    to = world.problem.lanes.to
    rank = np.array([int((to[:lane] == to[lane]).sum()) for lane in range(len(to))])
    width = int(np.bincount(to).max())
    cell = to[lanes] * len(world.names.skus) + skus
    return Answers(width, cell * width + rank[lanes], groups)
