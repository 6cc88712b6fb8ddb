"""Echelon rules that follow the season: forecasts of all demand downstream of a site."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from allotment.decisions.observation import Observation, by_echelon
from allotment.decisions.ordering import Ordering
from allotment.engine.state import Decision
from allotment.policies.critical_ratios import critical_safety_factor
from allotment.policies.initial_values import review_periods, until_sold
from allotment.policies.parameters import parameter
from allotment.policies.rules import DualNewsvendor, Network, Sees, over_first, rule
from allotment.scenario.problem import Floats


@rule("echelon_newsvendor")
@dataclass(frozen=True)
class EchelonNewsvendor:
    """Raise a site and all downstream of it to the forecast of what they sell until an order gets there, and a safety stock.

    The forecast is of all demand downstream, over the lead times down to the farthest customers and the review period; the
    safety stock is a factor times its standard deviation.
    """

    SEES: ClassVar[Sees] = "forecast"

    network: Network
    safety_factor: Floats = parameter(
        1.0, 0.5, signed=True, ways={"from_costs": critical_safety_factor}
    )  # (S, K) standard deviations

    def decide(self, observation: Observation) -> Decision:
        """Raise each echelon's position to its forecast level."""
        transfers, position = echelons_transferred(self.network, observation)
        return self.network.order(self.levels(observation) - position, transfers)

    def ordering(self) -> Ordering | None:
        """Return the same for compiled code, where forecasts follow from the calendar."""
        levels = self.network.levels_by_period(self.levels, until_sold(self.network.world, self.network.lanes))
        return None if levels is None else self.network.ordering(levels, echelon=True)

    def levels(self, observation: Observation) -> Floats:
        """Return the forecast level of each echelon, (B, S, K) units."""
        return forecast_levels(self.network, observation, self._until_sold, self.safety_factor)

    @cached_property
    def _until_sold(self) -> Floats:
        return until_sold(self.network.world, self.network.lanes)


@rule("echelon_dual_newsvendor")
@dataclass(frozen=True)
class EchelonDualNewsvendor(DualNewsvendor):
    """Two sources, each with a forecast of all demand downstream until what it brings gets there, and a safety stock.

    A site of one source is raised as by `echelon_newsvendor`.
    """

    ECHELON: ClassVar[bool] = True

    def _transferred(self, observation: Observation) -> tuple[Floats, Floats]:
        return echelons_transferred(self.network, observation)

    def _levels(self, observation: Observation) -> Floats:
        return forecast_levels(self.network, observation, self._ahead[1], self.safety_factor)

    def _expedite_levels(self, observation: Observation) -> Floats:
        return forecast_levels(self.network, observation, self._ahead[0], self.expedite_factor)

    @cached_property
    def _ahead(self) -> tuple[Floats, Floats]:
        """Return the periods from an order to its farthest customers, by the fast source and by the cheap one, (S, K) each."""
        usual = until_sold(self.network.world, self.network.lanes)
        return usual - self.network.slower, usual


def echelons_transferred(network: Network, observation: Observation) -> tuple[Floats, Floats]:
    """Return this decision's transfers (B, L, K) and the position of each echelon after them (B, S, K), in units."""
    transfers, position = network.transferred(observation)
    return transfers, by_echelon(network.world.problem, position)


def forecast_levels(network: Network, observation: Observation, until: Floats, safety_factor: Floats) -> Floats:
    """Return mean demand downstream of each site until an order is sold, and a factor times its deviation, (B, S, K) units.

    `until` (S, K) counts the periods of the lead times down to the farthest customers; the review period comes to it.
    """
    problem = network.world.problem
    downstream, covered = problem.sites.downstream.astype(float), np.round(until).astype(int) + review_periods(problem)
    means, deviations = network.forecast(observation, max(int(covered.max()), 1))
    mean, variance = (over_first(downstream @ each, covered) for each in (means, deviations**2))
    return mean + safety_factor * np.sqrt(variance)
