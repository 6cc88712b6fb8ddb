"""Valuation: a log of movements and an accounting policy become a journal and layers, by a pure function.

Movements are walked through in the order of time. Every period of the books is closed at the end of its last day: deferred cost
of sales (periodic systems), open foreign amounts, net realisable value; then nothing is posted to its days any more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import pandas as pd

from allotment.exchange.movement_schema import STOCK, place_kind
from allotment.finance import moves
from allotment.finance.amounts import as_decimal
from allotment.finance.calendar import Books
from allotment.finance.landed_cost import landed_cost
from allotment.finance.layers import Layer
from allotment.finance.ledger import ACCOUNTS, ASSET, CLOSING, Entries, TooMuch
from allotment.finance.log import Log, log_of
from allotment.finance.policy import AccountingPolicy, check_names, in_currency
from allotment.finance.realisable import new_basis, write_down
from allotment.finance.settlement import Settlement
from allotment.finance.state import State
from allotment.scenario.errors import ScenarioError, nearest

Handler = Callable[[State, int], None]
MOVES: dict[tuple[str, str], Handler] = {  # what a movement posts, by kind and by where its units go
    ("opening", "in"): moves.opening,
    ("receipt", "in"): moves.from_supplier,
    ("dispatch", "in"): moves.from_supplier,
    **{
        (kind, "within"): moves.carry
        for kind in ("receipt", "dispatch", "transfer_receipt", "production", "shrinkage", "count")
    },
    ("sale", "out"): moves.sale,
    ("customer_return", "in"): moves.customer_return,
    ("customer_return", "past"): moves.customer_return,
    ("supplier_return", "out"): moves.supplier_return,
    ("expiry", "out"): moves.waste,
    ("scrap", "out"): moves.waste,
    ("count", "out"): moves.shortage,
    ("count", "in"): moves.found,
}
NOTES: dict[str, Handler] = {  # that move nothing
    "reservation": moves.reservation,
    "release": moves.release,
    "price": moves.price,
    "landed_cost": landed_cost,
}
DEFERRED: dict[Handler, Handler] = {  # in a periodic system, at the close
    moves.sale: moves.cost_of_sale,
    moves.customer_return: moves.cost_of_return,
    **{handler: handler for handler in (moves.supplier_return, moves.waste, moves.shortage, moves.found)},
}


@dataclass(frozen=True)
class Valuation:
    """What a log of movements comes to under an accounting policy."""

    log: Log
    policy: AccountingPolicy
    books: Books
    entries: Entries
    held: list[tuple[int, int, int, Layer]]  # entity, place (-1: the company), SKU, layer
    currencies: list[str]  # by entity
    coins: list[int]  # decimal places of each
    closes: list[int]  # days
    on_consignment: float  # units on their way that are a supplier's still
    settlement: Settlement | None  # where the policy has a treasury

    def balance(self, *accounts: str, entity: str | None = None, through: int | None = None) -> Decimal:
        """Return the sum of accounts through a day, debits positive, of an entity or of the one there is."""
        for account in accounts:
            if account not in ACCOUNTS:
                raise ScenarioError(f"no account {account!r}; {nearest(account, ACCOUNTS)}")
        where = self.entries.day <= (through if through is not None else max(self.closes, default=0))
        code = self.entity(entity)
        return as_decimal(self.entries.balance(*accounts, where=where & (self.entries.entity == code)), self.coins[code])

    def entity(self, name: str | None) -> int:
        """Return the number of an entity; none = the only one that has entries."""
        names = self.log.entity.names
        if name is not None:
            if name not in names:
                raise ScenarioError(f"no entity {name!r} in the log; {nearest(name, names[1:])}")
            return names.index(name)
        used = sorted(set(self.entries.entity.tolist()))
        if len(used) > 1:
            raise ScenarioError(f"say which entity: {', '.join(names[code] for code in used)}")
        return used[0] if used else 0


def value(movements: pd.DataFrame, policy: AccountingPolicy) -> Valuation:
    """Return what movements come to under an accounting policy.

    `movements` is a checked log, as `read_movements` returns it. Raises `ScenarioError` for what cannot be valued: stock that
    is not there, a cost that is missing, names of the policy that the log does not have.
    """
    policy = in_currency(policy, sorted({name for name in movements["currency"].dropna().unique() if name}))
    log = log_of(movements, policy)
    books = Books(policy, log.dated)
    _check_known(log, policy)
    state = State(log, policy, books)
    settlement = None
    if policy.treasury is not None and log.day:
        settlement = Settlement(state, policy.treasury, books.last_day(log.day[-1]))
    try:
        closes = _walk(state, settlement)
    except TooMuch as error:
        if error.row >= 0:
            raise log.fault(error.row, f"with it, amounts come to {error}, more than books hold") from None
        raise ScenarioError(f"movements: amounts come to {error} on {books.text(state.day)}, more than books hold") from None
    held = [each for each in state.layers() if each[3].units]
    theirs = sum(units for waiting in state.consigned.values() for units, _ in waiting) / log.scale
    found = (state.ledger.entries(), held, state.currencies, state.coins, closes, theirs)
    return Valuation(log, policy, books, *found, settlement)


def _check_known(log: Log, policy: AccountingPolicy) -> None:
    """Refuse names that log and policy do not share."""
    named: dict[str, set[str]] = defaultdict(set)
    for place in log.places:
        named[place_kind(place)].add(place.partition(":")[2])
    check_names(policy, set(log.sku.names), set(log.places), named)
    for name in log.entity.names[1:]:
        if policy.entities and name not in policy.entities:
            raise ScenarioError(f"movements: entity {name!r} is not in the accounting policy; {nearest(name, policy.entities)}")


def _walk(state: State, settlement: Settlement | None) -> list[int]:
    """Post every movement, and close the books behind every period; return the closes."""
    log, books, closes = state.log, state.books, []
    known: dict[tuple[int, int, int], Handler] = {}
    periodic = state.policy.system == "periodic"
    last = books.last_day(log.day[0]) if log.day else 0
    for row, (day, key) in enumerate(zip(log.day, zip(log.kind.codes, log.origin, log.target, strict=True), strict=True)):
        while day > last:
            close(state, last, settlement)
            closes.append(last)
            last = books.last_day(last + 1)
        if settlement is not None and day > settlement.day:
            settlement.through(day - 1)
        state.day = day
        handler = known.get(key)
        if handler is None:
            handler = known[key] = _handler(log, row)
        if periodic and handler in DEFERRED:
            state.deferred.append(row)
            if DEFERRED[handler] is handler:
                continue
        handler(state, row)
    if log.day:
        close(state, last, settlement)
        closes.append(last)
    return closes


def _handler(log: Log, row: int) -> Handler:
    """Return what posts a movement; `ScenarioError` for one between places that its kind does not join."""
    kind = log.kind[row]
    if kind in NOTES:
        return NOTES[kind]
    ends = [place_kind(log.places[place]) for place in (log.origin[row], log.target[row])]
    way = {(False, True): "in", (True, True): "within", (True, False): "out"}.get((ends[0] in STOCK, ends[1] in STOCK), "past")
    found = MOVES.get((kind, way))
    if found is None:
        origin, target = (log.places[place] or "nowhere" for place in (log.origin[row], log.target[row]))
        raise log.fault(row, f"no {kind or 'kind'} goes from {origin} to {target}")
    return found


def close(state: State, day: int, settlement: Settlement | None) -> None:
    """Close the books behind a day, once what was due is paid."""
    if settlement is not None:
        settlement.through(day)
    state.day = day
    known: dict[tuple[int, int, int], Handler] = {}
    for row in _in_turn(state):
        key = (state.log.kind.codes[row], state.log.origin[row], state.log.target[row])
        handler = known.setdefault(key, DEFERRED[_handler(state.log, row)])
        handler(state, row)
    state.deferred.clear()
    _remeasure(state)
    write_down(state)
    if state.policy.framework == "us_gaap" and state.books.ends_fiscal_year(day):
        new_basis(state)
    state.ledger.close(day)
    check_sub_ledger(state)


def _in_turn(state: State) -> list[int]:
    """Return what was left to the close in the order of time; under an average, losses that the others bear come first."""
    return sorted(state.deferred, key=lambda row: row not in state.batches) if state.policy.averages else state.deferred


def _remeasure(state: State) -> None:
    """Bring open amounts in other currencies to the rate of the close (IAS 21.23); stock stays at the rate of its day."""
    accounts = list(ACCOUNTS)
    for (entity, account, currency), (theirs, ours) in state.foreign.items():
        now = state.translated(theirs, currency, state.currencies[entity], state.day)
        sign = 1 if ACCOUNTS[accounts[account]] == ASSET else -1
        state.post(CLOSING, accounts[account], entity, 0, 0, sign * (now - ours))
        state.post(CLOSING, "exchange_difference", entity, 0, 0, sign * (ours - now))
        state.foreign[(entity, account, currency)][1] = now


def check_sub_ledger(state: State) -> None:
    """Compare layers with the inventory account of each entity: `RuntimeError` where they differ."""
    worth: dict[int, int] = defaultdict(int)
    for entity, _, _, layer in state.layers():
        worth[entity] += layer.worth
    for entity, balance in state.ledger.inventory.items():
        if worth[entity] != balance:
            raise RuntimeError(f"layers are worth {worth[entity]}, but the inventory account has {balance} (day {state.day})")
