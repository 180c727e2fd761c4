"""The lines, by site and service, over as many pages as it takes; each with how it came about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from billing.amounts import minus
from billing.paper import derivations
from billing.paper.model import Line, Paper
from billing.paper.pdf.sheet import GREY, INK, LEFT, SHADE, Align, Sheet
from billing.paper.speech import Speech

GAP = 1.1  # above and below a line's text
NARROW = {"quantity": 26.0, "unit_price": 24.0, "tax_rate": 13.0, "amount": 27.0}


@dataclass(frozen=True)
class Column:
    x: float
    width: float
    align: Align


def columns(sheet: Sheet) -> dict[str, Column]:
    """What is left of the width is for words."""
    words = sheet.width - sum(NARROW.values())
    found, x = {"description": Column(LEFT, words - 3, "L")}, LEFT + words
    for name, width in NARROW.items():
        found[name] = Column(x, width, "R")
        x += width
    return found


def draw(sheet: Sheet, paper: Paper, speech: Speech) -> None:
    heading(sheet, paper, speech)
    for heads, line in sections(paper, speech):
        row = _Row(sheet, paper, speech, line)
        if sheet.room < row.height + sum(_head_height(level) for level, _ in heads):
            sheet.add_page()
            heading(sheet, paper, speech)
        for level, text in heads:
            _section(sheet, level, text)
        row.draw()
    sheet.rule(sheet.get_y())


def heading(sheet: Sheet, paper: Paper, speech: Speech) -> None:
    """What the columns are."""
    y = sheet.get_y()
    sheet.pen(8, bold=True, colour=GREY)
    for name, column in columns(sheet).items():
        key = "amount_in" if name == "amount" else name
        sheet.say(column.x, y, speech.text(key, currency=paper.currency), width=column.width, align=column.align)
    sheet.rule(y + 5)
    sheet.set_y(y + 6)


def sections(paper: Paper, speech: Speech) -> Iterator[tuple[list[tuple[int, str]], Line]]:
    """Each line, with the headings that begin before it (level 0: a site, or what is late; 1: a service)."""
    before: tuple[str, str] | None = None
    several = len({(line.site, line.service, line.since is not None) for line in paper.lines}) > 1
    for line in paper.lines:
        site = paper.places.get(line.site, line.site)
        top = speech.text("late") if line.since else site or (speech.text("general") if several else "")
        service = paper.services.get(line.service, line.service)
        heads = [(0, top)] if top and (before is None or before[0] != top) else []
        if service and (heads or before is None or before[1] != service):
            heads.append((1, service))
        before = (top, service)
        yield heads, line


def _head_height(level: int) -> float:
    return 7.4 if level == 0 else 6.4


def _section(sheet: Sheet, level: int, text: str) -> None:
    y, height = sheet.get_y(), _head_height(level)
    if level == 0:
        sheet.set_fill_color(*SHADE)
        sheet.rect(LEFT, y + 1, sheet.width, height - 2, style="F")
    sheet.pen(9 if level == 0 else 8.5, bold=True, colour=INK if level == 0 else GREY)
    inset = 1.5 if level == 0 else 0
    sheet.say(LEFT + inset, y + 1.6, sheet.wrapped(text, sheet.width - 2 * inset)[0])
    sheet.set_y(y + height)


class _Row:
    """Measured before it is drawn, so that it never lies across two pages."""

    def __init__(self, sheet: Sheet, paper: Paper, speech: Speech, line: Line) -> None:
        self.sheet, self.columns = sheet, columns(sheet)
        width = self.columns["description"].width
        sheet.pen(9)
        self.title = sheet.wrapped(derivations.title(line, speech), width)
        self.figures = {
            "quantity": f"{speech.number(line.quantity)} {speech.unit(line.unit)}".rstrip(),
            "unit_price": speech.number(line.unit_price, least=paper.digits),
            "tax_rate": "–" if line.category == "O" else f"{speech.number(line.rate)} %",
            "amount": speech.amount(line.amount),
        }
        high = len(self.title) * sheet.line
        sheet.pen(7.5)
        self.words = []
        for text in (
            minus(derivations.derived(line, speech, paper.period)),
            speech.text("since", day=speech.day(line.since)) if line.since else "",
        ):
            self.words += sheet.wrapped(text, width) if text else []
        self.height = high + len(self.words) * sheet.line + 2 * GAP

    def draw(self) -> None:
        sheet, top = self.sheet, self.sheet.get_y() + GAP
        sheet.pen(9)
        words_y = top + sheet.say_all(LEFT, top, self.title)
        for name, text in self.figures.items():
            column = self.columns[name]
            sheet.say(column.x, top, text, width=column.width, align="R")
        sheet.pen(7.5, colour=GREY)
        sheet.say_all(LEFT, words_y, self.words)
        sheet.set_y(top - GAP + self.height)
