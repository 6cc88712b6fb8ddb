"""Turns Iowa's store orders for liquor into a world's parts: what follows from the data, and assumptions scaled by it.

Demand is ordered bottles by week, city and item (`iowa_orders` says how weeks are cut). Each city is a channel with a
warehouse, each vendor a supplier of its own items. Price = dollars ÷ bottles; unit cost = price ÷ 1.5. Whatever is
fitted is fitted on 2018; 2019 is seen only as a history.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allotment.datasets.dataset import Dataset, Entries
from allotment.datasets.iowa_orders import SALES, STORES, WEEKS, Orders, channel_of, read_orders
from allotment.datasets.options import Sampling
from allotment.datasets.table import Table
from allotment.scenario.amounts import NonNegative
from allotment.scenario.errors import ScenarioError
from allotment.scenario.source_data import History, SourceData

FITTED, REPLAYED = 2018, 2019
PRICE_OVER_COST = 1.5  # the State sells to stores at half as much again as it pays
EARTH_RADIUS = 6371.0  # km


class Assumptions(Sampling):
    """What the data does not say, as multiples of what it says of 2018; the defaults assume nothing."""

    opening_weeks: NonNegative = 0.0  # initial stock ÷ mean weekly demand of the city and item
    vendor_capacity: NonNegative | None = None  # bottles supplied a week ÷ the vendor's mean week; none = unlimited
    handling: NonNegative | None = None  # bottles shipped out a week ÷ the city's mean week; none = unlimited
    closing_value: NonNegative = 0.0  # salvage ÷ unit cost


class IowaLiquor(Dataset):
    """Channels are cities (`orders-davenport`), SKUs numbers of items; periods are weeks."""

    OPTIONS = Assumptions

    def read(self, folder: Path, options: Assumptions) -> Table:
        """Return ordered bottles and dollars a bottle by week, city and item."""
        return _chosen(read_orders(folder), options).table()

    def named(self, table: Table, options: Assumptions) -> dict[str, History]:
        """Return the histories "2018" and "2019"."""
        return {str(FITTED): table.history(0, WEEKS), str(REPLAYED): table.history(WEEKS)}

    def source(self, folder: Path, options: Assumptions) -> SourceData:
        """Return SKUs, suppliers, sites, channels, lanes, distances, and the histories "2018" and "2019"."""
        everything = read_orders(folder)
        orders = _chosen(everything, options)
        histories = self.named(orders.table(), options)
        mean = histories[str(FITTED)].units.mean(axis=0)  # (cities, items) bottles a week
        skus = _skus(orders)
        vendors = {str(name): sorted(items.unique()) for name, items in orders.lines.groupby("vendor")["item"]}
        sections: dict[str, Entries | dict[str, Any]] = {
            "skus": skus,
            "suppliers": _suppliers(vendors, pd.Series(mean.sum(axis=0), orders.items), options.vendor_capacity),
            "sites": [_site(city, skus, own, options) for city, own in zip(orders.cities, mean, strict=True)],
            "channels": [{"name": channel_of(city)} for city in orders.cities],
            "supply_lanes": _supply_lanes(vendors, orders.cities),
            "fulfilment_lanes": [{"from": _warehouse(city), "to": channel_of(city)} for city in orders.cities],
            "distances": _distances(everything),
        }
        return SourceData(sections, histories)


def _chosen(orders: Orders, options: Assumptions) -> Orders:
    return orders.some(options.sampled(orders.items))


def _skus(orders: Orders) -> Entries:
    """Price each item at 2018's dollars per bottle (to 0.0001); a line without dollars says nothing of the price."""
    priced = orders.lines[(orders.lines["year"] == FITTED) & (orders.lines["dollars"] > 0)]
    totals = priced.groupby("item")[["dollars", "bottles"]].sum()
    price = (totals["dollars"] / totals["bottles"]).reindex(orders.items)
    if price.isna().any():
        raise ScenarioError(f"{SALES}: item {price.index[price.isna()][0]} has no priced order line in {FITTED}")
    packs = orders.lines.groupby("item")["case_pack"].first()
    return [
        {
            "name": item,
            "unit_cost": round(float(price[item]) / PRICE_OVER_COST, 4),
            "price": round(float(price[item]), 4),
            "case_pack": float(packs[item]),
        }
        for item in orders.items
    ]


def _suppliers(vendors: dict[str, list[str]], weekly: pd.Series[float], multiple: float | None) -> Entries:
    return [{"name": vendor, **_limit("capacity", multiple, weekly[items].sum())} for vendor, items in vendors.items()]


def _site(city: str, skus: Entries, mean: NDArray[np.float64], assumptions: Assumptions) -> dict[str, Any]:
    """Return a city's warehouse; `mean` is its bottles a week, (items,)."""
    opening = np.ceil(assumptions.opening_weeks * mean).tolist()
    return {
        "name": _warehouse(city),
        "initial_stock": {sku["name"]: units for sku, units in zip(skus, opening, strict=True)},
        **_limit("handling", assumptions.handling, mean.sum()),
        "salvage": {sku["name"]: round(assumptions.closing_value * sku["unit_cost"], 4) for sku in skus},
    }


def _limit(name: str, multiple: float | None, weekly: float) -> dict[str, float]:
    """Return a limit as a multiple of a mean week, in whole bottles, or nothing where there is none."""
    return {} if multiple is None else {name: float(np.ceil(multiple * weekly))}


def _supply_lanes(vendors: dict[str, list[str]], cities: list[str]) -> Entries:
    return [
        {"from": vendor, "to": _warehouse(city), "skus": list(items)} for vendor, items in vendors.items() for city in cities
    ]


def _warehouse(city: str) -> str:
    return f"warehouse-{city}"


def _distances(orders: Orders) -> dict[str, dict[str, float]]:
    """Return great-circle distances in km between the centres of the cities' stores."""
    stores = orders.lines.drop_duplicates("store")
    centres = stores.groupby("city")[["latitude", "longitude"]].mean()
    if centres.isna().any(axis=None):
        city = centres.index[centres.isna().any(axis=1)][0]
        raise ScenarioError(f"{STORES} has no latitude and longitude of any store in {city}")
    places = {_warehouse(city): np.radians(centres.loc[city].to_numpy(dtype=float)) for city in orders.cities}
    return {here: {there: _great_circle(places[here], places[there]) for there in places if there != here} for here in places}


def _great_circle(here: NDArray[np.float64], there: NDArray[np.float64]) -> float:
    """Return the haversine distance in km (to 0.1) of two places (latitude, longitude) in radians."""
    latitude, longitude = np.sin((there - here) / 2.0) ** 2
    chord = latitude + np.cos(here[0]) * np.cos(there[0]) * longitude
    return round(float(2.0 * EARTH_RADIUS * np.arcsin(np.sqrt(chord))), 1)


read = IowaLiquor()
