"""How documents are numbered, and how customers are reminded. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from pydantic import Field

from billing.interchange import cells
from billing.interchange.row import Row


class SeriesRow(Row):
    """Numbers without gaps: prefix and so many digits. Which number is next is not in the file."""

    file: ClassVar[str] = "series"
    code: cells.Code
    prefix: cells.Text20 = ""
    digits: cells.Whole = Field(default=6, ge=1, le=12)


class DunningStepRow(Row):
    """So many days after a document was due, this is done."""

    file: ClassVar[str] = "dunning_steps"
    key: ClassVar[tuple[str, ...]] = ("number",)
    number: cells.Whole = Field(ge=1, le=99)
    days_after_due: cells.Whole = Field(ge=0, le=3650)
    title: cells.Text120
    text: cells.LongText = ""
    retry: cells.Flag = Field(default=False, description="The saved method is charged again.")
    fee: cells.Amount = Field(default=Decimal(0), ge=0, description="In the seller's currency.")
