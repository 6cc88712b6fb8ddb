"""What stock ties up and earns: turns, days of inventory, gross margin return on inventory, write-downs.

Stock and what is sold are valued at unit cost, averaged over its calendar where it changes. All follow from sums over the
measured periods. In a world of finance (`finance.ratios`) the same ratios are of a year.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from allotment.evaluation.metric_kinds import Lowest, PerPeriod, Share
from allotment.quantities import Floats
from allotment.scenario.loader import World
from allotment.scenario.problem import TERMS

DAYS = {"day": 1.0, "week": 7.0, "month": 365.0 / 12.0, "quarter": 365.0 / 4.0, "year": 365.0}  # in what a world calls a period
REVENUE = TERMS.index("revenue")


def has_costs(world: World) -> bool:
    """Tell whether units of a world cost something."""
    return bool(world.problem.goods.unit_cost.any())


def has_margin(world: World) -> bool:
    """Tell whether what is sold has a cost and a price that counts."""
    return has_costs(world) and world.scenario.objective == "profit" and bool(world.problem.prices.revenue.any())


def has_days(world: World) -> bool:
    """Tell whether units cost something, and a period is a number of days."""
    return has_costs(world) and world.scenario.period in DAYS


def loses_stock(world: World) -> bool:
    """Tell whether units cost something, and some expire or disappear."""
    problem = world.problem
    return has_costs(world) and (problem.shape.lives > 1 or bool(problem.sites.shrinkage.any()))


def at_cost(units: Floats, world: World) -> Floats:
    """Return what units (B, places, K) are worth at unit cost, (B,) money; as units where nothing has a cost."""
    costs = world.problem.goods.unit_cost.mean(axis=0)
    by_sku = np.ascontiguousarray(units).sum(axis=1) * (costs if costs.any() else np.ones_like(costs))
    return by_sku.sum(axis=1)


def _stock(world: World, sums: Any) -> Floats:
    return at_cost(sums.on_hand, world)


def _cost_of_sales(world: World, sums: Any) -> Floats:
    return at_cost(sums.shipped, world)


def _gross_margin(world: World, sums: Any) -> Floats:
    revenue: Floats = np.ascontiguousarray(sums.money[:, REVENUE]).sum(axis=-1)
    return revenue - _cost_of_sales(world, sums)


STOCK_TURNS = Share(
    "stock_turns",
    "cost of goods sold in the measured periods over the mean value of stock on hand",
    lambda world, sums: _cost_of_sales(world, sums) * world.scenario.horizon.periods,
    _stock,
    otherwise=np.nan,
    unit="turns/episode",
    summed=True,
)
CAPITAL: tuple[Share | PerPeriod | Lowest, ...] = (
    Share(
        "days_of_inventory",
        "mean value of stock on hand over the cost of goods sold in a day",
        lambda world, sums: _stock(world, sums) * DAYS[world.scenario.period],
        _cost_of_sales,
        otherwise=np.nan,
        unit="days",
        summed=True,
        needs=has_days,
    ),
    Share(
        "gmroi",
        "gross margin (revenue less cost of goods sold) of the measured periods over the mean value of stock on hand",
        lambda world, sums: _gross_margin(world, sums) * world.scenario.horizon.periods,
        _stock,
        otherwise=np.nan,
        unit="share/episode",
        summed=True,
        needs=has_margin,
        title="GMROI",
    ),
    PerPeriod(
        "write_downs",
        "cost of the units that expired or disappeared per period",
        lambda world, sums: at_cost(sums.expired, world) + at_cost(sums.shrunk, world),
        compared=True,
        unit="money/period",
        summed=True,
        needs=loses_stock,
        title="write-downs",
    ),
)
