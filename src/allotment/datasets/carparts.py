"""Car parts: monthly sales of 2,674 spare parts, January 1998 to March 2002, most of them of none. No prices, one place.

A part with a month that was not recorded is left out, as is usual (165 parts), for a gap is no demand of 0.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from allotment.datasets.dataset import PlainDataset
from allotment.datasets.files import Layout, check_columns, texts_of
from allotment.datasets.options import WorldOptions, chosen
from allotment.datasets.table import Recorded, Table, between, check_rows, table_of
from allotment.scenario.errors import ScenarioError, shown

SALES, MONTH, CHANNEL = "carparts.csv", "month", "spare-parts"
LAYOUT = Layout(
    "The demand for car parts",
    "with the R package expsmooth (Hyndman, Koehler, Ord and Snyder 2008), and by the Monash archive at Zenodo "
    "(10.5281/zenodo.4656021)",
    {SALES: {"month, as 1998-01": "text", "one for each part": "whole"}},
)


class CarParts(PlainDataset):
    """The one channel is `spare-parts`, SKUs are numbers of parts (`21029627`); periods are months."""

    OPTIONS = WorldOptions

    def read(self, folder: Path, options: WorldOptions) -> Table:
        """Return the parts whose months were all recorded."""
        path = LAYOUT.path(folder, SALES)
        found = _numbers(path)
        gaps = found.isna().any()
        notes = [f"parts left out because a month was not recorded: {gaps.sum():,}"] if gaps.any() else []
        complete = found.loc[:, ~gaps]
        kept = options.sampled(chosen(options.items, complete.columns, "items"))
        months = pd.DatetimeIndex(found.index)
        within = between(months, options.first, options.last)
        units = complete[kept].to_numpy(dtype=np.float64)[within].T
        check_rows(*units.shape)
        return table_of(Recorded([CHANNEL] * len(kept), kept, months[within], units, by="month"), "month", notes, str(path))


def _numbers(path: Path) -> pd.DataFrame:
    """Return units by month and part, NaN where the file has nothing."""
    texts = texts_of(path)
    if texts.columns[0] != MONTH:
        raise ScenarioError(f"{path}: the first column must be {MONTH!r}, not {shown(texts.columns[0])}")
    check_columns(path, list(texts.columns), list(texts.columns))
    months = pd.to_datetime(texts.pop(MONTH), format="%Y-%m", errors="coerce")
    if months.empty or months.isna().any() or (months.dt.to_period("M").astype("int64").diff().dropna() != 1).any():
        raise ScenarioError(f"{path}: {MONTH} must hold consecutive months as 1998-01, one a row")
    found = texts.apply(pd.to_numeric, errors="coerce").astype(np.float64)
    for what, wrong in (("a number or empty", (texts != "") & ~np.isfinite(found)), (">= 0", found < 0)):
        if wrong.any(axis=None):
            row, column = (int(place[0]) for place in np.nonzero(wrong.to_numpy()))
            part, cell = texts.columns[column], texts.iat[row, column]
            raise ScenarioError(f"{path}: line {row + 2}: {part} must be {what}, not {shown(cell)}")
    return found.set_axis(pd.DatetimeIndex(months).as_unit("s"), axis=0)


read = CarParts()
