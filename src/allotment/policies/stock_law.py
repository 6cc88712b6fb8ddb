"""The law of a site's stock when an order of now arrives, where unserved demand is lost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allotment.policies.demand_law import quantile
from allotment.scenario.problem import Floats, Integers

AT_ONCE = 256  # states for which laws are held together


@dataclass(frozen=True)
class StockLaw:
    """One site and SKU that orders by one lane. Laws are probabilities of 0, 1, 2, … units."""

    demand: Floats  # (n,) the law of a period
    lead: int  # periods, at least 1
    holding: float  # money/unit/period
    underage: float  # money/unit lost

    @property
    def largest(self) -> int:
        """Return the largest order that may pay: without any stock, the critical quantile of one period's demand."""
        return quantile(self.demand, self.underage / max(self.underage + self.holding, 1e-12))

    def best_orders(self, states: Integers, periods: int) -> Integers:
        """Return the orders (B,) that cost least in the period of their arrival, or in that one and the next.

        `states` has the stock and the orders of the last 1, 2, … periods, (B, 1 + ages).
        """
        parts = [self._best(states[first : first + AT_ONCE], periods) for first in range(0, len(states), AT_ONCE)]
        return np.concatenate(parts)

    def _best(self, states: Integers, periods: int) -> Integers:
        stock, arrivals = states[:, 0], states[:, self.lead - 1 : 0 : -1]  # the oldest order arrives next
        size = int(states[:, : self.lead].sum(axis=1).max()) + 1
        moves, costs = self._moves(size + self.largest), self._costs(size + 2 * self.largest)
        served = _point(stock, size) @ moves[:size, :size]  # (B, size) law of what this period leaves
        own = costs[np.arange(size)[:, None] + np.arange(self.largest + 1)]  # (size, orders) of a period that begins with …
        arrived = self._after(served, arrivals, moves[:size, :size])
        total = arrived @ own
        if periods == 2:
            total = total + self._next(served, arrivals, moves, costs)
        return (total <= total.min(axis=1, keepdims=True) + 1e-11).argmax(axis=1)

    def _next(self, served: Floats, arrivals: Integers, moves: Floats, costs: Floats) -> Floats:
        """Return the expected cost of the period after, in which the order is the best once more, (B, orders).

        Its order is placed when it is known what this period leaves.
        """
        batch, size = served.shape
        left = np.repeat(np.eye(size)[None], batch, axis=0).reshape(-1, size)
        arrived = self._after(left, np.repeat(arrivals, size, axis=0), moves[:size, :size])  # (B × left, size)
        orders = np.arange(self.largest + 1)
        ahead = moves @ costs[np.arange(len(moves))[:, None] + orders]  # (stock before demand, next order)
        best = [(arrived @ ahead[order : order + size]).min(axis=1) for order in orders]
        return (served[:, :, None] * np.stack(best, axis=-1).reshape(batch, size, -1)).sum(axis=1)

    @staticmethod
    def _after(law: Floats, arrivals: Integers, moves: Floats) -> Floats:
        """Return the law of stock after each arrival and a period's demand, (B, size)."""
        places = np.arange(law.shape[1])
        for arrived in arrivals.T:
            before = places - arrived[:, None]
            law = np.where(before >= 0, np.take_along_axis(law, np.maximum(before, 0), axis=1), 0.0) @ moves
        return law

    def _moves(self, size: int) -> Floats:
        """Return the chances of a period's demand to leave so much of so much stock, (size, size)."""
        left = np.arange(size)[:, None] - np.arange(size)
        chances = np.where((left >= 0) & (left < len(self.demand)), self.demand[np.clip(left, 0, len(self.demand) - 1)], 0.0)
        chances[:, 0] = 1.0 - chances[:, 1:].sum(axis=1)
        return chances

    def _costs(self, size: int) -> Floats:
        """Return the expected cost of a period that begins with 0, 1, 2, … units, (size,)."""
        over = np.maximum(np.arange(size)[:, None] - np.arange(len(self.demand)), 0.0)
        short = np.maximum(np.arange(len(self.demand)) - np.arange(size)[:, None], 0.0)
        expected: Floats = (self.holding * over + self.underage * short) @ self.demand
        return expected


def _point(values: Integers, size: int) -> Floats:
    law = np.zeros((len(values), size))
    law[np.arange(len(values)), values] = 1.0
    return law
