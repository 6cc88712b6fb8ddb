"""A world's linear programme in the making: which variables say what is in stock, in transit and open as periods go by."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from allotment.programs.linear_program import NONE, LinearProgram
from allotment.programs.opening import Opening
from allotment.programs.path import SamplePath
from allotment.programs.worth import worth
from allotment.quantities import Integers
from allotment.scenario.problem import CHARGE, RECEIVE, Floats, Problem


@dataclass
class Draft:
    """The variables of the periods so far, as arrays of columns; flows are by period T."""

    problem: Problem
    path: SamplePath
    opening: Opening
    weights: Floats  # (T,) what money of a period's record counts
    first: int  # period of the episode with which the programme begins
    program: LinearProgram = field(default_factory=LinearProgram)

    def __post_init__(self) -> None:
        n, periods, slots = self.problem.shape, self.path.periods, self.problem.shape.slots
        self.before = len(self.opening.in_transit)
        self.orders = np.full((self.before + periods, n.lanes, n.skus, n.lives), NONE)  # from each lane, by remaining life
        self.shipped = np.full((periods, n.fulfilment, n.skus, slots), NONE)  # on each fulfilment lane, by due slot
        self.demanded = np.full((periods, n.channels, n.skus), NONE)
        self.unserved = np.full((periods, n.channels, n.skus, slots), NONE)  # after `fulfil`, before any is lost
        self.waiting = np.full((periods, n.channels, n.skus, slots), NONE)  # units of these that may be lost, and are not
        self.accepted: list[tuple[int, Integers, Integers, Integers]] = []  # record, lane, SKU (n,) and columns (n, A)
        self.expired = np.full((periods, n.sites, n.skus), NONE)
        self.shrunk = np.full((periods, n.sites, n.skus, n.lives), NONE)
        self.on_hand = np.full((periods, n.sites, n.skus, n.lives), NONE)  # at `charge`
        self.handling = np.full((periods, n.sites), NONE)  # rows
        self.stock, self.open_demand = self._given(self.opening.on_hand), self._given(self.opening.open_demand)
        self.kept = np.ones(self.open_demand.shape)  # units still open of a unit of `open_demand`
        self.orders[: self.before] = self._given(self.opening.in_transit)
        self.in_transit = np.zeros(self.orders.shape[:3], dtype=bool)
        self.in_transit[: self.before] = True

    def _given(self, units: Floats) -> Integers:
        """Return variables that stand for given units, none where there are none."""
        return self.program.variables(units, units, units)

    def worth(self, units: str, period: int) -> Floats:
        """Return what a unit of a flow is worth in a period's record, (places, K)."""
        return self.weights[period] * worth(self.problem, units, self.first + period)

    def now(self, calendar: Floats, period: int) -> Floats:
        """Return what a calendar says of a period."""
        return calendar[(self.first + period) % len(calendar)]

    def record_of_receipts(self, period: int) -> int:
        """Return the period whose record counts what arrives in a period: the next where `receive` follows `charge`."""
        sequence = self.problem.clock.sequence.tolist()
        return min(period + int(sequence.index(RECEIVE) > sequence.index(CHARGE)), self.path.periods - 1)

    def new_stock(self, grows: Integers | None = None) -> tuple[Integers, Integers]:
        """Follow the stock by new variables; returns their rows, old stock less new stock = 0, and the old columns.

        `grows` (S, K, A) says where there may be stock although there was none.
        """
        old = self.stock
        there = (old != NONE) if grows is None else (old != NONE) | (grows != 0)
        self.stock = self.program.variables(0.0, np.inf, there)
        rows = np.where(there, self.program.constraints(0.0, 0.0, there.shape), NONE)
        self.program.add(rows, old, 1.0)
        self.program.add(rows, self.stock, -1.0)
        return rows, old
