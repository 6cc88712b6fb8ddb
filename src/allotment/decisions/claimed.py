"""What channels claim of sites, and what sites have to give, before an allocation is decided."""

from __future__ import annotations

import numpy as np

from allotment.decisions.observation import Observation
from allotment.engine.dynamics.arrays import sum_into
from allotment.scenario.loader import World
from allotment.scenario.problem import Floats


def wanted_by_slot(world: World, observation: Observation) -> Floats:
    """Return what channels wait for, and expect to where demand comes after the decision, (B, C, K, slots) units."""
    problem, wanted = world.problem, observation.open_demand_by_slot.copy()
    if not problem.clock.demand_first:
        mean = problem.demand.mean[problem.table_period(observation.period)]
        wanted[..., 0] += np.floor(mean + 0.5) if problem.rules.whole else mean
    return wanted


def sent_away(world: World, orders: Floats) -> Floats:
    """Return what each site is asked to send to other sites, (B, S, K) units, by orders (B, L, K)."""
    lanes = world.problem.lanes
    return sum_into(np.maximum(orders, 0.0), lanes.site, world.problem.shape.sites)


def free_stock(world: World, observation: Observation, orders: Floats) -> Floats:
    """Return what sites hold and do not send to other sites, (B, S, K) units."""
    stock = np.maximum(observation.on_hand - sent_away(world, orders), 0.0)
    return np.floor(stock) if world.problem.rules.whole else stock
