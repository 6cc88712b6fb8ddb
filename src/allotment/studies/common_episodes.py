"""The worlds in which all policies are tested, and what each policy did there: read from its run folder, or played.

A run folder holds what the run's best policy did in its own test world. An episode of it is one of the wanted ones where its
seed is; it counts unless the policy is newer, or something is measured that was not then.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from allotment.evaluation.breakdown import joined
from allotment.evaluation.metric_kinds import Metric
from allotment.evaluation.metrics import RESERVED, metrics_of
from allotment.evaluation.place import WorldPlace
from allotment.evaluation.testing import Evaluation
from allotment.runs.at_work import InUse
from allotment.runs.run_folder import EPISODES, RunFolder
from allotment.scenario.loader import World
from allotment.scenario.problem import TERMS
from allotment.scenario.streams import derived_seed
from allotment.terminal import told

Played = Callable[[int, int], None]  # periods played, of how many


@dataclass(frozen=True)
class CommonEpisodes:
    """Which episodes every policy plays."""

    world: World  # as tests have it
    episodes: int
    seed: int
    by_item: bool = False  # whether intervals speak of other items too
    metrics: tuple[Metric, ...] = ()  # beside the shipped ones
    code: Mapping[str, str] = field(default_factory=dict)  # digests of the files that these stand in

    def episodes_of(self, run: RunFolder, progress: Played | None = None, keep: bool = False) -> Evaluation:
        """Return what a run's best policy did in these worlds; only what its folder does not hold is played.

        A folder that holds no evaluation keeps what is played; others only where it is to be kept.
        """
        held = self.held(run)
        start = 0 if held is None else len(held.episodes)
        if held is not None and start == self.episodes:
            return held
        new = self._play(run, start, progress)
        whole = new if held is None else _joined(held, new)
        if keep:
            run.keep_evaluation(whole, self.world.name, self.seed, self.code)
        elif not (run.path / EPISODES).is_file():
            self._keep_if_possible(run, whole)
        return whole

    def _keep_if_possible(self, run: RunFolder, whole: Evaluation) -> None:
        """Spare whoever asks next the playing, unless somebody works in the folder or it cannot be written to."""
        try:
            run.keep_evaluation(whole, self.world.name, self.seed, self.code)
        except (InUse, OSError) as error:
            warnings.warn(f"its episodes are played, but not kept: {told(error)}", stacklevel=3)

    def held(self, run: RunFolder) -> Evaluation | None:
        """Return those of the wanted episodes, from the first on, that a run folder holds; none where it holds none."""
        kept = run.evaluation(self.world.name)
        if kept is None or not kept.breakdown.labels or not set(kept.episodes.columns) >= self._columns():
            return None
        if self.metrics and run.metadata.get("evaluation", {}).get("code", {}) != self.code:
            return None
        wanted = derived_seed("test", self.seed) + np.arange(min(self.episodes, len(kept.episodes)), dtype=np.int64)
        belonging = [name for name in kept.episodes.columns if name in {*RESERVED, *self._columns()}]
        rows, by_sku = kept.episodes.iloc[: len(wanted)][belonging], kept.score_by_sku[: len(wanted)]
        if not np.array_equal(rows["seed"], wanted) or (self.by_item and not by_sku.shape[1]):
            return None
        return Evaluation(rows, by_sku, kept.breakdown.first(len(wanted)))

    def _columns(self) -> set[str]:
        measured = {metric.name for metric in metrics_of(self.world, self.metrics)}
        return {"seed", "score", *measured, *(f"money/{term}" for term in TERMS)}

    def _play(self, run: RunFolder, start: int, progress: Played | None) -> Evaluation:
        done, periods = 0, (self.episodes - start) * self.world.problem.clock.length

        def count(worlds: int) -> None:
            nonlocal done
            done += worlds
            if progress:
                progress(done, periods)

        place = WorldPlace(self.world)
        policy = place.load(run.best)
        return place.evaluate(policy, self.episodes, self.seed, "test", count, start, self.metrics)


def _joined(held: Evaluation, new: Evaluation) -> Evaluation:
    """Return the episodes of both, with scores by SKU where both have them."""
    by_sku = new.score_by_sku[:, : held.score_by_sku.shape[1]]
    rows = pd.concat([held.episodes, new.episodes], ignore_index=True)
    return Evaluation(rows, np.concatenate([held.score_by_sku, by_sku]), joined([held.breakdown, new.breakdown]))
