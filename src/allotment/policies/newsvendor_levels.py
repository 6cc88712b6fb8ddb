"""Levels of single sites that are computed: the critical quantile of demand until an order can be sold, or a safety stock."""

from __future__ import annotations

import numpy as np

from allotment.policies.critical_ratios import critical_ratio, critical_safety_factor
from allotment.policies.demand_law import demand_law, level_at, over_periods
from allotment.policies.initial_values import protection_moments, review_periods
from allotment.policies.sources import CHEAPEST, at_sources, source_lanes
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import World
from allotment.scenario.problem import Floats


def newsvendor_level(world: World) -> Floats:
    """Return the critical quantile of demand over lead time and review period, (S, K) units.

    With backorders it is the optimal level of a single site. Raises `ScenarioError` where a lead time is random, or the law
    of demand is not known.
    """
    problem, lanes = world.problem, source_lanes(world, CHEAPEST)
    leads, ratios = at_sources(problem.lanes.constant.astype(float), lanes), critical_ratio(world)
    if (leads < 0).any():
        raise ScenarioError("a lead time is random; safety_stock takes its variance into account")
    levels = np.zeros_like(leads)
    for site, sku in np.ndindex(levels.shape):
        law = over_periods(demand_law(world, site, sku), int(leads[site, sku]) + review_periods(problem))
        levels[site, sku] = level_at(law, float(ratios[site, sku]), problem, site, sku)
    return levels


def safety_stock_level(world: World) -> Floats:
    """Return mean demand over lead time and review period, and the safety factor from costs times its deviation, (S, K)."""
    mean, deviation = protection_moments(world, CHEAPEST)
    return mean + critical_safety_factor(world) * deviation
