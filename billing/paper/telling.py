"""What UBL and CII tell alike: EN 16931's terms (BT numbers), out of a paper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from billing.errors import CannotPrice
from billing.money import rounded
from billing.paper import derivations
from billing.paper.model import Line, Paper, Party
from billing.paper.speech import Speech

SPECIFICATION = "urn:cen.eu:en16931:2017"  # BT-24
INVOICE, CREDIT_NOTE = "380", "381"  # BT-3
SEPA, TRANSFER = "58", "30"  # BT-81
MOST_DECIMALS = 2  # of any amount
VAT_ID = re.compile(r"^[A-Z]{2}[A-Z0-9+*]{2,}$")


class CannotTell(CannotPrice):
    """EN 16931 cannot say what this document says, or asks for more than is known; the message says which."""

    code = "cannot_tell"


@dataclass(frozen=True)
class Told:
    """A line without its tax: quantity × price comes to the net, to the last decimal. A credit has a negative quantity."""

    quantity: Decimal
    unit: str
    price: Decimal


def told(line: Line, paper: Paper) -> Told:
    """As it was priced, where that comes to its net; else one piece at its net (prices with tax in them, parts of a whole)."""
    if rounded(line.quantity * line.unit_price, paper.digits) == line.net:
        return Told(line.quantity, line.unit, line.unit_price)
    return Told(Decimal(-1 if line.net < 0 else 1), "C62", abs(line.net))


def note(line: Line, paper: Paper, speech: Speech) -> str:
    """BT-127."""
    return derivations.derived(line, speech, paper.period)


def description(line: Line, paper: Paper) -> str:
    """BT-154: which service, where."""
    return ", ".join(
        filter(None, (paper.services.get(line.service, line.service), paper.places.get(line.site, line.site)))
    )


def vat_id(party: Party) -> str:
    """BT-31 and BT-48, which begin with a country; "" where the tax number is of another kind."""
    compact = party.tax_id.replace(" ", "").replace(".", "").upper()
    return compact if VAT_ID.match(compact) else ""


def outside_of_tax(paper: Paper) -> bool:
    """No VAT number may be told then (BR-O-02 to BR-O-04)."""
    return any(group.category == "O" for group in paper.tax_groups)


def means(paper: Paper) -> str:
    """BT-81."""
    return SEPA if paper.currency == "EUR" else TRANSFER


def terms(paper: Paper, speech: Speech) -> str:
    """BT-20."""
    if paper.kind == "credit_note":
        return speech.text("credited")
    if not paper.gross:
        return speech.text("nothing_to_pay")
    if paper.due:
        return speech.text("pay_by", amount=speech.money(paper.gross, paper.currency), day=speech.day(paper.due))
    return speech.text("pay_within", days=str(paper.payment_days)) if paper.payment_days is not None else ""


def demand(paper: Paper) -> None:
    """Raises CannotTell with the first reason why this paper is no document of EN 16931."""
    for field, message in _gaps(paper):
        raise CannotTell(field, message)


def _gaps(paper: Paper) -> Iterator[tuple[str, str]]:
    if paper.number is None or paper.issued is None:
        yield "number", "A draft has no number: only final documents are told to other programs."
    decimals = max(-int(value.as_tuple().exponent) for value in (paper.gross, *(line.net for line in paper.lines)))
    if decimals > MOST_DECIMALS:
        yield (
            "currency",
            f"Amounts in {paper.currency} have {decimals} decimals; EN 16931 has room for {MOST_DECIMALS}.",
        )
    if not paper.lines:
        yield "lines", "EN 16931 wants a line at least."
    categories = {group.category for group in paper.tax_groups}
    if "O" in categories and len(categories) > 1:
        yield "tax_groups", "What is outside of the tax's scope (O) stands on no document with anything else."
    if not paper.seller.tax_id and not paper.seller.registration:
        yield "seller.tax_id", "The seller needs a tax number or a registration."
    if not paper.seller.tax_id and categories - {"O"}:
        yield "seller.tax_id", f"The seller needs a tax number (category {', '.join(sorted(categories))})."
    if categories & {"K", "G"} and not vat_id(paper.seller):
        yield "seller.tax_id", "The seller needs a VAT number, which begins with its country."
    if "K" in categories and not vat_id(paper.buyer):
        yield "buyer.tax_id", "The buyer needs a VAT number, which begins with its country."
    if "AE" in categories and not paper.buyer.tax_id:
        yield "buyer.tax_id", "With reverse charge the buyer needs a tax number."
