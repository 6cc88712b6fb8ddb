"""Serving by worth: channels are served in a fixed order, what an unmet unit costs less freight, in all worlds at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from allotment.decisions.observation import Observation
from allotment.policies.claimed import free_stock, wanted_by_slot
from allotment.scenario.loader import World
from allotment.scenario.problem import Floats, Integers
from allotment.scenario.worth import worth_of_serving


@dataclass(frozen=True)
class ByWorth:
    """Allocates each unit where it is worth most; what a channel has been promised comes first."""

    world: World

    def allocation(self, observation: Observation, orders: Floats) -> Floats:
        """Return what each fulfilment lane ships, (B, F, K) units, beside orders (B, L, K) of the same decision."""
        serving = _Serving(self.world, observation, orders)
        commitment = self.world.problem.channels.commitment
        if commitment.any():
            serving.serve(self._claims, np.repeat(commitment[None], observation.batch, axis=0))
        serving.serve(self._claims, None)
        return serving.shipped

    @cached_property
    def _claims(self) -> Integers:
        """Return lane, SKU and due slot of every claim in the order in which they are served, (claims, 3)."""
        problem = self.world.problem
        lane, sku, slot = (axis.ravel() for axis in np.indices((*self.worth.shape, problem.shape.slots)))
        reached = slot <= problem.fulfilment.latest[lane]
        lane, sku, slot = lane[reached], sku[reached], slot[reached]
        order = np.lexsort([lane, sku, -slot, -self.worth[lane, sku]])
        return np.stack([lane, sku, slot], axis=1)[order]

    @cached_property
    def worth(self) -> Floats:
        """Return what a unit is worth by lane and SKU, (F, K) money."""
        problem, prices = self.world.problem, self.world.problem.prices
        margin = np.maximum(prices.price.mean(axis=0) - problem.goods.unit_cost.mean(axis=0), 0.0)
        return worth_of_serving(
            problem.channels.stays,
            margin,
            prices.shortage.mean(axis=0),
            prices.backorder.mean(axis=0),
            problem.fulfilment.channel,
            prices.outbound_freight.mean(axis=0),
        )


class _Serving:
    """What is wanted and what is left of stock and capacities while claims are served, one after the other in every world."""

    def __init__(self, world: World, observation: Observation, orders: Floats) -> None:
        problem, period = world.problem, observation.period
        self.problem = problem
        self.wanted = np.ascontiguousarray(np.moveaxis(wanted_by_slot(world, observation), 0, -1))  # (C, K, D, B)
        self.stock = np.ascontiguousarray(np.moveaxis(free_stock(world, observation, orders), 0, -1))  # (S, K, B)
        self.lanes_left = _now(problem.fulfilment.capacity, period)  # (F, B)
        self.sites_left = _now(problem.sites.handling, period)  # (S, B)
        self.lanes_limited = bool(np.isfinite(problem.fulfilment.capacity).any())
        self.sites_limited = bool(np.isfinite(problem.sites.handling).any())
        self.moved = np.zeros((*problem.prices.outbound_freight.shape[1:], observation.batch))  # (F, K, B)

    @property
    def shipped(self) -> Floats:
        """Return what is shipped, (B, F, K) units."""
        return np.moveaxis(self.moved, -1, 0)

    def serve(self, claims: Integers, promised: Floats | None) -> None:
        """Serve claims in their order, each at most to what its channel is promised, (B, C, K) units, where that is given."""
        left = None if promised is None else np.moveaxis(promised, 0, -1).copy()
        some = (self.wanted > 0.0).max(axis=-1)
        site, channel = self.problem.fulfilment.site, self.problem.fulfilment.channel
        for lane, sku, slot in claims[some[channel[claims[:, 0]], claims[:, 1], claims[:, 2]]]:
            at, to = site[lane], channel[lane]
            units = np.minimum(self.wanted[to, sku, slot], self.stock[at, sku])
            if self.lanes_limited:
                units = np.minimum(units, self.lanes_left[lane])
            if self.sites_limited:
                units = np.minimum(units, self.sites_left[at])
            if left is not None:
                units = np.minimum(units, left[to, sku])
                left[to, sku] -= units
            self._take(units, lane, sku, slot, at, to)

    def _take(self, units: Floats, lane: int, sku: int, slot: int, at: int, to: int) -> None:
        units = np.floor(units) if self.problem.rules.whole else units
        self.wanted[to, sku, slot] -= units
        self.stock[at, sku] -= units
        self.lanes_left[lane] -= units
        self.sites_left[at] -= units
        self.moved[lane, sku] += units


def _now(calendar: Floats, period: Integers) -> Floats:
    """Return a calendar's values in each world's period, (places, B)."""
    return calendar[period % len(calendar)].T.copy()
