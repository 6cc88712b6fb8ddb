"""A bank's statements: ISO 20022 camt.053 read with what they state of themselves checked, balances and sums.

Files of others are read within bounds and without a document type, so that no entity is expanded. The entries come from pycamt;
balances and control sums are taken from the same document as decimal numbers, since pycamt passes debit balances through floats
and knows neither previous closing balances nor summaries.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from allotment.finance.cash.amounts import decimal
from allotment.scenario.errors import ScenarioError, shown
from allotment.scenario.yaml_file import LONGEST_FILE, short_name

NAMESPACE = re.compile(r"\{(urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.\d\d)\}Document")
OPENING, CLOSING = ("OPBD", "PRCD"), ("CLBD",)  # balances: opening or previous closing, and closing, of what is booked
SIDES = {"CRDT": 1, "DBIT": -1}
BOOKED = (None, "BOOK")
NONE = Decimal(0)
DEEPEST = 50  # elements within each other; a statement needs some fifteen


@dataclass(frozen=True)
class Entry:
    """A booked entry, or a part of one."""

    amount: Decimal  # above zero what came in, below what went out
    date: str | None  # on which it was booked
    reference: str | None  # of the payment, from end to end
    party: str | None  # on the other side
    text: str | None


@dataclass(frozen=True)
class Statement:
    """What an account had, what was booked, and what it has; the statements of a file as one."""

    source: str
    iban: str | None
    currency: str | None
    opening: Decimal
    closing: Decimal
    date: datetime.date  # of the closing balance
    entries: list[Entry]


@dataclass(frozen=True)
class _Part:
    """One statement of a file: its element, and how a message names it."""

    element: ElementTree.Element
    place: str

    def each(self, path: str, below: ElementTree.Element | None = None) -> list[ElementTree.Element]:
        return (self.element if below is None else below).findall(path)

    def text(self, path: str, below: ElementTree.Element | None = None) -> str | None:
        found = self.each(path, below)
        return (found[0].text or "").strip() if found else None


def read_statement(file: str | Path) -> Statement:
    """Return the statement in a camt.053 file, or the successive ones of one account as one.

    Raises `ScenarioError` where it is none, where its entries do not lead from its opening to its closing balance (with both
    sums), where its summary says otherwise, and where `treasury` is not installed.
    """
    path = Path(file)
    parser, from_text = _libraries()
    root = _document(path, from_text)
    statements = root.findall("BkToCstmrStmt/Stmt")
    if not statements:
        raise ScenarioError(f"{short_name(path)}: holds no statement")
    several = len(statements) > 1
    names = [f"{short_name(path)}{f': statement {place}' if several else ''}" for place in range(1, len(statements) + 1)]
    parts = [_Part(element, name) for element, name in zip(statements, names, strict=True)]
    balances = [_balances(part) for part in parts]
    for part, (opening, closing) in zip(parts, balances, strict=True):
        _check_sums(part, opening, closing)
    _check_succession(parts, balances)
    entries = _entries(parser, root, short_name(path))
    iban, currency = parts[0].text("Acct/Id/IBAN"), _currency(parts)
    return Statement(short_name(path), iban, currency, balances[0][0], balances[-1][1], _closing_date(parts[-1]), entries)


def _document(path: Path, from_text: Any) -> ElementTree.Element:
    """Return the root of a camt.053 document, with the tags of the standard without their namespace."""
    name = short_name(path)
    if not path.is_file():
        raise ScenarioError(f"{name}: {'must be a file' if path.exists() else 'no such file'}")
    with path.open("rb") as opened:
        data = opened.read(LONGEST_FILE + 1)
    if len(data) > LONGEST_FILE:
        raise ScenarioError(f"{name}: holds more than {LONGEST_FILE:,} bytes, which is the most that is read")
    try:
        root = from_text(data, forbid_dtd=True)
    except ElementTree.ParseError as error:
        raise ScenarioError(f"{name}: is not valid XML: {error}") from None
    except (ValueError, LookupError) as error:  # what is forbidden, and encodings that are none
        seen = "an encoding that is not known" if isinstance(error, LookupError) else "a document type, as no statement does"
        raise ScenarioError(f"{name}: is not read: it has {seen}") from None
    found = NAMESPACE.fullmatch(root.tag)
    if found is None:
        raise ScenarioError(f"{name}: must be a camt.053 document, not {shown(root.tag)}")
    _check_depth(root, name)
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{found[1]}}}")
    return root


def _check_depth(root: ElementTree.Element, name: str) -> None:
    """Refuse elements nested so deep that what walks down to them would not come back."""
    level, depth = [root], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise ScenarioError(f"{name}: has elements nested deeper than {DEEPEST} levels")
        level = [child for element in level for child in element]


def _balances(part: _Part) -> tuple[Decimal, Decimal]:
    """Return the opening and the closing balance."""
    return _balance(part, OPENING), _balance(part, CLOSING)


def _balance(part: _Part, codes: Sequence[str]) -> Decimal:
    found = {part.text("Tp/CdOrPrtry/Cd", each): each for each in part.each("Bal")}
    for code in codes:
        if code in found:
            return _amount(part, found[code], f"balance {code}")
    raise ScenarioError(f"{part.place}: has no balance {' or '.join(codes)}")


def _amount(part: _Part, element: ElementTree.Element, what: str) -> Decimal:
    """Return the amount of a balance or an entry, below zero for a debit."""
    text, side = part.text("Amt", element), part.text("CdtDbtInd", element)
    amount = decimal(text)
    if amount is None or amount < 0 or side not in SIDES:
        raise ScenarioError(f"{part.place}: {what} must be an amount, CRDT or DBIT, not {shown(text)}, {shown(side)}")
    return amount * SIDES[str(side)]


def _booked(part: _Part) -> list[Decimal]:
    """Return the amounts of the entries that are booked."""
    entries = [each for each in part.each("Ntry") if (part.text("Sts/Cd", each) or part.text("Sts", each) or None) in BOOKED]
    return [_amount(part, each, f"entry {number}") for number, each in enumerate(entries, start=1)]


def _check_sums(part: _Part, opening: Decimal, closing: Decimal) -> None:
    """Refuse a statement that does not add up, with both sums."""
    _check_currencies(part)
    amounts = _booked(part)
    credits, debits = sum((each for each in amounts if each > 0), NONE), -sum((each for each in amounts if each < 0), NONE)
    if opening + credits - debits != closing:
        told = f"opening balance {opening:,.2f} + credits {credits:,.2f} - debits {debits:,.2f}"
        raise ScenarioError(
            f"{part.place}: {told} is {opening + credits - debits:,.2f}, but its closing balance is {closing:,.2f}"
        )
    every = [_amount(part, each, f"entry {number}") for number, each in enumerate(part.each("Ntry"), start=1)]
    sides = {"TtlNtries": every, "TtlCdtNtries": [each for each in every if each > 0]}
    sides["TtlDbtNtries"] = [each for each in every if each < 0]
    for tag, of_side in sides.items():
        _check_summary(part, tag, of_side)


def _check_summary(part: _Part, tag: str, amounts: list[Decimal]) -> None:
    """Refuse a statement whose summary counts or sums otherwise than its entries do."""
    stated, count = part.text(f"TxsSummry/{tag}/Sum"), part.text(f"TxsSummry/{tag}/NbOfNtries")
    total = sum(map(abs, amounts), NONE)
    if stated is not None and decimal(stated) != total:
        raise ScenarioError(f"{part.place}: its summary ({tag}) has a sum of {stated[:40]}, its entries one of {total:,.2f}")
    if count is not None and count != str(len(amounts)):
        raise ScenarioError(f"{part.place}: its summary ({tag}) counts {count[:40]} entries, there are {len(amounts):,}")


def _check_currencies(part: _Part) -> None:
    """Refuse balances and entries in several currencies, which have no sum."""
    amounts = [each for path in ("Bal", "Ntry") for entry in part.each(path) for each in part.each("Amt", entry)]
    found = sorted({each.get("Ccy", "none") for each in amounts})
    if len(found) > 1:
        raise ScenarioError(f"{part.place}: balances and entries must be in one currency, not {', '.join(found)[:60]}")


def _check_succession(parts: list[_Part], balances: list[tuple[Decimal, Decimal]]) -> None:
    """Refuse statements of several accounts, and those of which one does not begin where the one before ends."""
    accounts = sorted({part.text("Acct/Id/IBAN") or part.text("Acct/Id/Othr/Id") or "none" for part in parts})
    if len(accounts) > 1:
        raise ScenarioError(f"{parts[0].place}: must be of one account, not {', '.join(accounts)[:200]}")
    for part, before, after in zip(parts[1:], balances, balances[1:], strict=False):
        if before[1] != after[0]:
            raise ScenarioError(f"{part.place}: opens with {after[0]:,.2f}, the one before closes with {before[1]:,.2f}")


def _closing_date(part: _Part) -> datetime.date:
    (balance,) = [each for each in part.each("Bal") if part.text("Tp/CdOrPrtry/Cd", each) in CLOSING][:1]
    text = part.text("Dt/Dt", balance) or part.text("Dt/DtTm", balance) or ""
    try:
        return datetime.date.fromisoformat(text[:10])
    except ValueError:
        raise ScenarioError(f"{part.place}: its closing balance must have a date, not {shown(text)}") from None


def _currency(parts: list[_Part]) -> str | None:
    amounts = [each for balance in parts[0].each("Bal") for each in parts[0].each("Amt", balance)]
    return parts[0].text("Acct/Ccy") or (amounts[0].get("Ccy") if amounts else None)


def _entries(parser: Any, root: ElementTree.Element, name: str) -> list[Entry]:
    """Return the booked entries as pycamt reads them, from the document written again: whatever prefix its tags had."""
    try:
        return list(_read(parser(ElementTree.tostring(root)).get_transactions(), name))
    except (ValueError, AttributeError, SyntaxError) as error:  # the last is that of a malformed document
        if isinstance(error, ScenarioError):
            raise
        raise ScenarioError(f"{name}: its entries are not read: {str(error)[:200]}") from None


def _read(found: list[dict[str, Any]], name: str) -> Iterator[Entry]:
    for number, each in enumerate(found, start=1):
        amount, side = decimal(each.get("Amount")), each.get("CreditDebitIndicator")
        if each.get("Status") not in BOOKED:
            continue
        if amount is None or side not in SIDES:
            raise ScenarioError(
                f"{name}: transaction {number} must have an amount, CRDT or DBIT, not {shown(each.get('Amount'))}"
            )
        party = each.get("CreditorName") if side == "DBIT" else each.get("DebtorName")
        text = each.get("RemittanceInformationFull") or each.get("AdditionalEntryInformation")
        yield Entry(amount * SIDES[side], each.get("BookingDate"), each.get("EndToEndId"), party, text)


def _libraries() -> tuple[Any, Any]:
    """Return pycamt's parser, and what parses XML of others."""
    try:
        from defusedxml.ElementTree import fromstring
        from pycamt.parser import Camt053Parser
    except ModuleNotFoundError:
        raise ScenarioError("statements need pycamt: pip install 'allotment[treasury]'") from None
    return Camt053Parser, fromstring
