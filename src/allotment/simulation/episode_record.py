"""One episode on record, period by period, for figures and for replaying."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from allotment.engine.state import empty_flows
from allotment.scenario.loader import World
from allotment.scenario.problem import Floats

RECORDED = ("on_hand", "in_transit", "demand", "shipped", "on_time", "lost", "open_demand", "executed", "reward")


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
    on_time: Floats  # (periods, C, K) shipped, and there when due
    lost: Floats  # (periods, C, K)
    open_demand: Floats  # (periods, C, K)
    executed: Floats  # (periods, L, K) ordered and shipped by the source
    reward: Floats  # (periods,) money


def record_of(world: World, periods: list[dict[str, Any]], title: str | None = None) -> EpisodeRecord:
    """Return the record of an episode from the `info` of its steps, an empty one before the first."""
    nothing = empty_flows(world.problem, 0)
    stacked = {name: np.array([period[name] for period in periods]) if periods else getattr(nothing, name) for name in RECORDED}
    names = world.names
    return EpisodeRecord(title=title or world.scenario.name, sites=names.sites, channels=names.channels, **stacked)
