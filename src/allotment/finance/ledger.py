"""The journal: immutable double entries, written one after the other, in coins; `Decimal` when they are read."""

from __future__ import annotations

from array import array
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from allotment.finance.amounts import as_decimal, decimals_of

ASSET, LIABILITY, EQUITY, INCOME, EXPENSE = "asset", "liability", "equity", "income", "expense"
ACCOUNTS = {  # the chart of accounts, in the order of statements
    "inventory": ASSET,
    "write_down_allowance": ASSET,  # taken off inventory
    "work_in_process": ASSET,
    "cash": ASSET,
    "receivables": ASSET,
    "intercompany_receivables": ASSET,
    "payables": LIABILITY,
    "conversion_payable": LIABILITY,  # wages and machines of production
    "intercompany_payables": LIABILITY,
    "credit_line": LIABILITY,  # drawn
    "opening_equity": EQUITY,
    "revenue": INCOME,
    "intercompany_revenue": INCOME,
    "cost_of_sales": EXPENSE,
    "intercompany_cost_of_sales": EXPENSE,
    "write_downs": EXPENSE,  # a recovery is negative
    "waste": EXPENSE,
    "shrinkage": EXPENSE,
    "purchase_difference": EXPENSE,  # of goods sent back, at another cost than they came with
    "purchase_variance": EXPENSE,  # from standard cost
    "freight": EXPENSE,  # between points of sale, and inbound where it is not capitalised
    "storage": EXPENSE,
    "selling": EXPENSE,
    "other_costs": EXPENSE,
    "running_costs": EXPENSE,  # wages, rent and the like
    "interest": EXPENSE,
    "exchange_difference": EXPENSE,
}
NUMBER = {account: position for position, account in enumerate(ACCOUNTS)}
MOST_COINS = 2**62  # posted in all, so that no sum of entries is more than a whole number of 64 bits holds
CLOSING, SETTLING = -1, -2  # the movement of an entry that a close makes, and of one that a payment makes


class TooMuch(ArithmeticError):
    """More money or units than books can hold; `row` is the movement, or CLOSING or SETTLING."""

    def __init__(self, row: int) -> None:
        super().__init__(f"more than {MOST_COINS:,} coins")
        self.row = row


class Ledger:
    """The entries as they are posted. What is written stays; there is no way to change it."""

    def __init__(self) -> None:
        self._row, self._day, self._account = array("i"), array("i"), array("b")
        self._entity, self._place, self._sku = array("h"), array("i"), array("i")
        self._amount, self._units = array("q"), array("q")
        self._closed: int | None = None  # the last closed day
        self._moved = 0  # coins, debits and credits
        self.inventory: dict[int, int] = defaultdict(int)  # balance by entity

    def post(self, row: int, day: int, account: int, entity: int, place: int, sku: int, amount: int, units: int = 0) -> None:
        """Write one side of an entry: coins, a debit positive."""
        if not amount and not units:
            return
        self._moved += abs(amount)
        if self._moved > MOST_COINS:
            raise TooMuch(row)
        self._row.append(row)
        self._day.append(day)
        self._account.append(account)
        self._entity.append(entity)
        self._place.append(place)
        self._sku.append(sku)
        self._amount.append(amount)
        self._units.append(units)
        if account == 0:
            self.inventory[entity] += amount

    def close(self, day: int) -> None:
        """Close all days up to one."""
        self._closed = day

    def check_open(self, day: int) -> None:
        """Refuse a day that is closed: `RuntimeError`, as the log is in the order of time."""
        if self._closed is not None and day <= self._closed:
            raise RuntimeError(f"day {day} is closed: books are closed through day {self._closed}")

    def entries(self) -> Entries:
        """Return what was posted."""
        columns = {name.removeprefix("_"): np.array(part) for name, part in vars(self).items() if isinstance(part, array)}
        for column in columns.values():
            column.flags.writeable = False
        return Entries(**columns)


@dataclass(frozen=True)
class Entries:
    """The entries of a journal, a read-only array a column; places, SKUs and entities by number."""

    row: Any  # of the movement in the log, CLOSING or SETTLING where none made it
    day: Any
    account: Any
    entity: Any
    place: Any
    sku: Any
    amount: Any  # coins of the entity's currency, a debit positive
    units: Any  # that come to stock (inventory only), on the log's grid

    def balance(self, *accounts: str, where: Any = True) -> int:
        """Return the sum of accounts in coins, debits positive, over entries that a mask picks."""
        mask = np.isin(self.account, [NUMBER[account] for account in accounts])
        return int(self.amount[mask & where].sum())


def categories(codes: Any, names: list[str]) -> Any:
    """Return numbers as the names they stand for."""
    return pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(pd.Index(names)))


def decimal_column(coins: Any, places: Any) -> list[Any]:
    """Return coins as decimals, None for nothing; `places` is one number, or one an amount."""
    many = np.broadcast_to(places, len(coins)).tolist()
    return [as_decimal(amount, count) if amount else None for amount, count in zip(coins.tolist(), many, strict=True)]


def places_of(currencies: list[str]) -> Any:
    """Return the decimal places of each currency."""
    return np.array([decimals_of(currency) for currency in currencies])
