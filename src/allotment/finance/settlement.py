"""Settlement: what the books owe and are owed is paid on its due day, out of a cash of their own.

Due days, parts, discounts and the line of credit are those of the cash forecast. Every day ends with it, before its close, and
knows nothing of later days: a discount is decided on its last day from what is owed by then.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from allotment.finance.amounts import as_decimal
from allotment.finance.cash.amounts import cents
from allotment.finance.cash.discounts import Decision, decide
from allotment.finance.cash.flows import check_flows, collected, day_of, flows, paid
from allotment.finance.cash.path import NO_LINE, NONE, CashAccount, Close
from allotment.finance.cash.schema import CreditLine, Order, Outlook, Payable, Receivable
from allotment.finance.landed_cost import discount
from allotment.finance.ledger import ACCOUNTS, ASSET, NUMBER, SETTLING
from allotment.finance.policy import AccountingPolicy
from allotment.finance.state import RECEIVABLES, Bill, Receipt, State
from allotment.finance.treasury_policy import ORIGIN, Treasury
from allotment.scenario.errors import ScenarioError

MOST_DAYS = 36_600  # from the first movement to the last close
NAMES = list(ACCOUNTS)


@dataclass
class Due:
    """An amount that is paid on a day: coins of its currency, above zero what the account usually has."""

    account: int
    party: int  # place of the supplier or customer
    currency: str
    coins: int
    posted: int  # day
    terms: str = ""  # of payment, where it is a supplier's
    receipts: list[Receipt] = field(default_factory=list)  # of goods, where a discount may be taken off their cost


@dataclass(frozen=True)
class Offer:
    """A discount that is decided on its last day: the due of all, and what the forecast calls an order."""

    due: Due
    day: int  # on which all is due
    order: Order


class Settlement:
    """The cash of a company, walked through with its books."""

    def __init__(self, state: State, terms: Treasury, last: int) -> None:
        self.state, self.terms, self.last = state, terms, last
        self.day = self.first = state.log.day[0]  # the next to end
        self.entity = _only_entity(state)
        self._places = state.coins[self.entity]
        self._due: dict[int, list[Due]] = defaultdict(list)
        self._offers: dict[int, list[Offer]] = defaultdict(list)
        self.closes: list[Close] = []
        self.decisions: list[tuple[int, str, Decision]] = []  # day, supplier
        _check(state.policy, terms, state.books.dated, last - self.first)
        self._line = self._scaled_line()
        self._account = CashAccount(self._scaled(terms.opening), self._scaled(terms.floor), self._line)
        self._open()

    def through(self, day: int) -> None:
        """End every day up to one."""
        while self.day <= day:
            self._end(self.day)
            self.day += 1

    @property
    def open(self) -> list[tuple[int, int, str, str, str, Decimal]]:
        """Return what is not settled yet: due day, day of posting, account, party, terms, and the amount at today's rate.

        What we owe is below zero.
        """
        sums: dict[tuple[int, int, str, str, str], int] = defaultdict(int)
        for day, dues in self._due.items():
            for due in dues:
                coins = self.state.translated(due.coins, due.currency, self._currency, self.state.day)
                key = (day, due.posted, NAMES[due.account], self._name(due.party), due.terms)
                sums[key] += coins if due.account == RECEIVABLES else -coins
        return [(*key, as_decimal(coins, self._places)) for key, coins in sorted(sums.items())]

    def _open(self) -> None:
        """Post what there is when the log begins, and note when it is paid."""
        self.state.day = self.first
        start = datetime.date.fromordinal(self.first) if self.state.books.dated else None
        outlook = self.terms.outlook(self.last - self.first, start)
        check_flows(outlook, ORIGIN)
        kinds = {"collection": "receivables", "payable": "payables", "running cost": "running_costs"}
        for flow in flows(outlook):
            account, coins = kinds[flow.kind], self._coins(abs(flow.amount))
            self._due[self.first + flow.day].append(Due(NUMBER[account], 0, self._currency, coins, self.first))
            if account != "running_costs":
                self._post_opening(account, coins if account == "receivables" else -coins)
        self._post_opening("cash", self._coins(self.terms.opening))
        self._post_opening("credit_line", -_whole(self._line.drawn))

    def _post_opening(self, account: str, coins: int) -> None:
        self._post(account, 0, coins)
        self._post("opening_equity", 0, -coins)

    def _end(self, day: int) -> None:
        """Note what the day's movements owe, decide discounts, pay what is due, and draw or repay the line."""
        self.state.day = day
        self._schedule(day)
        paid_early = self._take_discounts(day)
        receipts, payments = self._settle(self._due.pop(day, []))
        charged = self.state.books.last_day(day) == day
        close = self._account.close(day, receipts, payments + paid_early, charged)
        for account, amount in (("interest", close.interest), ("credit_line", -close.drawn)):
            self._post(account, 0, _whole(amount))
            self._post("cash", 0, -_whole(amount))
        self.closes.append(self._told(close))

    def _schedule(self, day: int) -> None:
        """Note on which days the bills of today are paid, those of one party together, for goods and for other things."""
        together: dict[tuple[int, int, str, bool], list[Bill]] = defaultdict(list)
        for bill in self.state.bills:
            together[(bill.account, bill.party, bill.currency, bool(bill.receipts))].append(bill)
        self.state.bills.clear()
        for (account, party, currency, _), bills in together.items():
            coins, receipts = sum(bill.coins for bill in bills), [each for bill in bills for each in bill.receipts]
            if account == RECEIVABLES:
                self._schedule_receipts(day, Due(account, party, currency, coins, day))
            else:
                terms = self.terms.payment.of(self._name(party))
                self._schedule_payment(day, Due(account, party, currency, coins, day, str(terms), receipts))

    def _schedule_receipts(self, day: int, due: Due) -> None:
        spans = self.terms.collection.of(self._name(due.party))
        name, amount = self._name(due.party), _cents(due.coins)
        invoice = Receivable.model_construct(name=name, amount=amount, invoiced=day, collection=spans)
        for flow in collected(invoice):
            self._due[flow.day].append(Due(due.account, due.party, due.currency, _whole(flow.amount), day))

    def _schedule_payment(self, day: int, due: Due) -> None:
        terms, name = self.terms.payment.of(self._name(due.party)), self._name(due.party)
        order = Order.model_construct(name=name, supplier=name, amount=_cents(due.coins), received=day, terms=terms)
        flow = paid(order, early=False)
        self._due[flow.day].append(due)
        if terms.discount and due.coins > 0:
            self._offers[day + terms.within].append(Offer(due, flow.day, order))

    def _take_discounts(self, day: int) -> Decimal:
        """Pay early what is worth it, and return how much that is."""
        offers, total = self._offers.pop(day, []), NONE
        if not offers:
            return total
        for offer, decision in zip(offers, decide(self._outlook(day, offers)), strict=True):
            self.decisions.append((day, offer.order.supplier, decision))
            if decision.taken:
                self._due[offer.day] = [each for each in self._due[offer.day] if each is not offer.due]
                total += _cents(self._pay_early(offer, _whole(paid(offer.order, early=True).amount)))
        return total

    def _outlook(self, day: int, offers: list[Offer]) -> Outlook:
        """Return the cash to come as it is known today: what is owed by now, with the offers as orders that can be decided."""
        days, offered = max(offer.day for offer in offers) - day, {id(offer.due) for offer in offers}
        orders = [
            offer.order.model_copy(
                update={"name": str(number), "received": day_of(offer.order.received) - day, "amount": self._own(offer.due)}
            )
            for number, offer in enumerate(offers)
        ]
        comes, goes = self._open_amounts(days, offered)
        return Outlook.model_construct(
            days=days,
            opening=self._account.cash,
            floor=self._account.floor,
            orders=orders,
            credit_line=self._line.model_copy(update={"drawn": self._account.debt}),
            cost_of_funds=self.terms.cost_of_funds,
            receivables=[
                Receivable.model_construct(name="open", amount=amount, invoiced=at, collection=[0])
                for at, amount in comes.items()
            ],
            payables=[Payable.model_construct(name="open", amount=amount, day=at) for at, amount in goes.items()],
        )

    def _open_amounts(self, days: int, offered: set[int]) -> tuple[dict[int, Decimal], dict[int, Decimal]]:
        """Return what comes in and what goes out so many days from today of what is open, without offers."""
        comes: dict[int, Decimal] = defaultdict(Decimal)
        goes: dict[int, Decimal] = defaultdict(Decimal)
        for at, dues in self._due.items():
            for due in dues if at - self.day <= days else ():
                if id(due) not in offered:
                    (comes if due.account == RECEIVABLES else goes)[at - self.day] += self._own(due)
        return comes, goes

    def _own(self, due: Due) -> Decimal:
        """Return an open amount at today's rate."""
        return _cents(self.state.translated(due.coins, due.currency, self._currency, self.state.day))

    def _pay_early(self, offer: Offer, negative: int) -> int:
        """Pay with the discount, which is taken off what the goods cost (IFRIC Update, November 2004); return our coins."""
        due, state = offer.due, self.state
        early = state.translated(-negative, due.currency, self._currency, state.day)
        off = state.translated(due.coins + negative, due.currency, self._currency, state.day)
        self._clear(due, early + off)
        self._post("cash", due.party, -early)
        discount(state, SETTLING, due.receipts, off, self.entity)
        return early

    def _settle(self, dues: list[Due]) -> tuple[Decimal, Decimal]:
        """Pay and collect what is due today; return what came in and what went out."""
        receipts = payments = 0
        for due in dues:
            coins = self.state.translated(due.coins, due.currency, self._currency, self.state.day)
            self._clear(due, coins)
            comes = due.account == RECEIVABLES
            self._post("cash", due.party, coins if comes else -coins)
            receipts, payments = receipts + coins * comes, payments + coins * (not comes)
        return _cents(receipts), _cents(payments)

    def _clear(self, due: Due, coins: int) -> None:
        """Take a due off its account; what it was booked at beyond what is paid now is a difference of exchange."""
        booked, sign = coins, 1 if ACCOUNTS[NAMES[due.account]] == ASSET else -1
        if due.currency != self._currency:
            held = self.state.foreign[(self.entity, due.account, due.currency)]
            booked = round(Fraction(held[1] * due.coins, held[0])) if held[0] else coins
            held[0], held[1] = held[0] - due.coins, held[1] - booked
        self._post(NAMES[due.account], due.party, -sign * booked)
        self._post("exchange_difference", due.party, sign * (booked - coins))

    def _post(self, account: str, party: int, coins: int) -> None:
        self.state.post(SETTLING, account, self.entity, party, 0, coins)

    def _name(self, party: int) -> str:
        return self.state.log.places[party].partition(":")[2]

    @property
    def _currency(self) -> str:
        return self.state.currencies[self.entity]

    def _scaled(self, amount: Decimal) -> Decimal:
        """Return money of which a hundred are a hundred coins: the forecast rounds to hundredths, whatever the currency."""
        return cents(amount.scaleb(self._places - 2))

    def _coins(self, amount: Decimal) -> int:
        return _whole(self._scaled(amount))

    def _scaled_line(self) -> CreditLine:
        line, books = self.terms.credit_line or NO_LINE, self.state.books
        scaled = {"limit": self._scaled(line.limit), "drawn": self._scaled(line.drawn)}
        return line.model_copy(update=scaled if books.dated else scaled | {"day_count": books.days_a_year()})

    def _told(self, close: Close) -> Close:
        """Return a close in money of the currency."""
        _, *amounts = vars(close).values()
        return close if self._places == 2 else Close(close.day, *(amount.scaleb(2 - self._places) for amount in amounts))


def _cents(coins: int) -> Decimal:
    return Decimal(coins).scaleb(-2)


def _whole(amount: Decimal) -> int:
    return int(amount.scaleb(2))


def _only_entity(state: State) -> int:
    """Return the entity whose books have cash; `ScenarioError` where there are several."""
    codes = sorted(set(state.log.entity.codes))
    if state.grouped or len(codes) > 1:
        names = [state.log.entity.names[code] or "no entity" for code in codes]
        raise ScenarioError(f"{ORIGIN}: is of one company's cash; the policy has entities or the log has {', '.join(names)}")
    return codes[0]


def _check(policy: AccountingPolicy, terms: Treasury, dated: bool, days: int) -> None:
    """Refuse terms that the log has no time for: `ScenarioError`."""
    if days > MOST_DAYS:
        raise ScenarioError(f"{ORIGIN}: the log goes over {days:,} days; cash is walked through for at most {MOST_DAYS:,}")
    if terms.has_interest and not dated and "fiscal_year" not in policy.model_fields_set:
        raise ScenarioError("accounting policy: fiscal_year, the periods of a year, must be said where interest is reckoned")
