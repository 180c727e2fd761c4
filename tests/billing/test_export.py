"""What is exported can be imported, and accountants can read what is theirs."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from billing.interchange.folder import tables
from billing.interchange.tables import TABLES
from billing.models import Customer, Document, Entry, HolidayCalendar
from billing.samples import hauler
from billing.selectors.trade import MODELS
from billing.services import samples
from billing.services.exports import export_folder
from billing.services.imports import import_tables
from queues.models import AuditEntry
from tests.billing.makers import NOVEMBER, OCTOBER, a_final_invoice
from tests.billing.tables import ACTOR, FILES, bring

pytestmark = pytest.mark.django_db


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))


def test_what_is_exported_is_imported_elsewhere_and_exported_alike(tmp_path: Path) -> None:
    samples.load(hauler.make(12, 7, OCTOBER).all(), actor=ACTOR)
    export_folder(tmp_path / "one", actor=ACTOR)
    first = {path.name: path.read_bytes() for path in (tmp_path / "one").iterdir()}
    for name in reversed(TABLES):
        MODELS[name].objects.all().delete()
    found, _, wrong = tables([tmp_path / "one"])
    report = import_tables(found, actor=ACTOR)
    assert not wrong and report.written and not report.problems
    export_folder(tmp_path / "two", actor=ACTOR)
    assert {path.name: path.read_bytes() for path in (tmp_path / "two").iterdir()} == first
    assert report.new["visits"] > 20


def test_an_export_imported_where_it_is_from_changes_nothing(tmp_path: Path) -> None:
    bring(FILES)
    HolidayCalendar.objects.create(code="AT", title="=HYPERLINK(1)")
    Customer.objects.update(name="'@Dock\r\nYard ", phone="+43 1 234")
    export_folder(tmp_path, actor=ACTOR)
    report = import_tables(tables([tmp_path])[0], actor=ACTOR)
    assert not report.problems and not any(report.new.values()) and not any(report.changed.values())
    assert rows(tmp_path / "holiday_calendars.csv") == [{"code": "AT", "title": "'=HYPERLINK(1)"}]
    assert rows(tmp_path / "customers.csv")[0]["phone"] == "'+43 1 234"


def test_accountants_get_final_documents_their_lines_and_the_journal(tmp_path: Path) -> None:
    invoice = a_final_invoice(currency="EUR")
    Entry.objects.create(
        posting=f"document:{invoice.number}", part=1, booked_on=NOVEMBER, at=invoice.created_at, debit="receivable", credit="revenue:base",
        amount_minor=120_00, currency="EUR", customer=invoice.customer, document=invoice,
    )  # fmt: skip
    values = {
        field.name: getattr(invoice, field.name)
        for field in Document._meta.concrete_fields
        if field.name not in ("id", "run")
    }
    Document.objects.create(
        **values | {"state": "draft", "number": None, "sequence": None, "finalised_at": None, "contract": None}
    )
    told = export_folder(tmp_path, actor=ACTOR)
    assert (told["documents"], told["lines"], told["entries"]) == (1, 1, 1)
    (document,) = rows(tmp_path / "documents.csv")
    assert (document["number"], document["gross"], document["balance"], document["state"]) == (
        "INV-000001",
        "120.00",
        "120.00",
        "open",
    )
    (line,) = rows(tmp_path / "lines.csv")
    assert (line["document"], line["net"], line["tax"], line["rate"]) == ("INV-000001", "100.00", "20.00", "20")
    (entry,) = rows(tmp_path / "entries.csv")
    assert (entry["debit"], entry["credit"], entry["amount"], entry["currency"]) == (
        "receivable",
        "revenue:base",
        "120.00",
        "EUR",
    )


def test_the_files_are_for_their_owner_alone_and_the_export_is_audited(tmp_path: Path) -> None:
    call_command("export_billing", str(tmp_path / "out"), stdout=io.StringIO())
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "out").iterdir()} == {0o600}
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700
    assert AuditEntry.objects.get().action == "billing.export"


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text("mine")
    with pytest.raises(CommandError, match="it is not empty") as refused:
        call_command("export_billing", str(tmp_path))
    assert refused.value.returncode == 2 and (tmp_path / "customers.csv").read_text() == "mine"
