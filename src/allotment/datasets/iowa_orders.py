"""Order lines for liquor of stores in four Iowa cities, 2018 and 2019, and their weekly sums.

A week is an ISO 8601 week, Monday to Sunday. The ISO years 2018 (2018-01-01 to 2018-12-30) and 2019 (2018-12-31 to
2019-12-29) have 52 weeks each and adjoin, so that a week of one has the same place in the season as its namesake in the
other; 2019-12-30 and 2019-12-31 belong to ISO year 2020 and are left out. A day without orders is a day of no demand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pandas as pd

from allotment.datasets.table import Table, recorded_lines, table_of
from allotment.scenario.errors import ScenarioError

WEEKS = 52  # of an ISO year
DAYS = pd.date_range("2018-01-01", "2019-12-29", freq="D", unit="s")  # of both years

SALES, STORES, PRODUCTS = "sales_2018_2019_4cities_100stores_100items.csv.gz", "stores.csv", "products.csv"
COLUMNS = {  # published name -> ours
    SALES: {
        "Date": "date",
        "Store Number": "store",
        "Item Number": "item",
        "Bottles Sold": "bottles",
        "Sale (Dollars)": "dollars",
    },
    STORES: {"Store": "store", "City": "city", "latitude": "latitude", "longitude": "longitude"},
    PRODUCTS: {"Item Number": "item", "Vendor Name": "vendor", "Pack": "case_pack"},
}
NUMBERS = ("bottles", "dollars", "latitude", "longitude", "case_pack")  # all else is text: identifiers are no numbers


@dataclass(frozen=True)
class Orders:
    """Order lines with what the masters say of them, and the names along the axes of demand."""

    lines: pd.DataFrame  # one row a line: the columns above, and the ISO `year`; cities and vendors as readable names
    cities: list[str]
    items: list[str]

    def some(self, items: list[str]) -> Orders:
        """Return the orders of some items."""
        return Orders(self.lines[self.lines["item"].isin(items)], self.cities, items)

    def table(self) -> Table:
        """Return ordered bottles and dollars a bottle by week, city and item; a bottle without dollars has no price."""
        names = {"item": "sku", "bottles": "units", "dollars": "money"}
        lines = self.lines.rename(columns=names).assign(channel=self.lines["city"].map(channel_of))
        pairs = pd.DataFrame(product(map(channel_of, self.cities), self.items), columns=["channel", "sku"])
        return table_of(recorded_lines(lines, DAYS, pairs), "week", name=SALES)


def channel_of(city: str) -> str:
    """Return what the channel of a city's orders is called."""
    return f"orders-{city}"


def read_orders(folder: Path) -> Orders:
    """Join the order lines with the store and product masters; `ScenarioError` where a file is absent or incomplete."""
    sales, stores, products = (_table(folder / name) for name in COLUMNS)
    stores["city"] = stores["city"].map(_readable)
    products["vendor"] = products["vendor"].map(_readable)
    lines = _joined(_joined(sales, stores, "store", STORES), products, "item", PRODUCTS)
    if (lines["bottles"] < 0).any():
        raise ScenarioError(f"{SALES}: Bottles Sold must be >= 0, not {lines['bottles'].min()} (a return is no demand)")
    lines = lines.assign(date=pd.to_datetime(lines["date"]))
    lines = lines.assign(year=lines["date"].dt.isocalendar()["year"].astype(int))
    return Orders(lines, sorted(lines["city"].unique()), sorted(lines["item"].unique()))


def _table(path: Path) -> pd.DataFrame:
    """Read a file's columns under our names."""
    if not path.exists():
        raise ScenarioError(_absent(path))
    names = COLUMNS[path.name]
    text = {published: str for published, name in names.items() if name not in NUMBERS}
    try:
        return pd.read_csv(path, usecols=list(names), dtype=text).rename(columns=names)
    except ValueError as error:
        raise ScenarioError(f"{path}: must have the columns {', '.join(names)} ({error})") from error


def _absent(path: Path) -> str:
    return (
        f"{path} does not exist. It comes from the public data set Iowa Liquor Sales (data.iowa.gov, m3tr-qhgy): the "
        "order lines of 2018 and 2019 of the top 25 stores by 2018 bottles in each of DES MOINES, CEDAR RAPIDS, "
        "DAVENPORT and SIOUX CITY, for the top 100 items statewide by 2018 bottles, under the published column names, "
        f"as {SALES}; beside it the store master (ykb6-ywnd) as {STORES} and the product master (gckp-fe7r) as "
        f"{PRODUCTS}. Put the three files into a folder iowa_liquor and set the environment variable ALLOTMENT_DATA "
        "to the folder above it: export ALLOTMENT_DATA=<folder>"
    )


def _joined(lines: pd.DataFrame, master: pd.DataFrame, key: str, name: str) -> pd.DataFrame:
    """Add a master's columns to each line; every line must have one entry there."""
    if master[key].duplicated().any():
        raise ScenarioError(f"{name}: {master.loc[master[key].duplicated(), key].iloc[0]} is listed twice")
    unknown = sorted(set(lines[key]) - set(master[key]))
    if unknown:
        raise ScenarioError(f"{SALES}: {name} has no entry for {key} {', '.join(unknown[:5])}")
    return lines.merge(master, on=key)


def _readable(text: str) -> str:
    """Return a name in lower case, its words joined by hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
