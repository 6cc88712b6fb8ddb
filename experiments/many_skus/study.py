"""One network for all SKUs: trained on 200 of them, played on 2,000 that it has never seen, beside rules tuned for each.

`python experiments/many_skus/study.py` trains what is not there yet, compares, and prints the table.
"""

from pathlib import Path

import allotment

HERE, RUNS = Path(__file__).parent, Path("runs/many_skus")
SEEN = ["observation.calendar=true"]  # of the season; rules that forecast know it anyway
SAMPLED = 200
SAMPLE = [  # other SKUs than those of the world: drawn from another seed; what they share is a tenth
    *SEEN,
    "seed=8",
    f"skus.0.name=sku-{{0001..{SAMPLED:04d}}}",
    "suppliers.0.capacity=7000",
    "sites.0.storage=27",
    "sites.0.handling=2600",
]
SEEDS = range(5)
RULES = ("base_stock", "newsvendor", "s_S")


def made(name: str, config: str | Path, seed: int, world: list[str]) -> Path:
    """Return a run's folder, after training or tuning where there is none."""
    folder = RUNS / name
    if not (folder / "best").is_dir():
        allotment.train("shared_storage", str(config), seed=seed, out=RUNS, name=name, env_overrides=world)
    return folder


def main() -> None:
    """Train, tune, compare on the same 64 test worlds of 2,000 SKUs, and print."""
    policies = {name: made(name, name, 0, SEEN) for name in RULES}
    policies |= {f"shared-{seed}": made(f"shared-{seed}", HERE / "shared.yaml", seed, SAMPLE) for seed in SEEDS}
    given = {"world": "shared_storage", "episodes": 64, "env_overrides": SEEN}
    print(allotment.compare(policies, reference="base_stock", **given).to_string())


if __name__ == "__main__":
    main()
