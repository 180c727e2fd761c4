"""docs/reference/billing-files.md, made from the row models: `python -m billing.interchange.described`. Pure."""

from __future__ import annotations

import sys
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from billing.interchange.row import Row
from billing.interchange.tables import ROWS

HEAD = """# The files of billing

Made from `billing/interchange/` by `python -m billing.interchange.described`. How they are imported and exported: [import billing data](../how-to/import-billing-data.md).

A file is called as its table, and is UTF-8 with a comma, a semicolon or a tab between cells. The first row names the columns, in any order. The fields in **bold** tell a row apart. A column with a default may be left out: new rows get the
default, rows that are there keep what they have. An empty cell is the default.
"""
KINDS: dict[Any, str] = {
    "Code": "code", "Currency": "ISO 4217, like EUR", "Country": "ISO 3166, like AT", "Zone": "time zone, like Europe/Vienna",
    "Language": "language, like de", "Email": "e-mail address", "Day": "date, like 2026-10-31",
    "Moment": "instant, like 2026-10-31T08:15:00+01:00", "Whole": "whole number", "Flag": "yes or no", "Weekday": "weekday, like Mon",
    "Weekdays": "weekdays, like Mon Thu", "Amount": "number, like 12.50", "Percent": "percent, like 20", "Index": "number, like 1.652",
    "Exchange": "rate, like 0.8613", "Weight": "weight, like 12.345; 3 decimals at most",
}  # fmt: skip


def page() -> str:
    """The whole page."""
    return HEAD + "".join(map(_table, ROWS))


def _table(kind: type[Row]) -> str:
    lines = [f"\n## {kind.file}.csv\n\n{_plain(kind.__doc__)}\n\n| column | what it holds | default |\n|---|---|---|\n"]
    for name, field in kind.model_fields.items():
        shown = f"**{name}**" if name in kind.key else name
        refers = f", of {kind.refers[name]}" if name in kind.refers else ""
        about = f". {_plain(field.description)}" if field.description else ""
        lines.append(f"| {shown} | {_holds(kind, name)}{refers}{about} | {_default(field)} |\n")
    return "".join(lines)


def _plain(text: str | None) -> str:
    return " ".join((text or "").split())


def _holds(kind: type[Row], name: str) -> str:
    """By the name of its type, as it is written in the model."""
    written = str(kind.__annotations__[name]).removesuffix(" | None")
    if name == "rules":
        return "JSON"
    if (of_cells := written.removeprefix("cells.")) in KINDS:
        return KINDS[of_cells]
    annotation = kind.model_fields[name].annotation
    choices = get_args(annotation) if get_origin(annotation) is Literal else ()
    if choices:
        return ", ".join(choices)
    most = next((each.max_length for each in kind.model_fields[name].metadata if hasattr(each, "max_length")), None)
    return f"text, {most} characters at most" if most else "text"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    value = field.default
    assert value is not PydanticUndefined
    return "" if value in (None, "") else "no" if value is False else "yes" if value is True else str(value)


if __name__ == "__main__":
    sys.stdout.write(page())
