"""CAMT.053 and CAMT.054 (ISO 20022), as banks send them: bookings, one for each payer. Pure.

Read by local names, so that every version of the standard will do; entities and document types are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from xml.etree.ElementTree import Element, ParseError  # nosec B405  # the names alone: defusedxml reads

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from billing.bookings import Booking, Contents, clean, clean_account, identified, minor, prove_size
from billing.errors import StatementUnreadable

KINDS = {"BkToCstmrStmt": ("camt053", "Stmt"), "BkToCstmrDbtCdtNtfctn": ("camt054", "Ntfctn")}


def read(content: bytes) -> Contents:
    """Raises StatementUnreadable."""
    prove_size(content)
    try:
        root = ElementTree.fromstring(content, forbid_dtd=True)
    except DefusedXmlException:
        raise StatementUnreadable("The file defines entities or a document type: no bank does that.") from None
    except (ParseError, ValueError, LookupError) as error:
        raise StatementUnreadable(f"The file is no XML that can be read: {error}.") from None
    for name, (form, parts) in KINDS.items():
        body = root.find(f"{{*}}{name}")
        if body is not None:
            statements = body.findall(f"{{*}}{parts}")
            bookings = [each for statement in statements for each in _bookings(statement)]
            accounts = sorted({_own_account(statement) for statement in statements} - {""})
            return Contents(form, identified(bookings), accounts)
    raise StatementUnreadable("The file is neither CAMT.053 nor CAMT.054.")


def _bookings(statement: Element) -> Iterator[Booking]:
    own = _own_account(statement)
    for n, entry in enumerate(statement.findall("{*}Ntry"), 1):
        where = f"Entry {n} of account {own or 'unknown'}"
        currency, whole = _amount(entry.find("{*}Amt"), where)
        parts = entry.findall("{*}NtryDtls/{*}TxDtls")
        amounts = [_part(part, currency, where) for part in parts]
        if len(parts) > 1 and (None in amounts or sum(amount or 0 for amount in amounts) != whole):
            parts = []  # a batch whose parts are not told, or do not sum to it: one booking, for people
        if len(parts) <= 1:
            parts, amounts = parts or [entry], [whole]
        for part, amount in zip(parts, amounts, strict=True):
            yield _booking(own, entry, part, amount or 0, currency, where, alone=len(parts) == 1)


def _booking(
    own: str, entry: Element, part: Element, amount: int, currency: str, where: str, *, alone: bool
) -> Booking:
    incoming = _incoming(part if part.find("{*}CdtDbtInd") is not None else entry, where)
    side = "Dbtr" if incoming else "Cdtr"
    reference = _text(part, "Refs/AcctSvcrRef") or (alone and _text(entry, "AcctSvcrRef")) or _text(part, "Refs/TxId")
    name = _text(part, f"RltdPties/{side}/Nm") or _text(part, f"RltdPties/{side}/Pty/Nm")
    account = _text(part, f"RltdPties/{side}Acct/Id/IBAN") or _text(part, f"RltdPties/{side}Acct/Id/Othr/Id")
    return Booking(
        f"{own}:{reference or ''}", _day(entry, where), amount if incoming else -amount, currency, clean(name, 140),
        clean_account(account), _told(entry, part), _ignored(entry, incoming=incoming),
    )  # fmt: skip


def _told(entry: Element, part: Element) -> str:
    """The structured reference first, then what is free text, line after line as it was broken."""
    paths = ("RmtInf/Strd/CdtrRefInf/Ref", "RmtInf/Strd/RfrdDocInf/Nb", "RmtInf/Ustrd", "Refs/EndToEndId", "AddtlTxInf")
    texts = [each.text for path in paths for each in part.findall(_anywhere(path))]
    if part is entry or not any(texts):
        texts.append(_text(entry, "AddtlNtryInf"))
    return clean(" ".join(text for text in texts if text and text.upper() != "NOTPROVIDED"), 500)


def _ignored(entry: Element, *, incoming: bool) -> str:
    state = _text(entry, "Sts/Cd") or _text(entry, "Sts") or "BOOK"
    if state != "BOOK":
        return f"It is not booked yet ({clean(state, 10)})."
    if _text(entry, "RvslInd") in ("true", "1"):
        return "It takes back an earlier booking: see to it by hand."
    return "" if incoming else "It went out."


def _own_account(statement: Element) -> str:
    return clean_account(_text(statement, "Acct/Id/IBAN") or _text(statement, "Acct/Id/Othr/Id"))


def _part(part: Element, currency: str, where: str) -> int | None:
    """None where it is not told, or in another currency."""
    for path in ("Amt", "AmtDtls/TxAmt/Amt"):
        found = part.find(_anywhere(path))
        if found is not None and found.get("Ccy") == currency:
            return _amount(found, where)[1]
    return None


def _amount(found: Element | None, where: str) -> tuple[str, int]:
    text = "" if found is None else (found.text or "").strip()
    if found is None or not re.fullmatch(r"\d{1,15}(\.\d{0,5})?", text, re.ASCII):
        raise StatementUnreadable(f"{where}: {clean(text, 40)!r} is no amount.")
    currency = found.get("Ccy", "")
    return currency, minor(Decimal(text), currency, where)


def _incoming(part: Element, where: str) -> bool:
    said = _text(part, "CdtDbtInd")
    if said not in ("CRDT", "DBIT"):
        raise StatementUnreadable(f"{where}: CdtDbtInd is neither CRDT nor DBIT.")
    return said == "CRDT"


def _day(entry: Element, where: str) -> date:
    said = _text(entry, "BookgDt/Dt") or _text(entry, "BookgDt/DtTm") or _text(entry, "ValDt/Dt")
    try:
        return date.fromisoformat(said[:10])
    except ValueError:
        raise StatementUnreadable(f"{where}: {clean(said, 40)!r} is no day of booking.") from None


def _text(within: Element, path: str) -> str:
    found = within.find(_anywhere(path))
    return "" if found is None else (found.text or "").strip()


def _anywhere(path: str) -> str:
    return "/".join(f"{{*}}{name}" for name in path.split("/"))
