"""A sheet of paper: its size, margins, letters and colours, and where the pen is. Lengths are millimetres, letters are in points."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from fpdf import FPDF
from fpdf.enums import DocumentCompliance
from fpdf.fonts import TTFFont

from billing.paper import letters

PRODUCER = "Roundsman"
FAMILY = "source"
LETTER_SIZE = frozenset({"US", "CA", "MX", "PR"})  # countries that print on it
LEFT, RIGHT, TOP, BOTTOM = 20.0, 15.0, 15.0, 27.0
INK, GREY, RULE, SHADE, GHOST = (26, 32, 36), (102, 112, 118), (190, 198, 202), (243, 245, 246), (230, 232, 234)
VARYING = ("fvar", "gvar", "avar", "cvar", "HVAR", "VVAR", "MVAR", "STAT")
Align = Literal["L", "R", "C"]
Colour = tuple[int, int, int]


class Sheet(FPDF):
    """`on_page` draws what every page has, when it begins. `used`: the letters of all that will be said, so that their fonts are there."""

    def __init__(
        self, *, country: str, at: datetime, language: str, title: str, author: str, used: frozenset[str] = frozenset()
    ) -> None:
        super().__init__(
            format="letter" if country in LETTER_SIZE else "a4", enforce_compliance=DocumentCompliance.PDFA_3B
        )
        self.on_page: Callable[[], None] | None = None
        self.set_margins(LEFT, TOP, RIGHT)
        self.set_auto_page_break(False)
        self.c_margin = 0
        for style, file in letters.OWN.items():
            self.add_font(FAMILY, style, file)
        self.known = frozenset.intersection(*(letters.shown(file) for file in letters.OWN.values()))
        self._let_step_in(letters.faces_for(used))
        self.set_title(title)
        self.by = " ".join(author.split())
        self.set_author(self.by)
        self.set_producer(PRODUCER)
        self.set_creator(PRODUCER)
        self.set_lang(language)
        self.set_creation_date(at)

    def _let_step_in(self, faces: list[letters.Face]) -> None:
        """They have one weight: bold letters of theirs are not bold. Shaping is for those alone that need it: it takes its time."""
        for face in faces:
            self.add_font(face.family, "", face.file)
            self._as_drawn(face.family)
            self.known |= letters.shown(face.file)
        if faces:
            self.set_fallback_fonts([face.family for face in faces], exact_match=False)
        if any(face.shaped for face in faces):
            self.set_text_shaping(True)

    def done(self, xmp: str) -> bytes:
        """The file; `xmp`: what it says of itself to programs."""
        self.set_xmp_metadata(xmp)
        return bytes(self.output() or b"")

    def _take_up_the_pen(self) -> None:
        """The font is set for the page, not for the line alone. The library leaves that to a line's first letter; where that is of another
        font, it believes afterwards that the page has the font, and the next line's letters come out as others."""
        if self.current_font is not None and not self.current_font_is_set_on_page:
            self._out(self._set_font_for_page(self.current_font, self.font_size_pt))

    def _as_drawn(self, family: str) -> None:
        """Of a font of many weights the regular one, as which its letters are drawn: what would vary them stays out."""
        font = self.fonts[family]
        assert isinstance(font, TTFFont)
        for table in VARYING:
            if table in font.ttfont:
                del font.ttfont[table]

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
        self._take_up_the_pen()
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
        """What no font can show is a question mark: PDF/A allows no empty boxes."""
        return "".join(self._legible(each) for each in text.replace("\n", " "))

    def _legible(self, letter: str) -> str:
        if ord(letter) in self.known:
            return letter
        return "" if letters.invisible(letter) else "?"
