"""Initial values of the parameters of rules: mean and spread of demand over the lead time and the review period."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from allotment.decisions.observation import by_nearest_site
from allotment.policies.sources import CHEAPEST, at_sources, source_lanes
from allotment.scenario.loader import World
from allotment.scenario.moments import lead_time_moments
from allotment.scenario.problem import Floats, Integers, Problem

InitialValue = Callable[[World], Floats]


def review_periods(problem: Problem) -> int:
    """Return how many periods beside its lead time an order has to cover: none where it is placed after the period's demand.

    What arrives together with the next order still serves the demand of one more period, unless that has been seen before.
    """
    return int(not problem.clock.demand_first)


def protection_moments(world: World, source: str) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of demand near each site over lead time and review period, (S, K) units."""
    mean_lead, variance_lead = (at_sources(each, source_lanes(world, source)) for each in lead_time_moments(world.problem))
    demand, periods = world.problem.sites.expected_demand, mean_lead + review_periods(world.problem)
    variance = by_nearest_site(world.problem, world.problem.demand.deviation**2).mean(axis=0)
    return demand * periods, np.sqrt(variance * periods + variance_lead * demand**2)


def cover(source: str = CHEAPEST, safety: float = 1.0) -> InitialValue:
    """Return the initial value of a level: demand over the protection interval and `safety` standard deviations."""

    def initial_value(world: World) -> Floats:
        mean, deviation = protection_moments(world, source)
        return mean + safety * deviation

    return initial_value


def until_sold(world: World, lanes: Integers) -> Floats:
    """Return the lead times of the usual lanes (S, K) from each site's order down to the farthest customers, (S, K) periods."""
    problem = world.problem
    lead = at_sources(lead_time_moments(problem)[0], lanes)
    farthest = np.where(lanes >= 0, lead, 0.0)
    for site in problem.sites.from_downstream:
        for further in range(len(farthest)):
            follows = (lanes[further] >= 0) & (problem.lanes.site[lanes[further]] == site)
            farthest[site] = np.where(
                follows,
                np.maximum(farthest[site], np.where(lanes[site] >= 0, lead[site], 0.0) + farthest[further]),
                farthest[site],
            )
    return farthest


def echelon_moments(world: World) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of demand downstream of each site until what it orders can be sold, (S, K) units.

    That takes the lead times of the usual lanes down to the farthest customers, and the review period.
    """
    problem, periods = world.problem, until_sold(world, source_lanes(world, CHEAPEST)) + review_periods(world.problem)
    reached = problem.sites.downstream.astype(float)
    mean = reached @ by_nearest_site(problem, problem.demand.mean).mean(axis=0)
    variance = reached @ by_nearest_site(problem, problem.demand.deviation**2).mean(axis=0)
    return mean * periods, np.sqrt(variance * periods)


def echelon_cover(world: World) -> Floats:
    """Return the initial value of an echelon's level: demand until what is ordered can be sold, and its standard deviation."""
    mean, deviation = echelon_moments(world)
    return mean + deviation


def echelon_spread(world: World) -> Floats:
    """Return the first step of an echelon's level: the standard deviation of that demand, at least one unit."""
    step = echelon_moments(world)[1]
    return np.maximum(step, 1.0) if world.problem.rules.whole else step


def spread_over(source: str = CHEAPEST, share: float = 1.0) -> InitialValue:
    """Return a first step: a share of the standard deviation over the protection interval, at least one unit."""

    def initial_value(world: World) -> Floats:
        step = share * protection_moments(world, source)[1]
        return np.maximum(step, 1.0) if world.problem.rules.whole else step

    return initial_value


def constant(value: float, axes: str) -> InitialValue:
    """Return one initial value for all sites and SKUs."""

    def initial_value(world: World) -> Floats:
        sites, skus = world.problem.sites.initial_stock.shape
        return np.full((sites, skus) if axes == "site_sku" else (skus,), value)

    return initial_value


def demand_share(share: float) -> InitialValue:
    """Return an initial value that is a share of the mean demand of a period near each site."""
    return lambda world: share * world.problem.sites.expected_demand
