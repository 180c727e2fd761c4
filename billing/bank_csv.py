"""A bank's CSV: which column is what, and how dates and amounts are written. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

import pydantic

from billing.bookings import Booking, Contents, clean, clean_account, identified, minor, prove_size
from billing.errors import StatementUnreadable

USUAL: Mapping[str, tuple[str, ...]] = {
    "booked_on": ("booked_on", "date", "booking date", "buchungsdatum", "buchungstag"),
    "amount": ("amount", "betrag", "umsatz"),
    "currency": ("currency", "währung", "waehrung"),
    "payer": (
        "payer",
        "name",
        "auftraggeber",
        "partnername",
        "zahlungspflichtiger",
        "beguenstigter/zahlungspflichtiger",
    ),
    "account": ("account", "iban", "partner iban", "kontonummer/iban"),
    "text": ("text", "reference text", "verwendungszweck", "zahlungsreferenz", "buchungstext"),
    "reference": ("reference", "bank reference", "referenz", "buchungsreferenz"),
}
NEEDED = ("booked_on", "amount")
ERRORS = 10  # told at once


class CsvForm(pydantic.BaseModel):
    """How a bank writes its CSV. `columns`: our name → the file's header, where that is not a usual one; `currency`: of files without such a column."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    columns: dict[Literal["booked_on", "amount", "currency", "payer", "account", "text", "reference"], str] = (
        pydantic.Field(default_factory=dict)
    )
    delimiter: Literal[",", ";", "\t"] | None = None
    decimal: Literal[".", ","] = "."
    dates: str = pydantic.Field(default="%Y-%m-%d", description="As strptime has it: %d.%m.%Y.")
    encoding: Literal["utf-8", "cp1252"] = "utf-8"
    currency: str = ""


def read(content: bytes, form: CsvForm | None = None) -> Contents:
    """Raises StatementUnreadable, which names rows (as lines of the file) and columns."""
    form = form or CsvForm()
    prove_size(content)
    text = _decoded(content, form)
    header = text.partition("\n")[0]
    delimiter: str = form.delimiter or max([";", ",", "\t"], key=header.count)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    found: list[Booking] = []
    wrong: list[str] = []
    try:
        columns = _columns([name.strip() for name in rows.fieldnames or ()], form)
        for row in rows:
            try:
                found += _bookings(row, columns, form, f"Row {rows.line_num}")
            except StatementUnreadable as error:
                wrong.append(str(error))
    except csv.Error as error:
        raise StatementUnreadable(f"Row {rows.line_num}: {error}.") from None
    if wrong:
        more = [f"And {len(wrong) - ERRORS} more."] if len(wrong) > ERRORS else []
        raise StatementUnreadable(" ".join([*wrong[:ERRORS], *more]))
    return Contents("csv", identified(found))


def _columns(header: list[str], form: CsvForm) -> dict[str, str]:
    """Our name → the file's."""
    there = {name.casefold(): name for name in header}
    found: dict[str, str] = {}
    for name, usual in USUAL.items():
        asked = (form.columns[name],) if name in form.columns else usual  # type: ignore[index]
        for each in asked:
            if each.casefold() in there:
                found.setdefault(name, there[each.casefold()])
        if name in form.columns and name not in found:
            raise StatementUnreadable(
                f"Row 1: there is no column {form.columns[name]!r}. There are: {', '.join(header)}."
            )  # type: ignore[index]
    if lacking := [name for name in NEEDED if name not in found]:
        raise StatementUnreadable(
            f"Row 1: no column is known as the {lacking[0]}. There are: {', '.join(header)}. Say in the form which one it is."
        )
    if "currency" not in found and not form.currency:
        raise StatementUnreadable(
            "Row 1: no column is known as the currency. Say in the form which one it is, or which it always is."
        )
    return found


def _bookings(
    row: Mapping[str | None, str | list[str] | None], columns: Mapping[str, str], form: CsvForm, where: str
) -> list[Booking]:
    if None in row or None in row.values():
        raise StatementUnreadable(f"{where}: it has another number of columns than the header.")
    told = {(name or "").strip(): str(value).strip() for name, value in row.items()}
    if not any(told.values()):
        return []
    cell = {name: told[column] for name, column in columns.items()}
    currency = cell.get("currency") or form.currency
    amount = minor(_amount(cell["amount"], form, f"{where}, {columns['amount']}"), currency, where)
    return [
        Booking(
            f"csv:{reference}" if (reference := clean(cell.get("reference"), 200)) else "",
            _day(cell["booked_on"], form, f"{where}, {columns['booked_on']}"), amount, currency, clean(cell.get("payer"), 140),
            clean_account(cell.get("account")), clean(cell.get("text"), 500), "" if amount > 0 else "It went out.",
        )
    ]  # fmt: skip


def _amount(said: str, form: CsvForm, where: str) -> Decimal:
    """Thousands may be set apart, as people do where decimals are written so."""
    apart, point = (r"[.' \u00a0]", ",") if form.decimal == "," else (r"[,' \u00a0]", r"\.")
    if not re.fullmatch(rf"[+-]?(\d{{1,3}}({apart}\d{{3}})+|\d{{1,15}})({point}\d{{1,5}})?", said, re.ASCII):
        raise StatementUnreadable(f"{where}: {clean(said, 40)!r} is no amount with a decimal {form.decimal!r}.")
    return Decimal(re.sub(apart, "", said).replace(",", "."))


def _day(said: str, form: CsvForm, where: str) -> date:
    try:
        return datetime.strptime(said, form.dates).date()
    except ValueError:
        raise StatementUnreadable(f"{where}: {clean(said, 40)!r} is no day as {form.dates} has it.") from None


def _decoded(content: bytes, form: CsvForm) -> str:
    try:
        text = content.decode("utf-8-sig" if form.encoding == "utf-8" else form.encoding)
    except UnicodeDecodeError as error:
        raise StatementUnreadable(
            f"Byte {error.start} is not {form.encoding}: say in the form how the file is encoded."
        ) from None
    if "\0" in text:
        raise StatementUnreadable("The file is no text.")
    return text
