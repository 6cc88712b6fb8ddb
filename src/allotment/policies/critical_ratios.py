"""What a unit short costs against a unit over, near each site: the newsvendor's critical ratio."""

from __future__ import annotations

import numpy as np

from allotment.decisions.observation import by_nearest_site
from allotment.scenario.loader import World
from allotment.scenario.problem import Floats


def underage(world: World) -> Floats:
    """Return what a unit short costs near each site, (S, K) money: a backorder's cost, or a lost sale's cost and margin.

    Channels near a site are weighted by their mean demand.
    """
    waiting, lost = underage_by_kind(world)
    return waiting + lost


def underage_by_kind(world: World) -> tuple[Floats, Floats]:
    """Return the parts of `underage` of channels whose demand waits, and of those whose demand is lost, (S, K) money each."""
    prices, lanes = world.problem.prices, world.problem.lanes
    bought = np.where((lanes.supplier >= 0)[:, None] & lanes.allowed, prices.purchase.mean(axis=0), np.inf).min(axis=0)
    margin = np.maximum(prices.price.mean(axis=0) - bought, 0.0)
    lost = prices.shortage.mean(axis=0) + margin
    waits = (world.problem.channels.stays > 0.0)[:, None]
    weight = world.problem.demand.mean.mean(axis=0) + 1e-12
    parts = np.where(waits, prices.backorder.mean(axis=0), 0.0), np.where(waits, 0.0, lost)
    total = np.maximum(by_nearest_site(world.problem, weight), 1e-12)
    return tuple(by_nearest_site(world.problem, part * weight) / total for part in parts)  # type: ignore[return-value]


def overage(world: World) -> Floats:
    """Return what a unit over costs at each site, (S, K) money: holding it for one period, and the capital in it."""
    prices = world.problem.prices
    each: Floats = prices.holding.mean(axis=0) + prices.site_capital.mean(axis=0)
    return each


def critical_ratio(world: World) -> Floats:
    """Return underage ÷ (underage + overage), (S, K)."""
    under = underage(world)
    return under / np.maximum(under + overage(world), 1e-12)


def critical_safety_factor(world: World) -> Floats:
    """Return the safety factor of the critical ratio under the normal distribution, (S, K) standard deviations."""
    from scipy.special import ndtri

    return ndtri(np.clip(critical_ratio(world), 0.01, 0.999))
