"""Where a rule-based policy orders: for each site and SKU the cheapest, the fastest or a named source."""

from __future__ import annotations

import numpy as np

from allotment.engine.dynamics.arrays import put_at
from allotment.scenario.errors import ScenarioError, nearest
from allotment.scenario.loader import World
from allotment.scenario.moments import lead_time_moments
from allotment.scenario.problem import Floats, Integers

CHEAPEST, FASTEST = "cheapest", "fastest"


def source_lanes(world: World, source: str) -> Integers:
    """Return the supply lane by which each site orders each SKU, (S, K); -1 where none carries it.

    Lanes of suppliers come before lanes between sites. Ties go to the lane listed first.
    """
    problem = world.problem
    prices = problem.prices
    costs = (prices.purchase.mean(axis=0) + prices.production.mean(axis=0)) + prices.inbound_freight.mean(axis=0)
    speeds = np.broadcast_to(lead_time_moments(problem)[0][:, None], costs.shape)
    if source not in (CHEAPEST, FASTEST, *world.names.suppliers):
        allowed = [CHEAPEST, FASTEST, *world.names.suppliers]
        raise ScenarioError(f"source: unknown source {source!r}; {nearest(source, allowed)}")
    rank = speeds * 1e9 + costs if source == FASTEST else costs * 1e3 + speeds * 1e-3
    if source in world.names.suppliers:
        named = problem.lanes.supplier == world.names.suppliers.index(source)
        rank = np.where(named[:, None], rank, rank + 1e15)
    rank = rank + np.where(problem.lanes.site >= 0, 1e18, 0.0)[:, None]
    rank = np.where(problem.lanes.allowed, rank, np.inf)
    sites, skus = problem.sites.initial_stock.shape
    chosen = np.full((sites, skus), -1)
    for site in range(sites):
        lanes = np.flatnonzero(problem.lanes.to == site)
        best = lanes[rank[lanes].argmin(axis=0)]
        chosen[site] = np.where(np.isfinite(rank[best, np.arange(skus)]), best, -1)
    return chosen


def placed(world: World, quantities: Floats, lanes: Integers) -> Floats:
    """Put quantities by site and SKU (B, S, K) on the chosen lanes (S, K); returns orders (B, L, K) in units."""
    nothing = np.zeros((len(quantities), *world.problem.lanes.allowed.shape))
    sites, skus = np.nonzero(lanes >= 0)
    return put_at(nothing, (lanes[sites, skus], skus), quantities[:, sites, skus])


def at_sources(by_lane: Floats, lanes: Integers) -> Floats:
    """Return a quantity of lanes, (L,) or (L, K), at the lane by which each site orders each SKU, (S, K)."""
    columns = by_lane[:, None] if by_lane.ndim == 1 else by_lane
    columns = np.broadcast_to(columns, (len(by_lane), lanes.shape[1]))
    return columns[lanes, np.arange(lanes.shape[1])]
