"""The rule-based policies, each a few lines: what to order from what is known.

Quantities follow the inventory position of a site once the same decision's transfers count. Shapes as in `Problem`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allotment.env.decision import Decision
from allotment.env.encoding import moved
from allotment.env.flatten import site_demand
from allotment.env.observation import Observation, by_home
from allotment.policies.sources import at_sources, lead_time_moments, placed
from allotment.policies.transfers import Transfers
from allotment.scenario.loader import World
from allotment.scenario.problem import Floats, Integers


@dataclass(frozen=True)
class Network:
    """What every rule knows of its world: the lanes it orders on and its rule for transfers, if it makes any."""

    world: World
    lanes: Integers  # (S, K) the lane by which a site orders a SKU: the cheap one where a rule uses two
    fast_lanes: Integers  # (S, K) the fastest lane
    transfers: Transfers | None

    def transferred(self, observation: Observation) -> tuple[Floats, Floats]:
        """Return this decision's transfers (B, L, K) and the inventory position after them (B, S, K), in units."""
        if self.transfers is None:
            nothing = np.zeros((observation.batch, *self.world.problem.lanes.allowed.shape))
            return nothing, observation.inventory_position
        transfers = self.transfers.orders(observation)
        return transfers, observation.inventory_position + moved(self.world, transfers)

    def order(self, quantities: Floats, transfers: Floats) -> Decision:
        """Return the decision to order quantities (B, S, K) on the usual lanes, beside the transfers."""
        return Decision(transfers + placed(self.world, quantities, self.lanes))


@dataclass(frozen=True)
class BaseStock:
    """Order up to a level every period, at most `cap` at a time (Zipkin 2008 caps; infinite for none)."""

    network: Network
    level: Floats  # (S, K) units
    cap: Floats  # (S, K) units

    def decide(self, observation: Observation) -> Decision:
        """Raise each position to its level."""
        transfers, position = self.network.transferred(observation)
        return self.network.order(np.clip(self.level - position, 0.0, self.cap), transfers)


@dataclass(frozen=True)
class ReorderPoint:
    """(s, S): when the position is at or below the reorder point, order up to the level (Scarf 1960)."""

    network: Network
    reorder_point: Floats  # (S, K) units
    gap: Floats  # (S, K) units between reorder point and level

    def decide(self, observation: Observation) -> Decision:
        """Raise the positions that have fallen to their reorder point."""
        transfers, position = self.network.transferred(observation)
        short = position <= self.reorder_point
        return self.network.order(np.where(short, self.reorder_point + self.gap - position, 0.0), transfers)


@dataclass(frozen=True)
class ConstantOrder:
    """Order the same quantity every period, whatever the stock."""

    network: Network
    quantity: Floats  # (S, K) units

    def decide(self, observation: Observation) -> Decision:
        """Order the constant quantity."""
        transfers, _ = self.network.transferred(observation)
        return self.network.order(np.broadcast_to(self.quantity, observation.on_hand.shape), transfers)


@dataclass(frozen=True)
class SingleIndex:
    """Two sources, one position: expedite up to a lower level, order the rest up to a higher one on the cheap lane."""

    network: Network
    expedite_level: Floats  # (S, K) units
    gap: Floats  # (S, K) units between the two levels

    def decide(self, observation: Observation) -> Decision:
        """Raise each position to the lower level fast, and to the higher one at the usual pace."""
        transfers, position = self.network.transferred(observation)
        fast = np.maximum(self.expedite_level - position, 0.0)
        slow = np.maximum(self.expedite_level + self.gap - position - fast, 0.0)
        return Decision(self.network.order(slow, transfers).orders + self._fast(fast))

    def _fast(self, quantities: Floats) -> Floats:
        return placed(self.network.world, quantities, self.network.fast_lanes)


@dataclass(frozen=True)
class DualIndex:
    """Two sources, two positions (Veeraraghavan and Scheller-Wolf 2008).

    The fast source raises what is there within its lead time to one level, the cheap source the whole position to another,
    at most `cap` at a time (infinite for none).
    """

    network: Network
    expedite_level: Floats  # (S, K) units
    level: Floats  # (S, K) units
    cap: Floats  # (S, K) units on the cheap lane

    def decide(self, observation: Observation) -> Decision:
        """Raise the near position with the fast source and the whole position with the cheap one."""
        transfers, position = self.network.transferred(observation)
        near = position - self._late(observation)
        fast = np.where(self._two_sources(), np.maximum(self.expedite_level - near, 0.0), 0.0)
        slow = np.clip(self.level - position - fast, 0.0, self.cap)
        return Decision(self.network.order(slow, transfers).orders + placed(self.network.world, fast, self.network.fast_lanes))

    def _two_sources(self) -> np.ndarray:
        return self.network.lanes != self.network.fast_lanes

    def _late(self, observation: Observation) -> Floats:
        """Return what the cheap source will bring only after the fast one could, going by mean lead times, (B, S, K)."""
        mean_lead, _ = lead_time_moments(self.network.world.problem)
        slower = at_sources(mean_lead, self.network.lanes) - at_sources(mean_lead, self.network.fast_lanes)
        skus = np.arange(self.network.lanes.shape[1])
        by_age = observation.outstanding[:, :, self.network.lanes, skus]  # (B, A, S, K)
        ages = 1 + np.arange(by_age.shape[1])[:, None, None]
        return np.where(ages < slower, by_age, 0.0).sum(axis=1)


@dataclass(frozen=True)
class Newsvendor:
    """Order up to the forecast over lead time + 1 periods and a safety factor times its standard deviation."""

    network: Network
    safety_factor: Floats  # (S, K) standard deviations

    def decide(self, observation: Observation) -> Decision:
        """Raise each position to its forecast level."""
        transfers, position = self.network.transferred(observation)
        return self.network.order(np.maximum(self._levels(observation) - position, 0.0), transfers)

    def _levels(self, observation: Observation) -> Floats:
        mean_lead, variance_lead = lead_time_moments(self.network.world.problem)
        lead = at_sources(mean_lead, self.network.lanes)
        ahead = np.round(lead).astype(int)  # the last period that an order of now must cover
        means, deviations = observation.forecast(int(ahead.max()) + 1)
        sites, skus = np.indices(lead.shape)
        mean = np.cumsum(means, axis=1)[:, ahead, sites, skus]
        variance = np.cumsum(deviations**2, axis=1)[:, ahead, sites, skus]
        variance = variance + at_sources(variance_lead, self.network.lanes) * (mean / (ahead + 1)) ** 2
        return mean + self.safety_factor * np.sqrt(variance)


@dataclass(frozen=True)
class RandomOrder:
    """Order anything between nothing and twice the mean demand: the floor under every comparison."""

    network: Network
    rng: np.random.Generator

    def decide(self, observation: Observation) -> Decision:
        """Draw a quantity for each site and SKU."""
        limit = 2.0 * site_demand(self.network.world)
        transfers, _ = self.network.transferred(observation)
        return self.network.order(self.rng.uniform(0.0, 1.0, observation.on_hand.shape) * limit, transfers)


def critical_safety_factor(world: World) -> Floats:
    """Return the safety factor of the critical ratio (underage ÷ (underage + overage)), (S, K) standard deviations.

    Underage is a backorder's cost, or a lost sale's cost and margin; overage is holding for one period.
    """
    from scipy.special import ndtri

    prices, serving = world.problem.prices, world.problem.serving
    margin = np.maximum(prices.price - np.min(prices.purchase, axis=0), 0.0)
    underage = np.where(serving.lost[:, None], prices.shortage + margin, prices.backorder)
    weight = world.problem.demand.mean.mean(axis=0) + 1e-12
    near = by_home(world.problem, underage * weight) / np.maximum(by_home(world.problem, weight), 1e-12)
    ratio = near / np.maximum(near + prices.holding, 1e-12)
    return ndtri(np.clip(ratio, 0.01, 0.999))
