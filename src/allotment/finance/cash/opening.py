"""Cash as a bank's statement has it, in the place of what a file says; what the statement shows as paid is not paid again."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path

from allotment.finance.cash.flows import check_flows, discounted
from allotment.finance.cash.reading import parsed_outlook
from allotment.finance.cash.schema import Order, Outlook, Payable
from allotment.finance.cash.statement import Statement
from allotment.scenario.errors import ScenarioError


def opened(file: str | Path, statement: Statement) -> tuple[Outlook, tuple[str, ...]]:
    """Return a file's outlook that opens with a statement's closing balance, and what was assumed.

    Orders and payables that the statement shows as paid, by their reference and in full, are left out. Raises `ScenarioError`
    where the statement is of another account or currency, or where it does not end before day 0.
    """
    outlook = parsed_outlook(file, opening=statement.closing)
    _check_fit(outlook, statement)
    paid = _paid(statement)
    opening = f"opening cash {statement.closing:,.2f}, the closing balance of {statement.date} in {statement.source}"
    entries: list[Order | Payable] = [*outlook.orders, *outlook.payables]
    told = [_told(entry, paid[entry.name], statement.source) for entry in entries if entry.name in paid]
    open_now = {
        section: [each for each in getattr(outlook, section) if paid.get(each.name) not in _amounts(each)]
        for section in ("orders", "payables")
    }
    outlook = outlook.model_copy(update=open_now)
    check_flows(outlook, str(file))
    return outlook, (opening, *told)


def _paid(statement: Statement) -> dict[str, Decimal]:
    """Return what went out under each reference."""
    paid: dict[str, Decimal] = {}
    for entry in statement.entries:
        if entry.reference and entry.amount < 0:
            paid[entry.reference] = paid.get(entry.reference, Decimal(0)) - entry.amount
    return paid


def _told(entry: Order | Payable, paid: Decimal, source: str) -> str:
    if paid in _amounts(entry):
        return f"{entry.name} is paid: {paid:,.2f} in {source}"
    return f"{entry.name} is still open: {paid:,.2f} was paid in {source}, not {_amounts(entry)[0]:,.2f}"


def _amounts(entry: Order | Payable) -> list[Decimal]:
    """Return the amounts with which an entry is paid in full."""
    if isinstance(entry, Payable):
        return [entry.amount]
    return [entry.worth, *([discounted(entry)] if entry.terms.discount else [])]


def _check_fit(outlook: Outlook, statement: Statement) -> None:
    ours = "".join(outlook.account.iban.split()) if outlook.account else None
    if ours and statement.iban and ours != statement.iban:
        raise ScenarioError(f"{statement.source}: is of the account {statement.iban[:40]}, the file's is {ours[:40]}")
    if outlook.currency and statement.currency and outlook.currency != statement.currency:
        raise ScenarioError(
            f"{statement.source}: is in {statement.currency[:10]}, the file's amounts are in {outlook.currency}"
        )
    if outlook.start and statement.date >= outlook.start:
        day = statement.date + datetime.timedelta(days=1)
        raise ScenarioError(
            f"{statement.source}: closes on {statement.date}, but day 0 of the file is {outlook.start}; it must start "
            f"after the statement, such as on {day}"
        )
