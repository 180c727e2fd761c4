"""Versions of price lists: proved, never two on one day, and what was billed with one stays."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import price_rules
from billing.errors import WrongFields
from billing.models import PriceList, PriceVersion, Service, Standing
from billing.price_changes import differences
from billing.services import prices
from queues.contract import Actor
from queues.models import AuditEntry
from tests.billing import makers as m

JULY, DECEMBER = date(2026, 7, 1), date(2026, 12, 1)
DEARER = [{**m.RULES[0], "amount": "120.00"}, *m.RULES[1:]]


def wrong(what: Any, *args: Any, **kwargs: Any) -> dict[str, str]:
    with pytest.raises(WrongFields) as caught:
        what(*args, **kwargs)
    return {each.field: each.message for each in caught.value.errors}


# --- rules, without a database ---


@pytest.mark.parametrize(
    ("rule", "field", "words"),
    [
        ({"rule": "pick_up", "code": "p", "title": "P"}, "rules.0.amount", "This is missing."),
        ({"rule": "pick_up", "code": "p", "title": "P", "amount": "much"}, "rules.0.amount", "Give a number, like 12.50."),
        ({"rule": "pick_up", "code": "p", "title": "P", "amount": "-1"}, "rules.0.amount", "At least 0."),
        ({"rule": "pick_up", "code": "p", "title": "P", "amount": "NaN"}, "rules.0.amount", "Give a number, like 12.50."),
        ({"rule": "pick_up", "code": "p", "title": "P", "amount": "1.0000001"}, "rules.0.amount", "At most 6 decimals."),
        ({"rule": "pick_up", "code": "p", "title": "P", "amount": 0.1}, "rules.0.amount", "Write it in quotation marks: amounts are exact."),
        ({"rule": "pick_up", "code": "P!", "title": "P", "amount": "1"}, "rules.0.code", "Small letters, digits and underscores; it begins with a letter, and has 40 at most."),
        ({"rule": "pick_up", "code": "p", "title": "", "amount": "1"}, "rules.0.title", "This is missing."),
        ({"rule": "pick_up", "code": "p", "title": "P", "amount": "1", "percent": "2"}, "rules.0.percent", "This kind of rule has no such field."),
        ({"rule": "magic", "code": "p", "title": "P"}, "rules.0.rule", "There is no such kind of rule."),
        ({"code": "p"}, "rules.0.rule", "Say which kind of rule it is."),
        ({"rule": "minimum", "code": "m", "title": "M", "amount": "1", "of": []}, "rules.0.of", "Choose one charge at least."),
        ({"rule": "minimum", "code": "m", "title": "M", "amount": "1", "of": ["x"]}, "rules.0.of", "There is no charge 'x' on this list."),
        ({"rule": "discount", "code": "d", "title": "D", "of": ["x"]}, "rules.0", "Give a percentage or an amount, one of them."),
        ({"rule": "franchise", "code": "f", "title": "F", "percent": "100", "of": ["x"]}, "rules.0.percent", "Less than 100."),
        ({"rule": "fuel", "code": "f", "title": "F", "base": "1", "step": "0", "percent_per_step": "1", "of": ["x"]}, "rules.0.step", "More than 0."),
        ({"rule": "fuel", "code": "f", "title": "F", "base": "1", "step": "1", "percent_per_step": "1", "floor_percent": "5", "cap_percent": "3", "of": ["x"]}, "rules.0.cap_percent", "The cap, 3 %, is below the floor, 5 %."),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_rule_is_told_by_its_field(rule: dict[str, Any], field: str, words: str) -> None:
    assert wrong(price_rules.proved, [rule]) == {field: words}


def test_all_that_is_wrong_is_told_at_once() -> None:
    bad = [
        {"rule": "pick_up", "code": "p", "title": "P", "amount": "x"},
        {"rule": "extra", "code": "", "title": "E", "amount": "1"},
    ]
    assert sorted(wrong(price_rules.proved, bad)) == ["rules.0.amount", "rules.1.code"]


def test_a_rule_counts_no_charge_that_comes_after_it() -> None:
    rules = [
        {"rule": "minimum", "code": "least", "title": "Minimum", "amount": "50", "of": ["fuel"]},
        {"rule": "environmental", "code": "fuel", "title": "E", "amount": "1"},
    ]
    assert wrong(price_rules.proved, rules) == {
        "rules.0.of": "'least' cannot count 'fuel', which is worked out after it."
    }


def test_a_list_that_is_none_is_refused() -> None:
    assert wrong(price_rules.proved, "rules") == {"rules": "A price list's rules are a list."}


@given(st.decimals(min_value=0, max_value=10**8, places=6), st.booleans())
def test_rules_are_stored_so_that_they_are_read_again_as_they_were(amount: Any, credit: bool) -> None:
    read = price_rules.proved([{**m.RULES[0], "amount": str(amount), "credit_missed": credit}])
    kept = price_rules.stored(read)
    assert price_rules.proved(kept) == read and price_rules.stored(price_rules.proved(kept)) == kept
    assert "E" not in kept[0]["amount"]


def test_what_differs_between_two_versions_is_told_in_words() -> None:
    before = price_rules.proved(m.RULES)
    after = price_rules.proved(
        [
            DEARER[0],
            {**m.RULES[1], "title": "Emptying"},
            {"rule": "dry_run", "code": "vain", "title": "In vain", "amount": "9"},
        ]
    )
    assert differences(before, after) == [
        "Base fee: amount 100.00 → 120.00", "Pick-up: called “Emptying” from now on", "In vain: new", "Extra pick-up: gone",
    ]  # fmt: skip
    assert differences(before, before) == []


# --- versions ---


@pytest.fixture
def listed(db: None) -> PriceList:
    """With one open version from January on."""
    return m.a_price_list()


@pytest.fixture
def billed(listed: PriceList) -> Service:
    """October is final."""
    service = m.a_service(m.a_contract(), price_list=listed)
    m.a_final_invoice(customer=service.contract.customer, contract=service.contract)
    return service


def test_new_prices_end_the_open_ones_on_their_first_day_and_both_are_audited(listed: PriceList, actor: Actor) -> None:
    made = prices.add_version(listed, DECEMBER, DEARER, actor=actor, note="Wages", why="Agreed")
    old = PriceVersion.objects.exclude(pk=made.pk).get()
    assert (old.valid_until, made.valid_from, made.valid_until) == (DECEMBER, DECEMBER, None)
    told = list(AuditEntry.objects.order_by("id").values_list("action", "why"))
    assert told == [("price_version.change", "Agreed"), ("price_version.create", "Agreed")]
    first = AuditEntry.objects.order_by("id").first()
    assert first is not None and (first.before, first.after) == ({"valid_until": None}, {"valid_until": "2026-12-01"})


def test_new_prices_before_later_ones_end_where_those_begin(listed: PriceList, actor: Actor) -> None:
    prices.add_version(listed, DECEMBER, DEARER, actor=actor)
    early = prices.add_version(listed, date(2025, 1, 1), m.RULES, actor=actor)
    assert early.valid_until == date(2026, 1, 1)


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [(JULY, None, "valid_from"), (JULY, DECEMBER, "valid_from"), (date(2025, 1, 1), None, "valid_until"), (date(2025, 1, 1), JULY, "valid_until")],
)  # fmt: skip
def test_two_versions_are_never_in_force_on_one_day(
    listed: PriceList, actor: Actor, start: date, end: date | None, field: str
) -> None:
    row = PriceVersion(price_list=listed, valid_from=start, valid_until=end, rules=m.RULES)
    assert list(wrong(prices.save_version, row, actor=actor)) == [field]
    assert PriceVersion.objects.count() == 1 and not AuditEntry.objects.exists()


def test_a_version_before_and_one_after_do_not_overlap(listed: PriceList, actor: Actor) -> None:
    only = PriceVersion.objects.get()
    only.valid_until = JULY
    prices.save_version(only, actor=actor)
    prices.save_version(PriceVersion(price_list=listed, valid_from=JULY, rules=m.RULES), actor=actor)
    prices.save_version(
        PriceVersion(price_list=listed, valid_from=date(2025, 1, 1), valid_until=date(2026, 1, 1), rules=m.RULES),
        actor=actor,
    )
    assert PriceVersion.objects.count() == 3


def test_a_version_that_nothing_was_billed_with_is_changed_and_the_same_again_tells_nothing(
    listed: PriceList, actor: Actor
) -> None:
    row = PriceVersion.objects.get()
    row.rules = DEARER
    prices.save_version(row, actor=actor)
    prices.save_version(PriceVersion.objects.get(), actor=actor)
    assert PriceVersion.objects.get().rules[0]["amount"] == "120.00"
    assert [entry.action for entry in AuditEntry.objects.all()] == ["price_version.change"]


def test_wrong_rules_store_nothing(listed: PriceList, actor: Actor) -> None:
    bad = [{**m.RULES[0], "amount": "-1"}]
    assert wrong(prices.add_version, listed, DECEMBER, bad, actor=actor) == {"rules.0.amount": "At least 0."}
    assert PriceVersion.objects.get().valid_until is None and not AuditEntry.objects.exists()


def test_what_was_billed_with_a_version_keeps_it_as_it_is(billed: Service, actor: Actor) -> None:
    row = PriceVersion.objects.get()
    words = "Final documents were made with it, for days before 2026-11-01: add a new version that begins on 2026-11-01 or later."
    row.rules = DEARER
    assert wrong(prices.save_version, row, actor=actor) == {"": words}
    row.refresh_from_db()
    row.valid_from = JULY
    assert wrong(prices.save_version, row, actor=actor) == {"valid_from": words}
    row.refresh_from_db()
    row.valid_until = date(2026, 10, 31)
    assert wrong(prices.save_version, row, actor=actor) == {"valid_until": words}
    assert wrong(prices.delete_version, row, actor=actor) == {"": words}
    assert wrong(prices.add_version, billed.price_list, date(2026, 10, 15), DEARER, actor=actor) == {
        "valid_from": words
    }
    assert not AuditEntry.objects.exists()


def test_it_may_end_when_its_last_billed_day_is_over(billed: Service, actor: Actor) -> None:
    made = prices.add_version(billed.price_list, m.NOVEMBER, DEARER, actor=actor)
    prices.delete_version(made, actor=actor, why="Not agreed")
    last = AuditEntry.objects.order_by("id").last()
    assert last is not None and (last.action, last.why, last.after) == ("price_version.delete", "Not agreed", None)


def test_a_document_that_was_made_void_sets_its_prices_free(billed: Service, actor: Actor) -> None:
    Standing.objects.update(state=Standing.State.VOID)
    row = PriceVersion.objects.get()
    row.rules = DEARER
    assert prices.save_version(row, actor=actor).rules[0]["amount"] == "120.00"


def test_another_lists_documents_do_not_matter(billed: Service, actor: Actor) -> None:
    other = PriceVersion.objects.get(price_list=m.a_price_list("PL-2"))
    other.rules = DEARER
    prices.save_version(other, actor=actor)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_add_overlapping_versions_at_once_one_is_refused(actor: Actor) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connection

    listed = PriceList.objects.create(code="PL", title="Standard", currency="EUR")

    def add(day: int) -> str:
        try:
            row = PriceVersion(
                price_list=listed, valid_from=date(2026, 1, day), valid_until=date(2026, 2, 1), rules=m.RULES
            )
            prices.save_version(row, actor=actor)
        except WrongFields as refused:
            return refused.errors[0].code
        finally:
            connection.close()
        return "stored"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(add, (1, 2, 3, 4))) == ["overlap", "overlap", "overlap", "stored"]
    assert PriceVersion.objects.count() == 1
