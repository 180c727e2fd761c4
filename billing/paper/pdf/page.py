"""What every page has: the foot, the watermark of a draft, and from the second on what it continues."""

from __future__ import annotations

from billing.paper.model import Account, Party
from billing.paper.pdf.head import address
from billing.paper.pdf.sheet import BOTTOM, GHOST, GREY, LEFT, RULE, TOP, Sheet
from billing.paper.speech import Speech


def begin(sheet: Sheet, speech: Speech, *, seller: Party, account: Account | None, title: str, mark: str = "") -> None:
    """Draws it, and leaves the pen where the page's own begins."""
    if mark:
        _watermark(sheet, mark)
    _foot(sheet, speech, seller, account)
    sheet.set_y(TOP)
    if sheet.page_no() > 1:
        sheet.pen(9, bold=True, colour=GREY)
        sheet.say(LEFT, TOP, speech.text("continued", title=title))
        sheet.set_y(TOP + 9)


def grouped(iban: str) -> str:
    """In fours, as people read it."""
    compact = iban.replace(" ", "")
    return " ".join(compact[n : n + 4] for n in range(0, len(compact), 4))


def _foot(sheet: Sheet, speech: Speech, seller: Party, account: Account | None) -> None:
    y = float(sheet.h) - BOTTOM + 8
    sheet.rule(y - 2.5, colour=RULE)
    sheet.pen(7.5, colour=GREY)
    ids = [speech.text("seller_tax_id", value=seller.tax_id) if seller.tax_id else "", seller.registration]
    bank = [f"IBAN {grouped(account.iban)}", f"BIC {account.bic}" if account.bic else ""] if account else []
    first = " · ".join(address(seller))
    sheet.say_all(LEFT, y, [first, " · ".join(filter(None, [*ids, *bank]))])
    page, usual = str(sheet.page_no()), speech.text("page", page=str(sheet.page_no()), pages="9")
    sheet.say(sheet.edge - float(sheet.get_string_width(usual)), y, speech.text("page", page=page, pages="{nb}"))


def _watermark(sheet: Sheet, text: str) -> None:
    """Behind everything, across the page."""
    middle_x, middle_y = float(sheet.w) / 2, float(sheet.h) / 2
    sheet.pen(96, bold=True, colour=GHOST)
    with sheet.rotation(52, middle_x, middle_y):
        sheet.say(0, middle_y - sheet.line / 2, text, width=float(sheet.w), align="C")
    sheet.pen(9)
