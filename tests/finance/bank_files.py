"""Bank files for tests: an outlook with accounts, and camt.053 statements as banks write them."""

IBAN = "DE07512108001245126162"
OUTLOOK = """
currency: EUR
start: '2026-03-02'
days: 40
opening: 500.00
cost_of_funds: 0.05
account: {name: Müller & Co, iban: DE07 5121 0800 1245 1261 62, bic: DEUTDEFF}
suppliers:
  - {name: A, iban: DE36210501700024690959, bic: DEUTDEFFXXX}
  - {name: B, iban: DE44500105175407324931, bic: DEUTDEFFXXX}
payables:
  - {name: rent, amount: 70, day: 3}
  - {name: INV-7, amount: 0.10, day: 30, supplier: B}
orders:
  - {name: PO-1, supplier: A, amount: 100.10, received: 0, terms: net 30}
  - {name: PO-2, supplier: B, amount: 200.00, received: 1, terms: 2/10 net 30}
"""


def balance(code, amount, date="2026-03-01", side="CRDT"):
    """Return a balance."""
    kind = f"<Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
    return f'<Bal>{kind}<Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd><Dt><Dt>{date}</Dt></Dt></Bal>'


def entry(amount, side, reference=None, status="<Cd>BOOK</Cd>", currency="EUR"):
    """Return an entry, with a reference where one is given."""
    refs = f"<NtryDtls><TxDtls><Refs><EndToEndId>{reference}</EndToEndId></Refs></TxDtls></NtryDtls>" if reference else ""
    money = f'<Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>'
    return f"<Ntry>{money}<Sts>{status}</Sts><BookgDt><Dt>2026-03-01</Dt></BookgDt>{refs}</Ntry>"


def summary(tag, total, count):
    """Return a summary of entries."""
    return f"<TxsSummry><{tag}><NbOfNtries>{count}</NbOfNtries><Sum>{total}</Sum></{tag}></TxsSummry>"


def statement(*parts, iban=IBAN):
    """Return one statement of an account."""
    return f"<Stmt><Id>1</Id><Acct><Id><IBAN>{iban}</IBAN></Id><Ccy>EUR</Ccy></Acct>{''.join(parts)}</Stmt>"


def document(*statements, version="08", before=""):
    """Return a camt.053 file of statements."""
    header = "<GrpHdr><MsgId>M</MsgId><CreDtTm>2026-03-01T20:00:00</CreDtTm></GrpHdr>"
    body = f"<BkToCstmrStmt>{header}{''.join(statements)}</BkToCstmrStmt>"
    head = f'<?xml version="1.0" encoding="UTF-8"?>{before}'
    return f'{head}<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}">{body}</Document>'
