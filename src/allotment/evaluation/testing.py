"""Evaluation: a policy on the common test worlds, one row an episode.

Episode j is the same world for every policy and every batch size: its seed is the base of (purpose, seed) plus j.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from allotment.decisions.policy import Policy
from allotment.evaluation.breakdown import NOTHING, Breakdown, joined
from allotment.evaluation.metric_kinds import Metric
from allotment.evaluation.metrics import EpisodeMeasures
from allotment.evaluation.rollout import compiled_ordering, play_compiled, played, started
from allotment.scenario.loader import World
from allotment.scenario.problem import Floats, Integers
from allotment.scenario.streams import derived_seed
from allotment.simulation.simulation import Simulation

CELLS_AT_ONCE = 4_000_000  # supply lanes × SKUs × order slots × episodes held in memory together


@dataclass(frozen=True)
class Evaluation:
    """A policy's episodes: one row each, the score by SKU for bootstraps over items, and who was served and who was not."""

    episodes: pd.DataFrame
    score_by_sku: Floats  # (episodes, K) money per measured period
    breakdown: Breakdown = NOTHING  # by channel, site and SKU


def evaluate(
    policy: Policy,
    world: World,
    episodes: int,
    seed: int,
    purpose: str = "test",
    progress: Callable[[int], None] | None = None,
    start: int = 0,
    metrics: Sequence[Metric] = (),
) -> Evaluation:
    """Play `episodes` worlds of a purpose and measure each; with `start`, leave out as many of the first.

    Columns: policy, kind, informed (whether it saw more of coming demand than its past), episode, seed, periods, score (money
    per measured period: profit, or minus cost),
    discounted_return, one of each of `METRICS` and of `metrics`, and money/<term> per period.
    """
    if not 0 <= start < episodes:
        raise ValueError(f"episodes must be at least {start + 1}, not {episodes}")
    seeds = derived_seed(purpose, seed) + np.arange(episodes, dtype=np.int64)
    batch = _batch_size(world, episodes - start)
    frames, by_sku, parts = [], [], []
    for first in range(start, episodes, batch):
        part = seeds[first : first + batch]
        measures = measured(policy, world, part, metrics, progress)
        frames.append(pd.DataFrame({"episode": np.arange(first, first + len(part)), "seed": part, **measures.measures()}))
        by_sku.append(measures.score_by_sku())
        parts.append(measures.breakdown())
    rows = pd.concat(frames, ignore_index=True)
    rows.insert(0, "policy", getattr(policy, "name", type(policy).__name__))
    rows.insert(1, "kind", getattr(policy, "kind", "rule-based"))
    rows.insert(2, "informed", bool(getattr(policy, "informed", True)))
    rows.insert(5, "periods", world.scenario.horizon.periods)
    return Evaluation(rows, np.concatenate(by_sku), joined(parts))


def measured(
    policy: Policy,
    world: World,
    seeds: Integers,
    metrics: Sequence[Metric] = (),
    progress: Callable[[int], None] | None = None,
) -> EpisodeMeasures:
    """Play the first episode of each seed (n,), and return what is measured of them."""
    return measured_in(started(world, seeds), policy, world, metrics, progress)


def measured_in(
    simulation: Simulation,
    policy: Policy,
    world: World,
    metrics: Sequence[Metric] = (),
    progress: Callable[[int], None] | None = None,
) -> EpisodeMeasures:
    """Play a simulation that stands at its first decision to the end of its episodes, and return what is measured of them."""
    measures = EpisodeMeasures(world, simulation, metrics)
    ordering = None if measures.by_period else compiled_ordering(policy, world)
    if ordering is not None:
        play_compiled(simulation, ordering, progress)
        return measures
    for period, flows in played(simulation, policy):
        measures.add(period, flows)
        if progress:
            progress(simulation.batch)
    return measures


def _batch_size(world: World, episodes: int) -> int:
    cells = world.problem.lanes.allowed.size * world.problem.lanes.slots
    return int(np.clip(CELLS_AT_ONCE // max(cells, 1), 1, episodes))


def mean_measures(rows: pd.DataFrame) -> dict[str, float]:
    """Return the mean of every measure of one policy's episodes, under the names that TensorBoard shows."""
    numbers = rows.drop(columns=["episode", "seed", "periods"], errors="ignore").select_dtypes("number")
    return {str(name): float(value) for name, value in numbers.mean().items()}
