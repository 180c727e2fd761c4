"""The PDF: says what the document says in the customer's language, is PDF/A-3 as far as its makings go, and always the same bytes."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import facturx
import pytest
from lxml import etree
from pypdf import PageObject, PdfReader

from billing.paper.cii import cii
from billing.paper.files import pdf_of
from billing.paper.model import Paper
from billing.paper.pdf.girocode import girocode
from tests.billing.paper.papers import BUYER, SELLER, USUAL, a_credit_note, a_paper, all_kinds, long_paper, of_category

KINDS = all_kinds()


def read(paper: Paper) -> PdfReader:
    return PdfReader(io.BytesIO(pdf_of(paper)))


def text_of(paper: Paper) -> str:
    """All pages' words, spaces as a reader sees them."""
    words = "\n".join(page.extract_text() for page in read(paper).pages)
    return words.replace("\u00a0", " ")


# --- what it says ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["Invoice INV-000017", "1 November 2026", "Tax 20 % on 423.14", "Total to pay", "507.77 EUR", "Page 1 of 1"]),
        ("de", ["Rechnung INV-000017", "1. November 2026", "USt. 20 % auf 423,14", "Zu zahlen", "507,77 EUR", "Seite 1 von 1"]),
        ("fr", ["Facture INV-000017", "1 novembre 2026", "TVA 20 % sur 423,14", "Total à payer", "507,77 EUR", "Page 1 sur 1"]),
        ("xx", ["Invoice INV-000017"]),
    ],
)  # fmt: skip
def test_a_document_speaks_the_customers_language(language: str, words: list[str]) -> None:
    text = text_of(a_paper(language=language))
    assert [each for each in words if each not in text] == []


def test_all_that_the_law_asks_for_is_there() -> None:
    text = text_of(KINDS["standard"])
    for each in (
        SELLER.name, SELLER.street, SELLER.tax_id, SELLER.registration, BUYER.name, BUYER.street, "INV-000017", "15 November 2026",
        "31 October 2026", "1 Oct 2026 – 31 Oct 2026", "Base fee", "Pick-up", "1.25 t", "87.40", "109.25", "−11.11", "423.14", "84.63",
        "AT61 1904 3002 3457 3201", "BKAUATWW", "Residual waste, 2 × bin 1100 l", "Hof, Gasse 2, 1020 Wien",
    ):  # fmt: skip
        assert each in text, each


def test_a_credit_note_names_the_invoice_and_asks_for_no_money() -> None:
    text = text_of(a_credit_note())
    assert "Credit note CN-000003" in text
    assert "Credits invoice INV-000017 of 1 November 2026." in text
    assert "Two visits were billed twice." in text
    assert "Total credited" in text
    assert "Please pay" not in text


@pytest.mark.parametrize(
    ("category", "words"), [("AE", "Reverse charge: the recipient owes the tax."), ("E", "Charity, section 6 (1) 18")]
)
def test_why_no_tax_is_due_is_said(category: str, words: str) -> None:
    assert words in text_of(of_category(category))


def test_the_rate_of_exchange_is_said_with_its_day() -> None:
    assert "Tax in EUR: 77.22 (1 USD = 0.9125 EUR, 30 October 2026)" in text_of(KINDS["dollars abroad"])


def test_prices_with_tax_are_said_to_be_so_and_the_tax_told_below_the_total() -> None:
    text = text_of(KINDS["inclusive coupon"])
    assert "Prices include tax." in text
    assert text.index("Total to pay") < text.index("of which tax 20 %")
    assert "−1.99" in text  # the coupon, in one figure


def test_a_draft_is_marked_on_every_page_and_has_no_number() -> None:
    paper = replace(long_paper(language="de"), number=None, issued=None, due=None)
    pages = [page.extract_text() for page in read(paper).pages]
    assert len(pages) > 1
    assert all("ENTWURF" in text for text in pages)
    assert "INV-" not in "".join(pages)


def test_a_late_line_says_for_which_period() -> None:
    paper = KINDS["standard"]
    lines = [*paper.lines[:-1], replace(paper.lines[-1], since=date(2026, 9, 1))]
    text = text_of(replace(paper, lines=lines))
    assert "From earlier periods" in text
    assert "Period from 1 September 2026" in text


def test_days_that_are_not_the_whole_period_are_said() -> None:
    paper, inputs = KINDS["standard"], {"from": "2026-10-01", "to": "2026-10-14"}
    first = replace(paper.lines[0], inputs=inputs)
    assert "1 Oct 2026 – 14 Oct 2026: 1 × 100.00" in text_of(replace(paper, lines=[first, *paper.lines[1:]]))
    whole = replace(first, inputs={"from": "2026-10-01", "to": "2026-10-31"})
    assert "31 Oct 2026: 1 ×" not in text_of(replace(paper, lines=[whole, *paper.lines[1:]]))


# --- how it is laid out ------------------------------------------------------------------------------------------------


def test_a_long_document_loses_no_line_and_counts_its_pages() -> None:
    paper = long_paper(60)
    reader = read(paper)
    pages = [page.extract_text().replace("\u00a0", " ") for page in reader.pages]
    assert len(pages) >= 3
    for n, text in enumerate(pages, 1):
        assert f"Page {n} of {len(pages)}" in text
        assert ("Invoice INV-000017, continued" in text) == (n > 1)
    found = re.findall(r"Pick-up (\d+)", "\n".join(pages))
    assert [int(each) for each in found] == list(range(60))


FOOT, FOOT_LINES = 27 / 25.4 * 72, 3  # points from the edge; the seller, its numbers, the page


@pytest.mark.parametrize("lines", range(11, 23))
def test_wherever_the_page_ends_the_total_and_the_account_are_whole(lines: int) -> None:
    """Nothing is drawn into the foot: what does not fit goes over."""
    pages = read(long_paper(lines)).pages
    for needed in (("Net total", "Total to pay"), ("Payee", "Purpose")):
        assert [all(each in page.extract_text() for each in needed) for page in pages].count(True) == 1, needed
    for page in pages:
        assert len(low_on(page)) == FOOT_LINES, low_on(page)


def low_on(page: PageObject) -> list[str]:
    """The texts in the foot's place."""
    found: list[str] = []

    def seen(text: str, cm: Any, tm: Any, *_: Any) -> None:
        if text.strip() and tm[5] < FOOT:
            found.append(text)

    page.extract_text(visitor_text=seen)
    return found


def test_americans_get_letter_and_their_days() -> None:
    home = replace(SELLER, country="US", city="Austin", postcode="TX 78701", tax_id="12-3456789", registration="")
    paper = a_paper(currency="USD", seller=home, buyer=replace(BUYER, country="US"), account=None)
    assert [float(each) for each in read(paper).pages[0].mediabox[2:]] == pytest.approx([612, 792])
    assert "November 1, 2026" in text_of(paper)
    assert "Austin TX 78701" in text_of(paper)


def test_long_words_and_strange_letters_break_nothing() -> None:
    line = replace(KINDS["standard"].lines[0], title="W" * 200, words="Entsorgungsfachbetrieb" * 20)
    buyer = replace(BUYER, name="𓀀𓀁𓀂𓀃 " + "N" * 190, street="улица Ленина 1 · Ελλάδα · Łódź · Şişli")
    paper = KINDS["standard"]
    text = text_of(replace(paper, buyer=buyer, lines=[line, *paper.lines[1:]]))
    assert "????" in text  # PDF/A allows no empty boxes
    assert "улица Ленина 1 · Ελλάδα · Łódź · Şişli" in text


# --- what it is --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["standard", "yen", "credit note", "category O"])
def test_the_factur_x_inside_is_the_xml_and_is_valid(name: str) -> None:
    made = pdf_of(KINDS[name])
    file_name, xml = facturx.get_xml_from_pdf(made, check_xsd=True, check_schematron=False)
    assert file_name == "factur-x.xml"
    assert xml == cii(KINDS[name])
    assert facturx.get_level(etree.fromstring(xml)) == "en16931"


def test_what_has_no_xml_is_a_pdf_all_the_same() -> None:
    reader = read(a_paper([("Base fee", "1", "12.345", USUAL[0][3])], currency="BHD"))
    assert "/AF" not in reader.trailer["/Root"]
    assert "Factur-X" not in reader.trailer["/Root"]["/Metadata"].get_data().decode()


def test_it_is_made_as_pdf_a_3_asks() -> None:
    reader = read(KINDS["standard"])
    root: Any = reader.trailer["/Root"]
    xmp = root["/Metadata"].get_data().decode()
    assert "<pdfaid:part>3</pdfaid:part>" in xmp
    assert "<pdfaid:conformance>B</pdfaid:conformance>" in xmp
    assert "<fx:ConformanceLevel>EN 16931</fx:ConformanceLevel>" in xmp
    assert "/Filter" not in root["/Metadata"]  # metadata is not packed
    assert root["/OutputIntents"][0]["/S"] == "/GTS_PDFA1"
    assert root["/OutputIntents"][0]["/DestOutputProfile"].get_data()
    assert root["/Lang"] == "en"
    attached = root["/AF"][0].get_object()
    assert attached["/AFRelationship"] == "/Alternative"
    assert attached["/EF"]["/F"]["/Subtype"] == "/text/xml"
    assert "/ID" in reader.trailer
    assert "/Encrypt" not in reader.trailer
    fonts = [font.get_object() for page in reader.pages for font in page["/Resources"]["/Font"].values()]
    assert len(fonts) >= 2
    for font in fonts:
        assert font["/DescendantFonts"][0]["/FontDescriptor"]["/FontFile2"].get_data()
        assert "/ToUnicode" in font
    assert '<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Invoice INV-000017</rdf:li>' in xmp
    assert "/Info" not in reader.trailer  # what it would say stands in the metadata, once


def test_the_same_paper_is_the_same_bytes_in_another_process_on_another_day() -> None:
    script = (
        "import hashlib; from tests.billing.paper.papers import a_paper; from billing.paper.files import pdf_of, ubl_of;"
        "paper = a_paper(language='fr'); print(hashlib.sha256(pdf_of(paper) + ubl_of(paper)).hexdigest())"
    )
    made = set()
    for seed, zone in (("1", "UTC"), ("2", "Pacific/Auckland")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "DJANGO_SETTINGS_MODULE": ""}
        ran = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
        )
        made.add(ran.stdout)
    assert len(made) == 1


def test_a_cent_is_another_file() -> None:
    other = [*USUAL[:-1], ("Base fee, credit for missed visits", "-1", "11.12", USUAL[0][3])]
    assert pdf_of(a_paper()) != pdf_of(a_paper(other))


# --- the code for telephones ---------------------------------------------------------------------------------------------


def test_a_transfer_in_euros_has_its_code() -> None:
    assert girocode(KINDS["standard"])


@pytest.mark.parametrize(
    "paper",
    [
        KINDS["yen"],
        KINDS["no account"],
        KINDS["credit outweighs"],
        replace(KINDS["standard"], number=None),
        replace(KINDS["standard"], gross=Decimal("1000000000.00")),
    ],
)
def test_where_no_such_code_can_be_there_is_none(paper: Paper) -> None:
    assert girocode(paper) is None
