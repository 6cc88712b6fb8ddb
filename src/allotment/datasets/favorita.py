"""Corporación Favorita: unit sales by day of some 4,000 items in 54 grocery stores of Ecuador, 2013 to 2017. No prices.

The sales list only what was sold: a day, item and store without a line is a day of 0 units, also where the store was closed.
Units below 0 are returns, which are no demand, and count as 0. A second line of a day, item and store is refused. Items sold
by weight have fractions of units.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from allotment.datasets.dataset import PlainDataset
from allotment.datasets.files import Columns, Layout, pieces_of, whole_file
from allotment.datasets.options import GroupedOptions, chosen
from allotment.datasets.table import Table, days_of, recorded_lines, table_of
from allotment.scenario.errors import ScenarioError

SALES, ITEMS, STORES = "train.csv", "items.csv", "stores.csv"
COLUMNS: Columns = {"date": "date", "store_nbr": "text", "item_nbr": "text", "unit_sales": "number"}
LAYOUT = Layout(
    "Favorita",
    "as the data of the Kaggle competition 'Corporación Favorita Grocery Sales Forecasting'",
    {SALES: COLUMNS, ITEMS: {"item_nbr": "text", "family": "text"}, STORES: {"store_nbr": "text"}},
)


class Favorita(PlainDataset):
    """Channels are stores (`44`), SKUs items (`103665`), groups families of items (`BREAD/BAKERY`)."""

    OPTIONS = GroupedOptions

    def read(self, folder: Path, options: GroupedOptions) -> Table:
        """Return the chosen series; only their lines are kept while the sales are read."""
        sales = LAYOUT.path(folder, SALES)
        items = whole_file(LAYOUT.path(folder, ITEMS), LAYOUT.files[ITEMS]).astype(str)
        stores = whole_file(LAYOUT.path(folder, STORES), LAYOUT.files[STORES]).astype(str)
        grouped = items[items["family"].isin(chosen(options.groups, items["family"], "groups"))]
        wanted = options.sampled(chosen(options.items, grouped["item_nbr"], "items"))
        lines, ends = _lines(sales, wanted, chosen(options.stores, stores["store_nbr"], "stores"), options)
        _check_once(sales, lines)
        returned = lines["units"] < 0
        lines["units"] = lines["units"].clip(lower=0.0)
        notes = [f"lines of returns, which count as 0 units: {returned.sum():,}"] if returned.any() else []
        recorded = recorded_lines(lines, days_of(ends, options.first, options.last))
        return table_of(recorded, options.period, notes, str(sales))


def _lines(path: Path, items: list[str], stores: list[str], options: GroupedOptions) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the lines of some items and stores between two dates, and the first and the last `date` of all lines."""
    first, last = pd.Timestamp(options.first or pd.Timestamp.min), pd.Timestamp(options.last or pd.Timestamp.max)
    kept, ends = [], []
    for piece in pieces_of(path, COLUMNS):
        ends += [piece["date"].min(), piece["date"].max()]
        found = piece[
            _is_in(piece["item_nbr"], items) & _is_in(piece["store_nbr"], stores) & piece["date"].between(first, last)
        ]
        kept.append(found.astype({"item_nbr": object, "store_nbr": object}))
    if not kept:
        raise ScenarioError(f"{path}: has no rows")
    lines = pd.concat(kept, ignore_index=True).astype({"item_nbr": "category", "store_nbr": "category"})
    names = {"store_nbr": "channel", "item_nbr": "sku", "unit_sales": "units"}
    return lines.rename(columns=names), pd.DataFrame({"date": ends})


def _is_in(column: pd.Series[str], names: list[str]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Tell which rows of a category have one of some names, each category compared once."""
    return column.cat.categories.isin(names)[column.cat.codes.to_numpy()]


def _check_once(path: Path, lines: pd.DataFrame) -> None:
    twice = lines.duplicated(["date", "channel", "sku"])
    if twice.any():
        line = lines[twice].iloc[0]
        raise ScenarioError(f"{path}: item {line['sku']} of store {line['channel']} has two lines of {line['date']:%Y-%m-%d}")


read = Favorita()
