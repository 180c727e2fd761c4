"""When the next reminder is due."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from billing.reminding import Step, filled, next_step

DUE = date(2026, 11, 15)
calendars = st.lists(st.integers(0, 60), max_size=6).map(
    lambda days: [Step(n, day) for n, day in enumerate(sorted(days), 1)]
)


@given(calendars, st.lists(st.integers(0, 40), min_size=1, max_size=60))
def test_whenever_it_is_looked_each_step_is_taken_once_in_turn_and_never_early(
    steps: list[Step], gaps: list[int]
) -> None:
    day, done, done_on, taken = DUE, 0, None, []
    for gap in gaps:
        day += timedelta(days=gap)
        found = next_step(steps, DUE, done, done_on)
        if found is not None and found.on <= day:
            taken.append((found.step, day))
            done, done_on = found.step.number, day
    assert [step.number for step, _ in taken] == list(range(1, len(taken) + 1))
    assert all(day >= DUE + timedelta(days=step.days) for step, day in taken)
    for (first, one), (second, other) in itertools.pairwise(taken):
        assert (other - one).days >= max(1, second.days - first.days)


def test_no_step_is_left_at_the_end() -> None:
    assert next_step([Step(1, 3)], DUE, 1, DUE) is None and next_step([], DUE, 0, None) is None


def test_a_text_is_filled_with_what_it_names_and_nothing_else() -> None:
    assert (
        filled("{number}: {balance} {0} {x!r}", {"number": "INV-1", "balance": "1.00 EUR"})
        == "INV-1: 1.00 EUR {0} {x!r}"
    )
