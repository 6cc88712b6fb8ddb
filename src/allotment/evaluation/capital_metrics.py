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
from allotment.scenario.treasury import days_of_period

REVENUE = TERMS.index("revenue")


def has_costs(world: World) -> bool:
    """Tell whether units of a world cost something."""
    return bool(world.problem.goods.unit_cost.any())


def has_margin(world: World) -> bool:
    """Tell whether what is sold has a cost and a price that counts."""
    return has_costs(world) and world.scenario.objective == "profit" and bool(world.problem.prices.revenue.any())


def has_days(world: World) -> bool:
    """Tell whether units cost something, and a period is a number of days."""
    return has_costs(world) and days_of_period(world.scenario) is not None


def has_treasury(world: World) -> bool:
    """Tell whether trade passes through cash."""
    return world.problem.treasury.exists


def has_cycle(world: World) -> bool:
    """Tell whether cash passes through stock that costs something."""
    return has_treasury(world) and has_margin(world)


def _days(world: World) -> float:
    return days_of_period(world.scenario) or 1.0


def loses_stock(world: World) -> bool:
    """Tell whether units cost something, and some expire, disappear or never arrive."""
    problem = world.problem
    goes = (problem.shape.lives > 1, problem.sites.shrinkage.any(), (problem.lanes.lost > 0.0).any())
    return has_costs(world) and any(goes)


def _written_down(world: World, sums: Any) -> Floats:
    """Return the cost of what is gone, (B,) money; goods that are paid for on receipt were the supplier's."""
    lanes, gone = world.problem.lanes, at_cost(sums.expired, world) + at_cost(sums.shrunk, world)
    if not sums.vanished.shape[1]:
        return gone
    return gone + at_cost(sums.vanished[:, (lanes.supplier < 0) | ~lanes.on_receipt], world)


def at_cost(units: Floats, world: World) -> Floats:
    """Return what units (B, places, K) are worth at unit cost, (B,) money; as units where nothing has a cost."""
    costs = world.problem.goods.unit_cost.mean(axis=0)
    by_sku = np.ascontiguousarray(units).sum(axis=1) * (costs if costs.any() else np.ones_like(costs))
    return by_sku.sum(axis=1)


def _stock(world: World, sums: Any) -> Floats:
    return at_cost(sums.on_hand, world)


def _cost_of_sales(world: World, sums: Any) -> Floats:
    return at_cost(sums.shipped, world)


def _revenue(world: World, sums: Any) -> Floats:
    revenue: Floats = np.ascontiguousarray(sums.money[:, REVENUE]).sum(axis=-1)
    return revenue


def _gross_margin(world: World, sums: Any) -> Floats:
    return _revenue(world, sums) - _cost_of_sales(world, sums)


def _working_capital(world: World, sums: Any) -> Floats:
    balances: Floats = (sums.cash + sums.receivable - sums.payable - sums.debt)[:, 0]
    return _stock(world, sums) + balances


def _cycle(world: World, sums: Any) -> Floats:
    """Return (stock − payables) ÷ cost of goods sold + receivables ÷ revenue, times both, in days."""
    tied_up = (_stock(world, sums) - sums.payable[:, 0]) * _revenue(world, sums)
    waiting: Floats = sums.receivable[:, 0] * _cost_of_sales(world, sums)
    return (tied_up + waiting) * _days(world)


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
        lambda world, sums: _stock(world, sums) * _days(world),
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
    Share(
        "inventory_to_working_capital",
        "mean value of stock on hand over mean working capital: cash, stock and receivables less payables and debt",
        _stock,
        _working_capital,
        otherwise=np.nan,
        compared=False,
        summed=True,
        needs=has_cycle,
    ),
    Share(
        "cash_conversion_cycle",
        "days of inventory and of receivables less days of payables",
        _cycle,
        lambda world, sums: _cost_of_sales(world, sums) * _revenue(world, sums),
        otherwise=np.nan,
        unit="days",
        summed=True,
        needs=has_cycle,
    ),
    Lowest(
        "lowest_cash",
        "the least cash at the end of a period",
        lambda world, sums: sums.lowest_cash[:, 0],
        compared=True,
        unit="money",
        summed=True,
        needs=has_treasury,
    ),
    PerPeriod(
        "days_below_floor",
        "days of an episode at whose end cash was below its floor",
        lambda world, sums: sums.below_floor[:, 0] * _days(world) * world.scenario.horizon.periods,
        compared=True,
        unit="days/episode",
        summed=True,
        needs=has_treasury,
    ),
    PerPeriod(
        "write_downs",
        "cost of the units that expired, disappeared or never arrived per period",
        _written_down,
        compared=True,
        unit="money/period",
        summed=True,
        needs=loses_stock,
        title="write-downs",
    ),
)
