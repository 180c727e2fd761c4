"""A paper's files: rendered, read back and proved."""

from __future__ import annotations

from billing.paper import figures, proof
from billing.paper.cii import cii
from billing.paper.model import Paper
from billing.paper.telling import CannotTell
from billing.paper.ubl import ubl


def pdf_of(paper: Paper) -> bytes:
    """With the Factur-X XML inside where the document is final and EN 16931 has words for it. Raises CannotPrice, FigureDiffers."""
    from billing.paper.pdf.document import pdf  # with fpdf2, Pillow and fontTools, 40 MB, for those alone who make one

    figures.prove(paper)
    return pdf(paper, factur_x_of(paper))


def factur_x_of(paper: Paper) -> bytes | None:
    try:
        xml = cii(paper)
    except CannotTell:
        return None
    proof.prove(paper, xml, proof.CII)
    return xml


def ubl_of(paper: Paper) -> bytes:
    """Raises CannotTell (a draft, three decimals, a number that is missing …), CannotPrice, FigureDiffers."""
    figures.prove(paper)
    xml = ubl(paper)
    proof.prove(paper, xml, proof.UBL)
    return xml
