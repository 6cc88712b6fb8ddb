"""Rules of allocation as part of a rule-based policy: what sites ship to channels, where the scenario leaves it to the policy.

To the rules of `allocation`, a world before its decision is one day: claims are what channels wait for, by SKU and due period
(and what they are expected to ask for, where demand comes after the decision); pools are what sites hold and do not send to
other sites in the same decision. Units are worth margin × past on-time-in-full rate − freight.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from allotment import extensions
from allotment.allocation.day import Claims, Day, Options, Pools, reason
from allotment.allocation.protection import emsr_b
from allotment.allocation.quotas import quota
from allotment.allocation.rules import BY_QUOTA, RULES, Rule
from allotment.decisions.claimed import free_stock, wanted_by_slot
from allotment.decisions.observation import Observation
from allotment.decisions.serving import Serving
from allotment.scenario.errors import ScenarioError, nearest
from allotment.scenario.loader import World
from allotment.scenario.problem import Floats, Integers

WORTH: Final = "worth"  # served by what an unmet unit costs less freight


@dataclass(frozen=True)
class Allocator:
    """Allocates stock to channels by a rule, world by world."""

    world: World
    rule: Rule

    def allocation(self, observation: Observation, orders: Floats) -> Floats:
        """Return what each fulfilment lane ships, (B, F, K) units, beside orders (B, L, K) of the same decision."""
        fulfilment, skus = self.world.problem.fulfilment, self.world.problem.shape.skus
        shipped = np.zeros((observation.batch, len(fulfilment.site), skus))
        wanted, stock = wanted_by_slot(self.world, observation), free_stock(self.world, observation, orders)
        for world in range(observation.batch):
            places = np.nonzero(wanted[world] > 0.0)
            if len(places[0]):
                lane, claim = np.nonzero(fulfilment.channel[:, None] == places[0])
                day = self._day(wanted[world][places], places, lane, claim, stock[world], int(observation.period[world]))
                units = self.rule(day).sum(axis=1)
                np.add.at(shipped[world], (lane, places[1][claim]), units)
        return shipped

    def _day(
        self, wanted: Floats, places: tuple[Integers, ...], lane: Integers, claim: Integers, stock: Floats, period: int
    ) -> Day:
        """Return a day of claims (n,), served on lanes by options (O,), from stock (S, K)."""
        problem, fulfilment = self.world.problem, self.world.problem.fulfilment
        channel, sku, slot = places
        sites, skus = stock.shape
        site = fulfilment.site[lane]
        late = slot[claim] > fulfilment.latest[lane]
        return Day(
            claims=Claims.of(
                wanted,
                committed=self._committed(wanted, places),
                priority=self._priority[channel],
                due=problem.channels.due[channel] - slot,
                ordered=-slot,
                channel=channel,
            ),
            pools=Pools(
                supply=stock.reshape(-1, 1),
                site=np.repeat(np.arange(sites), skus),
                sku=np.tile(np.arange(skus), sites),
                reserved=np.zeros(sites * skus, dtype=bool),
            ),
            options=Options.of(
                claim,
                site * skus + sku[claim],
                site=site,
                arrival=problem.channels.due[channel[claim]] - fulfilment.on_time[lane],  # periods in transit
                limits=np.stack([lane, len(fulfilment.site) + site], axis=1),
                value=self._value[lane, sku[claim]],
                distance=self._freight[lane, sku[claim]],
                blocked=np.where(late, reason("deadline"), 0),
            ),
            capacity=np.concatenate([_now(fulfilment.capacity, period), _now(problem.sites.handling, period)]),
            whole=problem.rules.whole,
        )

    def _committed(self, wanted: Floats, places: tuple[Integers, ...]) -> Floats:
        """Return how much of each claim is promised: a channel's oldest orders first."""
        left = self.world.problem.channels.commitment.copy()
        committed = np.zeros_like(wanted)
        for claim in np.argsort(-places[2], kind="stable"):
            channel, sku = places[0][claim], places[1][claim]
            committed[claim] = min(wanted[claim], left[channel, sku])
            left[channel, sku] -= committed[claim]
        return committed

    @cached_property
    def _priority(self) -> Integers:
        return np.array([channel.priority for channel in self.world.scenario.channels])

    @cached_property
    def _freight(self) -> Floats:
        """Return freight of a unit by lane and SKU, (F, K) money."""
        freight: Floats = self.world.problem.prices.outbound_freight.mean(axis=0)
        return freight

    @cached_property
    def _value(self) -> Floats:
        """Return what a unit is worth by lane and SKU, (F, K) money."""
        problem = self.world.problem
        margin = problem.prices.price.mean(axis=0) - problem.goods.unit_cost.mean(axis=0)
        history = np.array([channel.fulfilment_history for channel in self.world.scenario.channels])
        return (margin * history[:, None])[problem.fulfilment.channel] - self._freight


def _now(calendar: Floats, period: int) -> Floats:
    return calendar[period % len(calendar)]


def allocator(method: str, quotas: dict[str, float] | None, world: World, where: str) -> Allocator | Serving:
    """Return what allocates in a world by a rule's name; `ScenarioError` where the world or the rule does not fit."""
    if not world.problem.rules.allocates:
        raise ScenarioError(f"{where}: {world.scenario.name} leaves no allocation to policies; its decisions must name it")
    if (quotas is None) == (method in BY_QUOTA):
        raise ScenarioError(f"{where}: quotas belong to {' and '.join(BY_QUOTA)}, which need them")
    if method in BY_QUOTA:
        percent, borrowing = _percent(quotas or {}, world, where), BY_QUOTA[method]
        return Allocator(world, lambda day: quota(day, percent, borrowing))
    if method == WORTH:
        return Serving(world, WORTH)
    return Allocator(world, extensions.find("allocation rule", method, {**RULES, **BY_QUOTA, WORTH: Serving}, where))


def _percent(quotas: dict[str, float], world: World, where: str) -> Floats:
    """Return quotas in percent, (C,), NaN for channels without one; `ScenarioError` where they do not fit."""
    percent = np.full(len(world.names.channels), np.nan)
    for name, share in quotas.items():
        if name not in world.names.channels:
            raise ScenarioError(f"{where}: quotas: nothing is called {name!r}; {nearest(name, world.names.channels)}")
        percent[world.names.channels.index(name)] = share
    if not 0.0 <= np.nansum(percent) <= 100.0 or (percent < 0.0).any():
        raise ScenarioError(f"{where}: quotas must be >= 0 and sum to at most 100 percent, not {np.nansum(percent):g}")
    return percent


def expected_marginal_revenue(world: World, where: str) -> Floats:
    """Return EMSR-b protection levels for a period's demand near each site, (S, J, K) units.

    A class's fare is the price of its channels, weighted by their demand. Of two classes it is Littlewood's rule.
    """
    problem = world.problem
    mean, deviation = problem.demand.mean.mean(axis=0), problem.demand.deviation.mean(axis=0)  # (C, K)
    price, classes = problem.prices.price.mean(axis=0), problem.shape.classes
    protected = np.zeros((problem.shape.sites, classes, problem.shape.skus))
    for site in range(problem.shape.sites):
        near = problem.channels.nearest_site == site
        for sku in range(problem.shape.skus):
            of = [near & (problem.channels.rank == rank) for rank in range(classes)]
            asked = np.array([mean[members, sku].sum() for members in of])
            if classes < 2 or (asked > 0.0).sum() < 2:
                continue
            spread = np.array([np.sqrt((deviation[members, sku] ** 2).sum()) for members in of])
            fare = np.array([(price[m, sku] * mean[m, sku]).sum() for m in of]) / np.maximum(asked, 1e-12)
            asking = np.flatnonzero(asked > 0.0)
            try:
                levels = emsr_b(asked[asking], spread[asking], fare[asking])
            except ValueError as error:
                site_name, sku_name = world.names.sites[site], world.names.skus[sku]
                raise ScenarioError(f"{where}: {site_name}, {sku_name}: {error}") from None
            protected[site, asking[:-1], sku] = levels
    return protected
