"""Files of documents: made once and kept, in the database and in a folder."""

from __future__ import annotations

import hashlib
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from billing.jobs.paper import FilesNotMade
from billing.jobspecs.paper import make_files
from billing.jobspecs.runs import OfRun
from billing.models import BillingRun, Document, DocumentFile, Line, Series, TaxGroup
from billing.paper.telling import CannotTell
from billing.selectors.paper import paper_of, with_parts
from billing.services import files
from billing.services.files import FileDamaged, file_of
from billing.services.run_files import make_run_files
from queues.contract import Done
from tests.billing.makers import NOVEMBER, OCTOBER, a_customer, a_final_invoice

pytestmark = pytest.mark.django_db
SELLER = {
    "name": "Roundsman Sample Haulage", "street": "Kai 1", "postcode": "1010", "city": "Wien", "country": "AT", "tax_id": "ATU12345675",
    "email": "office@example.org", "iban": "AT611904300234573201", "bic": "BKAUATWW",
}  # fmt: skip
BUYER = {
    "code": "C-9",
    "name": "As it was then",
    "street": "Alt 1",
    "postcode": "1020",
    "city": "Wien",
    "country": "AT",
}
SITES = {"S-1": {"name": "Hof", "street": "Gasse 2", "postcode": "1020", "city": "Wien", "country": "AT"}}
PARTIES = {
    "seller": SELLER,
    "buyer": BUYER,
    "sites": SITES,
    "services": {"K-1/1": "Residual waste"},
    "contract": "K-1",
    "payment_days": 14,
}


def a_run(many: int = 2, code: str = "2026-11-01") -> BillingRun:
    run = BillingRun.objects.create(code=code, through=NOVEMBER, issue_date=NOVEMBER)
    for number in range(1, many + 1):
        a_final_invoice(number, run=run, parties=PARTIES)
    return run


def a_draft(**over: Any) -> Document:
    given: dict[str, Any] = {
        "currency": "EUR", "language": "de", "tax_point": date(2026, 10, 31), "period_start": OCTOBER, "period_end": NOVEMBER, "net_minor": 100_00,
        "tax_minor": 20_00, "gross_minor": 120_00, "digest": "d" * 64, "created_at": files.ports.now(), "parties": PARTIES,
    }  # fmt: skip
    made = Document.objects.create(customer=a_customer("C-draft"), **given | over)
    Line.objects.create(
        document=made, position=1, code="base", title="Base fee", unit_price=Decimal(100), amount_minor=100_00, net_minor=100_00, tax_minor=20_00,
        category="S", rate=Decimal(20), rule="base_fee", words="100.00 for 31 of 31 days",
    )  # fmt: skip
    TaxGroup.objects.create(
        document=made, position=1, category="S", rate=Decimal(20), base_minor=100_00, tax_minor=20_00
    )
    return made


# --- the rows become the paper -----------------------------------------------------------------------------------------


def test_a_paper_says_what_the_document_froze_and_not_what_is_now() -> None:
    invoice = a_final_invoice(parties=PARTIES)
    invoice.customer.name = "Renamed since"
    invoice.customer.save()
    paper = paper_of(invoice)
    assert paper.buyer.name == "As it was then"
    assert paper.places == {"S-1": "Hof, Gasse 2, 1020 Wien"}
    assert (paper.contract, paper.payment_days) == ("K-1", 14)
    assert (paper.net, paper.tax, paper.gross) == (Decimal("100.00"), Decimal("20.00"), Decimal("120.00"))
    assert paper.last_day == date(2026, 10, 31)


def test_a_document_that_froze_nobody_is_between_those_who_are() -> None:
    paper = paper_of(a_final_invoice())
    assert paper.seller.tax_id == "ATU12345675"
    assert paper.buyer.name == "Gasthaus Ente"


def test_amounts_have_the_currencys_decimals() -> None:
    invoice = a_final_invoice(currency="JPY", net_minor=10_000, tax_minor=2_000)
    assert str(paper_of(invoice).gross) == "12000"


def test_a_credit_note_names_what_it_credits() -> None:
    invoice = a_final_invoice(1)
    note = a_final_invoice(2, customer=invoice.customer, kind="credit_note", credits=invoice, reason="Too much")
    paper = paper_of(note)
    assert paper.kind == "credit_note"
    assert paper.preceding is not None
    assert (paper.preceding.number, paper.preceding.issued) == ("INV-000001", NOVEMBER)


def test_papers_of_many_take_no_more_queries_than_of_one() -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            for document in with_parts(Document.objects.all()):
                paper_of(document)
        return len(seen)

    a_final_invoice(1, parties=PARTIES)
    one = queries()
    for number in range(2, 6):
        a_final_invoice(number, parties=PARTIES)
    assert queries() == one


# --- made once ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "begin", "name"), [("pdf", b"%PDF-", "INV-000001.pdf"), ("ubl", b"<?xml", "INV-000001.xml")]
)
def test_a_final_documents_file_is_made_once_and_stays_the_same(
    kind: str, begin: bytes, name: str, monkeypatch: Any
) -> None:
    invoice = a_final_invoice(parties=PARTIES)
    first = file_of(invoice, kind)
    assert first.content.startswith(begin)
    assert (first.name, first.kept) == (name, True)
    assert first.sha256 == hashlib.sha256(first.content).hexdigest()

    def never(paper: Any) -> bytes:
        raise AssertionError("It is made already.")

    monkeypatch.setitem(files.MAKERS, kind, never)
    assert file_of(Document.objects.get(pk=invoice.pk), kind) == first
    assert DocumentFile.objects.count() == 1


def test_who_makes_it_at_the_same_time_gets_the_first_ones(monkeypatch: Any) -> None:
    """Between the look and the insert somebody else was faster."""
    invoice = a_final_invoice(parties=PARTIES)
    real = files.MAKERS["pdf"]

    def slower(paper: Any) -> bytes:
        monkeypatch.setitem(files.MAKERS, "pdf", real)
        file_of(invoice, "pdf")
        return b"%PDF- of the slower one"

    monkeypatch.setitem(files.MAKERS, "pdf", slower)
    assert file_of(invoice, "pdf").content == real(paper_of(invoice))
    assert DocumentFile.objects.count() == 1


def test_a_draft_is_made_anew_and_never_kept() -> None:
    draft = a_draft()
    made = file_of(draft, "pdf")
    assert made.content.startswith(b"%PDF-")
    assert made.kept is False
    assert made.name.startswith("Draft-")
    assert DocumentFile.objects.count() == 0
    with pytest.raises(CannotTell, match="A draft has no number"):
        file_of(draft, "ubl")


def test_a_kept_file_is_never_changed_or_thrown_away() -> None:
    file_of(a_final_invoice(parties=PARTIES), "pdf")
    kept = DocumentFile.objects.get()
    for change in (lambda: DocumentFile.objects.update(content=b"x"), kept.delete):
        with pytest.raises(Exception, match="is refused"), transaction.atomic():
            change()


def test_what_was_changed_past_the_guards_is_not_handed_out() -> None:
    invoice = a_final_invoice(parties=PARTIES)
    DocumentFile.objects.create(
        document=invoice, kind="pdf", content=b"%PDF- other", sha256="0" * 64, made_at=files.ports.now()
    )
    with pytest.raises(FileDamaged):
        file_of(invoice, "pdf")


def test_a_file_whose_figures_would_differ_is_not_kept(monkeypatch: Any) -> None:
    from billing.paper import proof, ubl

    monkeypatch.setattr(ubl, "money", lambda value: f"{value + 1:f}")
    with pytest.raises(proof.FigureDiffers):
        file_of(a_final_invoice(parties=PARTIES), "ubl")
    assert DocumentFile.objects.count() == 0


def test_a_number_with_strokes_is_a_name_that_folders_take() -> None:
    assert files.file_stem(Document(number="2026/10 – INV/7")) == "2026-10-INV-7"


# --- a whole run -------------------------------------------------------------------------------------------------------


def test_a_runs_files_are_made_once_and_told_by_document() -> None:
    run, told = a_run(3), []
    first = make_run_files(run.code, on_progress=lambda done, total: told.append((done, total)))
    assert (first.made, first.kept, first.without, first.faults) == (6, 0, {}, {})
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert make_run_files(run.code).kept == 6


def test_who_was_stopped_in_the_middle_goes_on() -> None:
    run, asked = a_run(3), []

    class Stopped(Exception):
        pass

    def stop() -> None:
        asked.append(1)
        if len(asked) == 3:
            raise Stopped

    with pytest.raises(Stopped):
        make_run_files(run.code, checkpoint=stop)
    rest = make_run_files(run.code)
    assert (rest.kept, rest.made) == (4, 2)


def test_one_document_that_cannot_be_made_stops_no_other() -> None:
    run = a_run(2)
    wrong = a_final_invoice(3, run=run, parties={**PARTIES, "seller": {**SELLER, "tax_id": ""}})
    tally = make_run_files(run.code)
    assert tally.made == 5
    assert list(tally.without) == [wrong.number]
    assert "tax number" in tally.without[str(wrong)]


class Context:
    """What the job sees of its run."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.told: list[tuple[float, float, str]] = []

    def progress(self, done: float, total: float, note: str = "") -> None:
        self.told.append((done, total, note))

    def log(self, message: str, level: str = "info") -> None:
        self.lines.append((level, message))

    def checkpoint(self) -> None:
        pass


def test_the_job_makes_them_with_progress() -> None:
    run, context = a_run(2), Context()
    assert make_files.run is not None
    outcome: Any = make_files.run(context, OfRun(run=run.code))  # type: ignore[arg-type]
    assert isinstance(outcome, Done)
    assert outcome.result == {"run": run.code, "made": 4, "kept": 0, "without_xml": 0}
    assert context.told[-1] == (2, 2, "2 of 2 documents")


def test_the_job_fails_when_a_documents_sums_are_wrong_and_makes_the_others() -> None:
    run, context = a_run(1), Context()
    broken = a_draft(run=run, net_minor=50_00, tax_minor=10_00, gross_minor=60_00)  # no service makes such a one
    broken.series, broken.sequence, broken.number = Series.objects.get(), 2, "INV-000002"
    broken.state, broken.issue_date, broken.due_date, broken.finalised_at = (
        "final",
        NOVEMBER,
        NOVEMBER,
        broken.created_at,
    )
    broken.save()
    assert make_files.run is not None
    with pytest.raises(FilesNotMade):
        make_files.run(context, OfRun(run=run.code))  # type: ignore[arg-type]
    assert DocumentFile.objects.count() == 2
    assert ("error", "INV-000002 (pdf): net: INV-000002: this is 50.00, and its parts come to 100.00.") in context.lines


# --- into a folder -----------------------------------------------------------------------------------------------------


def test_a_run_is_written_into_a_folder_with_its_sums(tmp_path: Path, capsys: Any) -> None:
    run, folder = a_run(2), tmp_path / "out"
    call_command("export_documents", run.code, str(folder))
    assert "4 files written, 0 were there." in capsys.readouterr().out
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["INV-000001.pdf", "INV-000001.xml", "INV-000002.pdf", "INV-000002.xml", "SHA256SUMS"]
    for row in (folder / "SHA256SUMS").read_text().splitlines():
        sha256, name = row.split("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == sha256
        assert (folder / name).stat().st_mode & 0o777 == 0o600
    call_command("export_documents", run.code, str(folder))
    assert "0 files written, 4 were there." in capsys.readouterr().out


def test_who_wrote_them_out_is_in_the_audit_log(tmp_path: Path) -> None:
    from queues.models import AuditEntry

    run = a_run(1)
    call_command("export_documents", run.code, str(tmp_path))
    entry = AuditEntry.objects.get(action="documents.export")
    assert (entry.object_type, entry.object_label) == ("billing_run", run.code)
    assert "manage.py" in entry.actor


def test_a_file_of_the_same_name_is_left_alone(tmp_path: Path) -> None:
    run = a_run(1)
    (tmp_path / "INV-000001.pdf").write_bytes(b"mine")
    with pytest.raises(CommandError, match="is another file"):
        call_command("export_documents", run.code, str(tmp_path))
    assert (tmp_path / "INV-000001.pdf").read_bytes() == b"mine"


def test_a_run_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="There is no billing run '2026-12-01'"):
        call_command("export_documents", "2026-12-01", str(tmp_path))


def test_one_kind_alone_is_written(tmp_path: Path) -> None:
    call_command("export_documents", a_run(1).code, str(tmp_path), "--kind", "ubl")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["INV-000001.xml", "SHA256SUMS"]
