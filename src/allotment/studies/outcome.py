"""What came out of a study: episodes, learning curves and the comparison, read back from its run folders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from allotment.evaluation.comparison import compare
from allotment.evaluation.statistics import item_difference
from allotment.scenario.loader import World
from allotment.studies.study import Job, Study

BOOTSTRAP_SEED = 20_261_122


@dataclass(frozen=True)
class Outcome:
    """A study's results, ready for tables and figures."""

    study: Study
    world: World
    jobs: list[Job]
    episodes: pd.DataFrame
    comparison: pd.DataFrame
    curves: dict[str, pd.DataFrame]  # of the policies that learn

    @property
    def last_step(self) -> int:
        """Return the environment steps of the longest training, 1 where nothing learned."""
        return int(max([curve["steps"].max() for curve in self.curves.values()], default=1))


def read_outcome(study: Study, world: World, jobs: list[Job]) -> Outcome:
    """Return the outcome of a study whose jobs are all done."""
    frames = [pd.read_parquet(Path(job.folder) / "evaluation.parquet") for job in jobs]
    episodes = pd.concat(frames, ignore_index=True)
    rng = np.random.default_rng(BOOTSTRAP_SEED)
    comparison = compare(episodes, None, rng)
    if study.evaluation.interval == "items":
        comparison = _over_items(comparison, jobs, rng)
    curves = {
        job.name: pd.read_parquet(Path(job.folder) / "curve.parquet")
        for job in jobs
        if (Path(job.folder) / "curve.parquet").is_file()
    }
    return Outcome(study, world, jobs, episodes, comparison, curves)


def _over_items(comparison: pd.DataFrame, jobs: list[Job], rng: np.random.Generator) -> pd.DataFrame:
    """Replace the intervals over episodes by intervals over items: would it hold for other items of the same kind?"""
    scores = {job.name: np.load(Path(job.folder) / "score_by_sku.npy") for job in jobs}
    reference = comparison.loc[comparison["reference"], "policy"].item()
    comparison = comparison.copy()
    for row in comparison.index:
        policy = comparison.loc[row, "policy"]
        if policy != reference:
            interval = item_difference(scores[policy], scores[reference], rng)
            comparison.loc[row, ["difference", "difference_low", "difference_high"]] = (
                interval.mean,
                interval.low,
                interval.high,
            )
    return comparison
