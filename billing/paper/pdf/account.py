"""The account statement as a PDF, of the same parts as invoices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time

from billing.paper.account import AccountPaper, verdict, words
from billing.paper.letters import letters_of
from billing.paper.pdf import head, page
from billing.paper.pdf.sheet import GREY, INK, LEFT, PRODUCER, Align, Sheet
from billing.paper.pdf.xmp import xmp
from billing.paper.speech import Speech

DAY, AMOUNT = 30.0, 32.0  # widths; what is left is for words
GAP = 1.1


def account_pdf(paper: AccountPaper) -> bytes:
    """The same paper is the same bytes: its time is that of its last day."""
    speech = Speech(paper.language, paper.buyer.country)
    at = datetime.combine(paper.until, time(), UTC)
    title = speech.text("account")
    sheet = Sheet(
        country=paper.seller.country, at=at, language=speech.language, title=title, author=paper.seller.name,
        used=letters_of(paper),
    )  # fmt: skip
    sheet.on_page = lambda: page.begin(sheet, speech, seller=paper.seller, account=paper.account, title=title)
    sheet.add_page()
    head.envelope(
        sheet, speech, seller=paper.seller, buyer=paper.buyer, facts=_facts(paper, speech), title=title
    )  # fmt: skip
    _table(sheet, paper, speech)
    sheet.pen(9)
    told = sheet.wrapped(verdict(paper, speech), sheet.width)
    if sheet.room < len(told) * sheet.line + 4:
        sheet.add_page()
    sheet.pen(9)
    sheet.say_all(LEFT, sheet.get_y() + 4, told)
    return sheet.done(xmp(title, sheet.by, PRODUCER, at, with_xml=False))


def _facts(paper: AccountPaper, speech: Speech) -> list[tuple[str, str]]:
    found = [
        ("customer", paper.buyer.code),
        (
            "account.span",
            speech.text("from_to", start=speech.short_day(paper.since), end=speech.short_day(paper.until)),
        ),
        ("account.currency", paper.currency),
        ("buyer_tax_id", paper.buyer.tax_id),
    ]
    return [(speech.text(key), value) for key, value in found if value]


def _table(sheet: Sheet, paper: AccountPaper, speech: Speech) -> None:
    _heading(sheet, paper, speech)
    opening = (speech.short_day(paper.since), speech.text("account.opening"), "", speech.amount(paper.opening))
    closing = (speech.short_day(paper.until), speech.text("account.closing"), "", speech.amount(paper.closing))
    rows = [
        (speech.short_day(each.on), words(each, speech), speech.amount(each.amount), speech.amount(each.balance))
        for each in paper.entries
    ]
    for n, row in enumerate([opening, *rows, closing]):
        _row(sheet, paper, speech, row, strong=n in (0, len(rows) + 1))
    sheet.rule(sheet.get_y(), thick=0.5, colour=INK)


def _heading(sheet: Sheet, paper: AccountPaper, speech: Speech) -> None:
    y = sheet.get_y()
    sheet.pen(8, bold=True, colour=GREY)
    names = ("account.day", "account.what", "account.amount", "account.balance")
    _cells(sheet, y, [speech.text(name, currency=paper.currency) for name in names])
    sheet.rule(y + 5)
    sheet.set_y(y + 6)


def _row(sheet: Sheet, paper: AccountPaper, speech: Speech, row: Sequence[str], *, strong: bool) -> None:
    sheet.pen(9, bold=strong)
    day, what, *figures = row
    lines = sheet.wrapped(what, sheet.width - DAY - 2 * AMOUNT - 3)
    height = len(lines) * sheet.line + 2 * GAP
    if sheet.room < height:
        sheet.add_page()
        _heading(sheet, paper, speech)
    y = sheet.get_y()
    sheet.pen(9, bold=strong)
    _cells(sheet, y + GAP, [day, lines[0] if lines else "", *figures])
    sheet.say_all(LEFT + DAY, y + GAP + sheet.line, lines[1:])
    sheet.set_y(y + height)


def _cells(sheet: Sheet, y: float, texts: Sequence[str]) -> None:
    """Day, words, amount, balance."""
    places: list[tuple[float, float, Align]] = [
        (LEFT, DAY, "L"), (LEFT + DAY, sheet.width - DAY - 2 * AMOUNT - 3, "L"), (sheet.edge - 2 * AMOUNT, AMOUNT, "R"),
        (sheet.edge - AMOUNT, AMOUNT, "R"),
    ]  # fmt: skip
    for (x, width, align), text in zip(places, texts, strict=True):
        sheet.say(x, y, text, width=width, align=align)
