"""Run the study: `python -m experiments.gym_invmgmt`. Trials whose results are there are not run again."""

from __future__ import annotations

import argparse
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
from experiments.gym_invmgmt.grid import GRID
from experiments.gym_invmgmt.table import lines, read
from experiments.gym_invmgmt.trials import CONFIGS, Trial

from allotment.execution.executor import executor_for
from allotment.whole_file import whole_file

RESULTS = Path(__file__).parent / "results.csv"


def main() -> None:
    """Run what is left of the trials that were asked for, and print the table."""
    given = _arguments()
    results = read(given.results)
    there = set(results[["scenario", "policy", "seed"]].itertuples(index=False, name=None))
    trials = [each for each in _trials(given) if (each.scenario, each.policy, each.seed) not in there]
    for trial, row in executor_for(len(trials), given.workers).run(trials, _told) if trials else ():
        results = pd.DataFrame([*results.to_dict("records"), row])
        with whole_file(given.results) as part:
            results.to_csv(part, index=False)
        print(f"{trial.name}: {row['own_environment']} ± {row['own_error']}, {row['cpu_seconds']} s", flush=True)
    print("\n".join(lines(results)))


def _trials(given: argparse.Namespace) -> list[Trial]:
    """Return the trials that are asked for: all of a training seed before those of the next."""
    asked = product(range(given.seeds), given.scenarios, given.policies)
    return [Trial(scenario, policy, seed, given.out) for seed, scenario, policy in asked]


def _told(*of: Any) -> None:
    """Tell nothing of a trial before it has ended."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m experiments.gym_invmgmt", description=__doc__)
    parser.add_argument("--scenarios", nargs="+", choices=GRID, default=list(GRID), metavar="NAME", help="all by default")
    parser.add_argument("--policies", nargs="+", choices=CONFIGS, default=list(CONFIGS), help="both by default")
    parser.add_argument("--seeds", type=int, default=1, help="training seeds: 0 up to this number")
    parser.add_argument("--workers", type=int, default=None, help="trials side by side; the processor's cores by default")
    parser.add_argument("--out", type=Path, default=Path("runs/gym_invmgmt"), help="where run folders go")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the table of results, which is added to")
    return parser.parse_args()


if __name__ == "__main__":
    main()
