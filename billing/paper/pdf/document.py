"""The whole PDF."""

from __future__ import annotations

from datetime import UTC, datetime, time

from fpdf.enums import AssociatedFileRelationship

from billing.paper.model import Paper
from billing.paper.pdf import head, notes, table, totals
from billing.paper.pdf.sheet import GREY, LEFT, PRODUCER, TOP, Sheet
from billing.paper.pdf.xmp import FILE_NAME, xmp
from billing.paper.speech import Speech


def pdf(paper: Paper, xml: bytes | None = None) -> bytes:
    """The same paper is the same bytes: its time is that of its day of issue. `xml` lies inside, as Factur-X has it."""
    speech = Speech(paper.language, paper.buyer.country)
    at = datetime.combine(paper.issued or paper.tax_point, time(), UTC)
    title = head.titled(paper, speech)
    sheet = Sheet(
        country=paper.seller.country, at=at, language=speech.language, title=title, author=sheet_text(paper.seller.name)
    )
    sheet.on_page = lambda: _page(sheet, paper, speech)
    sheet.add_page()
    head.draw(sheet, paper, speech)
    table.draw(sheet, paper, speech)
    totals.draw(sheet, paper, speech)
    notes.draw(sheet, paper, speech)
    if xml:
        sheet.embed_file(
            bytes=xml, basename=FILE_NAME, mime_type="text/xml", desc="Factur-X invoice", modification_date=at,
            associated_file_relationship=AssociatedFileRelationship.ALTERNATIVE.value, compress=True, checksum=True,
        )  # fmt: skip
    sheet.set_xmp_metadata(xmp(title, sheet_text(paper.seller.name), PRODUCER, at, with_xml=xml is not None))
    return bytes(sheet.output() or b"")


def sheet_text(text: str) -> str:
    return " ".join(text.split())


def _page(sheet: Sheet, paper: Paper, speech: Speech) -> None:
    """What every page has: the foot, the watermark of a draft, and from the second on what it continues."""
    if paper.draft:
        head.watermark(sheet, speech.text("draft"))
    notes.foot(sheet, paper, speech)
    sheet.set_y(TOP)
    if sheet.page_no() > 1:
        sheet.pen(9, bold=True, colour=GREY)
        sheet.say(LEFT, TOP, speech.text("continued", title=head.titled(paper, speech)))
        sheet.set_y(TOP + 9)
