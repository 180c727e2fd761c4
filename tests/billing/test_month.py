"""A month is drafted, approved, made final and collected by jobs; another program comes to the same cent, for every document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from django.db.models import F

from billing.models import BillingRun, Document, Entry, Payment, PriceVersion, RunItem, Standing, Visit
from billing.selectors import balances, soundness
from billing.services import runs
from project.chaos import till
from project.chaos.bank import BOOKS
from tests.engine.conftest import fake_window, working  # noqa: F401  (fixtures)

from .months import ANNA, MONTH, OCTOBER, Hauler, Working, cards_on_file, unlike
from .told import faults_of_order, told_by

pytestmark = pytest.mark.django_db(transaction=True)
AHauler = Callable[..., Hauler]
HAULERS = [  # contracts, seed, month
    (75, 1, MONTH),
    pytest.param(750, 1, MONTH, marks=pytest.mark.slow),
    pytest.param(750, 77, "2024-02", marks=pytest.mark.slow, id="a February of 29 days"),
    pytest.param(750, 77, "2026-03", marks=pytest.mark.slow, id="clocks go forward"),
]


@pytest.fixture
def a_hauler(working: Working, tmp_path: Path) -> AHauler:  # noqa: F811
    return lambda *made: Hauler(working, tmp_path, *made)


@pytest.mark.parametrize(("contracts", "seed", "month"), HAULERS)
def test_two_months_by_jobs_are_the_oracles_to_the_cent(
    a_hauler: AHauler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, contracts: int, seed: int, month: str
) -> None:
    monkeypatch.setenv(BOOKS, str(tmp_path / "till"))
    hauler = a_hauler(contracts, seed, month)
    before, expected = hauler.bill(hauler.happen("before"), hauler.begins)
    assert unlike(expected, before) == []
    hauler.close(before)
    cards_on_file()
    run, expected = hauler.bill(hauler.happen("month"), hauler.ends)
    assert unlike(expected, run) == []
    run = hauler.close(run)
    assert unlike(expected, run) == [] and run.unresolved == 0
    hauler.collect(run)
    everything_is_in(run, expected)
    charged = Counter(line.split()[0] for line in till.charges(tmp_path / "till"))
    assert charged and set(charged.values()) == {1}
    assert set(charged) == set(Payment.objects.filter(document__run=run).values_list("key", flat=True))
    the_books_are_sound(run)


def everything_is_in(run: BillingRun, expected: list[dict[str, Any]]) -> None:
    """The month had what a month has: late events, a credit note, mixed taxes, currencies of 0, 2 and 3 decimals, what cannot be billed."""
    states = Counter(each["state"] for each in expected)
    assert states["billed"] > 60 and states["set_aside"], states
    billed = [each for each in expected if each["state"] == "billed"]
    assert any(since for each in billed for _, _, since, _ in each["lines"]), "nothing was late"
    assert {"S", "AE", "E"} <= {group[0] for each in billed for group in each["tax_groups"]}
    assert {"EUR", "BHD"} <= {each["currency"] for each in billed} and any(each["exchange"] for each in billed)
    assert any(each["kind"] == "credit_note" for each in billed)
    assert run.items.filter(state=RunItem.State.SET_ASIDE).exclude(reason="").exists()


def the_books_are_sound(run: BillingRun) -> None:
    assert list(soundness.faults()) == [] and faults_of_order(run) == []
    sums: Counter[tuple[str, str]] = Counter()
    for entry in Entry.objects.all():
        sums[entry.currency, entry.debit] += entry.amount_minor
        sums[entry.currency, entry.credit] -= entry.amount_minor
    for currency in {of for of, _ in sums}:
        assert sum(amount for (of, _), amount in sums.items() if of == currency) == 0
    assert balances.differences() == []
    below_zero = F("gross_minor") - F("credited_minor") - F("paid_minor") - F("written_off_minor")
    assert not Standing.objects.alias(balance=below_zero).filter(balance__lt=0).exists()


def dearer() -> None:
    """Each price of a base fee a cent more."""
    for version in PriceVersion.objects.all():
        for rule in version.rules:
            if rule["rule"] == "base_fee":
                rule["amount"] = str(Decimal(str(rule["amount"])) + Decimal("0.01"))
        version.save()


PLANTED: dict[str, Callable[[], Any]] = {
    "a price is a cent more": dearer,
    "a visit is lost": lambda: Visit.objects.filter(outcome="done", ticket=None).order_by("code")[5].delete(),
    "a visit is another customer's fault": lambda: Visit.objects.filter(outcome="missed_by_us").update(outcome="missed_by_customer"),
    "an extra one is by schedule": lambda: Visit.objects.filter(extra=True).update(extra=False),
}  # fmt: skip


@pytest.mark.parametrize("planted", PLANTED)
def test_a_fault_that_is_planted_in_the_data_shows(a_hauler: AHauler, planted: str) -> None:
    hauler = a_hauler(40)
    files = hauler.happen("before")
    PLANTED[planted]()
    run = runs.prepare(OCTOBER, actor=ANNA)
    assert unlike(hauler.oracle.bill(files, OCTOBER), run)


@pytest.mark.parametrize("where", ["billing.tax.rounded", "billing.charges.rounded"])
def test_a_rounding_that_is_wrong_in_one_module_shows(
    a_hauler: AHauler, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    hauler = a_hauler(40)
    files = hauler.happen("before")
    monkeypatch.setattr(where, rounded_down)
    assert unlike(hauler.oracle.bill(files, OCTOBER), runs.prepare(OCTOBER, actor=ANNA))


def rounded_down(amount: Any, digits: int) -> Decimal:
    return Decimal(int(Fraction(amount) * 10**digits)).scaleb(-digits)


def test_preparing_twice_changes_nothing(a_hauler: AHauler) -> None:
    hauler = a_hauler(40)
    hauler.happen("before")
    first = runs.prepare(OCTOBER, actor=ANNA)
    before = (first.preview_hash, told_by(first), sorted(Document.objects.values_list("pk", "digest")))
    second = runs.prepare(OCTOBER, actor=ANNA)
    assert before == (second.preview_hash, told_by(second), sorted(Document.objects.values_list("pk", "digest")))
