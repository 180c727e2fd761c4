"""The account statement as a PDF: what it says, in whose language, and that it loses no row."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader

from billing.paper.account import AccountPaper, Entry
from billing.paper.model import Account
from billing.paper.pdf.account import account_pdf

from .papers import BUYER, SELLER

D = Decimal
ENTRIES = [
    Entry(date(2026, 11, 1), "invoice", "INV-000001", D("240.00"), D("300.00")),
    Entry(date(2026, 11, 3), "payment", "INV-000001", D("-120.00"), D("180.00")),
    Entry(date(2026, 11, 4), "credit_note", "CN-000003", D("-12.00"), D("168.00")),
    Entry(date(2026, 11, 5), "dispute", "INV-000001", D("120.00"), D("288.00")),
    Entry(date(2026, 11, 9), "payment", "", D("-1450.00"), D("-1162.00")),
]


def paper(**over: Any) -> AccountPaper:
    given: dict[str, Any] = {
        "language": "en", "currency": "EUR", "since": date(2026, 10, 1), "until": date(2026, 11, 26), "seller": SELLER, "buyer": BUYER,
        "opening": D("60.00"), "entries": ENTRIES, "closing": D("-1162.00"), "account": Account("AT611904300234573201", "BKAUATWW"),
    }  # fmt: skip
    return AccountPaper(**given | over)


def pages_of(told: AccountPaper) -> list[str]:
    return [
        page.extract_text().replace("\u00a0", " ").replace("−", "-")
        for page in PdfReader(BytesIO(account_pdf(told))).pages
    ]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", [
            "Account statement", "Opening balance", "60.00", "Invoice INV-000001", "240.00", "Payment, INV-000001", "-120.00",
            "Credit note CN-000003", "Payment taken back, INV-000001", "-1,162.00", "Closing balance", "1 Oct 2026 – 26 Nov 2026",
            "On 26 November 2026, you have a credit of 1,162.00 EUR.", "Page 1 of 1",
        ]),
        ("de", ["Kontoauszug", "Anfangssaldo", "Rechnung INV-000001", "Zahlung, INV-000001", "Gutschrift CN-000003", "-1.162,00", "Guthaben"]),
        ("fr", ["Relevé de compte", "Solde d’ouverture", "Facture INV-000001", "Avoir CN-000003", "Paiement rejeté", "1 162,00 EUR"]),
    ],
)  # fmt: skip
def test_a_statement_speaks_the_customers_language(language: str, words: list[str]) -> None:
    [text] = pages_of(paper(language=language))
    assert [each for each in words if each not in text] == []
    for each in (SELLER.name, SELLER.tax_id, BUYER.name, BUYER.street, BUYER.code, "AT61 1904 3002 3457 3201"):
        assert each in text, each


@pytest.mark.parametrize(
    ("closing", "words"),
    [("0.00", "On 26 November 2026, nothing is owed."), ("12.50", "On 26 November 2026, 12.50 EUR is owed to us.")],
)
def test_the_last_line_says_who_owes_whom(closing: str, words: str) -> None:
    assert words in pages_of(paper(closing=D(closing)))[0]


@pytest.mark.parametrize("rows", [20, 21, 22, 23, 24, 90])
def test_a_long_statement_loses_no_row_and_says_its_verdict_once(rows: int) -> None:
    entries = [Entry(date(2026, 11, 1), "invoice", f"INV-{n:06}", D("1.00"), D(f"{n}.00")) for n in range(rows)]
    pages = pages_of(paper(entries=entries))
    assert [int(each) for each in re.findall(r"INV-(\d{6})", "\n".join(pages))] == list(range(rows))
    for n, text in enumerate(pages, 1):
        assert f"Page {n} of {len(pages)}" in text
        assert ("Account statement, continued" in text) == (n > 1)
    assert "".join(pages).count("you have a credit") == 1


def test_an_account_without_a_row_is_told_all_the_same() -> None:
    [text] = pages_of(paper(entries=[], closing=D("60.00")))
    assert text.count("60.00") == 3


def test_the_same_account_is_the_same_bytes_and_a_cent_another_file() -> None:
    assert account_pdf(paper()) == account_pdf(paper())
    assert account_pdf(paper()) != account_pdf(
        paper(entries=[*ENTRIES[:-1], replace(ENTRIES[-1], amount=D("-1450.01"))])
    )
