import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queues.engine.retry import backoff_s

bases = st.floats(0.1, 100)


@given(st.integers(1, 10_000), bases, bases, st.integers())
def test_backoff_stays_between_half_and_the_cap(attempt: int, base: float, cap: float, seed: int) -> None:
    wait = backoff_s(attempt, base, cap, random.Random(seed))
    assert min(base, cap) / 2 <= wait <= cap


@given(st.integers(1, 12), st.integers())
def test_backoff_doubles_from_the_base_until_the_cap(attempt: int, seed: int) -> None:
    whole = min(60.0, 2.0 * 2 ** (attempt - 1))
    assert whole / 2 <= backoff_s(attempt, 2.0, 60.0, random.Random(seed)) <= whole


def test_backoff_spreads_a_crowd() -> None:
    waits = {round(backoff_s(5, 2, 60, random.Random(seed)), 2) for seed in range(100)}
    assert len(waits) > 80


def test_attempts_count_from_one() -> None:
    with pytest.raises(ValueError, match="counts from 1"):
        backoff_s(0, 2, 60)
