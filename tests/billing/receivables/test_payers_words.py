"""Claims about numbers of documents in what payers write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.payers_words import guesses_in, numbers_in

SERIES = [("INV-", 6)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("INV-000017", ["INV-000017"]),
        ("Rechnung inv-000017 vom 1.11.2026", ["INV-000017"]),
        ("inv 000017", ["INV-000017"]),
        ("INV000018/INV000017", ["INV-000018", "INV-000017"]),
        ("INV-000017 INV_000017", ["INV-000017"]),
        ("RF18INV000017", ["INV-000017"]),
        ("INV-1234567", ["INV-1234567"]),
        ("INV-00 0017", []),
        ("INV 17", []),
        ("MYINV-000017", []),
        ("INV-000017A", []),
        ("INVOICE 000017", []),
        ("000017", []),
        ("", []),
    ],
)
def test_a_number_is_found_where_it_is_written_out(text: str, found: list[str]) -> None:
    assert numbers_in(text, SERIES) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("INV 17, danke", ["INV-000017"]),
        ("IN V-000017", ["INV-000017"]),
        ("INV-00 0017", ["INV-000000", "INV-000017"]),
        ("inv 17 1112", ["INV-000017", "INV-171112"]),
        ("INVOICE 17", []),
    ],
)
def test_what_may_be_meant_is_a_guess(text: str, found: list[str]) -> None:
    assert guesses_in(text, SERIES) == found


def test_of_a_series_without_a_prefix_only_whole_numbers_count() -> None:
    assert numbers_in("000017 and 17 and 0000171", [("", 6)]) == ["000017"]


@given(st.integers(1, 999_999), st.text(max_size=20), st.text(max_size=20))
def test_a_printed_number_is_found_in_whatever_text(sequence: int, before: str, after: str) -> None:
    assert f"INV-{sequence:06}" in numbers_in(f"{before} INV-{sequence:06} {after}", SERIES)
