"""Claims about CAMT.053 and CAMT.054."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from billing import camt
from billing.bookings import MOST_BYTES, Booking
from billing.errors import StatementUnreadable
from tests.billing.receivables import statements
from tests.billing.receivables.statements import entry, part


def bookings(*entries: str, **over: Any) -> list[Booking]:
    return list(camt.read(statements.camt(*entries, **over)).bookings)


@pytest.mark.parametrize(("form", "version"), [("053", "02"), ("053", "08"), ("054", "04"), ("054", "13")])
def test_a_booking_is_read_whatever_the_version(form: str, version: str) -> None:
    contents = camt.read(statements.camt(entry(), form=form, version=version))
    assert (contents.form, contents.accounts) == (f"camt{form}", [statements.OURS])
    assert contents.bookings == [
        Booking(
            f"{statements.OURS}:R1", date(2026, 11, 5), 120_00, "EUR", "Gasthaus Ente", "AT483200000012345864",
            "INV-000001",
        )
    ]  # fmt: skip


def test_the_notification_and_the_statement_of_a_booking_have_one_reference() -> None:
    assert bookings(entry(), form="053")[0].reference == bookings(entry(), form="054")[0].reference


def test_a_batch_is_one_booking_for_each_payer() -> None:
    found = bookings(entry("200.00", details=part("120.00", "T1", "INV-000001") + part("80.00", "T2", "INV-000002")))
    assert [(each.reference.rpartition(":")[2], each.amount_minor, each.text) for each in found] == [
        ("T1", 120_00, "INV-000001"), ("T2", 80_00, "INV-000002"),
    ]  # fmt: skip


def test_a_batch_whose_parts_do_not_sum_to_it_is_one_booking() -> None:
    found = bookings(entry("200.00", details=part("120.00", "T1", "INV-000001") + part("79.99", "T2", "INV-000002")))
    assert [(each.reference.rpartition(":")[2], each.amount_minor) for each in found] == [("R1", 200_00)]


def test_all_that_the_payer_wrote_is_text_the_structured_reference_first() -> None:
    details = """<TxDtls><Refs><EndToEndId>E2E 9</EndToEndId></Refs><RmtInf><Ustrd>for October</Ustrd><Ustrd>and more</Ustrd>
      <Strd><CdtrRefInf><Ref>RF18INV000017</Ref></CdtrRefInf></Strd></RmtInf></TxDtls>"""
    assert bookings(entry(details=details))[0].text == "RF18INV000017 for October and more E2E 9"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"side": "DBIT"}, "It went out."),
        ({"state": "<Cd>PDNG</Cd>"}, "It is not booked yet (PDNG)."),
        ({"state": "INFO"}, "It is not booked yet (INFO)."),
        ({"more": "<RvslInd>true</RvslInd>"}, "It takes back an earlier booking: see to it by hand."),
    ],
)
def test_what_is_no_payment_says_why(given: dict[str, Any], why: str) -> None:
    assert bookings(entry(**given))[0].ignored == why


def test_what_went_out_is_negative() -> None:
    assert bookings(entry(side="DBIT"))[0].amount_minor == -120_00


@pytest.mark.parametrize(
    ("amount", "currency", "minor"), [("1.5", "EUR", 150), ("1234", "JPY", 1234), ("1.234", "BHD", 1234)]
)
def test_amounts_have_the_digits_of_their_currency(amount: str, currency: str, minor: int) -> None:
    assert bookings(entry(amount, currency=currency))[0].amount_minor == minor


def test_bookings_without_a_reference_of_their_own_are_told_apart() -> None:
    twins = [entry(ref="NONREF"), entry(ref="NONREF"), entry(ref="NONREF", text="other")]
    first, again = bookings(*twins), bookings(*twins)
    assert [each.reference for each in first] == [each.reference for each in again], "the same file, the same ones"
    assert len({each.reference for each in first}) == 3
    assert all(each.reference.startswith("digest:") for each in first)


def test_a_reference_that_several_bookings_share_is_none_of_theirs() -> None:
    found = bookings(entry(ref="R1"), entry(ref="R1", text="other"), entry(ref="R2"))
    assert len({each.reference for each in found}) == 3
    assert [each.reference.startswith("digest:") for each in found] == [True, True, False]


BOMB = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><Document>&b;</Document>"""
FILE = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><Document>&f;</Document>"""


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (BOMB, "no bank does that"),
        (FILE, "no bank does that"),
        (b"<Document><unclosed>", "no XML that can be read"),
        (b'<?xml version="1.0" encoding="nonsense"?><a/>', "no XML that can be read"),
        (b"<Document/>", "neither CAMT.053 nor CAMT.054"),
        (b"  ", "empty"),
        (b"<a>" + b" " * MOST_BYTES, "read at most"),
        (statements.camt(entry("12,50")), "Entry 1 of account AT611904300234573201: '12,50' is no amount"),
        (statements.camt(entry("1.505")), "1.505 is no amount of EUR"),
        (statements.camt(entry("-1.00")), "'-1.00' is no amount"),
        (statements.camt(entry(), entry(currency="XXY")), "Entry 2 .*'XXY' is no currency"),
        (statements.camt(entry(day="<Dt>5.11.2026</Dt>")), "'5.11.2026' is no day of booking"),
        (statements.camt(entry(side="BOTH")), "neither CRDT nor DBIT"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told(content: bytes, words: str) -> None:
    with pytest.raises(StatementUnreadable, match=words):
        camt.read(content)
