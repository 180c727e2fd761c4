"""What is still to be paid on a document, and the state that follows from it. Pure.

Of an invoice: balance = gross − credited − paid − written off. Of a credit note: what nobody used yet = gross − credited (set off
against invoices) − paid (paid out). None of them is ever negative, the balance neither. Amounts are whole minor units.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from billing.errors import CannotSettle

State = Literal["open", "part_paid", "paid", "void", "uncollectible"]


@dataclass(frozen=True)
class Figures:
    """Of one document. `void`: it was taken back as a whole, and stays so."""

    gross: int
    credited: int = 0
    paid: int = 0
    written_off: int = 0
    void: bool = False

    @property
    def balance(self) -> int:
        return self.gross - self.credited - self.paid - self.written_off

    @property
    def untouched(self) -> bool:
        return not (self.credited or self.paid or self.written_off)


def moved(before: Figures, *, credited: int = 0, paid: int = 0, written_off: int = 0) -> Figures:
    """The figures after so much more of each (negative: less). Raises CannotSettle where one, or the balance, would be negative."""
    if before.void:
        raise CannotSettle("This document is void: nothing is set against it, and nothing taken off it.")
    after = replace(
        before,
        credited=before.credited + credited,
        paid=before.paid + paid,
        written_off=before.written_off + written_off,
    )
    if min(after.credited, after.paid, after.written_off) < 0:
        raise CannotSettle("No more can be taken back than was set against this document.")
    if after.balance < 0:
        raise CannotSettle(
            f"{credited + paid + written_off} is more than is open on this document, which is {before.balance} (minor units)."
        )
    return after


def voided(before: Figures) -> Figures:
    """Raises CannotSettle unless all of it was credited."""
    if before.credited != before.gross:
        raise CannotSettle("Only what is credited as a whole can be void.")
    return replace(before, void=True)


def state_of(figures: Figures) -> State:
    """A document of nothing is paid."""
    if figures.void:
        return "void"
    if figures.balance > 0:
        return "open" if figures.untouched else "part_paid"
    return "uncollectible" if figures.written_off else "paid"
