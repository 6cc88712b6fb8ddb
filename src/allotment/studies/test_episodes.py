"""The worlds in which all policies are tested, and what each policy did there: read from its run folder, or played.

A run folder's `evaluation.parquet` holds what the run's best policy did in its own test world. An episode of it is one of the
wanted worlds where its seed is; it counts unless the policy is newer than the file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from allotment.evaluation.comparison import MEASURES
from allotment.evaluation.testing import Evaluation, evaluate
from allotment.policies.bundle import load_bundle
from allotment.runs.run_folder import metadata, update_metadata
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import World
from allotment.scenario.problem import TERMS, Floats
from allotment.scenario.streams import derived_seed
from allotment.whole_file import whole_file

EPISODES, BY_SKU = "evaluation.parquet", "score_by_sku.npy"
Played = Callable[[int, int], None]  # periods played, of how many


@dataclass(frozen=True)
class CommonWorlds:
    """Which episodes every policy plays."""

    world: World  # as tests have it
    episodes: int
    seed: int
    by_item: bool = False  # whether intervals speak of other items too

    def episodes_of(self, folder: Path, progress: Played | None = None) -> Evaluation:
        """Return what a run's best policy did in these worlds; only what its folder does not hold is played.

        A run that was never evaluated keeps what is played.
        """
        known = kept(folder, self)
        start = 0 if known is None else len(known.episodes)
        if known is not None and start == self.episodes:
            return known
        new = self._play(folder, start, progress)
        whole = new if known is None else _joined(known, new)
        if not (folder / EPISODES).is_file():
            keep(folder, whole.episodes, self.world.name, self.seed, whole.score_by_sku)
        return whole

    def _play(self, folder: Path, start: int, progress: Played | None) -> Evaluation:
        done, periods = 0, (self.episodes - start) * self.world.problem.clock.length

        def count(worlds: int) -> None:
            nonlocal done
            done += worlds
            if progress:
                progress(done, periods)

        policy = load_bundle(folder / "best", self.world)
        return evaluate(policy, self.world, self.episodes, self.seed, progress=count, start=start)


def keep(folder: Path, rows: pd.DataFrame, env: str, seed: int, score_by_sku: Floats | None = None) -> None:
    """Put episodes in the run's own test world, whose name is `env`, into its folder, in place of earlier ones.

    A study to which the folder belongs sees from the metadata that they are not its own.
    """
    with whole_file(folder / EPISODES) as part:
        rows.to_parquet(part)
    if score_by_sku is None:
        (folder / BY_SKU).unlink(missing_ok=True)
    else:
        np.save(folder / BY_SKU, score_by_sku)
    update_metadata(folder, evaluation={"env": env, "episodes": len(rows), "seed": seed})


def kept(folder: Path, worlds: CommonWorlds) -> Evaluation | None:
    """Return those of the wanted episodes, from the first on, that a run folder holds; none where it holds none."""
    rows = _rows(folder, worlds.world.name)
    if rows is None:
        return None
    wanted = derived_seed("test", worlds.seed) + np.arange(min(worlds.episodes, len(rows)), dtype=np.int64)
    held = rows.iloc[: len(wanted)]
    if not np.array_equal(held["seed"], wanted):
        return None
    by_sku = _scores_by_sku(folder, rows) if worlds.by_item else np.empty((len(rows), 0))
    return None if by_sku is None else Evaluation(held, by_sku[: len(wanted)])


def _rows(folder: Path, env: str) -> pd.DataFrame | None:
    """Return the episodes that a run folder holds of its policy as it is now, with all that is measured now."""
    file, policy = folder / EPISODES, folder / "best" / "bundle.json"
    if not file.is_file() or file.stat().st_mtime_ns < policy.stat().st_mtime_ns:
        return None
    if metadata(folder).get("evaluation", {}).get("env", env) != env:
        return None
    try:
        rows = pd.read_parquet(file)
    except (OSError, ValueError) as error:
        raise ScenarioError(f"{file}: cannot be read ({error}); without it, the episodes are played again") from None
    return rows if set(rows.columns) >= {"seed", "score", *MEASURES, *(f"money/{term}" for term in TERMS)} else None


def _scores_by_sku(folder: Path, rows: pd.DataFrame) -> Floats | None:
    """Return the scores by SKU that belong to the rows, if the folder holds them."""
    file = folder / BY_SKU
    scores = np.load(file, allow_pickle=False) if file.is_file() else np.empty((0, 0))
    belong = len(scores) == len(rows) and np.allclose(scores.sum(axis=1), rows["score"])
    return scores if belong else None


def _joined(known: Evaluation, new: Evaluation) -> Evaluation:
    """Return the episodes of both, where scores by SKU are wanted with these."""
    by_sku = new.score_by_sku[:, : known.score_by_sku.shape[1]]
    return Evaluation(
        pd.concat([known.episodes, new.episodes], ignore_index=True), np.concatenate([known.score_by_sku, by_sku])
    )
