"""The plan of a day: who gets what from where, what stays unmet and why, and what to do about it.

Rows are mappings from column to value, in the order of the tables, as the plan's JSON writes them; `allocation` and `unmet` are
the same as data frames.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from allotment.allocation.day import REASONS, ROUNDING, Codes, Day, Floats, settled
from allotment.allocation.deadlines import days_late
from allotment.allocation.remaining import Remaining
from allotment.allocation.unmet import why_unmet
from allotment.planning.matching import Book
from allotment.planning.reservations import holdings_of
from allotment.planning.shortage import need_by_days, purchase_rows
from allotment.planning.transfers import propose

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]
DIGITS = 9  # of fractions of a unit that are written


@dataclass(frozen=True, repr=False)
class Plan:
    """What a method makes of a day."""

    method: str
    ignored: tuple[str, ...]  # factors left out
    book: Book
    day: Day  # without the ignored factors
    days: Floats  # (T,) of the day's dates, from today
    full_value: Floats  # (O,) money/unit with all factors
    drawn: Floats  # (O, D) units that options draw on their pools
    rule: str  # the reason why the method gives a claim less than it could
    need_by: Mapping[str, float]  # days, by channel; "*" for all others
    notes: tuple[str, ...] = ()  # what was assumed of the tables, and what the method says, such as that it was stopped

    def __repr__(self) -> str:
        sums = self.totals()
        units = f"{sums['allocated']:,} of {sums['demand']:,} units allocated"
        return f"<{self.method} plan: {units}, value {self.objective:,.2f}>"

    @property
    def units(self) -> Floats:
        """Return the units that options ship (O,)."""
        return self.drawn.sum(axis=1)

    @cached_property
    def served(self) -> Floats:
        """Return the units that claims get (C,)."""
        return self.day.served(self.drawn)

    @property
    def missing(self) -> Floats:
        """Return the units that claims lack (C,)."""
        return settled(self.day.claims.wanted - self.served, self.day.claims.wanted, self.day.whole)

    @cached_property
    def reasons(self) -> Codes:
        """Return why claims lack units (C,), places in `REASONS`."""
        return why_unmet(self.day, self.drawn, self.rule)

    @property
    def objective(self) -> float:
        """Return the value of the allocation as the method sees it, without the ignored factors."""
        return round(self.day.value_of(self.drawn), 6)

    @property
    def value(self) -> float:
        """Return the value of the allocation with all factors."""
        return round(float(self.units @ self.full_value), 6)

    @cached_property
    def allocation(self) -> pd.DataFrame:
        """Return the shipments as a data frame, one row each."""
        return _frame(self.allocation_rows(), ["warehouse", *self._claim_columns, "units"])

    @cached_property
    def unmet(self) -> pd.DataFrame:
        """Return what stays unmet, with reasons, as a data frame, one row a claim."""
        return _frame(self.unmet_rows(), [*self._claim_columns, "units", "reason"])

    def allocation_rows(self) -> list[Row]:
        """Return one row a shipment, by warehouse and then in the order of the demand."""
        options = self.day.options
        shipped = np.flatnonzero(self.units > ROUNDING)
        shipped = shipped[np.argsort(options.site[shipped], kind="stable")]
        columns: dict[str, list[Any]] = {"warehouse": [self.book.warehouses[site] for site in options.site[shipped].tolist()]}
        claims = options.claim[shipped]
        for column in self._claim_columns:
            names = self.book.demand.names[column]
            columns[column] = [names[claim] for claim in claims.tolist()]
        columns["units"] = self._amounts(self.units[shipped])
        if self._dated:
            late = days_late(options.arrival[shipped], self.day.claims.due[claims])
            columns["ships"] = [self.book.clock.written(day) for day in self.days[options.date[shipped]]]
            columns["arrives"] = [self.book.clock.written(day) for day in np.ceil(options.arrival[shipped])]
            columns["days_late"] = [int(days) if days.is_integer() else days for days in late.tolist()]
        if len(self._holdings.held):
            columns["reserved"] = self._amounts(self.drawn[shipped, :-1].sum(axis=1))
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def unmet_rows(self) -> list[Row]:
        """Return one row for each claim that lacks units."""
        return self._claim_rows(self.missing, lambda claim: {"reason": REASONS[self.reasons[claim]]})

    def broken_commitments(self) -> list[Row]:
        """Return one row for each claim that gets less than was committed, with the units short."""
        return self._claim_rows(
            settled(self.day.claims.committed - self.served, self.day.claims.wanted, self.day.whole), lambda claim: {}
        )

    @cached_property
    def transfers(self) -> list[Row]:
        """Return proposals to move stock, one row for each two warehouses and SKU, with the claims that it is for."""
        rows: dict[tuple[int, int, int], Row] = {}
        for move in self._moves:
            sku = int(self.book.sku[move.claim])
            ends = {"from": self.book.warehouses[move.source], "to": self.book.warehouses[move.to]}
            named = {} if self.book.skus == [""] else {"sku": self.book.skus[sku]}
            row = rows.setdefault((move.source, move.to, sku), {**ends, **named, "units": 0, "for": []})
            (units,) = self._amounts(np.array([move.units]))
            row["units"] = units if row["units"] == 0 else round(row["units"] + units, DIGITS)
            row["for"].append({**self._claim_names(move.claim), "units": units})
        return list(rows.values())

    @cached_property
    def purchases(self) -> list[Row]:
        """Return the orders to place with suppliers; none without offers."""
        return self._purchasing[0]

    @property
    def uncovered(self) -> list[Row]:
        """Return what no offer covers."""
        return self._purchasing[1]

    def left_rows(self) -> list[Row]:
        """Return what can still be promised on each date, by warehouse and SKU, of the stock that is not reserved."""
        left, free = Remaining(self.day, self.drawn), np.flatnonzero(~self.day.pools.reserved)
        pools = self.day.pools
        rows = []
        for pool, date in np.argwhere(left.available[free] > ROUNDING).tolist():
            if date == 0 or left.available[pool, date] != left.available[pool, date - 1]:
                name = {"warehouse": self.book.warehouses[pools.site[pool]]}
                sku = {} if self.book.skus == [""] else {"sku": self.book.skus[pools.sku[pool]]}
                day = {"from": self.book.clock.written(self.days[date])} if self._dated else {}
                rows.append({**name, **sku, **day, "units": self._amounts(left.available[pool, [date]])[0]})
        return rows

    def reservation_rows(self) -> list[Row]:
        """Return the state of each reservation, and what it held before this plan."""
        if "reservations" not in self.book.tables:
            return []
        names, holdings = self.book.tables["reservations"].names, self._holdings
        held = self._amounts(holdings.held)
        return [
            {**{column: names[column][row] for column in names}, "state": holdings.state[row], "held": held[row]}
            for row in range(len(held))
        ]

    def totals(self) -> Row:
        """Return the day's sums, in units."""
        sums = {
            "supply": self.day.pools.supply.sum(),
            "demand": self.day.claims.wanted.sum(),
            "allocated": self.served.sum(),
            "unmet": self.missing.sum(),
        }
        return {name: self._amounts(np.array([units]))[0] for name, units in sums.items()}

    def to_dict(self) -> Row:
        """Return the plan as numbers, names, lists and mappings that JSON can write."""
        return {
            "method": self.method,
            "ignored": list(self.ignored),
            "today": self.book.clock.written(0.0),
            "notes": list(self.notes),
            "objective": self.objective,
            "value": self.value,
            "totals": self.totals(),
            "allocation": self.allocation_rows(),
            "unmet": self.unmet_rows(),
            "broken_commitments": self.broken_commitments(),
            "reservations": self.reservation_rows(),
            "available_to_promise": self.left_rows(),
            "transfers": self.transfers,
            "purchases": self.purchases,
            "uncovered": self.uncovered,
        }

    @cached_property
    def _holdings(self) -> Any:
        return holdings_of(self.book)

    @cached_property
    def _moves(self) -> Any:
        stock, safety = self.book.tables["stock"], np.zeros((len(self.book.warehouses), len(self.book.skus)))
        rows = self.book.places("stock", "warehouse", self.book.warehouses), self.book.places("stock", "sku", self.book.skus)
        safety[rows] = stock.number("safety_stock", 0.0)
        return propose(self.day, self.drawn, self.reasons, safety)

    @cached_property
    def _purchasing(self) -> tuple[list[Row], list[Row]]:
        if "offers" not in self.book.tables:
            return [], []
        moved = np.zeros(len(self.missing))
        for move in self._moves:
            moved[move.claim] += move.units
        return purchase_rows(self.book, self.missing - moved, need_by_days(self.book, self.need_by))

    @property
    def _claim_columns(self) -> list[str]:
        return [column for column in ("order", "line", "channel", "region", "sku") if column in self.book.demand.names]

    @property
    def _dated(self) -> bool:
        """Tell whether days matter to this plan."""
        return len(self.days) > 1 or bool(self.book.demand.days) or bool(self.day.options.arrival.any())

    def _claim_names(self, claim: int) -> Row:
        return {column: self.book.demand.names[column][claim] for column in self._claim_columns}

    def _claim_rows(self, units: Floats, more: Any) -> list[Row]:
        claims, amounts = np.flatnonzero(units > ROUNDING).tolist(), self._amounts(units)
        return [{**self._claim_names(claim), "units": amounts[claim], **more(claim)} for claim in claims]

    def _amounts(self, units: Floats) -> list[float | int]:
        return np.rint(units).astype(np.int64).tolist() if self.day.whole else np.round(units, DIGITS).tolist()


def _frame(rows: list[Row], columns: list[str]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=columns)
