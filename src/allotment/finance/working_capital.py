"""What stock does to cash: the balance sheet, cash by day, and the cash conversion cycle, period by period of the books."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from allotment.finance import statements
from allotment.finance.cash.discounts import Decision
from allotment.finance.ledger import ASSET, EQUITY, LIABILITY, NUMBER
from allotment.finance.ratios import Position, ratios
from allotment.finance.valuation import Valuation

CYCLE = ("days_of_inventory", "days_sales_outstanding", "days_payables_outstanding", "cash_conversion_cycle")
OWED = ("payables", "conversion_payable")  # what days payable are of
SECTIONS = {ASSET: "assets", LIABILITY: "liabilities", EQUITY: "equity"}
OTHERS = "others"  # of what names no supplier: carriers, plants
NET = {"write_down_allowance": "inventory"}  # shown in one amount with


def balance_sheet(valuation: Valuation) -> pd.DataFrame:
    """Return assets, liabilities and equity at the last close, each section with its total; profit is part of equity."""
    found = [row for _, of_one in statements.trial_balance(valuation).groupby("entity", sort=False) for row in _sheet(of_one)]
    return pd.DataFrame(found, columns=["entity", "type", "account", "amount", "currency"])


def _sheet(trial_balance: pd.DataFrame) -> list[tuple[str, str, str, Decimal, str]]:
    """Return the rows of an entity's balance sheet."""
    items: dict[str, dict[str, Decimal]] = {section: {} for section in SECTIONS.values()}
    for account, kind, debit, credit in trial_balance[["account", "type", "debit", "credit"]].to_numpy().tolist():
        amount = debit - credit if kind == ASSET else credit - debit
        section, item = (SECTIONS[kind], NET.get(account, account)) if kind in SECTIONS else ("equity", "profit")
        items[section][item] = items[section].get(item, Decimal(0)) + amount
    entity, currency = trial_balance["entity"].iloc[0], trial_balance["currency"].iloc[0]
    return [
        (entity, section, item, amount, currency)
        for section, amounts in items.items()
        for item, amount in [*amounts.items(), ("total", sum(amounts.values(), Decimal(0)))]
    ]


def cash_by_day(valuation: Valuation) -> pd.DataFrame:
    """Return cash, debt and headroom at the end of every day, with what moved; no rows where the policy has no treasury."""
    columns = ["day", "receipts", "payments", "interest", "drawn", "cash", "debt", "headroom"]
    closes = valuation.settlement.closes if valuation.settlement else []
    rows = [(valuation.books.text(close.day), *(getattr(close, name) for name in columns[1:])) for close in closes]
    return pd.DataFrame(rows, columns=columns)


def open_items(valuation: Valuation) -> pd.DataFrame:
    """Return what is owed, and owed to us, at the last close, by due day and party; what we owe is below zero.

    `due_in` and `posted` count days from the close: when it is due, and when it was posted, from which `terms` count.
    """
    columns = ["due", "due_in", "posted", "account", "party", "terms", "amount"]
    last, items = valuation.closes[-1] if valuation.closes else 0, valuation.settlement.open if valuation.settlement else []
    rows = [
        (valuation.books.text(day), day - last, posted - last, account, party or OTHERS, terms, amount)
        for day, posted, account, party, terms, amount in items
    ]
    return pd.DataFrame(rows, columns=columns)


def discounts(valuation: Valuation) -> pd.DataFrame:
    """Return every discount for early payment that was offered: whether it was taken, and why not."""
    rows = [
        (valuation.books.text(day), supplier or OTHERS, "yes" if each.taken else "no", each.saves, each.costs, _why(each))
        for day, supplier, each in (valuation.settlement.decisions if valuation.settlement else [])
    ]
    return pd.DataFrame(rows, columns=["day", "supplier", "taken", "saves", "funds_cost", "why_not"])


def _why(decision: Decision) -> str:
    """Return why a discount was not taken."""
    if decision.taken:
        return ""
    return "saves no more than the money costs" if decision.saves <= decision.costs else "headroom is lacking"


def discounts_by_supplier(valuation: Valuation) -> pd.DataFrame:
    """Return how many discounts each supplier offered, how many were taken, and what that saved."""
    rows = discounts(valuation)
    rows = rows.assign(saved=rows["saves"].where(rows["taken"] == "yes", Decimal(0)), taken=rows["taken"] == "yes")
    found = rows.groupby("supplier", sort=True).agg(offered=("day", "count"), taken=("taken", "sum"), saved=("saved", "sum"))
    return found.reset_index()


def cash_conversion(valuation: Valuation) -> pd.DataFrame:
    """Return the cash conversion cycle of each period of the books, in days of a year of 365.

    Days of inventory are of the mean stock in the period, the others of balances at its end; a measure that is not defined
    (nothing was sold) is NaN. The last period ends with the log.
    """
    ends = np.array([*valuation.closes[:-1], valuation.log.day[-1]])
    starts = np.array([valuation.log.day[0], *(ends[:-1] + 1)])
    stock, amounts = _mean_stock(valuation, starts, ends), statements.presented(valuation)

    def flow(*accounts: str) -> Any:
        return _sums(valuation, amounts, ends, accounts)

    receivables, payables = flow("receivables").cumsum(), 0.0 - flow(*OWED).cumsum()
    sales, cost = -flow("revenue"), flow("cost_of_sales")
    lengths = (ends - starts + 1) * 365.0 / valuation.books.days_a_year()
    rows = []
    for at, (end, days) in enumerate(zip(ends.tolist(), lengths.tolist(), strict=True)):
        balances = {"receivables": receivables[at], "payables": payables[at], "inventory": stock[at], "cash": 0.0}
        position = Position(**balances, sales=sales[at], cost_of_sales=cost[at], days=days)
        found = ratios(position)
        rows.append((valuation.books.text(end), *(found[name].value for name in CYCLE)))
    table = pd.DataFrame(rows, columns=["period_to", *CYCLE])
    return table.astype(dict.fromkeys(CYCLE, float))


def _sums(valuation: Valuation, amounts: Any, ends: Any, accounts: tuple[str, ...]) -> Any:
    """Return the sum of what was posted to accounts in each period, debits positive."""
    entries = valuation.entries
    mask = np.isin(entries.account, [NUMBER[account] for account in accounts]) & (entries.day <= ends[-1])
    return np.bincount(np.searchsorted(ends, entries.day[mask]), weights=amounts[mask], minlength=len(ends))


def _mean_stock(valuation: Valuation, starts: Any, ends: Any) -> Any:
    """Return the mean value of stock at the end of the days of each period."""
    table = statements.stock_over_time(valuation).sum(axis=1)
    days = np.arange(starts[0], ends[-1] + 1)
    held = np.concatenate([[0.0], table.to_numpy()])[np.searchsorted(table.index.to_numpy(), days, side="right")]
    total = np.concatenate([[0.0], held.cumsum()])
    return (total[ends - starts[0] + 1] - total[starts - starts[0]]) / (ends - starts + 1)
