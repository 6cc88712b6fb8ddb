"""One network for all SKUs: trained on 200 of them, played on 2,000 that it has never seen, beside rules tuned for each.

`python experiments/many_skus/study.py` trains and tunes what is not there yet, plays the test worlds, and prints the table.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

import allotment
from allotment.evaluation.comparison import compare

HERE, RUNS = Path(__file__).parent, Path("runs/many_skus")
WORLD, SEASON = "shared_storage", "observation.calendar=true"  # a forecast tells rules of the season; the network sees the date
SAMPLE = [  # other SKUs than the world's, drawn from another seed; what they share is a tenth
    *(SEASON, "seed=8", "skus.0.name=sku-{0001..0200}"),
    *("suppliers.0.capacity=7000", "sites.0.storage=27", "sites.0.handling=2600"),
]
TRAININGS, WORLDS, TEST_SEED = range(5), 64, 1
SHOWN = [
    "policy",
    "seeds",
    "score",
    "score_standard_error",
    "difference",
    "difference_low",
    "difference_high",
    "percent",
    "fill_rate",
]


def made(name: str, config: str | Path, seed: int, world: Sequence[str]) -> Path:
    """Return a run's folder, after training or tuning where there is none."""
    folder = RUNS / name
    if not (folder / "final").is_dir():
        allotment.train(WORLD, str(config), seed=seed, out=RUNS, name=name, env_overrides=world)
    return folder


def played(run: Path, policy: str, seed: int) -> pd.DataFrame:
    """Return a run's episodes in the test worlds of 2,000 SKUs."""
    rows = allotment.evaluate(run, WORLD, WORLDS, TEST_SEED, env_overrides=[SEASON])
    return rows.assign(policy=policy, training_seed=seed)


def main() -> None:
    """Make, play and compare; print the paired differences to the base-stock levels tuned for each site and SKU."""
    rules = [played(made(name, name, 0, [SEASON]), name, 0) for name in ("base_stock", "newsvendor")]
    shared = [played(made(f"shared-{seed}", HERE / "shared.yaml", seed, SAMPLE), "shared", seed) for seed in TRAININGS]
    for seed, rows in zip(TRAININGS, shared, strict=True):
        paired = rows["score"].to_numpy() - rules[0]["score"].to_numpy()
        print(f"training {seed}: {rows['score'].mean():,.0f}, {paired.mean():+,.0f} ± {paired.std(ddof=1) / WORLDS**0.5:,.0f}")
    for reference in ("base_stock", "newsvendor"):
        print(compare(pd.concat([*rules, *shared], ignore_index=True), reference, np.random.default_rng(0))[SHOWN].to_string())


if __name__ == "__main__":
    main()
