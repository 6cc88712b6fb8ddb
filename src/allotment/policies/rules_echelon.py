"""An echelon rule that follows the season: forecasts of all demand downstream of a site."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from allotment.decisions.observation import Observation, by_echelon
from allotment.decisions.ordering import Ordering
from allotment.engine.state import Decision
from allotment.policies.critical_ratios import critical_safety_factor
from allotment.policies.initial_values import until_sold
from allotment.policies.parameters import parameter
from allotment.policies.rules import Network, Sees, rule
from allotment.scenario.problem import Floats


@rule("echelon_newsvendor")
@dataclass(frozen=True)
class EchelonNewsvendor:
    """Raise a site and all downstream of it to the forecast of what they sell until an order gets there, and a safety stock.

    The forecast is of all demand downstream, over the lead times down to the farthest customers and one period of review; the
    safety stock is a factor times its standard deviation.
    """

    SEES: ClassVar[Sees] = "forecast"

    network: Network
    safety_factor: Floats = parameter(
        1.0, 0.5, signed=True, ways={"from_costs": critical_safety_factor}
    )  # (S, K) standard deviations

    def decide(self, observation: Observation) -> Decision:
        """Raise each echelon's position to its forecast level."""
        transfers, position = self.network.transferred(observation)
        position = by_echelon(self.network.world.problem, position)
        return self.network.order(self.levels(observation) - position, transfers)

    def ordering(self) -> Ordering | None:
        """Return the same for compiled code, where forecasts follow from the calendar."""
        levels = self.network.levels_by_period(self.levels, until_sold(self.network.world, self.network.lanes))
        return None if levels is None else self.network.ordering(levels, echelon=True)

    def levels(self, observation: Observation) -> Floats:
        """Return the forecast level of each echelon, (B, S, K) units."""
        ahead = np.round(until_sold(self.network.world, self.network.lanes)).astype(int)
        means, deviations = self.network.forecast(observation, int(ahead.max()) + 1)
        sites, skus = np.indices(ahead.shape)
        mean = np.cumsum(self._downstream @ means, axis=1)[:, ahead, sites, skus]
        variance = np.cumsum(self._downstream @ deviations**2, axis=1)[:, ahead, sites, skus]
        return mean + self.safety_factor * np.sqrt(variance)

    @cached_property
    def _downstream(self) -> Floats:
        return self.network.world.problem.sites.downstream.astype(float)
