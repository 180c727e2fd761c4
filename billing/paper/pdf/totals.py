"""Under the lines: allowances, taxes, the total. Kept together on one page."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from billing.paper import exemptions
from billing.paper.model import Paper, TaxGroup
from billing.paper.pdf.sheet import GREY, INK, RULE, Sheet
from billing.paper.speech import Speech

WIDTH, FIGURES = 92.0, 32.0


@dataclass(frozen=True)
class Row:
    label: str
    amount: Decimal
    strong: bool = False
    above: bool = False  # a rule


def rows(paper: Paper, speech: Speech) -> list[Row]:
    """From the lines' sum to the total, as the tax mode reads: with prices that have the tax in them, it is told below the total."""
    found = []
    if paper.adjustments:
        found.append(Row(speech.text("lines_sum"), sum((line.amount for line in paper.lines), Decimal())))
        found += [Row(reason, amount) for reason, amount in adjusted(paper).items()]
    taxes = [Row(_taxed(group, paper, speech, paper.mode), group.tax) for group in paper.tax_groups]
    total = Row(
        speech.text("to_credit" if paper.kind == "credit_note" else "to_pay"), paper.gross, strong=True, above=True
    )
    net = Row(speech.text("net"), paper.net, above=bool(found))
    return (
        [*found, total, *taxes, Row(speech.text("net"), paper.net)]
        if paper.mode == "inclusive"
        else [*found, net, *taxes, total]
    )


def adjusted(paper: Paper) -> dict[str, Decimal]:
    """By reason, signed: a coupon is one figure here, however many taxes its parts have."""
    found: dict[str, Decimal] = {}
    for each in paper.adjustments:
        found[each.reason] = found.get(each.reason, Decimal()) + (
            each.amount if each.kind == "charge" else -each.amount
        )
    return found


def _taxed(group: TaxGroup, paper: Paper, speech: Speech, mode: str) -> str:
    base = speech.amount(group.base)
    if exemptions.untaxed(group):
        return speech.text("no_tax_on", category=group.category, base=base)
    return speech.text("tax_in" if mode == "inclusive" else "tax_on", rate=speech.number(group.rate), base=base)


def draw(sheet: Sheet, paper: Paper, speech: Speech) -> None:
    found = rows(paper, speech)
    if sheet.room < 8 + sum(8.0 if each.strong else 5.0 for each in found):
        sheet.add_page()
    left, y = sheet.edge - WIDTH, sheet.get_y() + 3
    for each in found:
        if each.above:
            y += 0.8
            sheet.rule(y, since=left, thick=0.5 if each.strong else 0.2, colour=INK if each.strong else RULE)
            y += 0.8
        sheet.pen(11.5 if each.strong else 9, bold=each.strong, colour=INK)
        text = speech.money(each.amount, paper.currency) if each.strong else speech.amount(each.amount)
        sheet.say(sheet.edge - FIGURES, y, text, width=FIGURES, align="R")
        if not each.strong:
            sheet.pen(9, colour=GREY)
        sheet.say_all(left, y, sheet.wrapped(each.label, WIDTH - FIGURES)[:2])
        y += 7.0 if each.strong else 5.0
    sheet.set_y(y + 3)
