"""Rates as they are written, and when so many are free."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queues import rates
from queues.rates import Rate


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("30/s", Rate(30, 1.0)),
        ("100/min", Rate(100, 60.0)),
        ("100/15min", Rate(100, 900.0)),
        (" 100 / 15 Min ", Rate(100, 900.0)),
        ("100 per 900s", Rate(100, 900.0)),
        ("5/2h", Rate(5, 7200.0)),
        ("", None),
    ],
)
def test_a_rate_is_read(text: str, rate: Rate | None) -> None:
    assert rates.parse(text) == rates.parse_limit(text) == rate


@pytest.mark.parametrize("text", ["none", "30", "0/s", "30/0s", "-1/s", "30/s/s", "30/15", "30/month", "1e3/s"])
def test_what_is_no_rate_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(rates.InvalidRate, match="Write e.g. 30/s"):
        rates.parse(text)


def test_none_is_no_limit() -> None:
    assert rates.parse_limit(" None ") is None


GRANTS = st.lists(st.tuples(st.integers(0, 100), st.integers(1, 5)), max_size=12).map(sorted)


@given(GRANTS, st.integers(1, 10))
def test_so_many_are_free_after_the_wait_and_not_a_moment_before(grants: list[tuple[float, int]], starts: int) -> None:
    rate, now_s = Rate(10, 60.0), 100.0
    wait_s = rates.free_in_s(rate, grants, now_s, starts)
    assert rates.room(rate, grants, now_s + wait_s) >= starts
    assert wait_s == 0 or rates.room(rate, grants, now_s + wait_s - 0.5) < starts


def test_more_than_the_limit_waits_until_all_is_forgotten() -> None:
    assert rates.free_in_s(Rate(10, 60.0), [[70.0, 2], [90.0, 1]], 100.0, 11) == 50.0
    assert rates.free_in_s(Rate(10, 60.0), [], 100.0, 11) == 0.0
