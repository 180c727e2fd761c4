"""Claims about what is open on a document."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import standing_rules
from billing.errors import CannotSettle
from billing.standing_rules import Figures

MOVES = st.lists(st.tuples(st.sampled_from(["credited", "paid", "written_off"]), st.integers(-50, 120)), max_size=12)


@given(st.integers(0, 100), MOVES)
def test_a_balance_is_never_negative_and_is_gross_less_what_was_set_against_it(
    gross: int, moves: list[tuple[str, int]]
) -> None:
    figures, kept = Figures(gross), {"credited": 0, "paid": 0, "written_off": 0}
    for name, amount in moves:
        after = kept | {name: kept[name] + amount}
        fits = min(after.values()) >= 0 and sum(after.values()) <= gross
        if fits:
            figures, kept = standing_rules.moved(figures, **{name: amount}), after
        else:
            with pytest.raises(CannotSettle):
                standing_rules.moved(figures, **{name: amount})
        assert figures.balance == gross - sum(kept.values()) >= 0


@pytest.mark.parametrize(
    ("figures", "state"),
    [
        (Figures(100), "open"),
        (Figures(100, paid=1), "part_paid"),
        (Figures(100, credited=99), "part_paid"),
        (Figures(100, credited=40, paid=60), "paid"),
        (Figures(0), "paid"),
        (Figures(100, paid=40, written_off=60), "uncollectible"),
        (Figures(100, written_off=60), "part_paid"),
        (Figures(100, credited=100, void=True), "void"),
    ],
)
def test_a_state_follows_from_the_figures(figures: Figures, state: str) -> None:
    assert standing_rules.state_of(figures) == state


def test_nothing_moves_on_a_void_document() -> None:
    void = standing_rules.voided(Figures(100, credited=100))
    with pytest.raises(CannotSettle, match="void"):
        standing_rules.moved(void, credited=-1)


def test_only_what_is_credited_as_a_whole_is_void() -> None:
    with pytest.raises(CannotSettle, match="credited as a whole"):
        standing_rules.voided(Figures(100, credited=99))
