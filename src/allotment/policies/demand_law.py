"""The law of demand near a site as probabilities on a grid, for parameters that are computed from it."""

from __future__ import annotations

from functools import reduce

import numpy as np

from allotment.exact.laws import DemandLaws
from allotment.scenario.distributions import EVENT, HISTORY, NO_DEMAND
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import World
from allotment.scenario.problem import Floats, Integers, Problem

TAIL = 1e-12  # probability at each end of a demand's law that counts at the last value before it
STEPS = 1000  # of a continuous demand's mean in its grid


def grid_step(problem: Problem, site: int, sku: int) -> float:
    """Return the distance of the points on which a demand is listed, in units: 1, or a small part of a continuous mean."""
    if problem.rules.whole:
        return 1.0
    return max(float(problem.sites.expected_demand[site, sku]), 1e-9) / STEPS


def demand_law(world: World, site: int, sku: int) -> Floats:
    """Return the probabilities of 0, 1, 2, … steps of demand in a period near a site, (n,).

    Raises `ScenarioError` where demand changes with time, or follows no distribution of its own.
    """
    problem, step = world.problem, grid_step(world.problem, site, sku)
    demand, near = problem.demand, np.flatnonzero(problem.channels.nearest_site == site)
    if np.ptp(demand.mean[:, near, sku], axis=0).any() or np.ptp(demand.deviation[:, near, sku], axis=0).any():
        raise ScenarioError("its demand changes from period to period")
    if np.isin(demand.kind[near, sku], (EVENT, HISTORY)).any() or demand.loading[near, sku].any():
        raise ScenarioError("its demand follows no distribution of its own")
    laws = DemandLaws(problem, TAIL, step)
    parts = [
        on_grid(*laws.single(int(channel), sku, 0, 1.0), step) for channel in near if demand.kind[channel, sku] != NO_DEMAND
    ]
    return reduce(np.convolve, parts, np.ones(1))


def on_grid(values: Floats, probabilities: Floats, step: float) -> Floats:
    """Return the probabilities of 0, 1, 2, … steps, from values that are multiples of a step."""
    places = np.round(values / step).astype(np.int64)
    law = np.zeros(places.max(initial=0) + 1)
    np.add.at(law, places, probabilities)
    return law


def over_periods(law: Floats, periods: int) -> Floats:
    """Return the law of the sum of a number of independent periods; 0 periods sum to 0."""
    from scipy.signal import fftconvolve

    total = np.ones(1)
    for _ in range(periods):
        total = np.convolve(total, law) if len(total) + len(law) < 2 * STEPS else np.maximum(fftconvolve(total, law), 0.0)
    return total / total.sum()


def quantile(law: Floats, ratio: float) -> int:
    """Return the smallest number of steps that is not exceeded with a probability of at least `ratio`."""
    return int(quantiles(law, np.asarray(ratio)))


def quantiles(law: Floats, ratios: Floats) -> Integers:
    """Return the smallest number of steps that is not exceeded with a probability of at least each ratio (…), (…)."""
    return np.minimum(np.searchsorted(np.cumsum(law), ratios - 1e-12), len(law) - 1)


def level_at(law: Floats, ratio: float, problem: Problem, site: int, sku: int) -> float:
    """Return the units that are not exceeded with a probability of `ratio`; between two steps where units are continuous."""
    steps = quantile(law, ratio)
    if problem.rules.whole:
        return float(steps)
    beyond = (ratio - law[:steps].sum()) / max(float(law[steps]), 1e-300) - 0.5  # a step stands for what lies around it
    return (steps + float(np.clip(beyond, -0.5, 0.5))) * grid_step(problem, site, sku)
