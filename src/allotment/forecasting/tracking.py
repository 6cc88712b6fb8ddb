"""Forecasts with the spread of their errors: what a method expects, and how far it was off so far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allotment.forecasting.methods import Method
from allotment.quantities import Floats


@dataclass(frozen=True)
class Tracked:
    """A method's state after some periods, (size, …), and the errors of its forecasts one period ahead."""

    method: Method
    state: Floats
    squares: Floats  # (…) sum of squared errors
    errors: Floats  # how many there are, like the series or one for all

    @classmethod
    def of(cls, method: Method, series: Floats) -> Tracked:
        """Return what a method knows after a series (periods, …) of at least one period."""
        tracked = cls(method, method.start(series[0]), np.zeros_like(series[0]), np.zeros(()))
        for demand in series[1:]:
            tracked = tracked.after(demand)
        return tracked

    def after(self, demand: Floats) -> Tracked:
        """Return what is known after one more period."""
        squares = self.squares + (demand - self.method.mean(self.state, 1)) ** 2
        return Tracked(self.method, self.method.update(self.state, demand), squares, self.errors + 1.0)

    def forecast(self, ahead: range) -> tuple[Floats, Floats]:
        """Return mean and standard deviation of demand so many periods ahead, (periods, …) units.

        The deviation is the root mean square of the errors so far, before there are any the root of the mean.
        """
        mean = np.stack([np.broadcast_to(self.method.mean(self.state, periods), self.squares.shape) for periods in ahead])
        spread = np.where(self.errors > 0.0, self.squares / np.maximum(self.errors, 1.0), mean)
        return mean, np.sqrt(np.maximum(spread, 0.0))
