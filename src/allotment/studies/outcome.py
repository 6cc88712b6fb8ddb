"""What came out of a study: episodes, learning curves and the comparison, read back from its run folders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from allotment.evaluation.comparison import compare
from allotment.evaluation.statistics import item_difference
from allotment.evaluation.testing import evaluate, mean_measures
from allotment.policies.bundle import load_bundle
from allotment.scenario.loader import World
from allotment.studies.study import Job, Study
from allotment.training.config import ValidationConfig

BOOTSTRAP_SEED = 20_261_122


@dataclass(frozen=True)
class Outcome:
    """A study's results, ready for tables and figures."""

    study: Study
    world: World
    jobs: list[Job]
    episodes: pd.DataFrame
    comparison: pd.DataFrame
    curves: dict[str, pd.DataFrame]  # of the policies that learn, on validation worlds
    rules: dict[str, dict[str, float]]  # mean measures of the rules on the same validation worlds

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
    return Outcome(study, world, jobs, episodes, comparison, curves, _rules_beside_curves(world, jobs))


def _rules_beside_curves(world: World, jobs: list[Job]) -> dict[str, dict[str, float]]:
    """Play the rules in the validation worlds of the first policy that learns, so that its curve and they compare."""
    learning = next((job for job in jobs if "algorithm" in job.content), None)
    if learning is None:
        return {}
    episodes = ValidationConfig.model_validate(learning.content.get("validation", {})).episodes
    rules = {job.name: load_bundle(Path(job.folder) / "best", world) for job in jobs if "policy" in job.content}
    return {
        name: mean_measures(evaluate(rule, world, episodes, learning.seed, purpose="validate").episodes)
        for name, rule in rules.items()
    }


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
