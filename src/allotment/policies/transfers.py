"""Lateral transfers by cover: a site that falls below so many periods of demand draws on those that hold much more.

Lanes between sites are tried in rising freight; a site gives only what it holds above its own cover.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from allotment.decisions.observation import Observation, by_nearest_site
from allotment.engine.dynamics.arrays import put_at, sum_into
from allotment.policies.initial_values import constant
from allotment.policies.parameters import Parameter
from allotment.quantities import rounding_error
from allotment.scenario.loader import World
from allotment.scenario.problem import Flags, Floats, Integers

PARAMETERS = (
    Parameter("pull_below", "sku", constant(0.5, "sku"), constant(0.5, "sku")),
    Parameter("give_above", "sku", constant(2.5, "sku"), constant(1.0, "sku")),
)


def near_each_site(periods: Floats, world: World) -> Floats:
    """Return units of mean demand near each site, (…, S, K), that periods (K,), (B, K) or (B, S, K) stand for."""
    demand = world.problem.sites.expected_demand
    return (periods if periods.ndim == demand.ndim + 1 else periods[..., None, :]) * demand


def lateral_lanes(world: World, usual: Integers) -> Flags:
    """Return which lanes join sites beside the usual way of supply, (L,); `usual` names a site's lane for each SKU, (S, K)."""
    lateral: Flags = world.problem.lanes.site >= 0
    lateral[usual[usual >= 0]] = False
    return lateral


@dataclass(frozen=True)
class Transfers:
    """When to move stock between sites; both covers count periods of mean demand near the site."""

    world: World
    lanes: Flags  # (L,) those it may use
    pull_below: Floats  # (K,) periods: a site asks for what it lacks to reach this; (B, K) by world, (B, S, K) by site too
    give_above: Floats  # likewise: a site gives what it holds beyond this

    def orders(self, observation: Observation) -> Floats:
        """Return transfers (B, L, K) in units; zero on lanes of suppliers."""
        lanes, (low, high) = self.world.problem.lanes, self.covers
        orders: Floats = np.zeros((observation.batch, *lanes.allowed.shape))
        wanted = by_nearest_site(self.world.problem, observation.open_demand)
        lacking = low + wanted - observation.on_hand - self._coming(observation)
        spare = observation.on_hand - wanted - high
        lacking, spare = np.maximum(lacking, 0.0), np.maximum(spare, 0.0)
        for lane in self.by_freight:
            source, to = lanes.site[lane], lanes.to[lane]
            units = np.where(lanes.allowed[lane], np.minimum(lacking[:, to], spare[:, source]), 0.0)
            units = np.floor(units + rounding_error(units)) if self.world.problem.rules.whole else units
            lacking[:, to] -= units
            spare[:, source] -= units
            orders = put_at(orders, (np.array([lane]),), units[:, None])
        return orders

    @cached_property
    def by_freight(self) -> Integers:
        """Return the lanes in rising freight, the first listed of equals first."""
        freight = self.world.problem.prices.inbound_freight.mean(axis=(0, 2))
        return np.array(sorted(np.flatnonzero(self.lanes), key=lambda lane: freight[lane]), dtype=np.int64)

    @cached_property
    def covers(self) -> Floats:
        """Return below what a site asks others and above what it gives, (2, S, K) units; (2, B, S, K) by world."""
        return np.stack([near_each_site(periods, self.world) for periods in (self.pull_below, self.give_above)])

    def _coming(self, observation: Observation) -> Floats:
        """Return transfers in transit to each site, (B, S, K) units."""
        to = np.where(self.lanes, self.world.problem.lanes.to, -1)
        return sum_into(observation.in_transit, to, self.world.problem.shape.sites)
