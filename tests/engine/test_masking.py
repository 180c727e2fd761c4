"""Personal data in the audit log: what is masked, and what is left alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queues.ledger import masking
from queues.ledger.audit_export import cell


@pytest.mark.parametrize(
    ("told", "masked"),
    [
        ("maria@example.com", "m…@example.com"),
        ("Maria <maria.o'hara+x@mail.example.co.uk>, bob@x.org", "Maria <m…@mail.example.co.uk>, b…@x.org"),
        ("mailto:m@example.com?x=1", "mailto:m…@example.com?x=1"),
        ("jürgen@müller.de", "j…@müller.de"),
        ("call +43 660 123 45 67 now", "call …67 now"),
        ("+15125550173", "…73"), ("0043 660 1234567", "…67"), ("(512) 555-0173", "…73"), ("512-555-0173.", "…73."),
        ("0660 123 45 67", "…67"), ("01/234 56 78", "…78"), ("+44 (0)20 7946 0958", "…58"),
    ],
)  # fmt: skip
def test_addresses_and_numbers_are_masked(told: str, masked: str) -> None:
    assert masking.text(told) == masked
    assert masking.text(masked) == masked


@pytest.mark.parametrize(
    "told",
    [
        "", "2026-11-26", "2026-11-26T01:02:03.123456Z", "01-02-2026", "26.11.2026 10:15", "10.0.0.7", "192.168.100.200",
        "0193a5b2-7c11-7abc-8def-0123456789ab", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "30 4 * * 1-5", "1234567890", "invoice 2026-000123", "1,234,567.89", "-12.5", "+5 %", "a @ b", "@handle", "x@localhost",
        "1.65", "0.000000123456789", "0,5", "q7", "100/min", "seed 123 456",
    ],
)  # fmt: skip
def test_what_is_neither_is_left_alone(told: str) -> None:
    assert masking.text(told) == told


def test_values_are_masked_all_the_way_down_and_by_their_names() -> None:
    value: dict[str, Any] = {
        "to": ["a@b.org", {"phone": 6601234567, "mobile_number": "660 1234567", "id": 6601234567, "n": 1.5, "on": True}],
        "carol@x.org": None, "sms": ["6601234567"], "tel": "none", "telling": "6601234567", "smsc": 12345, "fax": 12,
    }  # fmt: skip
    assert masking.value(value) == {
        "to": ["a…@b.org", {"phone": "…67", "mobile_number": "…67", "id": 6601234567, "n": 1.5, "on": True}],
        "c…@x.org": None, "sms": ["…67"], "tel": "none", "telling": "6601234567", "smsc": 12345, "fax": 12,
    }  # fmt: skip


@given(st.text(max_size=200))
def test_again_changes_nothing_whatever_the_text(told: str) -> None:
    once = masking.text(told)
    assert masking.text(once) == once


@given(st.text("a1@.+- (0", max_size=4000))
def test_no_text_takes_long(told: str) -> None:
    masking.text(told)


@pytest.mark.parametrize("told", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\n@x", "＝1"])
def test_a_cell_is_no_formula(told: str) -> None:
    assert cell(told) == f"'{told}"


@pytest.mark.parametrize(
    ("value", "text"), [("a=1", "a=1"), (None, ""), (7, "7"), ({"a": "=1"}, '{"a": "=1"}'), (-1, "'-1")]
)
def test_other_cells_are_as_they_are(value: Any, text: str) -> None:
    assert cell(value) == text
