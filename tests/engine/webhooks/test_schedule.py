"""When a message is sent again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queues.ledger.webhook_schedule import JITTER, LONGEST_S, MAX_ATTEMPTS, WAITS_S, retry_after_s, wait_s

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def test_the_schedule_is_that_of_standard_webhooks() -> None:
    found = [wait_s(attempts, 0) for attempts in range(1, MAX_ATTEMPTS + 1)]
    hours = 3600
    assert found == [5, 300, 1800, 2 * hours, 5 * hours, 10 * hours, 14 * hours, 20 * hours, 24 * hours, None]


@given(st.integers(1, MAX_ATTEMPTS - 1), st.floats(0, 1), st.none() | st.floats(0, 1e9))
def test_a_wait_is_the_planned_one_or_what_was_asked_for_up_to_a_day(
    attempts: int, chance: float, asked: float | None
) -> None:
    planned, found = WAITS_S[attempts - 1], wait_s(attempts, chance, asked)
    assert found is not None
    assert planned <= found <= max(planned * (1 + JITTER), min(asked or 0, LONGEST_S))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120), (" 0 ", 0), ("999999999999", LONGEST_S), ("Thu, 26 Nov 2026 12:01:00 GMT", 60), ("Thu, 26 Nov 2026 11:00:00 GMT", 0),
        ("", None), ("soon", None), ("-5", None), ("1.5", None), ("٣", None), ("Thu, 26 Nov 2026 12:01:00", None),
    ],
)  # fmt: skip
def test_retry_after_is_read_as_seconds_or_a_date(text: str, seconds: float | None) -> None:
    assert retry_after_s(text, NOW) == seconds


@given(st.text())
def test_any_retry_after_is_read_or_passed_over(text: str) -> None:
    found = retry_after_s(text, NOW)
    assert found is None or found >= 0
