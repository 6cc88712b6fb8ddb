"""What came out, scenario by scenario, beside what is published."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from experiments.gym_invmgmt.grid import GRID, M5, published
from experiments.gym_invmgmt.trials import COLUMNS

HEADER = ("scenario", "oracle", "informed programme", "best learner there", "pathwise", "ppo", "gap of the better")


def read(file: Path) -> pd.DataFrame:
    """Return results so far, a row for each trial."""
    return pd.read_csv(file) if file.is_file() else pd.DataFrame(columns=list(COLUMNS))


def lines(results: pd.DataFrame) -> list[str]:
    """Return the table in Markdown, and the mean gap to the oracle over the scenarios without M5 that each learner played."""
    known = published()
    rows = [_row(name, results[results["scenario"] == name], known.loc[name]) for name in GRID]
    table = [f"| {' | '.join(HEADER)} |", f"|---|{'--:|' * (len(HEADER) - 1)}", *(row for row in rows if row)]
    return [*table, "", *_means(results)]


def gaps(results: pd.DataFrame) -> pd.DataFrame:
    """Return how far mean profit is from the oracle's, as its part, by scenario and policy; the last column is the better's."""
    means = results.pivot_table(index="scenario", columns="policy", values="own_environment")
    found = 1.0 - means.div(published()["oracle"].reindex(means.index), axis=0)
    return found.assign(better=found.min(axis=1))


def _row(name: str, results: pd.DataFrame, known: pd.Series) -> str | None:
    if results.empty:
        return None
    better = gaps(results)["better"].iloc[0]
    cells = [_cell(results[results["policy"] == policy]) for policy in ("pathwise", "ppo")]
    there = [f"{known[each]:,.0f}" for each in ("oracle", "informed_programme", "best_learner")]
    return f"| {' | '.join([name, *there, *cells, f'{better:.1%}'])} |"


def _cell(trials: pd.DataFrame) -> str:
    """Return the mean over training seeds in the environment there, and in fresh worlds."""
    if trials.empty:
        return ""
    own, error, fresh, fresh_error = (
        trials[each].mean() for each in ("own_environment", "own_error", "fresh_worlds", "fresh_error")
    )
    seeds = f" ({len(trials)} seeds)" if len(trials) > 1 else ""
    return f"{own:,.0f} ± {error:.0f}; {fresh:,.0f} ± {fresh_error:.0f}{seeds}"


def _means(results: pd.DataFrame) -> list[str]:
    found = gaps(results[~results["scenario"].str.contains(M5)])
    told = [f"{name} {part.mean():.2%} (worst {part.max():.2%}, {part.count()} scenarios)" for name, part in found.items()]
    return [f"Mean gap to the oracle without M5: {', '.join(told)}."]
