"""The report of a log: statements, ratios and figures, as tables, CSV files and one HTML page."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import isnan, nan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from allotment.finance import statements, working_capital
from allotment.finance.consolidation import consolidated, consolidation_journal, group_trial_balance
from allotment.finance.ledger import ACCOUNTS
from allotment.finance.policy import AccountingPolicy
from allotment.finance.ratios import Position, Ratio, carrying_cost, ratios
from allotment.finance.valuation import Valuation
from allotment.names import no_formula
from allotment.report.cells import Cells
from allotment.report.numbers import number
from allotment.whole_file import make_folder, whole_file, write_whole

MOST_ROWS = 40  # of a table on the page; the CSV file has all
DISCOUNTS = "Each decided on its last day, from what was owed by then; the CSV file has every decision."
DAYS = {"days_of_inventory", "days_sales_outstanding", "days_payables_outstanding", "cash_conversion_cycle"}
FORMULA_TEXTS = {"fifo": "first in, first out", "lifo": "last in, first out"}


@dataclass(frozen=True)
class StockReport:
    """What is told of a valued log."""

    source: str  # the file of the log
    valuation: Valuation

    @property
    def policy(self) -> AccountingPolicy:
        """Return the accounting policy."""
        return self.valuation.policy

    @cached_property
    def years(self) -> float:
        """Return the length of the log in years, first and last day counted."""
        days = self.valuation.log.day
        return (days[-1] - days[0] + 1) / self.valuation.books.days_a_year()

    @cached_property
    def average_stock(self) -> float:
        """Return the mean value of stock over the log, at cost."""
        return statements.average_stock(self.valuation)

    @cached_property
    def profit(self) -> dict[str, float]:
        """Return income and expense by account."""
        return statements.profit(self.valuation)

    @cached_property
    def ratios(self) -> dict[str, Ratio]:
        """Return the ratios; those that need cash, receivables or payables only where the policy lets them be known."""
        position = Position(
            inventory=float(statements.carrying_value(self.valuation)),
            **self._balances(),
            **{"sales": self.profit.get("revenue", 0.0)},
            **{"cost_of_sales": -self.profit.get("cost_of_sales", 0.0), "days": 365.0 * self.years},
            average_inventory=self.average_stock,
        )
        return ratios(position)

    def _balances(self) -> dict[str, float]:
        """Return what is beside the stock when the log ends: as the books have it, or as the policy gives it."""
        given = self.policy.balances
        if self.valuation.settlement is None:
            known = {name: getattr(given, name) for name in ("cash", "receivables", "payables")}
            return {name: nan if amount is None else amount for name, amount in known.items()} | {"other": given.other}
        accounts = {"cash": ("cash",), "receivables": ("receivables",), "payables": working_capital.OWED}
        last = self.valuation.log.day[-1]
        found = {name: float(self.valuation.balance(*parts, through=last)) for name, parts in accounts.items()}
        debt = -float(self.valuation.balance("credit_line", through=last))
        return found | {"payables": -found["payables"], "other": given.other + debt}

    @cached_property
    def carrying(self) -> dict[str, float]:
        """Return what holding the stock cost over the log, by part."""
        return carrying_cost(self.average_stock, self.policy.carrying.model_dump(), self.years)

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Return every table by the name of its file, amounts exact."""
        valuation = self.valuation
        found = {
            "movement_summary": statements.movement_summary(valuation),
            "roll_forward": statements.roll_forward(valuation),
            "trial_balance": statements.trial_balance(valuation),
            "balance_sheet": working_capital.balance_sheet(valuation),
            "layers": statements.layers(valuation),
            "ratios": self._ratio_table(),
            "carrying_cost": pd.DataFrame({"part": list(self.carrying), "amount": list(self.carrying.values())}),
        }
        if valuation.settlement is not None:
            found["cash"] = working_capital.cash_by_day(valuation)
            found["cash_conversion"] = working_capital.cash_conversion(valuation)
            found["open_items"] = working_capital.open_items(valuation)
            found["discounts"] = working_capital.discounts(valuation)
        if self.policy.entities:
            found["consolidation"] = consolidated(valuation)
            found["consolidation_journal"] = consolidation_journal(valuation)
            found["group_trial_balance"] = group_trial_balance(valuation)
        return found

    def _ratio_table(self) -> pd.DataFrame:
        rows = [(name, ratio.value, ratio.undefined) for name, ratio in self.ratios.items()]
        return pd.DataFrame(rows, columns=["ratio", "value", "undefined"])

    @property
    def finding(self) -> str:
        """Return the report in a sentence."""
        currency, stock = self.policy.currency, statements.carrying_value(self.valuation)
        day, earned = self.valuation.books.text(self.valuation.closes[-1]), sum(self.profit.values())
        said = "" if self.valuation.books.dated else "period "
        worth = f"Stock is worth {currency} {stock:,} at the close of {said}{day}; the profit on the log is {earned:,.2f}"
        if self.valuation.settlement is None:
            return f"{worth}."
        lowest = min(self.valuation.settlement.closes, key=lambda close: close.headroom)
        return f"{worth}; headroom is least, {lowest.headroom:,}, at the end of {said}{self.valuation.books.text(lowest.day)}."

    @property
    def basis(self) -> str:
        """Return by which rules the report was made."""
        policy = self.policy
        formula = FORMULA_TEXTS.get(policy.cost_formula, policy.cost_formula.replace("_", " "))
        framework = {"ifrs": "IFRS", "us_gaap": "US GAAP"}[policy.framework]
        return f"{framework}, {formula}, cost by {policy.scope}, {policy.system}, in {policy.currency}"

    def cells(self) -> list[Cells]:
        """Return the tables as text, in the order to read them."""
        money = f"in {self.policy.currency}"
        site = statements.roll_forward(self.valuation, ("place",))
        sku = statements.roll_forward(self.valuation, ("sku",))
        return [
            *(self._group_cells() if self.policy.entities else []),
            _cells("Balance sheet", self.tables["balance_sheet"], "At the last close, by currency of the entity."),
            _cells("Trial balance", self.tables["trial_balance"], "Balances at the last close, by currency of the entity."),
            *[each for each in (_flows("site", site, "value", money), _flows("site", site, "units")) if each.rows],
            *[each for each in (_flows("SKU", sku, "value", money), _flows("SKU", sku, "units")) if each.rows],
            self._ratio_cells(),
            *([self._cycle_cells()] if self.valuation.settlement else []),
            *([self._discount_cells()] if len(self.tables.get("discounts", ())) else []),
            *([self._carrying_cells()] if any(self.carrying.values()) else []),
            _cells("Movements", self.tables["movement_summary"]),
        ]

    def _group_cells(self) -> list[Cells]:
        note = "Entries of the entities at the rate of their day, and the consolidation journal (consolidation_journal.csv)."
        return [
            _cells("Group: stock without profit within it", self.tables["consolidation"]),
            _cells("Group: trial balance", self.tables["group_trial_balance"], note),
            _cells("Group: consolidation journal", self.tables["consolidation_journal"].fillna("")),
        ]

    def _ratio_cells(self) -> Cells:
        rows = []
        for name, ratio in self.ratios.items():
            unit = " (days)" if name in DAYS else ""
            text = "undefined" if ratio.value is None else number(ratio.value, 2)
            rows.append([name.replace("_", " ").replace("gmroi", "GMROI") + unit, text, ratio.undefined])
        source = "in the books when the log ends" if self.valuation.settlement else "in `balances`"
        note = f"Turns, days of inventory and GMROI by the mean stock at cost; cash, receivables and payables as {source}."
        return Cells("Ratios", ["measure", "value", "why undefined"], rows, [], note)

    def _cycle_cells(self) -> Cells:
        table = self.tables["cash_conversion"]
        rows = [
            [str(row.iloc[0]), *("" if isnan(each) else number(each, 1) for each in row.iloc[1:])]
            for _, row in table.iterrows()
        ]
        header = ["period to", "days of inventory", "days receivable", "days payable", "cash conversion cycle"]
        note = "In days; of the mean stock in a period and the balances at its end. Empty where nothing was sold."
        return Cells("Cash conversion by period", header, rows[-MOST_ROWS:], [], note)

    def _discount_cells(self) -> Cells:
        return _cells("Discounts for early payment", working_capital.discounts_by_supplier(self.valuation), DISCOUNTS)

    def _carrying_cells(self) -> Cells:
        rows = [[part, number(amount, 2)] for part, amount in self.carrying.items()]
        rows.append(["all", number(sum(self.carrying.values()), 2)])
        note = f"On a mean stock of {self.average_stock:,.2f} over {self.years:.2f} years, in {self.policy.currency}."
        return Cells("Carrying cost", ["measure", "amount"], rows, [], note)


def _flows(head: str, table: pd.DataFrame, measure: str, note: str = "") -> Cells:
    """Return a roll-forward by site or SKU: one measure, without flows that are nothing everywhere."""
    key = "place" if head == "site" else "sku"
    columns = [str(name) for name in table if str(name).endswith(f"_{measure}")]
    if head == "SKU":  # what moves between sites is still of the SKU
        columns = [name for name in columns if not name.startswith("transferred_")]
    kept = [name for name in columns if (table[name] != 0).any() or name == columns[-1]]
    rows = [[str(row[key]), *(_text(row[name]) for name in kept)] for _, row in table.head(MOST_ROWS).iterrows()]
    header = [head, *(name.removesuffix(f"_{measure}").replace("_", " ") for name in kept)]
    return Cells(f"Stock roll-forward by {head}, {measure}", header, rows, [], f"{note}{_left(table)}")


def _cells(caption: str, table: pd.DataFrame, note: str = "") -> Cells:
    """Return a table as text, columns that say nothing left out."""
    kept = [str(name) for name in table if not (table[name].astype(str) == "").all()]
    rows = [[_text(row[name]) for name in kept] for _, row in table[kept].head(MOST_ROWS).iterrows()]
    return Cells(caption, [name.replace("_", " ") for name in kept], rows, [], f"{note}{_left(table)}")


def _left(table: pd.DataFrame) -> str:
    left = len(table) - MOST_ROWS
    return f" {left} more rows are in the CSV file." if left > 0 else ""


def _text(value: Any) -> str:
    """Return a value as a table shows it: amounts with all their decimals, units without needless ones."""
    if isinstance(value, str):
        return value.replace("_", " ") if value in ACCOUNTS else value
    return f"{value:,}" if not isinstance(value, float) else f"{value:,.10g}"


def write(report: StockReport, folder: Path) -> Path:
    """Write the CSV files and the page into a folder, and return the page, `report.html`, which needs no other file."""
    from allotment.finance.page import page_of

    make_folder(folder)
    for name, table in (report.tables | {"journal": statements.journal(report.valuation)}).items():
        _write_table(table, folder / f"{name}.csv")
    page = folder / "report.html"
    write_whole(page, page_of(report))
    return page


def _write_table(table: pd.DataFrame, file: Path) -> None:
    """Write a table as CSV in which no text is a formula for a spreadsheet; each name of a category is looked at once."""
    safe = {str(name): _safe(column) for name, column in table.items()}
    with whole_file(file) as part:
        pd.DataFrame(safe).to_csv(part, index=False, lineterminator="\n")


def _safe(column: pd.Series) -> Any:
    if isinstance(column.dtype, pd.CategoricalDtype):
        names = np.array([no_formula(name) for name in column.cat.categories], dtype=object)
        return names[column.cat.codes.to_numpy()]
    return column if pd.api.types.is_numeric_dtype(column) else column.map(no_formula)
