"""Rossmann: turnover by day of 1,115 drugstores in Germany, 2013 to 2015. A unit is a euro of turnover; there are no items.

A day on which a store was closed is a day of 0 units, and so is one that the file does not have: 180 stores have no lines in
the second half of 2014. A second line of a day and store is refused, and so is turnover below 0.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from allotment.datasets.dataset import PlainDataset
from allotment.datasets.files import Columns, Layout, whole_file
from allotment.datasets.options import GroupedOptions, chosen
from allotment.datasets.table import Table, days_of, recorded_lines, table_of
from allotment.scenario.errors import ScenarioError

SALES, STORES = "train.csv", "store.csv"
COLUMNS: Columns = {"Store": "text", "Date": "date", "Sales": "number", "Open": "whole"}
LAYOUT = Layout(
    "Rossmann",
    "as the data of the Kaggle competition 'Rossmann Store Sales'",
    {SALES: COLUMNS, STORES: {"Store": "text", "StoreType": "text"}},
)


class Rossmann(PlainDataset):
    """Channels are stores (`262`), the only SKU is `turnover`, groups are types of stores (`a` to `d`)."""

    OPTIONS = GroupedOptions

    def read(self, folder: Path, options: GroupedOptions) -> Table:
        """Return the chosen stores' turnover."""
        path, masters = LAYOUT.path(folder, SALES), LAYOUT.path(folder, STORES)
        stores = whole_file(masters, LAYOUT.files[STORES]).astype(str)
        lines = whole_file(path, COLUMNS).astype({"Store": str})
        _check(path, lines, masters, stores)
        days = days_of(lines.rename(columns={"Date": "date"}), options.first, options.last)
        grouped = stores[stores["StoreType"].isin(chosen(options.groups, stores["StoreType"], "groups"))]
        lines = lines[lines["Store"].isin(chosen(options.stores, grouped["Store"], "stores"))]
        lines = lines.rename(columns={"Store": "channel", "Date": "date", "Sales": "units"}).assign(sku="turnover")
        lines = lines[lines["sku"].isin(options.sampled(chosen(options.items, ["turnover"], "items")))]
        recorded = recorded_lines(lines, days)
        within = lines[lines["date"].isin(days)]
        closed, absent = int((within["Open"] == 0).sum()), recorded.units.size - len(within)
        notes = (
            f"days of closed stores, which count as 0 units: {closed:,}",
            f"days without a line, which count as 0 units: {absent:,}",
        )
        return table_of(recorded, options.period, notes, str(path))


def _check(path: Path, lines: pd.DataFrame, masters: Path, stores: pd.DataFrame) -> None:
    twice = lines.duplicated(["Store", "Date"])
    if twice.any():
        line = lines[twice].iloc[0]
        raise ScenarioError(f"{path}: store {line['Store']} has two lines of {line['Date']:%Y-%m-%d}")
    if (lines["Sales"] < 0).any():
        raise ScenarioError(f"{path}: Sales must be >= 0, not {lines['Sales'].min():g}")
    unknown = sorted(set(lines["Store"]) - set(stores["Store"]))
    if unknown:
        raise ScenarioError(f"{path}: {masters.name} has no entry for store {', '.join(unknown[:5])}")


read = Rossmann()
