"""First guesses for the parameters of rules: mean and spread of demand over the lead time and the review period."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from allotment.env.flatten import site_demand
from allotment.env.observation import by_home
from allotment.policies.sources import at_sources, source_lanes
from allotment.scenario.loader import World
from allotment.scenario.moments import lead_time_moments
from allotment.scenario.problem import Floats

Guess = Callable[[World], Floats]


def protection_moments(world: World, source: str) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of demand near each site over lead time + 1 periods, (S, K) units."""
    mean_lead, variance_lead = (at_sources(each, source_lanes(world, source)) for each in lead_time_moments(world.problem))
    demand = site_demand(world)
    variance = by_home(world.problem, world.problem.demand.deviation**2).mean(axis=0)
    return demand * (mean_lead + 1.0), np.sqrt(variance * (mean_lead + 1.0) + variance_lead * demand**2)


def cover(source: str, safety: float = 1.0) -> Guess:
    """Guess a level: demand over the protection interval and `safety` standard deviations."""

    def guess(world: World) -> Floats:
        mean, deviation = protection_moments(world, source)
        return mean + safety * deviation

    return guess


def spread_over(source: str, share: float) -> Guess:
    """Guess a step: a share of the standard deviation over the protection interval, at least one unit."""

    def guess(world: World) -> Floats:
        step = share * protection_moments(world, source)[1]
        return np.maximum(step, 1.0) if world.problem.sharing.whole else step

    return guess


def constant(value: float, axes: str) -> Guess:
    """Guess one number everywhere."""

    def guess(world: World) -> Floats:
        sites, skus = world.problem.sharing.initial_stock.shape
        return np.full((sites, skus) if axes == "site_sku" else (skus,), value)

    return guess


def demand_share(share: float) -> Guess:
    """Guess a share of the mean demand of a period near each site."""
    return lambda world: share * site_demand(world)
