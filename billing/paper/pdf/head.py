"""The head of the first page: who bills whom, and the figures by which a document is found. Laid out for windowed envelopes."""

from __future__ import annotations

from collections.abc import Sequence

from billing.paper.model import Paper, Party
from billing.paper.pdf.sheet import GREY, INK, LEFT, TOP, Sheet
from billing.paper.speech import Speech

WINDOW = 45.0  # from the top, where envelopes have their window
FACTS_X, FACTS_WIDTH = 118.0, 34.0
TITLE_Y = 96.0


def draw(sheet: Sheet, paper: Paper, speech: Speech) -> None:
    """Leaves the pen where the lines begin."""
    envelope(
        sheet, speech, seller=paper.seller, buyer=paper.buyer, facts=facts(paper, speech), title=titled(paper, speech),
        remarks=remarks(paper, speech),
    )  # fmt: skip


def envelope(
    sheet: Sheet, speech: Speech, *, seller: Party, buyer: Party, facts: Sequence[tuple[str, str]], title: str, remarks: Sequence[str] = ()
) -> None:  # fmt: skip
    """From whom and to whom, the figures by which it is found, and what it is."""
    _letterhead(sheet, seller)
    _address(sheet, seller, buyer, speech)
    end = _facts(sheet, facts)
    sheet.set_y(max(TITLE_Y, end + 6))
    sheet.pen(17, bold=True)
    sheet.say(LEFT, sheet.get_y(), title)
    sheet.set_y(sheet.get_y() + 9)
    sheet.pen(9.5, colour=GREY)
    for text in remarks:
        sheet.set_y(sheet.get_y() + sheet.say_all(LEFT, sheet.get_y(), sheet.wrapped(text, sheet.width)))
    sheet.set_y(sheet.get_y() + 4)


def titled(paper: Paper, speech: Speech) -> str:
    if paper.number is None:
        return speech.text("draft_of_credit_note" if paper.kind == "credit_note" else "draft_of")
    return speech.text("titled", kind=speech.text(paper.kind), number=paper.number)


def remarks(paper: Paper, speech: Speech) -> list[str]:
    """Under the title: what is credited and why, how prices are meant."""
    found = []
    if paper.preceding and paper.preceding.issued:
        found.append(speech.text("credits", number=paper.preceding.number, issued=speech.day(paper.preceding.issued)))
    elif paper.preceding:
        found.append(speech.text("credits_undated", number=paper.preceding.number))
    if paper.reason:
        found.append(speech.text("reason", reason=paper.reason))
    if paper.mode == "inclusive":
        found.append(speech.text("inclusive"))
    return found


def facts(paper: Paper, speech: Speech) -> list[tuple[str, str]]:
    """Label and value, for those that the document has."""
    period = ""
    if paper.period and paper.last_day:
        period = speech.text("from_to", start=speech.short_day(paper.period[0]), end=speech.short_day(paper.last_day))
    found = [
        ("number", paper.number or "–"),
        ("issued", speech.day(paper.issued) if paper.issued else "–"),
        ("due", speech.day(paper.due) if paper.due and paper.kind == "invoice" else ""),
        ("tax_point", speech.day(paper.tax_point)),
        ("period", period),
        ("customer", paper.buyer.code),
        ("contract", paper.contract),
        ("buyer_tax_id", paper.buyer.tax_id),
        ("order_reference", paper.order_reference),
        ("buyer_reference", paper.buyer_reference),
    ]
    return [(speech.text(key), value) for key, value in found if value]


def address(party: Party, abroad: str = "") -> list[str]:
    """As it stands on an envelope; `abroad` is the country's name where it is another one than the seller's."""
    place = (
        f"{party.city} {party.postcode}" if party.country in ("US", "CA", "GB") else f"{party.postcode} {party.city}"
    )
    return [party.name, party.street, place, *([abroad.upper()] if abroad else [])]


def _letterhead(sheet: Sheet, seller: Party) -> None:
    sheet.pen(14, bold=True)
    sheet.say(LEFT, TOP, seller.name)
    sheet.pen(8, colour=GREY)
    contact = [", ".join(address(seller)[1:]), seller.phone, seller.email]
    sheet.say_all(LEFT, TOP + 7.5, ["  ·  ".join(filter(None, contact))])
    sheet.rule(TOP + 14, thick=0.6, colour=INK)


def _address(sheet: Sheet, seller: Party, buyer: Party, speech: Speech) -> None:
    sheet.pen(6.5, colour=GREY)
    sender = sheet.wrapped(" · ".join(address(seller)), 85)[0]
    sheet.say(LEFT, WINDOW, sender)
    sheet.rule(WINDOW + 3.4, until=LEFT + 85, thick=0.1)
    sheet.pen(10.5)
    y = WINDOW + 6
    abroad = "" if buyer.country == seller.country else speech.country(buyer.country)
    for text in address(buyer, abroad):
        y += sheet.say_all(LEFT, y, sheet.wrapped(text, 85)[:2])


def _facts(sheet: Sheet, rows: Sequence[tuple[str, str]]) -> float:
    y, value_x = WINDOW, FACTS_X + FACTS_WIDTH
    for label, value in rows:
        sheet.pen(8.5, colour=GREY)
        sheet.say(FACTS_X, y, label)
        sheet.pen(8.5, bold=value == rows[0][1])
        y += max(4.4, sheet.say_all(value_x, y, sheet.wrapped(value, sheet.edge - value_x)))
    return y
