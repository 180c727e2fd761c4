"""Claims about a bank's CSV."""

from __future__ import annotations

from datetime import date
from typing import Any

import pydantic
import pytest

from billing import bank_csv
from billing.bank_csv import CsvForm
from billing.bookings import Booking
from billing.errors import StatementUnreadable

GERMAN = CsvForm(
    columns={"payer": "Zahler", "reference": "Ref"}, decimal=",", dates="%d.%m.%Y", encoding="cp1252", currency="EUR"
)


def test_a_plain_file_needs_no_form() -> None:
    content = "date,amount,currency,payer,iban,text,reference\n2026-11-05,1234.50,EUR,Ente,at48 3200 0000 1234 5864,INV-000001,R1\n"
    assert bank_csv.read(content.encode()).bookings == [
        Booking("csv:R1", date(2026, 11, 5), 1234_50, "EUR", "Ente", "AT483200000012345864", "INV-000001")
    ]


def test_a_german_file_is_read_as_its_form_says() -> None:
    content = 'Buchungsdatum;Betrag;Zahler;Verwendungszweck;Ref\n05.11.2026;"1.234,50";Müller;INV-000001;7\n06.11.2026;-5,00;Bank;Spesen;8\n'
    found = bank_csv.read(content.encode("cp1252"), GERMAN).bookings
    assert [(each.booked_on, each.amount_minor, each.payer, each.ignored) for each in found] == [
        (date(2026, 11, 5), 1234_50, "Müller", ""), (date(2026, 11, 6), -5_00, "Bank", "It went out."),
    ]  # fmt: skip


def test_a_byte_order_mark_and_empty_rows_are_no_harm() -> None:
    content = b"\xef\xbb\xbfdate;amount;currency\n2026-11-05;1;EUR\n;;\n"
    assert len(bank_csv.read(content).bookings) == 1


def test_rows_that_are_alike_are_two_and_the_same_again_in_the_same_file() -> None:
    content = b"date;amount;currency;text\n" + b"2026-11-05;1;EUR;x\n" * 2
    first, again = (bank_csv.read(content).bookings for _ in range(2))
    assert len({each.reference for each in first}) == 2
    assert first == again


@pytest.mark.parametrize("amount", ["1,5", "1.234,50", "1e3", "NaN", "١", "--1", "", "1.2345.6", "0x1"])
def test_an_amount_is_not_guessed(amount: str) -> None:
    content = f'date;amount;currency\n2026-11-05;"{amount}";EUR\n'.encode()
    with pytest.raises(StatementUnreadable, match=r"Row 2, amount: .* is no amount with a decimal '\.'"):
        bank_csv.read(content)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"date;sum;currency\n", r"no column is known as the amount\. There are: date, sum, currency"),
        (b"date;amount\n", "no column is known as the currency"),
        (b"date;amount;currency\n2026-11-05;1\n", "Row 2: it has another number of columns"),
        (b"date;amount;currency\n2026-11-05;1;EUR;x\n", "Row 2: it has another number of columns"),
        (b"date;amount;currency\n5.11.2026;1;EUR\n2026-11-05;1;EURO\n", "Row 2, date: '5.11.2026' is no day .* Row 3: 'EURO'"),
        (b"date;amount;currency\n2026-11-05;1.001;EUR\n", "1.001 is no amount of EUR"),
        (b'date;amount;currency\n2026-11-05;"1;EUR\n', "Row"),
        (b"date;amount;currency\n2026-11-05;1;EUR\xff\n", "not utf-8"),
        (b"date;amount;currency\n\0", "no text"),
        (b"", "empty"),
        (b"date;amount;currency\n" + b"x;1;EUR\n" * 30, r"And 20 more\."),
    ],
)  # fmt: skip
def test_what_cannot_be_read_names_row_and_column(content: bytes, words: str) -> None:
    with pytest.raises(StatementUnreadable, match=words):
        bank_csv.read(content)


def test_a_column_that_is_not_there_is_told() -> None:
    with pytest.raises(StatementUnreadable, match="no column 'Zahler'"):
        bank_csv.read(b"Buchungsdatum;Betrag;Ref\n", GERMAN)


@pytest.mark.parametrize("form", [{"columns": {"sum": "x"}}, {"decimal": ";"}, {"strange": 1}])
def test_a_form_is_read_strictly(form: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError):
        CsvForm.model_validate(form)
