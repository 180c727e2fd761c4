"""The end of a document: how to pay, why no tax is due, the rate of exchange."""

from __future__ import annotations

from billing.paper import exemptions, telling
from billing.paper.model import Paper
from billing.paper.pdf.girocode import girocode
from billing.paper.pdf.page import grouped
from billing.paper.pdf.sheet import GREY, LEFT, Sheet
from billing.paper.speech import Speech

CODE_SIZE = 26.0


def draw(sheet: Sheet, paper: Paper, speech: Speech) -> None:
    texts = notes(paper, speech)
    sheet.pen(9)
    height = sum(len(sheet.wrapped(text, sheet.width)) * sheet.line + 1.5 for text in texts)
    if sheet.room < height:
        sheet.add_page()
    y = sheet.get_y() + 2
    for text in texts:
        sheet.pen(9)
        y += sheet.say_all(LEFT, y, sheet.wrapped(text, sheet.width)) + 1.5
    sheet.set_y(y)
    if paper.account and paper.kind == "invoice" and paper.gross:
        _account(sheet, paper, speech)


def notes(paper: Paper, speech: Speech) -> list[str]:
    """What must be said in words; each thing once."""
    found = [exemptions.reason(group, speech) for group in paper.tax_groups]
    if paper.exchange and paper.tax_told_abroad is not None:
        rate = {
            "own": paper.currency,
            "currency": paper.exchange.currency,
            "rate": speech.rate(paper.exchange.rate),
            "day": speech.day(paper.exchange.on),
        }
        key = "tax_abroad" if paper.tax_told_abroad else "exchange"
        found.append(speech.text(key, amount=speech.amount(paper.tax_told_abroad), **rate))
    found.append(telling.terms(paper, speech))
    return list(dict.fromkeys(filter(None, found)))


def _account(sheet: Sheet, paper: Paper, speech: Speech) -> None:
    """Where to pay, and the same as a code for telephones."""
    code = girocode(paper)
    if sheet.room < (CODE_SIZE if code else 20) + 3:
        sheet.add_page()
    assert paper.account
    y = sheet.get_y() + 2
    x = LEFT + (CODE_SIZE + 5 if code else 0)
    if code:
        _squares(sheet, code, y)
    for label, value in (
        (speech.text("payee"), paper.seller.name),
        ("IBAN", grouped(paper.account.iban)),
        ("BIC", paper.account.bic),
        (speech.text("purpose"), paper.number or ""),
    ):
        if value:
            sheet.pen(8.5, colour=GREY)
            sheet.say(x, y, label)
            sheet.pen(9, bold=True)
            sheet.say(x + 32, y, value)
            y += 4.8
    sheet.set_y(y)


def _squares(sheet: Sheet, code: list[bytearray], top: float) -> None:
    """Row by row; neighbours are one rectangle."""
    side = CODE_SIZE / len(code)
    sheet.set_fill_color(0, 0, 0)
    for n, row in enumerate(code):
        begin = None
        for m, dark in enumerate([*row, 0]):
            if dark and begin is None:
                begin = m
            elif not dark and begin is not None:
                sheet.rect(LEFT + begin * side, top + n * side, (m - begin) * side, side, style="F")
                begin = None
