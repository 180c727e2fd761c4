"""What happened: visits, and what was weighed. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from pydantic import Field, model_validator

from billing import weights
from billing.facts import Outcome
from billing.interchange import cells
from billing.interchange.problems import wrong
from billing.interchange.row import Row


class VisitRow(Row):
    """A visit to a service, or one that was to be made."""

    file: ClassVar[str] = "visits"
    refers: ClassVar[dict[str, str]] = {"service": "services"}
    code: cells.Code
    service: cells.Code
    planned_on: cells.Day | None = Field(default=None, description="The day it was due; empty: on call.")
    day: cells.Day = Field(description="The local day it was made, or was to be.")
    outcome: Outcome = "done"
    extra: cells.Flag = Field(default=False, description="Beyond the schedule.")
    containers: cells.Whole = Field(default=1, ge=1, le=32767)
    contaminated: cells.Flag = False
    evidence: cells.Text200 = Field(default="", description="Of a contamination: photo, note.")
    note: cells.Text200 = ""

    @model_validator(mode="after")
    def _proven(self) -> VisitRow:
        if self.contaminated and not self.evidence:
            raise wrong("evidence", "is needed for a contaminated load: a photo's name, a note")
        return self


class WeighTicketRow(Row):
    """What the scale said, in its unit; it is counted in kg, half up to the gram."""

    file: ClassVar[str] = "weigh_tickets"
    refers: ClassVar[dict[str, str]] = {"visit": "visits"}
    code: cells.Code
    visit: cells.Code
    gross: cells.Weight
    tare: cells.Weight
    unit: weights.Unit = "kg"
    weighed_at: cells.Moment | None = None

    @model_validator(mode="after")
    def _weighs(self) -> WeighTicketRow:
        for name, value in (("gross", self.gross), ("tare", self.tare)):
            if value < 0:
                raise wrong(name, f"{value} {self.unit} is below 0: a weight is not negative")
        if self.gross < self.tare:
            raise wrong("gross", f"{self.gross} is below the tare, {self.tare}")
        if self.net_kg > Decimal(999_999_999):
            raise wrong("gross", f"{self.gross} {self.unit} is more than any scale can say")
        return self

    @property
    def net_kg(self) -> Decimal:
        return weights.net_kg(self.gross, self.tare, self.unit)
