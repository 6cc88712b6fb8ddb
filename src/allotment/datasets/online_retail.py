"""Online Retail: invoice lines of a British wholesaler of gifts, by customer's country; 2009 to 2011, as CSV or as a workbook.

What is left out, and counted in the notes: lines that are equal in all columns that are read (sheets of the second edition
overlap), of which one counts; cancelled invoices, whose numbers begin with C; other lines of units or prices that are not
above 0 (corrections, losses, gifts); and codes of postage, fees and the like, which do not begin with five digits. Codes that
differ by case alone are one item. What a cancellation takes back stays demand.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from allotment.datasets.dataset import PlainDataset
from allotment.datasets.files import Columns, Layout, check_columns, header_of, pieces_of
from allotment.datasets.options import DailyOptions, chosen
from allotment.datasets.table import Table, days_of, recorded_lines, table_of
from allotment.datasets.workbooks import pieces_of_workbook
from allotment.scenario.errors import ScenarioError

NAMES = ("online_retail_II.xlsx", "online_retail_II.csv", "Online Retail.xlsx", "Online Retail.csv", "data.csv")
SECOND: Columns = {
    "Invoice": "text",
    "StockCode": "text",
    "Quantity": "whole",
    "InvoiceDate": "date",
    "Price": "number",
    "Country": "text",
}
OURS = ["invoice", "sku", "units", "date", "price", "channel"]
FIRST: Columns = {{"Invoice": "InvoiceNo", "Price": "UnitPrice"}.get(name, name): kind for name, kind in SECOND.items()}
LAYOUT = Layout(
    "Online Retail",
    "by the UCI Machine Learning Repository as 'Online Retail' and 'Online Retail II' (the first edition has InvoiceNo and "
    "UnitPrice for Invoice and Price; CSV files may be called as the workbooks, or data.csv)",
    {NAMES[0]: SECOND},
)


class OnlineRetail(PlainDataset):
    """Channels are countries of customers (`United Kingdom`), SKUs stock codes (`85123A`); a price is what was invoiced."""

    OPTIONS = DailyOptions

    def read(self, folder: Path, options: DailyOptions) -> Table:
        """Return the chosen series."""
        path = LAYOUT.path(folder, *NAMES)
        lines, notes = _sold(_lines(path))
        days = days_of(lines, options.first, options.last)
        items = options.sampled(chosen(options.items, lines["sku"], "items"))
        stores = chosen(options.stores, lines["channel"], "stores")
        lines = lines[lines["sku"].isin(items) & lines["channel"].isin(stores)]
        recorded = recorded_lines(lines.assign(money=lines["units"] * lines["price"]), days)
        return table_of(recorded, options.period, notes, str(path))


def _lines(path: Path) -> pd.DataFrame:
    """Return all lines under our names, as texts and numbers."""
    pieces = [piece.astype({"invoice": str, "sku": str, "channel": str}) for piece in _pieces(path)]
    if not pieces:
        raise ScenarioError(f"{path}: has no rows")
    return pd.concat(pieces, ignore_index=True)


def _pieces(path: Path) -> Iterator[pd.DataFrame]:
    if path.suffix == ".xlsx":
        found = pieces_of_workbook(path, lambda names: _edition(path, names))
    else:
        found = pieces_of(path, _edition(path, header_of(path)))
    for piece in found:
        piece.columns = pd.Index(OURS)
        yield piece


def _edition(path: Path, names: list[str]) -> Columns:
    """Return the columns of the edition that a header is of; `ScenarioError` where it lacks one of them."""
    columns = FIRST if "InvoiceNo" in names else SECOND
    check_columns(path, names, list(columns))
    return columns


def _sold(lines: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Return the lines that are demand, and what was left out."""
    lines = lines.assign(sku=lines["sku"].str.strip().str.upper(), channel=lines["channel"].str.strip())
    left_out = {
        "lines that are there twice": lines.duplicated(),
        "lines of cancelled invoices": lines["invoice"].str.upper().str.startswith("C"),
        "lines of units or prices not above 0": (lines["units"] <= 0) | (lines["price"] <= 0),
        "lines of postage, fees and the like": ~lines["sku"].str.match(r"\d{5}"),
    }
    kept, notes = pd.Series(True, lines.index), []
    for what, which in left_out.items():
        if (kept & which).any():
            notes.append(f"{what}, left out: {int((kept & which).sum()):,}")
        kept &= ~which
    if not kept.any():
        raise ScenarioError("no line is of a sale: all are cancelled, of no units or price, or of fees")
    return lines[kept], notes


read = OnlineRetail()
