"""Ratios of capital tied up in stock: what a controller reads off balances and a year's flows.

Sources: Brealey, Myers and Allen, Principles of Corporate Finance, chapter on financial ratios; GMROI as retailers have it,
gross margin over average stock at cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import isnan

Number = float | Decimal
PARTS = ("capital", "storage", "insurance", "obsolescence")


@dataclass(frozen=True)
class Position:
    """Balances at a close and flows over `days` before it, in one currency; what is not known is NaN."""

    cash: float
    receivables: float
    inventory: float  # what turns and days are counted by too, where no average is given
    payables: float
    sales: float
    cost_of_sales: float
    other: float = 0.0  # current liabilities beside payables
    days: float = 365.0
    average_inventory: float | None = None

    @property
    def working_capital(self) -> float:
        """Return current assets less current liabilities."""
        return self.cash + self.receivables + self.inventory - self.payables - self.other


@dataclass(frozen=True)
class Ratio:
    """A ratio; one that is not defined has no value and says why, it is never infinite."""

    value: float | None
    undefined: str = ""

    def __str__(self) -> str:
        return f"undefined: {self.undefined}" if self.value is None else f"{self.value:,.4g}"


def over(numerator: float, denominator: float, name: str) -> Ratio:
    """Return a quotient, undefined where what it is divided by is not above zero, or something is not known."""
    if isnan(numerator) or isnan(denominator):
        return Ratio(None, "a balance is not known")
    if denominator > 0:
        return Ratio(numerator / denominator)
    return Ratio(None, f"{name} is {denominator:,.2f}, not above zero")


def ratios(position: Position) -> dict[str, Ratio]:
    """Return the ratios by name: shares, times a year for turns and GMROI, days for the others."""
    stock = position.inventory if position.average_inventory is None else position.average_inventory
    year = 365.0 / position.days if position.days > 0 else 0.0
    cost, sales = position.cost_of_sales * year, position.sales * year
    days = {
        "days_of_inventory": over(365.0 * stock, cost, "cost of sales"),
        "days_sales_outstanding": over(365.0 * position.receivables, sales, "sales"),
        "days_payables_outstanding": over(365.0 * position.payables, cost, "cost of sales"),
    }
    return {
        "inventory_to_working_capital": over(position.inventory, position.working_capital, "working capital"),
        "inventory_turns": over(cost, stock, "stock"),
        **days,
        "cash_conversion_cycle": _cycle(*days.values()),
        "gmroi": over(sales - cost, stock, "stock"),
    }


def _cycle(inventory: Ratio, sales: Ratio, payables: Ratio) -> Ratio:
    """Return days of inventory plus DSO less DPO, undefined where one of them is."""
    if inventory.value is None or sales.value is None or payables.value is None:
        return next(ratio for ratio in (inventory, sales, payables) if ratio.value is None)
    return Ratio(inventory.value + sales.value - payables.value)


def carrying_cost(average_stock: Number, rates: Mapping[str, float], years: float) -> dict[str, float]:
    """Return what it costs to hold stock over a time, by part; `rates` are shares of its value a year."""
    return {part: float(average_stock) * rates.get(part, 0.0) * years for part in PARTS}
