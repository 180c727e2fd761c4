"""A sheet of paper: its size, margins, letters and colours, and where the pen is. Lengths are millimetres, letters are in points."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Literal

import font_source_sans_pro
from fpdf import FPDF
from fpdf.enums import DocumentCompliance
from fpdf.fonts import TTFFont

PRODUCER = "Roundsman"
FAMILY = "source"
FONTS = Path(font_source_sans_pro.font_directory)
LETTERS = {"": "SourceSansPro-Regular.ttf", "B": "SourceSansPro-Semibold.ttf"}
LETTER_SIZE = frozenset({"US", "CA", "MX", "PR"})  # countries that print on it
LEFT, RIGHT, TOP, BOTTOM = 20.0, 15.0, 15.0, 27.0
INK, GREY, RULE, SHADE, GHOST = (26, 32, 36), (102, 112, 118), (190, 198, 202), (243, 245, 246), (230, 232, 234)
Align = Literal["L", "R", "C"]
Colour = tuple[int, int, int]


class Sheet(FPDF):
    """`on_page` draws what every page has, when it begins."""

    def __init__(self, *, country: str, at: datetime, language: str, title: str, author: str) -> None:
        super().__init__(
            format="letter" if country in LETTER_SIZE else "a4", enforce_compliance=DocumentCompliance.PDFA_3B
        )
        self.on_page: Callable[[], None] | None = None
        self.set_margins(LEFT, TOP, RIGHT)
        self.set_auto_page_break(False)
        self.c_margin = 0
        for style, name in LETTERS.items():
            self.add_font(FAMILY, style, FONTS / name)
        self.known = set.intersection(*(set(font.cmap) for font in self.fonts.values() if isinstance(font, TTFFont)))
        self.set_title(title)
        self.set_author(author)
        self.set_producer(PRODUCER)
        self.set_creator(PRODUCER)
        self.set_lang(language)
        self.set_creation_date(at)

    @property
    def room(self) -> float:
        """Down to where the foot begins."""
        return float(self.h) - BOTTOM - float(self.get_y())

    @property
    def width(self) -> float:
        """Between the margins."""
        return float(self.epw)

    @property
    def edge(self) -> float:
        return float(self.w) - RIGHT

    def header(self) -> None:
        if self.on_page:
            self.on_page()

    def pen(self, size: float, *, bold: bool = False, colour: Colour = INK) -> None:
        self.set_font(FAMILY, "B" if bold else "", size)
        self.set_text_color(*colour)

    def say(self, x: float, y: float, text: str, *, width: float = 0, align: Align = "L") -> None:
        """One line in a box that begins at x, y; the pen stays where it is."""
        here = self.get_y()
        self.set_xy(x, y)
        self.cell(width or None, self.line, self.legible(text), align=align)
        self.set_y(here)

    def wrapped(self, text: str, width: float) -> list[str]:
        """As many lines as it takes."""
        lines = self.multi_cell(width, self.line, self.legible(text), dry_run=True, output="LINES", align="L")
        assert isinstance(lines, list)  # that output asks for
        return lines

    def say_all(self, x: float, y: float, lines: list[str], *, align: Align = "L", width: float = 0) -> float:
        """Line under line; answers how high they are together."""
        for n, each in enumerate(lines):
            self.say(x, y + n * self.line, each, align=align, width=width)
        return len(lines) * self.line

    def rule(
        self, y: float, *, since: float = LEFT, until: float | None = None, thick: float = 0.2, colour: Colour = RULE
    ) -> None:
        self.set_draw_color(*colour)
        self.set_line_width(thick)
        FPDF.line(self, since, y, self.edge if until is None else until, y)

    @property
    def line(self) -> float:  # type: ignore[override]
        """The height of a line of the letters in use."""
        return float(self.font_size) * 1.28

    def legible(self, text: str) -> str:
        """What the letters cannot show is a question mark: PDF/A allows no empty boxes."""
        return "".join(each if ord(each) in self.known else "?" for each in text.replace("\n", " "))
