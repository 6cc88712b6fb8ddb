"""Reading the tables and arrays that a run folder keeps: of bounded size, of numbers, and never unpickled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet

from allotment.evaluation.breakdown import AMOUNTS, KEYS, Breakdown, from_table
from allotment.scenario.errors import ScenarioError
from allotment.scenario.problem import Floats

MOST_CELLS = 200_000_000


def read_table(file: Path, numbers: Sequence[str] = (), texts: Sequence[str] = ()) -> pd.DataFrame:
    """Return a Parquet file's table; `ScenarioError` where it is none, or lacks a column of numbers or of texts."""
    try:
        about = pyarrow.parquet.read_metadata(file)
        cells = about.num_rows * about.num_columns
        table = pd.read_parquet(file) if cells <= MOST_CELLS else None
    except Exception as error:  # whatever is raised at a damaged file
        raise _unreadable(file, str(error) or type(error).__name__) from None
    if table is None:
        raise _unreadable(file, f"{cells:,} cells are more than {MOST_CELLS:,}")
    for name in (*numbers, *texts):
        if name not in table.columns:
            raise _unreadable(file, f"it has no column {name}")
        if name in numbers and not pd.api.types.is_numeric_dtype(table[name]):
            raise _unreadable(file, f"column {name} must hold numbers")
        if name in texts and not all(isinstance(each, str) for each in table[name]):
            raise _unreadable(file, f"column {name} must hold texts")
    return table


def read_breakdown(file: Path) -> Breakdown:
    """Return the breakdown of episodes that a Parquet file holds."""
    table = read_table(file, ("episode", *AMOUNTS), KEYS)
    labels = int((table["episode"] == 0).sum())
    if len(table) % max(labels, 1) or not np.isfinite(table["episode"]).all():
        raise _unreadable(file, "its episodes have not all the same rows")
    return from_table(table)


def read_array(file: Path) -> Floats:
    """Return the two-dimensional array of finite numbers in a file."""
    try:
        held = np.load(file, mmap_mode="r", allow_pickle=False)  # nothing is taken for what the file does not hold
        array = np.array(held, dtype=np.float64) if isinstance(held, np.ndarray) and held.dtype == np.float64 else None
    except Exception as error:  # whatever is raised at a damaged file
        raise _unreadable(file, str(error) or type(error).__name__) from None
    if array is None or array.ndim != 2 or not np.isfinite(array).all():
        raise _unreadable(file, "it must hold rows of finite numbers")
    return array


def _unreadable(file: Path, why: str) -> ScenarioError:
    return ScenarioError(f"{file}: cannot be read ({' '.join(why.split())}); without it, the episodes are played again")
