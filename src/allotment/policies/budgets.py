"""How a rule divides a budget among its cells (SKU group × region), where the scenario leaves that to the policy.

What is bought for a site, and for the sites it supplies, is one newsvendor over the budget period: its orders cover demand from
now until the last of them has been sold, over `per` periods and the lead time. Of that it needs

    level(λ) = mean + z(λ) × deviation,  P(z) = (underage − λ cost) ÷ (underage + overage),

less its inventory position. Underage is what a unit short costs; overage what a unit left over costs until the next budget
period has sold it, or at the end of a season its cost less salvage. With λ = 0 money is no object; under equal marginal return
λ is what makes all needs together cost the total (`policies.capital` has the case of one period).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from allotment.decisions.observation import Observation
from allotment.engine.dynamics.arrays import guarded, sum_into
from allotment.policies.critical_ratios import overage, underage
from allotment.policies.initial_values import review_periods, until_sold
from allotment.policies.sources import at_sources
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import World
from allotment.scenario.moments import lead_time_moments
from allotment.scenario.problem import Flags, Floats, Integers

Method = Literal["pro_rata", "unconstrained", "equal_marginal_return"]
Forecast = Callable[[Observation, int], tuple[Floats, Floats]]  # mean and deviation, (B, periods, S, K) units
MULTIPLIERS = 64  # at which needs are computed; between two they are interpolated


@dataclass(frozen=True)
class Division:
    """Divides the total at the first decision of each budget period.

    `pro_rata` goes by expected purchases: the forecast over the budget period at purchase prices, whatever is in stock.
    `unconstrained` asks for what would be needed if money were no object, so that all are cut alike. `equal_marginal_return`
    cuts most where the last unit of money returns least. What is left over where needs cost less than the total is shared in
    proportion to them.
    """

    world: World
    lanes: Integers  # (S, K) the supply lane by which a site orders a SKU, -1 for none
    method: Method

    def budget(self, observation: Observation, forecast: Forecast) -> Floats | None:
        """Return what may be spent from each budget, (B, Q) money; none where no budget period begins."""
        treasury = self.world.problem.treasury
        if not (observation.period % treasury.per == 0).any():
            return None
        total = treasury.total[(observation.period // treasury.per) % len(treasury.total)][:, None]
        by_needs = self.method != "pro_rata"
        asked = self._needed(observation, forecast, total) if by_needs else self._pro_rata(observation, forecast)
        paid = sum_into(asked, self._budget_of, treasury.amounts.shape[1])
        alike = 1.0 / paid.shape[1]  # where nothing is needed, or nothing is known yet
        return total * guarded(paid, paid.sum(axis=1)[:, None], alike)

    def _pro_rata(self, observation: Observation, forecast: Forecast) -> Floats:
        """Return what demand over the budget period is expected to cost, (B, S × K) money at the sites that buy."""
        means, _ = forecast(observation, self.world.problem.treasury.per)
        counted = self._counted(observation, np.full(self.lanes.shape, means.shape[1]), means.shape[1])
        return self._pooled((means * counted).sum(axis=1)) * self._cost.ravel()

    def _needed(self, observation: Observation, forecast: Forecast, total: Floats) -> Floats:
        """Return what is needed, (B, S × K) money at the sites that buy: cut to the total, or uncut."""
        mean, deviation, position = self._outlook(observation, forecast)
        clock = self.world.problem.clock
        last = (clock.season & (observation.period + self.world.problem.treasury.per >= clock.length)).astype(np.int64)

        def needs(place: int) -> Floats:
            worth, factor = (each[last, place].reshape(len(last), -1) for each in (self._worth, self._factors))
            return np.maximum((mean + factor * deviation) * worth - position, 0.0) * self._cost.ravel()

        needed = before = needs(0)
        if self.method == "unconstrained":
            return needed
        spent = before.sum(axis=1)[:, None]
        for place in range(1, MULTIPLIERS + 1):
            dearer = needs(place)
            less = dearer.sum(axis=1)[:, None]
            share = np.clip(guarded(spent - total, spent - less), 0.0, 1.0)  # of the way to the next multiplier
            needed = needed + share * (dearer - before)
            before, spent = dearer, less
        return needed

    def _outlook(self, observation: Observation, forecast: Forecast) -> tuple[Floats, Floats, Floats]:
        """Return mean and deviation of the demand that orders must cover, and inventory position, (B, S × K) units each."""
        means, deviations = forecast(observation, max(int(self._covered.max()), 1))
        counted = self._counted(observation, self._covered, means.shape[1])
        mean, variance = self._pooled((means * counted).sum(axis=1)), self._pooled((deviations**2 * counted).sum(axis=1))
        late = at_sources(lead_time_moments(self.world.problem)[1], self.lanes) / np.maximum(self._covered, 1) ** 2
        deviation = np.sqrt(variance + late.ravel() * mean**2)
        return mean, deviation, self._pooled(observation.inventory_position)

    def _counted(self, observation: Observation, covered: Integers, periods: int) -> Flags:
        """Return which of the coming periods count, (B, periods, S, K): those that are covered and end before the season."""
        clock, ahead = self.world.problem.clock, np.arange(periods)[:, None, None]
        counted: Flags = (ahead < covered)[None]
        if clock.season:
            left = clock.length - observation.period - int(clock.demand_first)
            counted = counted & (ahead < left[:, None, None, None])
        return counted

    def _pooled(self, by_site: Floats) -> Floats:
        """Sum sites (B, S, K) into those that buy for them, (B, S × K)."""
        return sum_into(by_site.reshape(len(by_site), -1), self._buyer_cell, self._buyer_cell.size)

    @cached_property
    def _buyer(self) -> Integers:
        """Return which site buys a SKU for a site: itself, or the first of those that supply it, (S, K); -1 for none."""
        source, skus = self.world.problem.lanes.site, np.arange(self.lanes.shape[1])
        buyer = np.where(self.lanes >= 0, np.arange(len(self.lanes))[:, None], -1)
        for _ in range(len(self.lanes)):
            lane = self.lanes[buyer, skus]
            buyer = np.where((buyer >= 0) & (lane >= 0), np.where(source[lane] >= 0, source[lane], buyer), -1)
        return buyer

    @cached_property
    def _buyer_cell(self) -> Integers:
        """Return the place of each cell's buyer among all cells, (S × K,); -1 for none."""
        skus = self.lanes.shape[1]
        return np.where(self._buyer >= 0, self._buyer * skus + np.arange(skus), -1).ravel()

    @cached_property
    def _budget_of(self) -> Integers:
        """Return the budget that pays for each cell's own purchases, (S × K,); -1 where it buys nothing."""
        buys = self._buyer == np.arange(len(self.lanes))[:, None]
        return np.where(buys, self.world.problem.treasury.budget_of, -1).ravel()

    @cached_property
    def _cost(self) -> Floats:
        """Return the purchase price on the usual lane, (S, K) money; 0 where nothing is bought from a supplier."""
        bought = at_sources(self.world.problem.prices.purchase.mean(axis=0), self.lanes)
        return np.where(self._budget_of.reshape(self.lanes.shape) >= 0, bought, 0.0)

    @cached_property
    def _covered(self) -> Integers:
        """Return how many periods from now the orders of a budget period cover, at each site as its buyer's do, (S, K)."""
        problem = self.world.problem
        own = np.round(until_sold(self.world, self.lanes)).astype(int) + problem.treasury.per - 1 + review_periods(problem)
        return np.where(self._buyer >= 0, own[self._buyer, np.arange(self.lanes.shape[1])], 0)

    @cached_property
    def _ratios(self) -> Floats:
        """Return the critical ratio of what each site buys, (2, multipliers, S, K): usually, and at the end of a season.

        Nothing is worth buying where it is 0 or less.
        """
        short, over = self._underage, self._overage
        returns = np.where(self._cost > 0.0, short / np.maximum(self._cost, 1e-300), 0.0)
        multipliers = returns.max(initial=0.0) * np.linspace(0.0, 1.0, MULTIPLIERS + 1) ** 2  # closest where most is at stake
        return (short - multipliers[:, None, None] * self._cost) / np.maximum(short + over[:, None], 1e-12)

    @cached_property
    def _worth(self) -> Floats:
        """Return 1 where something is worth buying, else 0, shaped as `_ratios`."""
        return (self._ratios > 1e-9).astype(float)

    @cached_property
    def _factors(self) -> Floats:
        """Return the safety factor of each ratio, shaped as `_ratios`, standard deviations."""
        from scipy.special import ndtri

        return ndtri(np.clip(self._ratios, 1e-9, 1.0 - 1e-9))

    @cached_property
    def _underage(self) -> Floats:
        """Return what a unit short costs, at the site that buys it, (S, K) money: the mean over demand that it buys for."""
        demand = self.world.problem.sites.expected_demand[None]
        weighed, weight = self._pooled(underage(self.world)[None] * demand), self._pooled(demand)
        return (weighed / np.maximum(weight, 1e-12)).reshape(self.lanes.shape)

    @cached_property
    def _overage(self) -> Floats:
        """Return what a unit left over costs, (2, S, K) money: to hold for another budget period, and at a season's end."""
        problem = self.world.problem
        held = overage(self.world) * problem.treasury.per
        sold_off = np.maximum(self._cost - problem.prices.site_salvage.mean(axis=0), 0.0)
        return np.stack([held, held + sold_off])


def division(method: Method | None, world: World, lanes: Integers, where: str) -> Division | None:
    """Return what divides a rule's budget, none where it is left alike; `ScenarioError` where the world divides none."""
    if method is None:
        return None
    if not world.problem.rules.budgets:
        raise ScenarioError(f"{where}: {world.name} leaves no budget to policies; its decisions must name it")
    return Division(world, lanes, method)
