"""Rules that plan some periods ahead by a linear programme at every decision, and carry out the plan's first period.

The programme is the world's own (`programs`): its phases, lanes, limits and money, from the stock and the orders that are seen,
with demand as it is forecast. What it decides for later periods is never carried out. In whole units its first period is
rounded; multiples and smallest shipments are left to the world. A decision takes from a hundredth of a second to some seconds
a world.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from allotment.decisions.observation import Observation, by_nearest_site
from allotment.engine.state import Decision
from allotment.policies.critical_ratios import underage_by_kind
from allotment.policies.initial_values import until_sold
from allotment.policies.parameters import parameter
from allotment.policies.rules import Network, Sees, rule
from allotment.programs.draft import Draft
from allotment.programs.horizon import Uncertainty, fixed_costs_borne, hedge_shortages, scale_fixed_costs, value_what_is_left
from allotment.programs.linear_program import LinearProgram, Solution, Unsolved
from allotment.programs.outlook import Outlook, opening_of
from allotment.programs.path import SamplePath
from allotment.programs.world_program import check_size, draft_of
from allotment.programs.worth import check_known
from allotment.scenario.errors import ScenarioError
from allotment.scenario.problem import Floats
from allotment.scenario.streams import derived_seed

SCALED = 2  # times that fixed costs are scaled to the shipments of a plan
BEYOND = 3  # periods that are planned by default after what is ordered now could be sold and a period of review


class RollingHorizon(ABC):
    """What rules have in common that plan ahead: what they see, how far they look, and what of a plan they carry out."""

    SEES: ClassVar[Sees] = "forecast"
    network: Network
    periods: int | None

    @staticmethod
    def obstacle(network: Network) -> str | None:
        """Return why the rule does not apply in a network: what a linear programme cannot be of, or must not be told."""
        if network.transfers is not None:
            return "plans transfers itself; leave `transfers` out"
        try:
            check_known(network.world.problem)
        except ScenarioError as error:
            return f"plans by a linear programme: {error}"
        return None

    def __post_init__(self) -> None:
        """Refuse a programme that is too large, by its size."""
        futures = getattr(self, "scenarios", 1)
        check_size(self.network.world.problem, self.outlook.periods * futures, "plan fewer periods or scenarios")

    @cached_property
    def outlook(self) -> Outlook:
        """Return what it knows of the coming periods beside demand."""
        longest = until_sold(self.network.world, self.network.lanes).max(initial=0.0)
        return Outlook(self.network.world.problem, self.periods or int(np.ceil(longest)) + 1 + BEYOND)

    @abstractmethod
    def plan(self, observation: Observation, world: int, mean: Floats, deviation: Floats) -> Decision:
        """Return the decision for one world; mean and deviation (T, S, K) of the demand near sites that is to come."""

    def decide(self, observation: Observation) -> Decision:
        """Return what the plans of all worlds have in their first period."""
        mean, deviation = self.network.forecast(observation, self.outlook.periods)
        plans = [self.plan(observation, world, mean[world], deviation[world]) for world in range(observation.batch)]
        orders = np.concatenate([plan.orders for plan in plans])
        if plans[0].allocation is None:
            return Decision(orders, wanted=orders)
        return Decision(
            orders, np.concatenate([plan.allocation for plan in plans if plan.allocation is not None]), wanted=orders
        )

    def drafted(self, observation: Observation, world: int, path: SamplePath, program: LinearProgram, share: float) -> Draft:
        """Return the programme of a path from what is seen of a world on; its money counts by `share`."""
        problem, period = self.network.world.problem, int(observation.period[world])
        over = problem.clock.season and period + path.periods >= problem.clock.length
        weights = np.full(path.periods, share)
        draft = draft_of(problem, path, opening_of(observation, world), weights, period, over, program)
        if not over:
            value_what_is_left(draft)
        return draft

    def horizon(self, observation: Observation, world: int) -> int:
        """Return how many periods a plan has: in a season no more than are left of it. A window stands for what goes on."""
        clock = self.network.world.problem.clock
        left = clock.length - int(observation.period[world]) if clock.season else self.outlook.periods
        return min(self.outlook.periods, left)

    def by_channel(self, observation: Observation, world: int, mean: Floats, deviation: Floats) -> tuple[Floats, Floats]:
        """Return mean and deviation of channels, (T, C, K) units, of forecasts near sites (n, S, K).

        Channels share a site's mean and variance as in the true process, or as in its long run where forecasts are of the past
        alone. Demand that has been seen in this period already is none that comes.
        """
        problem, periods = self.network.world.problem, self.horizon(observation, world)
        seen = int(problem.clock.demand_first)
        places = problem.table_period(int(observation.period[world]) + seen + np.arange(periods - seen))
        given = [(problem.demand.mean, mean), (problem.demand.deviation**2, deviation**2)]
        split = []
        for own, near_sites in given:
            own = own[places] if self.network.forecaster.INFORMED else own.mean(axis=0, keepdims=True)
            split.append(self._split(own, near_sites[: periods - seen]))
        before = np.zeros((seen, *split[0].shape[1:]))
        return np.concatenate([before, split[0]]), np.concatenate([before, np.sqrt(split[1])])

    def _split(self, own: Floats, near_sites: Floats) -> Floats:
        """Return what of sites' numbers (T, S, K) belongs to each channel, going by channels' own (T, C, K) or (1, C, K)."""
        site = self.network.world.problem.channels.nearest_site
        total = by_nearest_site(self.network.world.problem, own)
        share = own / np.maximum(total, 1e-300)[:, site]
        return np.where((site >= 0)[:, None], share * near_sites[:, site], 0.0)

    def carried_out(self, draft: Draft, found: Solution) -> Decision:
        """Return the first period of a plan as the decision of one world, in whole units where only these count."""
        problem = self.network.world.problem
        orders = self._whole(found.of(draft.orders[draft.before]).sum(axis=-1))
        if not problem.rules.allocates:
            return Decision(orders[None])
        return Decision(orders[None], self._whole(found.of(draft.shipped[0]).sum(axis=-1))[None])

    def _whole(self, units: Floats) -> Floats:
        return np.floor(units + 0.5) if self.network.world.problem.rules.whole else units

    def solved(self, drafts: list[Draft]) -> Solution:
        """Return the solution of a programme's drafts, scaled for fixed costs; `ScenarioError` where it has none."""
        prices = self.network.world.problem.prices
        fixed = prices.fixed.any() or prices.line.any()
        bears = [fixed_costs_borne(draft) for draft in drafts]
        try:
            for _ in range(SCALED if fixed else 0):
                found = drafts[0].program.solve()
                bears = [scale_fixed_costs(draft, found, charged) for draft, charged in zip(drafts, bears, strict=True)]
            return drafts[0].program.solve()
        except Unsolved as reason:
            raise ScenarioError(f"{self.network.world.name}: a plan of {self.outlook.periods} periods is {reason}") from None


@rule("rolling_horizon")
@dataclass(frozen=True)
class DeterministicPlan(RollingHorizon):
    """Plan for the mean of demand, lead times and supply, and hedge against what demand deviates from it.

    Stock at the end of each period counts by the shortage that it is expected to save (`programs.horizon.hedge_shortages`).
    Without that (`hedge: 0`) it is the certainty-equivalent plan, which keeps no safety stock. Taken in full (`hedge: 1`) it is
    the newsvendor's where demand waits at a single site, and too much where it is lost, or where other sites can help out.
    """

    network: Network
    hedge: Floats = parameter(0.5, 0.25, default=0.5)  # (S, K) standard deviations for which one of the forecast's is taken
    periods: Annotated[int, Field(ge=2, le=1000)] | None = None  # planned; none = 4 more than from an order to sale

    def plan(self, observation: Observation, world: int, mean: Floats, deviation: Floats) -> Decision:
        """Return the first period of the plan for the mean."""
        expected, _ = self.by_channel(observation, world, mean, deviation)
        path = self.outlook.expected(int(observation.period[world]), expected)
        draft = self.drafted(observation, world, path, LinearProgram(), 1.0)
        hedge = np.broadcast_to(self.hedge, (observation.batch, *self.network.lanes.shape))[world]
        hedge_shortages(draft, self._uncertainty(mean, deviation, path.periods, hedge), *self._costs)
        return self.carried_out(draft, self.solved([draft]))

    def _uncertainty(self, mean: Floats, deviation: Floats, periods: int, hedge: Floats) -> Uncertainty:
        """Return how far demand near sites deviates from its mean, going by forecasts (n, S, K).

        Nothing deviates longer than the fastest lead time and a period of review: an order will have answered to it.
        """
        seen = int(self.network.world.problem.clock.demand_first)
        before = np.zeros((seen, *mean.shape[1:]))
        means, variances = (np.concatenate([before, each])[:periods] for each in (mean, deviation**2))
        ahead, lead_variance = self.network.fast_lead_times
        answered, late = np.floor(ahead + 0.5).astype(int), lead_variance * means.mean(axis=0) ** 2
        total = np.concatenate([np.zeros((1, *ahead.shape)), np.cumsum(variances, axis=0)])
        ends, since = np.arange(1, periods + 1)[:, None, None], np.indices(ahead.shape)
        first = np.maximum(ends - 1 - answered, 0)
        after, begun = total[1:] - total[first, *since], total[:-1] - total[first, *since]
        scale = np.where(self.network.lanes >= 0, hedge, 0.0)
        return Uncertainty(means, *(scale * np.sqrt(np.maximum(each, 0.0) + late) for each in (begun, after)))

    @cached_property
    def _costs(self) -> tuple[Floats, Floats]:
        """Return what a unit short costs near each site as far as it waits and as far as it is lost, (S, K) money each."""
        return underage_by_kind(self.network.world)


@rule("two_stage")
@dataclass(frozen=True)
class SampleAveragePlan(RollingHorizon):
    """Decide now what is best on average over drawn futures, in each of which all later decisions know what comes.

    The two-stage sample-average programme (Kleywegt, Shapiro, Homem-de-Mello 2002, SIAM Journal on Optimization 12(2)). Demand
    is drawn from gamma distributions of the forecast's means and deviations, stratified; lead times, capacities and yields from
    their own laws. Because later decisions know too much, it keeps somewhat less stock than it should.
    """

    network: Network
    scenarios: Annotated[int, Field(ge=1, le=1000)] = 10  # futures
    periods: Annotated[int, Field(ge=2, le=1000)] | None = None  # planned; none = 4 more than from an order to sale

    def plan(self, observation: Observation, world: int, mean: Floats, deviation: Floats) -> Decision:
        """Return the first period, which all futures share."""
        program, drafts = LinearProgram(), []
        for path in self._paths(observation, world, mean, deviation):
            drafts.append(self.drafted(observation, world, path, program, 1.0 / self.scenarios))
        first = drafts[0]
        for draft in drafts[1:]:
            self._decide_alike(program, first, draft)
        return self.carried_out(first, self.solved(drafts))

    def _paths(self, observation: Observation, world: int, mean: Floats, deviation: Floats) -> Iterator[SamplePath]:
        from scipy.special import gammaincinv

        period = int(observation.period[world])
        expected, spread = self.by_channel(observation, world, mean, deviation)
        shape = np.maximum(expected, 1e-12) ** 2 / np.maximum(spread, 1e-9) ** 2
        chances = self._chances(period, expected.shape)
        for draw in range(self.scenarios):
            units = gammaincinv(np.clip(shape, 1e-3, 1e9), chances[draw]) * expected / np.clip(shape, 1e-3, 1e9)
            yield self.outlook.drawn(period, units, draw)

    def _chances(self, period: int, shape: tuple[int, ...]) -> Floats:
        """Return chances of demand in each future: one of n futures lies in each n-th part between 0 and 1."""
        generator = np.random.default_rng([derived_seed("two_stage", 0), period])
        order = generator.random((self.scenarios, *shape)).argsort(axis=0)
        chances: Floats = (order + generator.random((self.scenarios, *shape))) / self.scenarios
        return chances

    def _decide_alike(self, program: LinearProgram, first: Draft, draft: Draft) -> None:
        """Let the first period's decisions of two futures be the same."""
        pairs = [(first.orders[first.before], draft.orders[draft.before])]
        if self.network.world.problem.rules.allocates:
            pairs.append((first.shipped[0], draft.shipped[0]))
        for one, other in pairs:
            rows = program.constraints(0.0, 0.0, one.shape)
            program.add(rows, one, 1.0)
            program.add(rows, other, -1.0)
