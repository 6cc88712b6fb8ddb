"""One episode on record, period by period, for figures and for replaying."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from allotment.engine.state import empty_flows
from allotment.scenario.loader import World
from allotment.scenario.problem import Floats

RECORDED = ("on_hand", "in_transit", "demand", "shipped", "lost", "open_orders", "executed", "reward")


@dataclass(frozen=True)
class EpisodeRecord:
    """What happened in an episode. Units; stocks are those at `charge`."""

    title: str
    sites: list[str]
    channels: list[str]
    on_hand: Floats  # (periods, S, K)
    in_transit: Floats  # (periods, L, K)
    demand: Floats  # (periods, C, K)
    shipped: Floats  # (periods, F, K)
    on_time: Floats  # (periods, C, K) served in the period of their demand
    lost: Floats  # (periods, C, K)
    open_orders: Floats  # (periods, C, K)
    executed: Floats  # (periods, L, K) ordered and shipped by the source
    reward: Floats  # (periods,) money


def record_of(world: World, periods: list[dict[str, Any]], title: str | None = None) -> EpisodeRecord:
    """Return the record of an episode from the `info` of its steps, an empty one before the first."""
    nothing = empty_flows(world.problem, 0)
    stacked = {name: np.array([period[name] for period in periods]) if periods else getattr(nothing, name) for name in RECORDED}
    on_time = served_on_time(stacked["demand"], stacked["lost"], stacked["open_orders"])
    names = world.names
    return EpisodeRecord(
        title=title or world.scenario.name, sites=names.sites, channels=names.channels, on_time=on_time, **stacked
    )


def served_on_time(demand: Floats, lost: Floats, open_orders: Floats) -> Floats:
    """Return the units of a period's demand that were served in it: the oldest orders of a channel are served first."""
    return np.clip(demand - lost - open_orders, 0.0, demand)
