"""A data set: how its files become the table of histories, and the table the parts of a world."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from allotment.datasets.options import Sampling, WorldOptions, options_of
from allotment.datasets.table import Table
from allotment.scenario.errors import ScenarioError
from allotment.scenario.source_data import History, SourceData

Entries = list[dict[str, Any]]


class Dataset(ABC):
    """A reader of recorded demand, as the entry points in the group `allotment.datasets` name it.

    A scenario's `data` section calls it for the parts of a world; `allotment.histories` asks it for the table alone.
    """

    OPTIONS: type[Sampling]  # what it may be told

    def __call__(self, folder: Path, options: Mapping[str, Any]) -> SourceData:
        """Return sections of a scenario, and histories by name; `ScenarioError` where a file is not as published."""
        return self.source(folder, self.checked(options))

    def table(self, folder: Path, options: Mapping[str, Any]) -> Table:
        """Return the histories in a folder; `ScenarioError` where a file is absent or not as published."""
        return self.read(folder, self.checked(options))

    def checked(self, options: Mapping[str, Any]) -> Any:
        """Return the options as `OPTIONS`; `ScenarioError` where one is unknown or has no such value."""
        return options_of(self.OPTIONS, options)

    @abstractmethod
    def read(self, folder: Path, options: Any) -> Table:
        """Return the table for checked options."""

    @abstractmethod
    def source(self, folder: Path, options: Any) -> SourceData:
        """Return the parts of a world for checked options, its histories from the table."""

    @abstractmethod
    def named(self, table: Table, options: Any) -> dict[str, History]:
        """Return the histories by name: first what is known, then, where there is one, the test."""


class PlainDataset(Dataset):
    """Demand by channel alone: each channel gets a warehouse of its own, and all of them one supplier without limits.

    The histories are "train" and "test" where the option `test_from` divides the data, else "all". A SKU's price is what was
    paid before the test (of one that is new in the test, what is paid there), its unit cost `cost_share` of that.
    """

    def source(self, folder: Path, options: WorldOptions) -> SourceData:
        """Return SKUs, a supplier, warehouses, channels and lanes, and the histories."""
        table = self.read(folder, options)
        histories = self.named(table, options)
        known = next(iter(histories.values()))
        sections: dict[str, Entries | dict[str, Any]] = {
            "skus": _skus(table, options),
            "suppliers": [{"name": "supplier"}],
            "sites": [_site(channel, known, options.opening_periods) for channel in known.channels],
            "channels": [{"name": channel} for channel in known.channels],
            "supply_lanes": [{"from": "supplier", "to": _warehouse(channel)} for channel in known.channels],
            "fulfilment_lanes": [{"from": _warehouse(channel), "to": channel} for channel in known.channels],
        }
        return SourceData(sections, histories)

    def named(self, table: Table, options: WorldOptions) -> dict[str, History]:
        """Return "all", or "train" and "test"; "train" is as many whole lengths of "test" as lie before it.

        So a period of the one has the same place in the season as its namesake in the other. Raises `ScenarioError` where
        less lies before `test_from` than from it on.
        """
        if options.test_from is None:
            return {"all": table.history()}
        place, periods = table.place_of(options.test_from), len(table.periods)
        length = periods - place
        if not 0 < length <= place:
            raise ScenarioError(
                f"option test_from: {options.test_from} has {place} periods before it and {length} from it on; the test must "
                "be of one period at least, and no longer than what lies before it"
            )
        return {"train": table.history(place % length, place), "test": table.history(place)}


def _skus(table: Table, options: WorldOptions) -> Entries:
    """Price each SKU at the mean by units before the test; where the data has no prices, the scenario says them."""
    rows = table.frame[table.frame["price"].notna()]
    if rows.empty:
        return [{"name": sku} for sku in table.skus]
    price = _mean_price(rows)
    if options.test_from is not None:
        price = _mean_price(rows[rows["period"] < pd.Timestamp(options.test_from)]).fillna(price)
    if price.isna().any():
        raise ScenarioError(f"item {price.index[price.isna()][0]} has no price anywhere; leave it out by the option items")
    return [
        {"name": str(sku), "price": round(float(paid), 4), "unit_cost": round(options.cost_share * float(paid), 4)}
        for sku, paid in price.items()
    ]


def _mean_price(rows: pd.DataFrame) -> pd.Series[float]:
    """Return the mean price by units of each SKU; a price at which nothing was sold counts where there is no other."""
    weight = np.maximum(rows["units"], 1e-9)
    totals = rows.assign(weight=weight, money=weight * rows["price"]).groupby("sku", observed=False)[["money", "weight"]].sum()
    return totals["money"] / totals["weight"]


def _site(channel: str, known: History, opening_periods: float) -> dict[str, Any]:
    mean = known.units[:, known.channels.index(channel)].mean(axis=0)
    opening = np.ceil(opening_periods * mean).tolist()
    return {"name": _warehouse(channel), "initial_stock": dict(zip(known.skus, opening, strict=True))}


def _warehouse(channel: str) -> str:
    return f"warehouse-{channel}"
