"""What changed since a contract's last document, and why. One query for any number of contracts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from uuid import UUID

from billing.difference import Said, change_percent, why
from billing.drafting import Figures
from billing.money import major, minor
from billing.proration import Period
from billing.selectors.due import Stands
from billing.selectors.said import said_by, said_in

FIRST = "The first document of this contract."


@dataclass(frozen=True)
class Change:
    """`previous`: the document that this one is compared with."""

    previous: UUID | None = None
    percent: Decimal | None = None
    why: Sequence[str] = field(default_factory=lambda: [FIRST])

    def beyond(self, percent: Decimal) -> bool:
        return self.percent is not None and abs(self.percent) > percent


class Changes:
    """`stands`: by contract, documents that stand or are drafted, by period. Drafts made meanwhile are noted."""

    def __init__(self, stands: Mapping[int, Sequence[Stands]], wanted: Mapping[int, Sequence[Period]]) -> None:
        self._stands: dict[int, list[Stands]] = defaultdict(list)
        for contract, periods in wanted.items():
            last = periods[-1].start if periods else date.min
            self._stands[contract] = [each for each in stands.get(contract, ()) if each.start < last]
        before = (self._before(contract, each.start) for contract, periods in wanted.items() for each in periods)
        self._said: dict[UUID, Sequence[Said]] = dict(said_in({each.id for each in before if each is not None}))

    def since_the_last(self, contract: int, start: date, figures: Figures, currency: str) -> Change:
        """Compare a draft with the document of the latest period before."""
        before = self._before(contract, start)
        if before is None:
            return Change()
        gross = -figures.gross if figures.kind == "credit_note" else figures.gross
        percent = change_percent(gross, major(before.gross_minor, currency))
        return Change(before.id, percent, why(said_by(figures), self._said.get(before.id, ()), currency))

    def note(self, contract: int, start: date, document: UUID, figures: Figures, currency: str) -> None:
        """The draft that the next period's one is compared with."""
        gross = minor(-figures.gross if figures.kind == "credit_note" else figures.gross, currency)
        self._stands[contract].append(Stands(document, start, gross))
        self._said[document] = said_by(figures)

    def _before(self, contract: int, start: date) -> Stands | None:
        return max(
            (each for each in self._stands[contract] if each.start < start), key=lambda each: each.start, default=None
        )
