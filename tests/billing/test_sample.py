"""The hauler that is made up: always the same, of every kind, and good to bill two months of."""

from __future__ import annotations

import io
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from billing.interchange import folder
from billing.models import Contract, DunningStep, Seller, Series, Visit, WeighTicket
from billing.periods import Cycle
from billing.samples import hauler
from billing.samples.hauler import Hauler
from billing.services import samples
from tests.billing.makers import NOVEMBER, OCTOBER
from tests.billing.tables import ACTOR

SEPTEMBER = date(2026, 9, 1)


@pytest.fixture(scope="module")
def made() -> Hauler:
    return hauler.make(750, 1, OCTOBER)


def kinds(rows: dict[str, list[Any]], table: str, field: str) -> Counter[Any]:
    return Counter(getattr(row, field) for row in rows[table])


def test_the_same_seed_makes_the_same_hauler(made: Hauler) -> None:
    assert hauler.make(750, 1, OCTOBER).all() == made.all()
    assert hauler.make(75, 2, OCTOBER).all() != hauler.make(75, 1, OCTOBER).all()


def test_there_is_something_of_every_kind(made: Hauler) -> None:
    rows = made.all()
    assert len(rows["contracts"]) == 750
    assert set(kinds(rows, "contracts", "currency")) == {"EUR", "GBP", "CHF", "JPY", "BHD", "USD"}
    assert set(kinds(rows, "customers", "tax_treatment")) == {"standard", "reverse_charge", "exempt", "zero"}
    assert set(kinds(rows, "contracts", "every")) == {
        "week",
        "two_weeks",
        "four_weeks",
        "month",
        "quarter",
        "half_year",
        "year",
    }
    assert {row.anchor.day for row in rows["contracts"]} >= {1, 31}
    assert set(kinds(rows, "services", "pattern")) == {"weekly", "monthly", "on_call"}
    assert set(kinds(rows, "services", "shift")) == {"none", "skip", "next_day", "day_before", "rest_of_week"}
    assert set(kinds(rows, "visits", "outcome")) == {"done", "missed_by_us", "missed_by_customer", "blocked"}
    assert set(kinds(rows, "weigh_tickets", "unit")) == {"kg", "t", "lb", "short_ton"}
    assert {rule.rule for version in rows["price_versions"] for rule in version.rules} == {
        "base_fee", "pick_up", "extra", "dry_run", "contamination", "tonnage", "overweight", "rental", "minimum", "discount", "fuel",
        "environmental", "franchise",
    }  # fmt: skip
    assert any(row.valid_from.day == 15 for row in rows["price_versions"]) and rows["coupons"] and rows["stays"]
    assert any(row.extra for row in rows["visits"]) and any(row.contaminated for row in rows["visits"])
    assert any(OCTOBER < row.starts_on < NOVEMBER for row in rows["contracts"])
    assert any(row.ends_on and OCTOBER < row.ends_on < NOVEMBER for row in rows["contracts"])


def test_two_of_a_hundred_contracts_cannot_be_priced(made: Hauler) -> None:
    spoilt = [
        row.code
        for row in made.before["services"]
        if row.price_list in ("EUR-not-yet", "EUR-no-index", "USD-household")
    ]
    untaxed = [row.code for row in made.before["contracts"] if row.jurisdiction == "SI"]
    assert len(spoilt) + len(untaxed) == 15 and untaxed
    good = hauler.make(75, 1, OCTOBER, faults=False)
    assert set(kinds(good.before, "contracts", "currency")) <= {"EUR", "GBP", "CHF", "JPY", "BHD"}


def test_events_begin_with_the_first_period_that_is_billed(made: Hauler) -> None:
    contracts = {row.code: row for row in made.before["contracts"]}
    for visit in made.all()["visits"]:
        contract = contracts[visit.service.rsplit("/", 1)[0]]
        assert Cycle(contract.every, contract.anchor).containing(SEPTEMBER).start <= visit.day < NOVEMBER


def test_late_events_are_of_the_month_before_and_come_with_the_month(made: Hauler) -> None:
    late = [row for row in made.month["visits"] if row.day < OCTOBER]
    assert late and all(row.day >= SEPTEMBER and row.note == "Recorded late" for row in late)
    assert all(row.day < OCTOBER for row in made.before["visits"])


@pytest.mark.django_db
def test_it_is_loaded_as_everything_is_imported_and_again_is_no_harm() -> None:
    found = hauler.make(40, 1, OCTOBER)
    first = samples.load(found.before, actor=ACTOR)
    assert first.new["contracts"] == 40 and Contract.objects.count() == 40
    visits = Visit.objects.count()
    samples.load(found.month, actor=ACTOR)
    assert Visit.objects.count() > visits and WeighTicket.objects.filter(net_kg__gt=0).exists()
    assert not any(samples.load(found.all(), actor=ACTOR).new.values())
    assert Seller.objects.get().code == "main" and Series.objects.count() == 2 and DunningStep.objects.count() == 3


@pytest.mark.django_db
def test_a_sample_never_changes_what_is_there() -> None:
    samples.load(hauler.make(10, 1, OCTOBER).all(), actor=ACTOR)
    Seller.objects.update(name="Our own")
    with pytest.raises(samples.CannotLoad, match="would change what is there"):
        samples.load(hauler.make(11, 1, OCTOBER).all(), actor=ACTOR)
    assert Seller.objects.get().name == "Our own" and Contract.objects.count() == 10


@pytest.mark.django_db
def test_the_command_writes_files_that_can_be_imported(tmp_path: Path) -> None:
    out = io.StringIO()
    call_command("sample_hauler", "--contracts", "5", "--month", "2026-10", "--only-files", str(tmp_path), stdout=out)
    assert "5 contracts" in out.getvalue() and "written to" in out.getvalue()
    assert not Contract.objects.exists()
    call_command("import_billing", str(tmp_path), stdout=out)
    assert Contract.objects.count() == 5
    assert not folder.tables([tmp_path])[2]


@pytest.mark.django_db
@pytest.mark.parametrize("wrong", [["--month", "2026-13"], ["--month", "now"], ["--contracts", "0"]])
def test_the_command_says_what_is_wrong_with_its_options(wrong: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("sample_hauler", *wrong)


def test_by_default_it_is_the_last_month_that_is_over() -> None:
    assert samples.last_month(date(2026, 11, 26)) == OCTOBER
    assert samples.last_month(date(2027, 1, 1)) == date(2026, 12, 1)
