"""Echelon base-stock levels of a serial system: exact (Clark and Scarf 1960), and between bounds (Shang and Song 2003).

Stages are counted from the customers up. A stage's level covers what is demanded until its stock has reached the next stage;
the last stage's, until it has been sold. Exact where the last stage's demand waits and costs a backorder a period.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from allotment.policies.critical_ratios import overage, underage
from allotment.policies.demand_law import demand_law, grid_step, over_periods, quantile
from allotment.policies.sources import CHEAPEST, source_lanes
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import World
from allotment.scenario.problem import Floats, Integers


@dataclass(frozen=True)
class Stage:
    """A stage of a serial system."""

    site: int
    periods: int  # of demand between an order and the next stage's that it serves
    holding: float  # money/unit/period of the stage beyond that of the stage above


LevelsOf = Callable[[list[Stage], Floats, float], Sequence[float]]  # of stages, a period's demand and a backorder's cost


def clark_scarf(world: World) -> Floats:
    """Return the optimal echelon base-stock levels of a serial system, (S, K) units (Clark and Scarf 1960)."""
    return _by_sku(world, _optimal_levels)


def shang_song(world: World) -> Floats:
    """Return the mean of Shang and Song's bounds, (S, K) units, a heuristic close to the optimum."""
    return 0.5 * (shang_song_lower(world) + shang_song_upper(world))


def shang_song_lower(world: World) -> Floats:
    """Return levels that the optimal ones of a serial system are not below, (S, K) units (Shang and Song 2003)."""
    return _by_sku(world, lambda stages, law, backorder: _bounds(stages, law, backorder, below=True))


def shang_song_upper(world: World) -> Floats:
    """Return levels that the optimal ones of a serial system are not above, (S, K) units (Shang and Song 2003)."""
    return _by_sku(world, lambda stages, law, backorder: _bounds(stages, law, backorder, below=False))


def _by_sku(world: World, levels_of: LevelsOf) -> Floats:
    levels = np.zeros_like(world.problem.sites.initial_stock)
    for sku in range(world.problem.shape.skus):
        stages = serial_stages(world, sku)
        last = stages[0].site
        law, step = demand_law(world, last, sku), grid_step(world.problem, last, sku)
        found = levels_of(stages, law, float(underage(world)[last, sku]))
        levels[[stage.site for stage in stages], sku] = np.array(found) * step
    return levels


def serial_stages(world: World, sku: int) -> list[Stage]:
    """Return the stages of a serial system, from the customers up; `ScenarioError` where the world is none."""
    problem = world.problem
    lanes = source_lanes(world, CHEAPEST)[:, sku]
    _check_serial(world, sku, lanes)
    order = [site for site in problem.sites.from_downstream if lanes[site] >= 0]
    holding = overage(world)[:, sku]
    above = [float(holding[problem.lanes.site[lanes[site]]]) if problem.lanes.site[lanes[site]] >= 0 else 0.0 for site in order]
    lead = [int(problem.lanes.constant[lanes[site]]) for site in order]
    lead[0] += 1  # what is ordered now is sold in the period in which it arrives
    return [Stage(site, periods, float(holding[site]) - held) for site, periods, held in zip(order, lead, above, strict=True)]


def _check_serial(world: World, sku: int, lanes: Integers) -> None:
    """Raise `ScenarioError` where sites do not form one line from a supplier to customers who wait."""
    problem = world.problem
    sources = problem.lanes.site[lanes]
    inner = sources[sources >= 0]
    selling = np.unique(problem.fulfilment.site)
    capacities = np.append(problem.lanes.capacity.ravel(), problem.suppliers.capacity.ravel())
    checks = {
        "some demand is lost": bool((problem.channels.stays < 1.0).any()),
        "a site has no supply": bool((lanes < 0).any()),
        "a site has several lanes": bool(problem.lanes.allowed[:, sku].sum() > len(lanes)),
        "sites do not form one line": len(np.unique(inner)) < len(inner) or len(inner) != len(lanes) - 1,
        "customers are served by another site than the last": len(selling) != 1 or bool((inner == selling[0]).any()),
        "a lead time is random": bool((problem.lanes.constant[lanes] < 0).any()),
        "capacities are limited": bool(
            np.isfinite(problem.lanes.capacity).any() or np.isfinite(problem.suppliers.capacity).any()
        ),
        "orders have fixed costs": bool(problem.prices.fixed.any() or problem.prices.line.any()),
        "goods perish": problem.shape.lives > 1,
        "orders are placed after demand, or before goods arrive": problem.clock.demand_first
        or not problem.clock.received_first,
    }
    found = next((name for name, there in checks.items() if there), None)
    if found is not None:
        raise ScenarioError(f"the world is no serial system with backorders: {found}")


def _bounds(stages: list[Stage], law: Floats, backorder: float, below: bool) -> list[float]:
    """Return critical quantiles of demand down to the customers, in steps.

    Stages above add to what a shortage costs; those below add to what stock costs, for the bound from below.
    """
    holding = np.array([stage.holding for stage in stages])
    levels: list[float] = []
    for place in range(len(stages)):
        short = backorder + holding[place + 1 :].sum()
        over = holding[: place + 1].sum() if below else holding[place]
        down = over_periods(law, sum(stage.periods for stage in stages[: place + 1]))
        levels.append(quantile(down, short / (short + over)))
    return levels


def _optimal_levels(stages: list[Stage], law: Floats, backorder: float) -> list[float]:
    """Return the levels that minimise each echelon's cost, in steps, given that those below follow theirs.

    An echelon's cost at a position is what it expects to hold, and what stages below lose where it cannot fill their level:
    C_j(y) = E[h_j x + C_{j-1}(min(S_{j-1}, x))] at x = y - demand, for the last stage with the cost of backorders.
    """
    longest = len(over_periods(law, sum(stage.periods for stage in stages)))
    positions = np.arange(-longest, longest + 1)
    held = sum(stage.holding for stage in stages)
    induced, levels = (backorder + held) * np.maximum(-positions, 0.0), []
    for stage in stages:
        demand = over_periods(law, stage.periods)
        cost = _expected(stage.holding * positions + induced, demand)
        best = int(cost.argmin())
        levels.append(float(positions[best]) + _between(cost, best))
        induced = np.where(np.arange(len(cost)) < best, cost, cost[best])
    return levels


def _expected(cost: Floats, demand: Floats) -> Floats:
    """Return the expected cost at each position once demand has been taken from it."""
    from scipy.signal import fftconvolve

    below = cost[0] + (cost[1] - cost[0]) * np.arange(-len(demand) + 1, 0)  # costs go on in a straight line
    return np.asarray(fftconvolve(np.concatenate([below, cost]), demand, mode="valid"))


def _between(cost: Floats, best: int) -> float:
    """Return how far the lowest point of a parabola through the best position and its neighbours lies from it."""
    low, here, high = cost[best - 1 : best + 2]
    bend = low - 2.0 * here + high
    return float(0.5 * (low - high) / bend) if bend > 0.0 else 0.0
