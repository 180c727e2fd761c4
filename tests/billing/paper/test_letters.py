"""Names in other letters are printed as they are; what cannot be printed is told."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from typing import Any

import pypdfium2
import pytest
from fontTools.ttLib import TTFont
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from billing.paper import letters
from billing.paper.files import pdf_of
from billing.paper.model import Paper

from .papers import BUYER, a_paper, long_paper

STRANGE = "𓀀"  # an Egyptian hieroglyph
NAMES = {
    "Japanese": "山田清掃株式会社 カタカナ ひらがな",
    "Chinese": "北京环卫集团、臺灣清潔",
    "Korean": "서울환경주식회사",
    "Hebrew": "הובלות כהן בע״מ",
    "Arabic": "شركة النظافة",
    "Hindi": "दिल्ली",
    "Thai": "กรุงเทพ",
    "Georgian": "თბილისი",
    "Armenian": "Երևան",
    "Ethiopic": "አዲስ",
}


def to(name: str, **over: Any) -> Paper:
    return a_paper(buyer=replace(BUYER, name=name), **over)


def seen(paper: Paper) -> str:
    """As a reader program copies it, page by page."""
    document = pypdfium2.PdfDocument(pdf_of(paper))
    return "\n".join(page.get_textpage().get_text_range() for page in document).replace("\u00a0", " ")


@pytest.mark.parametrize("name", ["Japanese", "Chinese", "Korean", "Hebrew", "Georgian", "Armenian", "Ethiopic"])
def test_a_name_in_other_letters_is_printed_and_can_be_copied(name: str) -> None:
    assert NAMES[name] in seen(to(NAMES[name]))


@pytest.mark.parametrize("name", NAMES)
def test_no_letter_of_it_is_a_question_mark_and_all_fonts_are_inside(name: str) -> None:
    paper = to(NAMES[name])
    assert letters.unprintable(letters.letters_of(paper)) == []
    assert "?" not in seen(paper)
    for font in fonts(pdf_of(paper)):
        descriptor = font["/DescendantFonts"][0]["/FontDescriptor"]
        assert any(descriptor.get(key) for key in ("/FontFile2", "/FontFile3")), font["/BaseFont"]
        assert "/ToUnicode" in font
        if "/FontFile2" in descriptor:
            assert "fvar" not in TTFont(BytesIO(descriptor["/FontFile2"].get_data()))  # one weight, and no other


def fonts(made: bytes) -> list[Any]:
    return [
        font.get_object() for page in PdfReader(BytesIO(made)).pages for font in page["/Resources"]["/Font"].values()
    ]


@pytest.mark.parametrize("name", NAMES)
def test_what_stands_beside_it_is_as_without_it(name: str) -> None:
    """Another font in a line must not leak into the next one: figures would come out as others."""
    usual, other = (seen(to(each)).splitlines() for each in (BUYER.name, NAMES[name]))
    assert [line for line in usual if line not in other] == [BUYER.name]


def test_letters_of_other_fonts_in_bold_headings_and_on_later_pages_are_there() -> None:
    paper = long_paper(60)
    paper = replace(
        paper, services=dict.fromkeys(paper.services, "廃棄物 1100 l"), places=dict.fromkeys(paper.places, "本社")
    )
    text = seen(paper)
    assert text.count("廃棄物 1100 l") >= 1 and "本社" in text


def test_a_name_from_right_to_left_runs_so_and_its_figures_do_not() -> None:
    """Where letters are: the first one is the rightmost, and 12 is 12."""
    page = pypdfium2.PdfDocument(pdf_of(to("רחוב 12")))[0].get_textpage()
    text = page.get_text_range()
    at = {letter: page.get_charbox(n)[0] for n, letter in enumerate(text) if letter in "רחוב"}
    assert at["ר"] > at["ח"] > at["ו"] > at["ב"]
    start = text.index("12", text.index("ב"))
    assert page.get_charbox(start)[0] < page.get_charbox(start + 1)[0] < at["ב"]


def test_the_same_paper_in_other_letters_is_the_same_bytes() -> None:
    for name in ("Japanese", "Hebrew"):
        assert pdf_of(to(NAMES[name])) == pdf_of(to(NAMES[name]))


def test_what_no_font_has_is_told_and_a_question_mark_stands_for_it() -> None:
    paper = to(f"Ente {STRANGE}")
    assert letters.unprintable(letters.letters_of(paper)) == [STRANGE]
    assert "Ente ?" in seen(paper)


def test_marks_that_nobody_sees_are_no_letters() -> None:
    paper = to("Ente\u200e\u200b GmbH\r")
    assert letters.unprintable(letters.letters_of(paper)) == []
    assert "Ente GmbH" in seen(paper)


def test_plain_letters_are_in_the_houses_own_font_and_need_no_other() -> None:
    for file in letters.OWN.values():
        assert [each for each in letters.PLAIN if ord(each) not in letters.shown(file)] == []
    assert letters.faces_for("Łódź Şişli €") == []
    assert [face.family for face in letters.faces_for("山 and ש")] == ["cjk", "sanshebrew"]


@given(st.text(max_size=20))
def test_every_letter_is_in_a_font_or_told(text: str) -> None:
    found, missing = letters.faces_for(text), set(letters.unprintable(text))
    files = [face.file for face in found]
    for each in text:
        here = all(ord(each) in letters.shown(file) for file in letters.OWN.values())
        here = here or any(ord(each) in letters.shown(file) for file in files)
        assert here or each in missing or letters.invisible(each)
        assert not (here and each in missing)
