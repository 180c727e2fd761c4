"""Bank statements for tests, as banks write them."""

from __future__ import annotations

OURS = "AT611904300234573201"


def entry(
    amount: str = "120.00", *, ref: str = "R1", text: str = "INV-000001", side: str = "CRDT", currency: str = "EUR", state: str = "<Cd>BOOK</Cd>",
    payer: str = "Gasthaus Ente", account: str = "AT483200000012345864", day: str = "<Dt>2026-11-05</Dt>", more: str = "", details: str | None = None,
) -> str:  # fmt: skip
    party = "Dbtr" if side == "CRDT" else "Cdtr"
    own = f"""<TxDtls><RltdPties><{party}><Pty><Nm>{payer}</Nm></Pty></{party}>
      <{party}Acct><Id><IBAN>{account}</IBAN></Id></{party}Acct></RltdPties>
      <RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls>"""
    return f"""<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>{more}<Sts>{state}</Sts>
      <BookgDt>{day}</BookgDt><AcctSvcrRef>{ref}</AcctSvcrRef><NtryDtls>{own if details is None else details}</NtryDtls></Ntry>"""


def part(amount: str, ref: str, text: str, currency: str = "EUR") -> str:
    """One of a batch."""
    return f"""<TxDtls><Refs><AcctSvcrRef>{ref}</AcctSvcrRef></Refs><Amt Ccy="{currency}">{amount}</Amt>
      <RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls>"""


def camt(*entries: str, form: str = "053", version: str = "08", account: str = OURS) -> bytes:
    outer, inner = ("BkToCstmrStmt", "Stmt") if form == "053" else ("BkToCstmrDbtCdtNtfctn", "Ntfctn")
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.{form}.001.{version}"><{outer}><GrpHdr><MsgId>M</MsgId></GrpHdr>
<{inner}><Id>S</Id><Acct><Id><IBAN>{account}</IBAN></Id></Acct>{"".join(entries)}</{inner}></{outer}></Document>""".encode()
