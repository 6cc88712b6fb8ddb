"""The page of a stock report: its tables and figures, as one HTML file."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from allotment.finance import figures, statements, working_capital
from allotment.finance.report import StockReport
from allotment.report.document import Document, as_html, draw
from allotment.report.figures import panel

BINS = (1, 2, 3, 6)  # ages in the figure: up to so many times the width
MONTH = 30  # days


def page_of(report: StockReport) -> str:
    """Return the page as HTML, figures included."""
    document = Document(
        title="What the stock is worth",
        question=f"{report.source}: {report.basis}.",
        finding=report.finding,
        notes=notes_of(report),
        tables=report.cells(),
        images=draw(figures_of(report)),
        details=_details(report),
    )
    return as_html(document)


def notes_of(report: StockReport) -> list[str]:
    """Return what a reader must know that the tables do not say."""
    found = []
    if report.valuation.settlement is None:
        found.append(
            "Cash, headroom and the cash conversion cycle over time are left out: the accounting policy has no `treasury` "
            "(opening cash, terms of payment), and a log of movements does not say what was paid."
        )
    if report.policy.averages:
        found.append(
            "Units that share one cost are as old as the days on which they came; the first to come are the first to go."
        )
    if report.policy.scope == "company":
        found.append("Units of a SKU share their cost all over the company: stock has no value by site.")
    return found


def figures_of(report: StockReport) -> dict[str, tuple[str, Figure]]:
    """Return the figures with their captions, those for which there is something to show."""
    valuation, currency = report.valuation, report.policy.currency
    over_time = statements.stock_over_time(valuation)
    names = figures.named(over_time)
    over_time, aged = figures.fewer(over_time, names), figures.fewer(ages(report), names)
    found: dict[str, tuple[str, Figure]] = {}
    day = "day" if valuation.books.dated else "period"
    if len(over_time):
        caption = f"What stock is worth at cost at the end of each {day}, by site, in {currency}."
        found["stock"] = caption, panel(figures.stock_value, over_time, valuation.books, currency)
    if len(aged):
        caption = f"How long the units held have been there, in {day}s before the last close, at cost."
        found["aging"] = caption, panel(figures.aging, aged, currency)
    if valuation.settlement is not None:
        found |= _cash_figures(report, day)
    if report.profit:
        caption = f"From revenue to profit, over the whole log, in {currency}; cost of holding stock is not in it."
        found["profit"] = caption, panel(figures.waterfall, report.profit, currency)
    return found


def _cash_figures(report: StockReport, day: str) -> dict[str, tuple[str, Figure]]:
    """Return cash and headroom by day, and the cash conversion cycle by period of the books."""
    valuation, currency = report.valuation, report.policy.currency
    settlement, cycle = valuation.settlement, report.tables["cash_conversion"]
    assert settlement is not None
    floor, line = float(settlement.terms.floor), settlement.terms.credit_line
    caption = (
        f"Cash, debt and headroom (cash above the floor, and what may still be drawn) at the end of each {day}, in {currency}."
    )
    figure = panel(figures.cash, settlement.closes, floor, line is not None, valuation.books, currency)
    found = {"cash": (caption, figure)}
    if cycle["cash_conversion_cycle"].notna().sum() > 1:
        caption = "The cash conversion cycle of each period of the books: days of inventory + days receivable − days payable."
        ends = [*valuation.closes[:-1], valuation.log.day[-1]]
        shown = cycle.set_axis(ends, axis=0)[list(working_capital.CYCLE)]
        found["cycle"] = caption, panel(figures.cash_cycle, shown, valuation.books)
    return found


def ages(report: StockReport) -> pd.DataFrame:
    """Return the value of stock in presentation currency by age (the index) and place (the columns)."""
    table = statements.layers(report.valuation)
    if table.empty:
        return pd.DataFrame()
    close = report.policy.close
    edges = [(close if isinstance(close, int) else MONTH) * many for many in BINS]
    starts = [0, *(edge + 1 for edge in edges)]
    names = [*(f"{start}–{end}" for start, end in zip(starts, edges, strict=False)), f"over {edges[-1]}"]
    books, last = report.valuation.books, report.valuation.closes[-1]
    rates = {currency: float(books.rate(currency, last)) for currency in table["currency"].unique()}
    values = table["value"].astype(float) / table["currency"].map(rates)
    groups = np.searchsorted(edges, table["age"])
    columns = table["place"].map(lambda place: place.partition(":")[0])
    found = values.groupby([groups, columns]).sum().unstack(fill_value=0).reindex(range(len(names)), fill_value=0)
    return found.set_axis(names, axis=0)


def _details(report: StockReport) -> dict[str, str]:
    """Return how the report was made."""
    log, text = report.valuation.log, report.valuation.books.text
    period = f"{text(log.day[0])} to {text(log.day[-1])}" if log.day else "none"
    return {
        "Log": f"{report.source}: {len(log.event):,} movements, {period}",
        "Closes": f"{len(report.valuation.closes)}, by the {report.policy.close}"
        if isinstance(report.policy.close, str)
        else f"{len(report.valuation.closes)}, every {report.policy.close} periods",
        "Entries": f"{len(report.valuation.entries.row):,}; debits equal credits; layers equal the inventory account",
        "Accounting policy": "\n".join(f"{name}: {value}" for name, value in report.policy.model_dump().items() if value),
    }
