"""Files of cash to come, bank statements, accounting policies and logs: what is accepted adds up, to the cent."""

from __future__ import annotations

import shutil
import tempfile
from decimal import Decimal
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from attack_worlds import check_message
from attack_yaml import damaged, with_other_bytes, with_other_text
from attacking import Attack
from bank_files import OUTLOOK, balance, document, entry, statement, summary
from mutations import chosen

from allotment.exchange.movements import read_movements
from allotment.finance.cash import forecast
from allotment.finance.cash.display import shown
from allotment.finance.cash.payments import write_payments
from allotment.finance.cash.statement import read_statement
from allotment.finance.cash.tables import write_tables
from allotment.finance.policy import load_policy
from allotment.finance.report import StockReport
from allotment.finance.valuation import value
from allotment.scenario.errors import ScenarioError

BANKS = all(find_spec(name) for name in ("pain001", "pycamt", "defusedxml"))
CASH = f"""{OUTLOOK}
running_costs:
  - {{name: wages, amount: 40, from: 5, every: 7, until: 30}}
receivables:
  - {{name: web, units: 7, unit_price: 27.6, collection: [7, 14, 21]}}
floor: 20
credit_line: {{limit: 600, rate: 0.09, day_count: 365, charged: 10}}
"""
TABLE = """name,supplier,units,unit_cost,received,terms
PO-1,A,10,10.01,0,net 30
PO-2,B,20,10,1,2/10 net 30
"""
PLACES = [  # in the place of a table
    *("orders.csv", "../orders.csv", "/etc/passwd", "/dev/zero", ".", "", "cash.yaml", "no.csv", "orders.csv\0", "~/x.csv"),
    *("orders.xlsx", "orders.parquet", "file:///etc/passwd", "http://127.0.0.1:9/x.csv", "x" * 5000 + ".csv"),
]
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
XML = [
    f'<!DOCTYPE Document [<!ENTITY l0 "ha">{LAUGHS}]>',
    '<!DOCTYPE Document [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    '<!DOCTYPE Document SYSTEM "http://127.0.0.1:9/x.dtd">',
    *("&l9;", "&x;", "&#0;", "&#x1b;", "&amp;", "<![CDATA[", "]]>", "<!--", "-->", "<?xml version='1.0'?>", "<?php ?>"),
    *("<xi:include href='/etc/passwd'/>", "<Ntry>", "</Ntry>", "<Amt Ccy='EUR'>", "</Amt>", "<Stmt/>", "<Bal/>", "<Ntry/>"),
    *("<a>" * 200, "<a>" * 5000, "<Ntry/>" * 2000, "<a b='" + "x" * 10_000 + "'/>", "<x:a xmlns:x='urn:y'/>", "xmlns=''"),
    *("9" * 400, "1e400", "NaN", "-1", "1.005", "", "\0", "\ud800", "\u202e", "UTF-16", "UTF-7", "2026-13-45", "DBIT", "CRDT"),
]
POLICY = """
framework: ifrs
cost_formula: fifo
scope: location
system: perpetual
close: 10
fiscal_year: 360
terms: {default: shipping_point}
points_of_sale: [south]
landed_cost: value
normal_loss: {press: 0.1}
realisable: {selling_cost: 0.5, selling_rate: 0.02, normal_margin: 0.1, damaged: 0.5}
carrying: {capital: 0.1, storage: 0.02}
rates: {EUR: {0: 0.9, 12: 0.8}}
currency: USD
treasury:
  opening: 300
  floor: 10
  credit_line: {limit: 900, rate: 0.09, drawn: 20}
  payment: {default: net 5, suppliers: {s: 2/3 net 12}}
  collection: {default: 4, customers: {web: [2, 9]}}
  running_costs: [{name: wages, amount: 12.5, from: 3, every: 7, until: 20}]
  payables: [{name: old, amount: 30, day: 4}]
  receivables: [{name: due, amount: 40, collection: [1, 8]}]
"""
LOG = """event,time,kind,sku,units,from,to,unit_cost,unit_price,currency,document,reason
1,0,opening,a,20,,north,4,,,,
2,0,dispatch,a,30,supplier:s,in_transit:s-n,5,,EUR,d1,
3,2,receipt,a,30,in_transit:s-n,north,,,,d1,
4,3,landed_cost,a,30,,,0.5,,,d1,duty
5,3,production,a,10,north,made:press,,,,,
6,3,scrap,a,3,made:press,lost,,,,,yield
7,3,dispatch,a,7,made:press,in_transit:p-s,1,,,,
8,4,transfer_receipt,a,7,in_transit:p-s,south,,,,,
9,5,sale,a,4,south,customer:web,,9,,o1,
10,7,customer_return,a,1,customer:web,south,,9,,o1,damaged
11,6,price,a,,,,,4.2,,,
12,14,sale,a,12,north,customer:shop,,8,EUR,,
13,15,supplier_return,a,2,north,supplier:s,4.5,,,,
14,19,count,a,1,north,lost,,,,,
"""


@cache
def folder() -> Path:
    """Return a folder in which the attacked files lie."""
    return Path(tempfile.mkdtemp(prefix="attack_money"))


def draw_cash(draws: np.random.Generator) -> tuple[bytes, bytes]:
    """Return a file of cash to come, and a table of orders beside it."""
    text = CASH
    if draws.random() < 0.4:
        start = text.index("orders:")
        text = f"{text[:start]}orders: {chosen(draws, PLACES)!r}\n{text[text.index('running_costs:') :]}"
    table = TABLE.encode() if draws.random() < 0.5 else with_other_bytes(draws, TABLE.encode())
    return damaged(draws, text), table


def judge_cash(drawn: tuple[bytes, bytes]) -> str:
    """Forecast and check that cash and debt are what came in and went out, or read why not; nothing is half written."""
    here = folder() / "cash"
    shutil.rmtree(here, ignore_errors=True)
    here.mkdir()
    for name, data in zip(("cash.yaml", "orders.csv"), drawn, strict=True):
        (here / name).write_bytes(data)
    try:
        made = forecast(here / "cash.yaml")
    except (ScenarioError, FileNotFoundError) as error:
        check_message(str(error))
        return "refused"
    line, moved = made.outlook.credit_line, made.outlook.opening
    for close in made.decided:
        moved += close.receipts - close.payments - close.interest
        assert close.cash - close.debt == moved - (line.drawn if line else 0), close
        assert 0 <= close.debt <= (line.limit if line else 0), close
    assert list(shown(made)) and write_tables(made, here / "out")
    return f"accepted, {_payments(made, here)}" if BANKS else "accepted"


def _payments(made, here: Path) -> str:
    try:
        write_payments(made, here / "payments")
    except ScenarioError as error:
        check_message(str(error))
        assert not (here / "payments").exists()
        return "not paid"
    files = list((here / "payments").iterdir())
    assert files and all(file.suffix == ".xml" for file in files)
    return "paid"


def draw_statement(draws: np.random.Generator) -> bytes:
    """Return a bank's statement in which text and bytes are others."""
    amounts = [Decimal(int(draws.integers(1, 10**6))).scaleb(-2) for _ in range(int(draws.integers(1, 4)))]
    entries = [entry(amount, str(draws.choice(["CRDT", "DBIT"])), f"PO-{n}") for n, amount in enumerate(amounts)]
    change = sum((amount if "CRDT" in each else -amount for amount, each in zip(amounts, entries, strict=True)), Decimal(0))
    balances = balance("OPBD", "99999.00"), balance("CLBD", Decimal("99999.00") + change)
    text = document(statement(summary("TtlNtries", sum(amounts), len(amounts)), *balances, *entries))
    if draws.random() < 0.3:
        return with_other_bytes(draws, text.encode())
    return with_other_text(draws, text, XML).encode("utf-8", "surrogatepass")


def judge_statement(data: bytes) -> str:
    """Read a statement, which must add up, or read why not."""
    file = folder() / "bank.xml"
    file.write_bytes(data)
    try:
        found = read_statement(file)
    except ScenarioError as error:
        check_message(str(error))
        return "refused"
    assert found.opening + sum(each.amount for each in found.entries) == found.closing
    assert b"<!DOCTYPE" not in data.partition(b"<Document")[0]
    return "accepted"


def draw_books(draws: np.random.Generator) -> tuple[bytes, bytes]:
    """Return an accounting policy and a log, of which one is attacked, or both are."""
    which = draws.random()
    policy = damaged(draws, POLICY) if which < 0.8 else POLICY.encode()
    return policy, LOG.encode() if which < 0.6 else with_other_text(draws, LOG, CELLS).encode("utf-8", "surrogatepass")


CELLS = [
    *(",", "\n", '"', ";", "\t", "0", "-1", "1e400", "1e300", "nan", "inf", "9" * 30, "0.1", "1e-9", "\0", "\ud800", "=1+1")
]
CELLS += [
    "lost",
    "north",
    "south",
    "made:press",
    "customer:web",
    "supplier:s",
    "in_transit:x",
    "site:x",
    "sale",
    "receipt",
    "EUR",
]


def judge_books(drawn: tuple[bytes, bytes]) -> str:
    """Value a log under a policy and write its tables; what is accepted balances."""
    here = folder() / "books"
    here.mkdir(exist_ok=True)
    for name, data in zip(("accounting.yaml", "log.csv"), drawn, strict=True):
        (here / name).write_bytes(data)
    try:
        made = value(read_movements(here / "log.csv"), load_policy(here / "accounting.yaml"))
        report = StockReport("log", made)
        tables = report.tables
    except (ScenarioError, FileNotFoundError) as error:
        check_message(str(error))
        return "refused"
    assert made.entries.amount.sum() == 0
    assert made.entries.balance("inventory") == sum(layer.worth for *_, layer in made.held)
    assert report.finding and report.cells()
    if made.settlement is not None:
        closes = made.settlement.closes
        assert closes[-1].cash == made.balance("cash") and closes[-1].debt == -made.balance("credit_line")
    assert len(tables["balance_sheet"]) > 0
    return "accepted"


def prepare_cash() -> None:
    """Load what a forecast takes, and see that the file is accepted before it is attacked."""
    assert judge_cash((CASH.encode(), TABLE.encode())).startswith("accepted")


def prepare_books() -> None:
    """Load what valuing takes, and see that the files are accepted before they are attacked."""
    assert judge_books((POLICY.encode(), LOG.encode())) == "accepted"


def prepare_statements() -> None:
    """Load what reading a statement takes, and see that one is accepted before it is attacked."""
    parts = (balance("OPBD", "5.00"), balance("CLBD", "4.00"), entry("1.00", "DBIT"))
    assert judge_statement(document(statement(*parts)).encode()) == "accepted"


BOUNDS = {"memory": 1024, "seconds": 30.0}
ATTACKS = [
    Attack("cash", draw_cash, judge_cash, prepare_cash, **BOUNDS),
    Attack("books", draw_books, judge_books, prepare_books, **BOUNDS),
    *([Attack("statements", draw_statement, judge_statement, prepare_statements, **BOUNDS)] if BANKS else []),
]
