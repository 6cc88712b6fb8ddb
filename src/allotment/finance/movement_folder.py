"""The logs of the test worlds of an evaluation, in a folder: one Parquet file an episode."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from allotment.decisions.policy import Policy
from allotment.exchange.movements import write_movements
from allotment.finance.episode_movements import episode_movements
from allotment.scenario.loader import World
from allotment.scenario.streams import derived_seed
from allotment.whole_file import whole_folder


def movements_of_test(world: World, policy: Policy, seed: int, episode: int) -> pd.DataFrame:
    """Return the log of an episode of an evaluation with a seed: the same world as in `evaluation.testing`."""
    return episode_movements(world, policy, derived_seed("test", seed) + episode, episode)


def check_empty(folder: Path) -> None:
    """Raise `ValueError` where a folder holds something already."""
    if folder.is_dir() and any(folder.iterdir()):
        raise ValueError(f"{folder}: is not empty; name a new folder for the logs of movements")


def write_folder(
    world: World, policy: Policy, seed: int, episodes: int, folder: Path, progress: Callable[[int], None] | None = None
) -> None:
    """Write the log of each episode, `episode-0.parquet` and so on, into a folder that is new or empty, all or none."""
    with whole_folder(folder) as part:
        for episode in range(episodes):
            write_movements(movements_of_test(world, policy, seed, episode), part / f"episode-{episode}.parquet")
            if progress:
                progress(1)
