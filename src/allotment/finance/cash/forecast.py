"""The cash forecast: three paths (discounts as decided, all taken, none taken), and what is told of them."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from allotment.finance.cash.discounts import Decision, decide
from allotment.finance.cash.flows import Flow, flows
from allotment.finance.cash.opening import opened
from allotment.finance.cash.path import NONE, Close, path
from allotment.finance.cash.reading import read_outlook
from allotment.finance.cash.schema import Outlook
from allotment.finance.cash.statement import read_statement


@dataclass(frozen=True)
class Forecast:
    """Cash by day; each path has (days + 1) closes, from day 0 on."""

    outlook: Outlook
    decisions: list[Decision]
    flows: list[Flow]  # as decided, those after the last day too
    decided: list[Close]
    with_discounts: list[Close]  # all that can still be taken
    without_discounts: list[Close]
    notes: tuple[str, ...] = ()  # what was assumed
    origin: str = "outlook"  # what a message calls it

    @property
    def lowest(self) -> Close:
        """Return the first day with the least cash before the line of credit."""
        return min(self.decided, key=lambda close: close.operating)

    @property
    def tightest(self) -> Close:
        """Return the first day with the least headroom."""
        return min(self.decided, key=lambda close: close.headroom)

    @property
    def peak(self) -> Close:
        """Return the first day with the most debt."""
        return max(self.decided, key=lambda close: close.debt)

    @property
    def interest(self) -> Decimal:
        """Return the interest that is charged in all."""
        return sum((close.interest for close in self.decided), NONE)

    @property
    def below_floor(self) -> int:
        """Return the days that end below the floor, for all that may be drawn."""
        return sum(close.cash < self.outlook.floor for close in self.decided)

    @property
    def later(self) -> tuple[Decimal, Decimal]:
        """Return what comes in and goes out after the last day."""
        late = [flow.amount for flow in self.flows if flow.day > self.outlook.days]
        return sum((amount for amount in late if amount > 0), NONE), -sum((amount for amount in late if amount < 0), NONE)

    def date(self, day: int) -> datetime.date | None:
        """Return the date of a day; none where the file does not say when it starts."""
        return self.outlook.start + datetime.timedelta(days=day) if self.outlook.start else None


def forecast(file: str | Path | Outlook, statement: str | Path | None = None) -> Forecast:
    """Return the forecast of a file, or of an outlook that was read.

    A bank's statement (camt.053) gives the opening cash in the place of the file. Raises `ScenarioError` for what is wrong.
    """
    outlook, notes = _read(file, statement)
    decisions = decide(outlook)
    decided, all_taken = set(_names(decisions, decided=True)), set(_names(decisions, decided=False))
    chosen = flows(outlook, decided)
    paths = (path(outlook, chosen), path(outlook, flows(outlook, all_taken)), path(outlook, flows(outlook)))
    origin = "outlook" if isinstance(file, Outlook) else str(file)
    return Forecast(outlook, decisions, chosen, *paths, notes=notes, origin=origin)


def _read(file: str | Path | Outlook, statement: str | Path | None) -> tuple[Outlook, tuple[str, ...]]:
    """Return the outlook, and what was assumed."""
    if isinstance(file, Outlook):
        return file, ()
    return opened(file, read_statement(statement)) if statement else (read_outlook(file), ())


def _names(decisions: list[Decision], decided: bool) -> Iterator[str]:
    """Yield the orders whose discounts are taken, or those whose discounts have not lapsed."""
    for decision in decisions:
        if decision.taken if decided else decision.early >= 0:
            yield decision.order.name
