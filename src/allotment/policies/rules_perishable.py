"""A rule for goods that perish: a base-stock level that counts what will have expired before the order arrives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allotment.decisions.observation import Observation
from allotment.engine.state import Decision
from allotment.policies.initial_values import cover, spread_over
from allotment.policies.parameters import parameter
from allotment.policies.rules import Network, Sees, rule
from allotment.policies.sources import CHEAPEST
from allotment.scenario.problem import Floats


@rule("estimated_waste")
@dataclass(frozen=True)
class EstimatedWaste:
    """Order up to a level, and what is expected to expire before the order arrives (EWA; Broekmeulen and van Donselaar 2009).

    The estimate sells the forecast from the stock on hand, in the order in which the site issues it, and lets the rest expire.
    """

    SEES: ClassVar[Sees] = "forecast"

    network: Network
    level: Floats = parameter(cover(CHEAPEST), spread_over(CHEAPEST, 1.0), whole=True)  # (S, K) units

    @staticmethod
    def obstacle(network: Network) -> str | None:
        """Return why the rule does not apply in a network."""
        if network.world.problem.goods.shelf_life.any():
            return None
        return f"counts what expires, but in {network.world.name} nothing perishes; take base_stock"

    def decide(self, observation: Observation) -> Decision:
        """Raise each position, less what will be wasted, to its level."""
        transfers, position = self.network.transferred(observation)
        return self.network.order(self.level - position + self.waste(observation), transfers)

    def waste(self, observation: Observation) -> Floats:
        """Return what is expected to expire on hand before an order of now arrives, (B, S, K) units, whole where units are."""
        leads = np.round(self.network.lead_times[0]).astype(int)
        demand, _ = self.network.forecast(observation, max(int(leads.max()), 1))
        stock, wasted = observation.by_life.copy(), np.zeros_like(observation.on_hand)
        for period in range(int(leads.max())):
            stock = self._sold(stock, demand[:, period])
            wasted += np.where(period < leads, stock[..., 0], 0.0)
            stock = np.concatenate([stock[..., 1:], np.zeros_like(stock[..., :1])], axis=-1)
        wasted = np.where(self.network.world.problem.goods.shelf_life > 0, wasted, 0.0)
        return np.floor(wasted + 0.5) if self.network.world.problem.rules.whole else wasted

    def _sold(self, stock: Floats, demand: Floats) -> Floats:
        """Return stock by remaining life once demand has been taken from it, the oldest first or the freshest."""
        oldest = np.maximum(stock - np.maximum(demand[..., None] - (np.cumsum(stock, axis=-1) - stock), 0.0), 0.0)
        younger = np.cumsum(stock[..., ::-1], axis=-1)[..., ::-1] - stock
        freshest = np.maximum(stock - np.maximum(demand[..., None] - younger, 0.0), 0.0)
        return np.where(self.network.world.problem.goods.lifo[:, None], freshest, oldest)
