"""M5: unit sales by day of 3,049 items in ten Walmart stores, 2011 to 2016, with selling prices by week.

A day without a sale is a day of 0 units, also before an item was first on sale or while its price is missing. Each item and
store is one row of the sales; a second one is refused. Sales below 0 are refused: the published ones have none.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from allotment.datasets.dataset import PlainDataset
from allotment.datasets.files import Columns, Layout, header_of, pieces_of, whole_file
from allotment.datasets.options import GroupedOptions, chosen
from allotment.datasets.table import Recorded, Table, between, check_rows, table_of
from allotment.quantities import Floats
from allotment.scenario.errors import ScenarioError

SALES, EARLIER, CALENDAR, PRICES = (
    "sales_train_evaluation.csv",
    "sales_train_validation.csv",
    "calendar.csv",
    "sell_prices.csv",
)
MASTER: Columns = {"item_id": "text", "dept_id": "text", "cat_id": "text", "store_id": "text"}
LAYOUT = Layout(
    "M5",
    "as the data of the Kaggle competition 'M5 Forecasting - Accuracy' (University of Nicosia)",
    {
        SALES: {**MASTER, "d_1": "whole"},
        CALENDAR: {"date": "date", "wm_yr_wk": "whole", "d": "text"},
        PRICES: {"store_id": "text", "item_id": "text", "wm_yr_wk": "whole", "sell_price": "number"},
    },
)


class M5(PlainDataset):
    """Channels are stores (`CA_1`), SKUs items (`FOODS_3_090`), groups departments and categories (`FOODS_3`, `FOODS`).

    Without `sales_train_evaluation.csv`, `sales_train_validation.csv` is read, which ends four weeks earlier.
    """

    OPTIONS = GroupedOptions

    def read(self, folder: Path, options: GroupedOptions) -> Table:
        """Return the chosen series; only their columns and rows are kept while the files are read."""
        sales = LAYOUT.path(folder, SALES, EARLIER)
        calendar = _calendar(LAYOUT.path(folder, CALENDAR), header_of(sales), sales)
        calendar = calendar[between(pd.DatetimeIndex(calendar["date"]), options.first, options.last)]
        prices = LAYOUT.path(folder, PRICES)
        master = _chosen(whole_file(sales, MASTER).astype(str), options)
        check_rows(len(master), len(calendar))
        units = _units(sales, master, list(calendar["d"]))
        recorded = Recorded(
            list(master["store_id"]),
            list(master["item_id"]),
            pd.DatetimeIndex(calendar["date"]),
            units,
            _prices(prices, master, calendar["wm_yr_wk"].to_numpy()),
        )
        return table_of(recorded, options.period, name=str(sales))


def _calendar(path: Path, header: list[str], sales: Path) -> pd.DataFrame:
    """Return date and week of each day that the sales have a column for."""
    calendar = whole_file(path, LAYOUT.files[CALENDAR]).astype({"d": str}).set_index("d")
    days = [name for name in header if name.startswith("d_")]
    lacking = [day for day in days if day not in calendar.index]
    if lacking or not days:
        raise ScenarioError(f"{path}: has no day {lacking[0]}" if lacking else f"{sales}: has no column d_1, d_2, …")
    found = calendar.loc[days].reset_index()
    steps = found["date"].diff().dropna().dt.days
    if len(found) != len(days) or (steps != 1).any():
        raise ScenarioError(f"{path}: the days {days[0]} to {days[-1]} must be consecutive dates, each once")
    return found


def _chosen(master: pd.DataFrame, options: GroupedOptions) -> pd.DataFrame:
    """Return item and store of the rows that the options keep."""
    twice = master.duplicated(["store_id", "item_id"])
    if twice.any():
        store, item = master.loc[twice, ["store_id", "item_id"]].iloc[0]
        raise ScenarioError(f"{SALES}: item {item} of store {store} has two rows")
    groups = chosen(options.groups, [*master["dept_id"], *master["cat_id"]], "groups")
    grouped = master[master["dept_id"].isin(groups) | master["cat_id"].isin(groups)]
    items = options.sampled(chosen(options.items, grouped["item_id"], "items"))
    stores = chosen(options.stores, master["store_id"], "stores")
    return grouped[grouped["item_id"].isin(items) & grouped["store_id"].isin(stores)].reset_index(drop=True)


def _units(path: Path, master: pd.DataFrame, days: list[str]) -> Floats:
    """Return units by series and day, read piece by piece."""
    keys, units = pd.MultiIndex.from_frame(master[["store_id", "item_id"]]), np.zeros((len(master), len(days)))
    columns: Columns = {"store_id": "text", "item_id": "text", **dict.fromkeys(days, "whole")}
    for piece in pieces_of(path, columns):
        places = keys.get_indexer(pd.MultiIndex.from_frame(piece[["store_id", "item_id"]].astype(str)))
        units[places[places >= 0]] = piece.loc[places >= 0, days].to_numpy()
    if (units < 0).any():
        raise ScenarioError(f"{path}: units must be >= 0, not {units.min():g}")
    return units


def _prices(path: Path, master: pd.DataFrame, weeks: Any) -> Floats:
    """Return the price of each series and day, NaN in weeks without one."""
    keys, week_of = pd.MultiIndex.from_frame(master[["store_id", "item_id"]]), pd.Index(np.unique(weeks))
    prices = np.full((len(keys), len(week_of)), np.nan)
    for piece in pieces_of(path, LAYOUT.files[PRICES]):
        series = keys.get_indexer(pd.MultiIndex.from_frame(piece[["store_id", "item_id"]].astype(str)))
        places = week_of.get_indexer(piece["wm_yr_wk"])
        kept = (series >= 0) & (places >= 0)
        _check_once(path, piece[kept], pd.Series(~np.isnan(prices[series[kept], places[kept]]), piece.index[kept]))
        prices[series[kept], places[kept]] = piece.loc[kept, "sell_price"]
    return prices[:, week_of.get_indexer(weeks)]


def _check_once(path: Path, piece: pd.DataFrame, known: pd.Series[bool]) -> None:
    """Refuse a second price of an item, store and week, `known` from earlier lines or in the same piece."""
    twice = piece.duplicated(["store_id", "item_id", "wm_yr_wk"]) | known
    if twice.any():
        line = piece[twice].iloc[0]
        raise ScenarioError(
            f"{path}: item {line['item_id']} of store {line['store_id']} has two prices in week {line['wm_yr_wk']}"
        )


read = M5()
