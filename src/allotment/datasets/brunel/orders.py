"""The orders that a company shipped on one day of 2013, and the warehouses, ports and freight rates it had for them.

Public data of Brunel University London (Kalganova and Dzalbs, *Supply Chain Logistics Problem Dataset*, figshare,
doi:10.17633/rd.brunel.7558679). A warehouse may ship what it stocks; one that is reserved for some customers serves only
them, while they may be served elsewhere too. It serves so many orders a day, whatever their size.

    freight of an order from a warehouse = min over matching rates of max(minimum, rate × weight)

A rate matches where it leads from a port of the warehouse to the order's port at the same service level, for a band that holds
the weight; of equally cheap ones the fastest is taken. Freight that the customer arranges is free, and takes as long as it
did. Handling is the warehouse's cost per unit × the order's units.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from allotment.allocation.day import Flags, Floats, Integers
from allotment.scenario.errors import ScenarioError

COLUMNS = {  # by file: published name -> ours
    "OrderList.csv": {
        "Order ID": "order",
        "Service Level": "service",
        "Customer": "customer",
        "Product ID": "product",
        "Plant Code": "warehouse",
        "Destination Port": "to",
        "Unit quantity": "units",
        "Weight": "weight",
        "TPT": "transit",
        "Ship ahead day count": "ahead",
        "Ship Late Day count": "late",
    },
    "FreightRates.csv": {
        "orig_port_cd": "port",
        "dest_port_cd": "to",
        "svc_cd": "service",
        "minm_wgh_qty": "lightest",
        "max_wgh_qty": "heaviest",
        "minimum cost": "minimum",
        "rate": "rate",
        "tpt_day_cnt": "transit",
    },
    "WhCapacities.csv": {"Plant ID": "warehouse", "Daily Capacity": "capacity"},
    "WhCosts.csv": {"WH": "warehouse", "Cost/unit": "cost"},
    "ProductsPerPlant.csv": {"Plant Code": "warehouse", "Product ID": "product"},
    "VmiCustomers.csv": {"Plant Code": "warehouse", "Customers": "customer"},
    "PlantPorts.csv": {"Plant Code": "warehouse", "Port": "port"},
}
TEXT = {"order", "service", "customer", "product", "warehouse", "to", "port"}
ARRANGED = "CRF"  # the service level at which the customer arranges the freight


@dataclass(frozen=True)
class Orders:
    """The day's orders and what each would cost from each warehouse."""

    warehouses: list[str]
    capacity: Floats  # (warehouses,) orders
    units: Floats  # (orders,)
    eligible: Flags  # (orders, warehouses): stocks the product, and may serve the customer
    freight: Floats  # (orders, warehouses) money; NaN where no rate matches
    handling: Floats  # (orders, warehouses) money
    transit: Floats  # (orders, warehouses) days; NaN where no rate matches
    recorded: Integers  # (orders,) the warehouse that shipped it
    recorded_transit: Floats  # (orders,) days that it took
    due: Floats  # (orders,) days from that day after which it is late, below 0 where it was late from the start

    @property
    def possible(self) -> Flags:
        """Return which warehouse can ship which order at a known cost, (orders, warehouses)."""
        return self.eligible & ~np.isnan(self.freight)

    @property
    def cost(self) -> Floats:
        """Return freight and handling, (orders, warehouses) money."""
        return self.freight + self.handling


def read_orders(folder: Path) -> Orders:
    """Read the seven tables of the data set; `ScenarioError` where one is absent or lacks a column."""
    orders, rates, capacities, costs, stocked, reserved, ports = (_table(folder / name) for name in COLUMNS)
    warehouses = sorted(capacities["warehouse"])
    place = {name: number for number, name in enumerate(warehouses)}
    freight, transit = _freight(orders, rates, ports, warehouses)
    unit_cost = costs.set_index("warehouse")["cost"].reindex(warehouses).to_numpy(dtype=float)
    units = orders["units"].to_numpy(dtype=float)
    return Orders(
        warehouses=warehouses,
        capacity=capacities.set_index("warehouse")["capacity"].reindex(warehouses).to_numpy(dtype=float),
        units=units,
        eligible=_matches(orders, "product", stocked, warehouses) & _may_serve(orders, reserved, warehouses),
        freight=freight,
        handling=units[:, None] * unit_cost,
        transit=transit,
        recorded=orders["warehouse"].map(place).to_numpy(dtype=np.int64),
        recorded_transit=orders["transit"].to_numpy(dtype=float),
        due=(orders["transit"] + orders["ahead"] - orders["late"]).to_numpy(dtype=float),
    )


def _table(path: Path) -> pd.DataFrame:
    """Read a file's columns under our names."""
    names = COLUMNS[path.name]
    if not path.is_file():
        raise ScenarioError(f"{path} does not exist; it is part of the data set doi:10.17633/rd.brunel.7558679")
    text: Any = {published: str for published, ours in names.items() if ours in TEXT}
    table = pd.read_csv(path, dtype=text)
    table.columns = table.columns.str.strip()
    missing = [column for column in names if column not in table.columns]
    if missing:
        raise ScenarioError(f"{path}: column {missing[0]} is missing; it has {', '.join(table.columns)}")
    return table[list(names)].rename(columns=names)


def _matches(orders: pd.DataFrame, column: str, listed: pd.DataFrame, warehouses: list[str]) -> Flags:
    """Return whether a warehouse is listed with an order's value of the column, (orders, warehouses)."""
    table = pd.crosstab(listed[column], listed["warehouse"]) > 0
    return table.reindex(index=orders[column], columns=warehouses, fill_value=False).to_numpy(dtype=bool)


def _may_serve(orders: pd.DataFrame, reserved: pd.DataFrame, warehouses: list[str]) -> Flags:
    """Return which warehouse is reserved for an order's customer or for nobody, (orders, warehouses)."""
    free = ~np.isin(warehouses, reserved["warehouse"])
    return free | _matches(orders, "customer", reserved, warehouses)


def _freight(orders: pd.DataFrame, rates: pd.DataFrame, ports: pd.DataFrame, warehouses: list[str]) -> tuple[Floats, Floats]:
    """Return freight (money) and transit (days) of each order from each warehouse, by its cheapest port."""
    shape = len(orders), len(warehouses)
    cost, days = np.full(shape, np.inf), np.full(shape, np.nan)
    arranged = (orders["service"] == ARRANGED).to_numpy()
    cost[arranged] = 0.0
    days[arranged] = orders["transit"].to_numpy(dtype=float)[arranged, None]
    for service, to in sorted(set(zip(orders["service"], orders["to"], strict=True))):
        rows = np.flatnonzero((orders["service"] == service) & (orders["to"] == to))
        weight = orders["weight"].to_numpy(dtype=float)[rows]
        for port, warehouse in zip(ports["port"], ports["warehouse"], strict=True):
            matching = rates[(rates["service"] == service) & (rates["to"] == to) & (rates["port"] == port)]
            if len(matching) and warehouse in warehouses:
                cell = rows, warehouses.index(warehouse)
                found, took = _cheapest(weight, matching)
                better = (found < cost[cell]) | ((found == cost[cell]) & (took < days[cell]))
                cost[cell], days[cell] = np.where(better, found, cost[cell]), np.where(better, took, days[cell])
    return np.where(np.isinf(cost), np.nan, cost), days


def _cheapest(weight: Floats, rates: pd.DataFrame) -> tuple[Floats, Floats]:
    """Return the cost and days of the cheapest rate for each weight (orders,); an infinite cost where no band holds it."""
    rates = rates.sort_values("transit", kind="stable")
    lightest, heaviest, minimum, rate, days = (
        rates[name].to_numpy(dtype=float) for name in ("lightest", "heaviest", "minimum", "rate", "transit")
    )
    held = (weight[:, None] >= lightest) & (weight[:, None] <= heaviest)
    cost = np.where(held, np.maximum(minimum, rate * weight[:, None]), np.inf)
    best = cost.argmin(axis=1)
    return cost[np.arange(len(weight)), best], days[best]
