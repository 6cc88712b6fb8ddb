"""The books while a log is walked through: pools of layers by place, what each entity owes, what is under contract."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from allotment.exchange.movement_schema import place_kind
from allotment.finance.amounts import Rate, decimals_of, money
from allotment.finance.calendar import Books
from allotment.finance.layers import Average, Layer, Pool, Queue
from allotment.finance.ledger import NUMBER, Ledger
from allotment.finance.log import MADE, Log
from allotment.finance.policy import AccountingPolicy

INVENTORY = NUMBER["inventory"]
PAYABLES, RECEIVABLES = NUMBER["payables"], NUMBER["receivables"]
YIELD = "yield"  # the reason of a loss in production
COMPANY = -1  # the place of all pools where a company's units share their cost

Item = tuple[int, int]  # entity and SKU
Receipt = tuple[int, int, int, int]  # row, place, units, value


@dataclass
class Bill:
    """What a movement makes the books owe, or be owed; settled on its due days."""

    account: int
    party: int  # place of the supplier or customer, 0 where the movement names none
    currency: str
    coins: int  # of its currency
    receipts: list[Receipt] = field(default_factory=list)  # of goods that it is for


class State:
    """The books on the way; `day` is the one on which entries are dated."""

    def __init__(self, log: Log, policy: AccountingPolicy, books: Books) -> None:
        self.log, self.policy, self.books, self.ledger = log, policy, books, Ledger()
        self.day = 0
        self.pools: dict[tuple[int, int, int], Pool] = {}  # by entity, place, SKU
        self.items: dict[Item, dict[int, Pool]] = defaultdict(dict)  # the same, by place
        self.consigned: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(
            list
        )  # in transit, the supplier's: units, row
        self.returned = _documents(log, "customer_return")  # of which customers bring something back
        self.spread_over = _documents(log, "landed_cost")  # to which costs are added
        self.receipts: dict[int, list[Receipt]] = defaultdict(list)  # by document
        self._bills_wanted = policy.treasury is not None
        self.bills: list[Bill] = []  # of the day, where the books have a cash of their own
        self.sold: dict[tuple[int, int], Queue] = {}  # by SKU and document, what was sold and may come back
        self.last_sale: dict[Item, tuple[int, int]] = {}  # units and cost
        self.contracts: dict[Item, dict[int, list[int]]] = defaultdict(dict)  # by document: units and row
        self.prices: dict[Item, tuple[int, int]] = {}  # the rows of the last price and the last replacement cost
        self.allowances: dict[Item, int] = {}
        self.left: dict[Item, int] = defaultdict(int)  # units that left since the last close, of items written down
        self.foreign: dict[tuple[int, int, str], list[int]] = defaultdict(lambda: [0, 0])  # open amounts: theirs, ours
        self.deferred: list[int] = []  # movements whose cost the close tells
        self.currencies = [policy.currency_of(name) for name in log.entity.names]
        self.coins = [decimals_of(currency) for currency in self.currencies]
        self.batches = _batches(log)  # units at work before each loss in production, by its row
        self.by_company = policy.scope == "company"
        self.grouped = bool(policy.entities)

    def post(self, row: int, account: str, entity: int, place: int, sku: int, amount: int) -> None:
        """Write one side of an entry that is not of the stock."""
        self.ledger.post(row, self.day, NUMBER[account], entity, place, sku, amount)

    def pool(self, entity: int, place: int, sku: int) -> Pool:
        """Return the pool that units at a place belong to."""
        key = (entity, COMPANY if self.by_company else place, sku)
        found = self.pools.get(key)
        if found is None:
            found = Average() if self.policy.averages else Queue(self.policy.cost_formula == "fifo")
            self.pools[key] = self.items[(entity, sku)][key[1]] = found
        return found

    def put(self, row: int, entity: int, place: int, layer: Layer, back: bool = False) -> None:
        """Put a layer into stock and post it there."""
        sku = self.log.sku.codes[row]
        pool = self.pool(entity, place, sku)
        self.ledger.post(row, self.day, INVENTORY, entity, place, sku, layer.value, layer.units)
        (pool.back if back else pool.add)(layer)

    def take(self, row: int, entity: int, place: int, units: int) -> list[Layer]:
        """Take units out of stock and post it there; `ScenarioError` where there are not so many."""
        sku = self.log.sku.codes[row]
        pool = self.pool(entity, place, sku)
        if pool.units < units:
            units = self._all_of(row, place, pool.units, units)
        layers = pool.take(units)
        worth = layers[0].value if len(layers) == 1 else sum(layer.value for layer in layers)
        self.ledger.post(row, self.day, INVENTORY, entity, place, sku, -worth, -units)
        return layers

    def check_held(self, row: int, entity: int, place: int, units: int) -> None:
        """Refuse units that are not in the pool that a place belongs to: `ScenarioError`."""
        held = self.pool(entity, place, self.log.sku.codes[row]).units
        if held < units:
            self._all_of(row, place, held, units)

    def _all_of(self, row: int, place: int, held: int, units: int) -> int:
        """Return what is held where broken units differ by their rounding only; refuse to take more than there is."""
        log = self.log
        if log.scale > 1 and units - held <= max(10, units // 10**9):
            return held
        asked, there = units / log.scale, held / log.scale
        where = "the company" if self.by_company else log.places[place] or "nowhere"
        raise log.fault(row, f"takes {asked:g} of {log.sku[row]!r} from {where}, which holds {there:g}")

    def spend(
        self, row: int, rate: Rate, units: int, entity: int, account: int | None = PAYABLES, party: int | None = None
    ) -> int:
        """Return what units cost an entity in its own coins, and note that it is owed on an account.

        `party` is the place of whom it is owed to or by, none = as the movement has it. An amount in another currency is open.
        """
        log = self.log
        own, currency = self.currencies[entity], log.currency[row] or self.currencies[entity]
        theirs = money(units, rate, log.scale, decimals_of(currency))
        if self._bills_wanted and account is not None:
            self.bill(row, account, currency, theirs, party)
        if currency == own:
            return theirs
        ours = self.translated(theirs, currency, own, self.day)
        if account is not None:
            held = self.foreign[(entity, account, currency)]
            held[0] += theirs
            held[1] += ours
        return ours

    def bill(self, row: int, account: int, currency: str, coins: int, party: int | None = None) -> None:
        """Note what is owed on an account, where the books have a cash of their own."""
        if self._bills_wanted and coins:
            self.bills.append(Bill(account, self._party(row) if party is None else party, currency, coins))

    def _party(self, row: int) -> int:
        """Return the place of the supplier or customer of a movement, 0 where it has none."""
        ends = (self.log.origin[row], self.log.target[row])
        return next((place for place in ends if place_kind(self.log.places[place]) in ("supplier", "customer")), 0)

    def translated(self, coins: int, currency: str, into: str, day: int) -> int:
        """Return coins of one currency in coins of another, at the rate of a day, rounded."""
        if currency == into:
            return coins
        shift = decimals_of(into) - decimals_of(currency)
        exact = coins * self.books.rate(into, day) / self.books.rate(currency, day)
        return round(exact * 10**shift if shift >= 0 else exact / 10**-shift)

    def historical(self, entity: int, value: int) -> int:
        """Return a value of today in coins of the presentation currency; 0 where one entity stands alone."""
        return self.translated(value, self.currencies[entity], self.policy.currency, self.day) if self.grouped else 0

    def layers(self) -> Iterator[tuple[int, int, int, Layer]]:
        """Yield the layers held, with entity, place and SKU."""
        for (entity, place, sku), pool in self.pools.items():
            for layer in pool:
                yield entity, place, sku, layer


def _batches(log: Log) -> dict[int, int]:
    """Return how many units are at work in a plant before each loss of some of them in production."""
    plants = {number for number, place in enumerate(log.places) if place_kind(place) == MADE}
    at_work: dict[tuple[int, int], int] = defaultdict(int)
    found = {}
    for row, (origin, target, sku) in enumerate(zip(log.origin, log.target, log.sku.codes, strict=True) if plants else ()):
        if log.reason[row] == YIELD and origin in plants:
            found[row] = at_work[(origin, sku)]
        for place, units in ((origin, -log.units[row]), (target, log.units[row])):
            if place in plants:
                at_work[(place, sku)] += units
    return found


def _documents(log: Log, kind: str) -> set[int]:
    """Return the documents, by number, of a kind of movement."""
    if kind not in log.kind.names:
        return set()
    code = log.kind.names.index(kind)
    return {document for found, document in zip(log.kind.codes, log.document.codes, strict=True) if found == code and document}
