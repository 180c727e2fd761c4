"""The whole PDF."""

from __future__ import annotations

from datetime import UTC, datetime, time

from fpdf.enums import AssociatedFileRelationship

from billing.paper.letters import letters_of
from billing.paper.model import Paper
from billing.paper.pdf import head, notes, page, table, totals
from billing.paper.pdf.sheet import PRODUCER, Sheet
from billing.paper.pdf.xmp import FILE_NAME, xmp
from billing.paper.speech import Speech


def pdf(paper: Paper, xml: bytes | None = None) -> bytes:
    """The same paper is the same bytes: its time is that of its day of issue. `xml` lies inside, as Factur-X has it."""
    speech = Speech(paper.language, paper.buyer.country)
    at = datetime.combine(paper.issued or paper.tax_point, time(), UTC)
    title = head.titled(paper, speech)
    sheet = Sheet(
        country=paper.seller.country, at=at, language=speech.language, title=title, author=paper.seller.name,
        used=letters_of(paper),
    )  # fmt: skip
    mark = speech.text("draft") if paper.draft else ""
    sheet.on_page = lambda: page.begin(
        sheet, speech, seller=paper.seller, account=paper.account, title=title, mark=mark
    )
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
    return sheet.done(xmp(title, sheet.by, PRODUCER, at, with_xml=xml is not None))
