"""Decisions by what a policy sees: the table that an exact solution is kept as."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from allotment.decisions.observation import Observation
from allotment.engine.state import Decision
from allotment.exact.coding import repeats_after
from allotment.exact.numbering import Numbering
from allotment.exact.serving import left_after_serving, may_serve_at_once
from allotment.scenario.problem import Floats, Integers, Problem


def seen(problem: Problem, observation: Observation, step: float) -> Integers:
    """Return what is seen of a batch of worlds as rows of integers, (B, n): units in steps, and the period."""
    slots = problem.lanes.slots
    ages = (observation.period[:, None] - np.arange(1, slots)) % slots
    by_age = observation.slots[np.arange(observation.batch)[:, None], ages]
    stock, waiting = observation.by_life, observation.open_demand_by_slot
    if may_serve_at_once(problem):
        stock, waiting = left_after_serving(problem, stock, waiting)
    units = (stock, by_age, waiting, observation.owed)
    steps = [np.round(part.reshape(observation.batch, part[0].size) / step).astype(np.int64) for part in units]
    goodwill = np.ascontiguousarray(observation.goodwill).view(np.int64)
    phase = observation.period if problem.clock.season else observation.period % repeats_after(problem)
    return np.concatenate([*steps, goodwill.reshape(observation.batch, -1)[:, : problem.shape.groups], phase[:, None]], axis=1)


@dataclass(frozen=True)
class Table:
    """The decision for each row of what may be seen."""

    rows: Integers  # (n, width)
    orders: Floats  # (n, L, K) units
    allocation: Floats  # (n, F, K) units, without lanes where the scenario's rule allocates
    protection: Floats  # (n, S, J, K) units

    @cached_property
    def numbering(self) -> Numbering:
        """Return the rows by their numbers."""
        numbering = Numbering(self.rows.shape[1], len(self.rows), "states")
        numbering.number(self.rows)
        return numbering

    def decision(self, rows: Integers) -> Decision:
        """Return the decisions for rows (B, width); a row that is not there stands for the one that differs least from it."""
        places = self.numbering.find(rows)
        for missing in np.flatnonzero(places < 0):
            places[missing] = np.abs(self.rows - rows[missing]).sum(axis=1).argmin()
        return Decision(self.orders[places], self.allocation[places], self.protection[places])
