"""What comes late: an earlier period rated again, less what was billed of it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from billing.charges import Market
from billing.facts import Visit
from billing.money import rounded
from billing.rating import Billed, Served, Terms, late

from .test_rating import EVER, MARCH, cut, rules

PRICES = rules(
    {"rule": "base_fee", "amount": "100"}, {"rule": "pick_up", "amount": "10"}, {"rule": "minimum", "amount": "130", "of": ["base_fee", "pick_up"]},
)  # fmt: skip
TERMS = Terms("EUR")


def again(
    visits: list[Visit], *billed: tuple[str, str], events: tuple[str, ...] = ("late",)
) -> list[tuple[str, str, str]]:
    service = Served("S", EVER, cut((date(2026, 1, 1), PRICES)), visits)
    said = [Billed(code, code.title(), code, Decimal(amount)) for code, amount in billed]
    found = late(service, MARCH, TERMS, Market(), billed=said, events=events)
    assert all(each.since == MARCH.start for each in found)
    return [(each.charge.code, str(rounded(each.charge.amount, 2)), each.charge.words) for each in found]


def visit(code: str, day: int, **more: object) -> Visit:
    return Visit(code, date(2026, 3, day), **more)  # type: ignore[arg-type]


def test_a_late_visit_is_charged_and_what_was_charged_for_its_lack_comes_back() -> None:
    visits = [visit("v1", 2), visit("late", 9)]
    assert again(visits, ("base_fee", "100"), ("pick_up", "10"), ("minimum", "20")) == [
        ("pick_up", "10.00", "2026-03-01 to 2026-03-31 rated again: 20.00, billed 10 = 10.00 EUR"),
        ("minimum", "-10.00", "2026-03-01 to 2026-03-31 rated again: 10.00, billed 20 = -10.00 EUR"),
    ]


def test_a_charge_that_comes_to_nothing_now_is_taken_back_after_the_others() -> None:
    visits = [visit(f"v{day}", day) for day in (2, 9, 16)] + [visit("late", 23)]
    found = again(visits, ("base_fee", "100"), ("minimum", "20"), ("pick_up", "10"))
    assert [(code, amount) for code, amount, _ in found] == [("pick_up", "30.00"), ("minimum", "-20.00")]


def test_a_late_fault_of_ours_credits_by_code() -> None:
    visits = [visit(f"v{day}", day) for day in (2, 9, 16)] + [visit("late", 23, outcome="missed_by_us")]
    found = again(visits, ("base_fee", "100"), ("pick_up", "30"))
    assert [(code, amount) for code, amount, _ in found] == [("base_fee", "-25.00"), ("minimum", "25.00")]


def test_what_was_billed_late_before_counts_as_billed() -> None:
    visits = [visit("v1", 2), visit("early_late", 9), visit("late", 16)]
    found = again(
        visits, ("base_fee", "100"), ("pick_up", "10"), ("minimum", "20"), ("pick_up", "10"), ("minimum", "-10")
    )
    assert [(code, amount) for code, amount, _ in found] == [("pick_up", "10.00"), ("minimum", "-10.00")]


def test_a_late_visit_that_costs_nothing_makes_no_line() -> None:
    visits = [visit("v1", 2), visit("late", 9, outcome="missed_by_customer")]
    assert again(visits, ("base_fee", "100"), ("pick_up", "10"), ("minimum", "20")) == []


def test_a_line_rests_on_the_visits_that_came_late() -> None:
    service = Served("S", EVER, cut((date(2026, 1, 1), PRICES)), [visit("v1", 2), visit("late", 9)])
    (line, _) = late(
        service,
        MARCH,
        TERMS,
        Market(),
        billed=[
            Billed("base_fee", "B", "base_fee", Decimal(100)),
            Billed("minimum", "M", "minimum", Decimal(20)),
            Billed("pick_up", "P", "pick_up", Decimal(10)),
        ],
        events={"late"},
    )
    assert line.charge.events == ("late",) and line.charge.inputs == {
        "now": "20.00", "billed": "10", "from": "2026-03-01", "to": "2026-03-31",
    }  # fmt: skip
