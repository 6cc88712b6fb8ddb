"""Payments that a forecast makes, as credit transfers for a bank: ISO 20022 pain.001.001.09, one message an execution day.

A message has one day, and so there are as many as days on which something is paid. Each is validated against the standard's
schema, and read again: the number of transfers and their sum, to the cent, must be those of the forecast.
"""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Iterator
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

from allotment.finance.cash.flows import Flow
from allotment.finance.cash.forecast import Forecast
from allotment.finance.cash.schema import Account, Outlook
from allotment.scenario.errors import ScenarioError, nearest, shown
from allotment.whole_file import write_whole

VERSION = "pain.001.001.09"
REFERENCE = re.compile(r"[A-Za-z0-9/?:().,'+ -]{1,35}")  # what banks pass on from end to end
LONGEST_HOLDER = 70  # characters


def write_payments(made: Forecast, folder: Path, until: int | None = None) -> list[str]:
    """Write the payments to suppliers of each day up to `until` (none = all) into a folder; returns a line for each file.

    Nothing is written where anything is wrong: `ScenarioError` names what a payment lacks, or that `treasury` is not installed.
    """
    _library()
    try:
        messages = list(_messages(made, made.outlook.days if until is None else until))
    except ScenarioError as error:
        raise ScenarioError(f"{made.origin}: {error}") from None
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for day, text, flows in messages:
        file = folder / f"pain001_{day}.xml"
        write_whole(file, text)
        lines.append(f"{file}: {len(flows):,} of {-_total(flows):,.2f} on {day}")
    return lines


def _messages(made: Forecast, last: int) -> Iterator[tuple[datetime.date, str, list[Flow]]]:
    """Yield the date, the message and the payments of each day on which a supplier is paid."""
    due = [flow for flow in made.flows if flow.supplier is not None and flow.amount < 0 and flow.day <= last]
    if not due:
        raise ScenarioError(f"nothing is to be paid to a supplier until day {last}")
    for day, flows in groupby(due, key=lambda flow: flow.day):
        yield _message(made, day, list(flows))


def _message(made: Forecast, day: int, flows: list[Flow]) -> tuple[datetime.date, str, list[Flow]]:
    """Return the date of a day, its message, and the payments in it."""
    generate, folder = _library()
    date = _date(made, day)
    rows = list(_rows(made.outlook, date, flows))
    try:
        text = generate(rows, VERSION, str(folder / "template.xml"), str(folder / f"{VERSION}.xsd"))
    except (ValueError, RuntimeError) as error:  # the library's own, which have these bases
        raise ScenarioError(f"the payments of {date} make no valid message: {error}") from None
    _check_sums(text, flows, date)
    return date, text, flows


def _rows(outlook: Outlook, date: datetime.date, flows: list[Flow]) -> Iterator[dict[str, Any]]:
    """Yield each payment as the library takes it."""
    debtor, suppliers = _debtor(outlook), {each.name: each for each in outlook.suppliers}
    digest = hashlib.sha256(repr(sorted((flow.name, str(flow.amount)) for flow in flows)).encode()).hexdigest()[:12]
    for flow in flows:
        creditor = _creditor(flow, suppliers)
        yield {
            **{"id": f"{date}-{digest}", "date": f"{datetime.datetime.now():%Y-%m-%dT%H:%M:%S}"},
            **{"initiator_name": debtor.name, "payment_information_id": f"{date}", "payment_method": "TRF"},
            **{"batch_booking": False, "requested_execution_date": f"{date}", "charge_bearer": "SLEV"},
            **{"debtor_name": debtor.name, "debtor_account_IBAN": _plain(debtor.iban), "debtor_agent_BIC": debtor.bic},
            **{"payment_id": flow.name, "payment_amount": f"{-flow.amount:.2f}", "remittance_information": flow.name},
            **{"currency": outlook.currency, "payment_currency": outlook.currency, "creditor_name": creditor.name},
            **{"creditor_account_IBAN": _plain(creditor.iban), "creditor_agent_BIC": creditor.bic},
        }


def _debtor(outlook: Outlook) -> Account:
    """Return the account that pays."""
    if outlook.account is None or outlook.currency is None:
        missing = "account (name, iban and bic)" if outlook.account is None else "currency, such as EUR,"
        raise ScenarioError(f"{missing} is missing in the file: payments need it")
    return _checked(outlook.account, "account")


def _creditor(flow: Flow, suppliers: dict[str, Account]) -> Account:
    """Return the account that is paid."""
    if flow.supplier not in suppliers:
        known = nearest(str(flow.supplier), suppliers) if suppliers else "add them with name, iban and bic"
        raise ScenarioError(f"suppliers has no {shown(flow.supplier)}, to whom {flow.name} is paid on day {flow.day}; {known}")
    if not REFERENCE.fullmatch(flow.name):
        raise ScenarioError(
            f"{flow.kind} {shown(flow.name)}: a payment's reference must be at most 35 letters (a-z), digits, blanks and "
            "/?:().,'+-; give it another name"
        )
    return _checked(suppliers[str(flow.supplier)], f"suppliers: {flow.supplier}")


def _checked(account: Account, place: str) -> Account:
    """Return an account of which the numbers can be right."""
    from pain001.validation.bic_validator import validate_bic_safe
    from pain001.validation.iban_validator import validate_iban_safe

    if not validate_iban_safe(_plain(account.iban)):
        raise ScenarioError(f"{place}: iban must be one whose length and check digits are right, not {shown(account.iban)}")
    if account.bic is None or not validate_bic_safe(account.bic):
        raise ScenarioError(f"{place}: bic must be of 8 or 11 letters and digits, not {shown(account.bic)}")
    if len(account.name) > LONGEST_HOLDER:
        raise ScenarioError(f"{place}: a name in payments has at most {LONGEST_HOLDER} characters, not {shown(account.name)}")
    return account


def _check_sums(text: str, flows: list[Flow], date: datetime.date) -> None:
    """Read a message again and compare its count and sums with the forecast's."""
    from defusedxml.ElementTree import fromstring

    root = fromstring(text, forbid_dtd=True)
    found = {tag: [each.text for each in root.findall(f".//{{*}}{tag}")] for tag in ("NbOfTxs", "CtrlSum", "InstdAmt")}
    total = -_total(flows)
    stated = {Decimal(amount) for amount in found["CtrlSum"]} | {sum(map(Decimal, found["InstdAmt"]), Decimal(0))}
    if stated != {total} or {int(count) for count in found["NbOfTxs"]} != {len(flows)}:
        sums = " and ".join(f"{amount:,.2f}" for amount in sorted(stated))
        raise ScenarioError(f"the message of {date} has sums of {sums}, not {total:,.2f} of {len(flows):,} payments")


def _date(made: Forecast, day: int) -> datetime.date:
    date = made.date(day)
    if date is None:
        raise ScenarioError("start, the date of day 0, is missing in the file: payments need dates")
    return date


def _total(flows: list[Flow]) -> Decimal:
    return sum((flow.amount for flow in flows), Decimal(0))


def _plain(iban: str) -> str:
    return "".join(iban.split())


def _library() -> tuple[Any, Path]:
    """Return what makes a message, and the folder of its template and schema."""
    try:
        import pain001
        from pain001.xml.generate_xml import generate_xml_string
    except ModuleNotFoundError:
        raise ScenarioError("payments need pain001: pip install 'allotment[treasury]'") from None
    return generate_xml_string, Path(pain001.__file__).parent / "templates" / VERSION
