"""Rows become a CSV file, as it is read again: comma, UTF-8, CRLF. Pure.

A text that a spreadsheet would take for a formula (=1+1, @SUM, +43 …) is written with an apostrophe in front, and read without it. One that
has apostrophes in front of such a sign gets one more, so that every text comes back as it was.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TextIO

from billing.interchange.cells import WEEKDAYS
from billing.interchange.row import Row

FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
DAYS_OF_WEEK = frozenset({"weekdays", "weekday"})


def read_cell(cell: str) -> str:
    """As it was before it was made safe."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell


def safe(text: str) -> str:
    """No spreadsheet takes it for a formula."""
    return f"'{text}" if FORMULA.match(text) else text


def cell(name: str, value: Any) -> str:
    """A typed value as it stands in a file."""
    if value is None:
        return ""
    if name in DAYS_OF_WEEK:
        return " ".join(WEEKDAYS[int(digit)] for digit in str(value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return number(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, tuple):
        return json.dumps([each.model_dump(mode="json") for each in value], ensure_ascii=False)
    return safe(str(value))


def number(value: Decimal) -> str:
    """Without exponent and idle zeros."""
    text = f"{value:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def written(kind: type[Row], rows: Iterable[Row]) -> str:
    """A whole file."""
    out = io.StringIO(newline="")
    write(out, kind.columns(), (cells(row) for row in rows))
    return out.getvalue()


def cells(row: Row) -> list[str]:
    """A row's, in the order of the columns."""
    return [cell(name, value) for name, value in row.values().items()]


def write(out: TextIO, columns: Sequence[str], lines: Iterable[Sequence[str]]) -> int:
    """Cells that are written already, under their header, as they come. How many lines it were."""
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    many = 0
    for line in lines:
        writer.writerow(line)
        many += 1
    return many
