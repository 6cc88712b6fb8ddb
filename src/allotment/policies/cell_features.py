"""What is known of every cell (site × SKU) of a world before anything happens there, without a unit.

Money counts in what a unit short costs at the cell, units in its mean demand, limits in the mean demand that meets them; ratios
are logarithms. So items of 3 and of 3,000 a week look alike, and a network that is told these numbers in place of learned tags
serves SKUs that it has never seen.
"""

from __future__ import annotations

import numpy as np

from allotment.decisions.observation import by_nearest_site, mean_demand, site_moments
from allotment.policies.critical_ratios import overage, underage
from allotment.scenario.loader import World
from allotment.scenario.moments import lead_time_moments
from allotment.scenario.problem import Floats, Integers, Problem

FURTHEST = 6.0  # of the logarithm of a ratio, either way
SMALL = 1e-9


def cell_features(world: World) -> dict[str, Floats]:
    """Return what is known of each cell by name, (S, K) each."""
    return {**_money(world), **_demand(world), **_limits(world), **_lanes(world)}


def cell_lanes(problem: Problem) -> Integers:
    """Return the supply lanes that carry each cell's SKU to its site in file order, (most of a cell, S, K); -1 for none."""
    lanes, (sites, skus) = problem.lanes, problem.sites.initial_stock.shape
    found = np.full((max(1, _most(problem)), sites, skus), -1)
    for site in range(sites):
        leading = np.flatnonzero(lanes.to == site)
        rank = np.cumsum(lanes.allowed[leading], axis=0) - 1
        for row, lane in enumerate(leading):
            carried = np.flatnonzero(lanes.allowed[lane])
            found[rank[row, carried], site, carried] = lane
    return found


def site_weights(world: World) -> Floats:
    """Return each cell's share of its site's mean demand, by units and by the room that they take, (2, S, K); sums are 1."""
    demand = world.problem.sites.expected_demand
    room = demand * world.problem.goods.volume
    room = np.where(room.sum(axis=1, keepdims=True) > 0.0, room, demand)
    weights: Floats = np.stack([by / np.maximum(by.sum(axis=1, keepdims=True), SMALL) for by in (demand, room)])
    return weights


def _most(problem: Problem) -> int:
    """Return the number of lanes that carry a SKU to a site, where most do."""
    carrying = np.zeros(problem.sites.initial_stock.shape, dtype=int)
    np.add.at(carrying, problem.lanes.to, problem.lanes.allowed)
    return int(carrying.max(initial=0))


def _money(world: World) -> dict[str, Floats]:
    """Return margins and costs against what a unit short costs, and that against what it costs in the site's other cells."""
    problem, prices, short = world.problem, world.problem.prices, underage(world)
    price, bought = near(problem, prices.price.mean(axis=0)), _cheapest(_landed(problem))
    waits = (problem.channels.stays > 0.0)[:, None]
    missed = near(problem, np.where(waits, prices.backorder.mean(axis=0), prices.shortage.mean(axis=0)))
    volume = np.broadcast_to(problem.goods.volume, short.shape)
    charged = np.where(problem.sites.overflow_charged, prices.overflow.mean(axis=0), 0.0)[:, None]
    by_units, by_room = site_weights(world)
    dense = short / np.maximum(volume, SMALL)
    return {
        "margin": (price - bought) / np.maximum(price + bought, SMALL),
        "gain": np.clip((price + missed - bought) / np.maximum(short, SMALL), -FURTHEST, 1.0),  # of selling one more
        "holding": log_ratio(overage(world), short),
        "overflow": log_ratio(charged * volume, short),
        "worth_by_unit": log_ratio(short, (short * by_units).sum(axis=1, keepdims=True)),
        "worth_by_room": np.where(volume > 0.0, log_ratio(dense, (dense * by_room).sum(axis=1, keepdims=True)), 0.0),
    }


def _demand(world: World) -> dict[str, Floats]:
    """Return how demand varies, with chance and with the season, whose it is, and what share of it waits."""
    problem = world.problem
    means, variances = site_moments(problem)
    mean = np.maximum(means.mean(axis=0), SMALL)
    waits = np.broadcast_to((problem.channels.stays > 0.0)[:, None], problem.demand.mean.shape[1:]).astype(float)
    own = mean / np.maximum(problem.sites.expected_demand, SMALL)
    return {
        "deviation": log_ratio(np.sqrt(variances.mean(axis=0)), mean),
        "season": means.std(axis=0) / mean,
        "near": np.where(means.mean(axis=0) > 0.0, np.minimum(own, 1.0), 0.0),
        "waits": near(problem, waits),
    }


def _limits(world: World) -> dict[str, Floats]:
    """Return a site's storage and handling against the room, and the number, of a period's mean demand."""
    problem, demand = world.problem, world.problem.sites.expected_demand
    room = (demand * problem.goods.volume).sum(axis=1)
    storage, handling = problem.sites.storage.mean(axis=0), problem.sites.handling.mean(axis=0)
    by_site = {"storage": log_ratio(storage, room), "handling": log_ratio(handling, demand.sum(axis=1))}
    return {name: np.broadcast_to(values[:, None], demand.shape) for name, values in by_site.items()}


def _lanes(world: World) -> dict[str, Floats]:
    """Return lead times, costs and capacities of the lanes that lead to each cell; nothing where there is none."""
    problem, short = world.problem, underage(world)
    features: dict[str, Floats] = {}
    landed = _landed(problem)
    mean, variance = lead_time_moments(problem)
    units, demand = problem.sites.expected_demand, _demand_by_source(problem)
    capacity = np.minimum(problem.lanes.capacity.mean(axis=0), _supplied(problem))
    for number, lanes in enumerate(cell_lanes(problem), start=1):
        there, at = lanes >= 0, np.maximum(lanes, 0)
        cell, dearer = (at, np.arange(lanes.shape[1])), np.where(there, landed[number - 1] - _cheapest(landed), 0.0)
        line = problem.prices.line.mean(axis=0)[cell] + problem.prices.fixed.mean(axis=0)[at] / lanes.shape[1]
        told = {
            "lane": np.ones(lanes.shape),
            "supplier": problem.lanes.supplier[at] >= 0,
            "lead_time": np.log1p(mean[at]),
            "lead_time_deviation": np.sqrt(variance[at]) / (1.0 + mean[at]),
            "dearer": np.minimum(np.log1p(dearer / np.maximum(short, SMALL)), FURTHEST),
            "line": log_ratio(line, short * units),
            "capacity": log_ratio(capacity[at], demand[at]),
        }
        features |= {f"{name}[{number}]": np.where(there, values, 0.0) for name, values in told.items()}
    return features


def _landed(problem: Problem) -> Floats:
    """Return what a unit costs on arrival by each lane of a cell, (lanes of a cell, S, K) money; infinite for none."""
    prices, found = problem.prices, cell_lanes(problem)
    by_lane = prices.purchase.mean(axis=0) + prices.production.mean(axis=0) + prices.inbound_freight.mean(axis=0)
    by_lane = by_lane + np.where(problem.lanes.site >= 0, 1.0, 0.0)[:, None] * problem.goods.unit_cost.mean(axis=0)
    return np.where(found >= 0, by_lane[np.maximum(found, 0), np.arange(found.shape[2])], np.inf)


def _cheapest(landed: Floats) -> Floats:
    """Return what a unit costs on arrival by the cheapest lane to each cell, (S, K) money; nothing where there is no lane."""
    return np.where(np.isfinite(landed).any(axis=0), landed.min(axis=0), 0.0)


def _demand_by_source(problem: Problem) -> Floats:
    """Return the mean demand of all sites that each lane's source leads to, (L,) units."""
    lanes, needed = problem.lanes, problem.sites.expected_demand
    by_lane = (needed[lanes.to] * lanes.allowed).sum(axis=1)
    source = np.where(lanes.supplier >= 0, lanes.supplier, -1 - lanes.site)
    return np.array([by_lane[source == each].sum() for each in source])


def _supplied(problem: Problem) -> Floats:
    """Return what each lane's supplier ships in a period, (L,) units; infinite for sites."""
    capacity = problem.suppliers.capacity.mean(axis=0)
    if not len(capacity):
        return np.full(len(problem.lanes.to), np.inf)
    supplier = problem.lanes.supplier
    return np.where(supplier >= 0, capacity[np.maximum(supplier, 0)], np.inf)


def near(problem: Problem, by_channel: Floats) -> Floats:
    """Return numbers by channel (C, K) near each site, (S, K): the mean over demand."""
    weight = mean_demand(problem) + SMALL
    total = by_nearest_site(problem, weight)
    return by_nearest_site(problem, by_channel * weight) / np.maximum(total, SMALL)


def log_ratio(above: Floats, below: Floats) -> Floats:
    """Return the logarithm of a ratio, within ± 6 and 0 where there is nothing on either side; infinite amounts are large."""
    above, below = np.broadcast_arrays(np.maximum(above, 0.0), np.maximum(below, 0.0))
    largest = np.exp(FURTHEST)
    ratio = np.where(np.isinf(above), largest, np.where(np.isinf(above), 1.0, above) / np.maximum(below, SMALL * SMALL))
    logs = np.log(np.clip(ratio, 1.0 / largest, largest))
    return np.where((above > 0.0) | (below > 0.0), logs, 0.0)
