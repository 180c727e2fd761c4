"""What is wrong is told by its row and field, at the door it came through, and the database is as it was, to the byte."""

from __future__ import annotations

import csv
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from billing import ports
from billing.quote_command import main as quote
from integrations.stripe.client import Client as StripeClient
from integrations.stripe.provider import StripeProvider

pytestmark = pytest.mark.django_db
SAMPLE = {"contracts": 12, "seed": 1, "month": "2026-10"}
Rows = list[dict[str, str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of a small hauler that is in the database, too."""
    call_command("sample_hauler", stdout=StringIO(), **SAMPLE)
    call_command("sample_hauler", only_files=tmp_path, stdout=StringIO(), **SAMPLE)
    return tmp_path


def checksum() -> str:
    """Of every row of billing."""
    found = hashlib.sha256()
    with connection.cursor() as cursor:
        for model in apps.get_app_config("billing").get_models():
            cursor.execute(f"SELECT * FROM {model._meta.db_table}")
            found.update(repr(sorted(map(repr, cursor.fetchall()))).encode())
    return found.hexdigest()


@pytest.fixture
def untouched() -> Iterator[Callable[[], None]]:
    """Call it when the stage is set: after the test all tables of billing are as they were then."""
    before: list[str] = []
    yield lambda: before.append(checksum())
    assert before == [checksum()]


def spoil(folder: Path, table: str, change: Callable[[Rows], int]) -> int:
    """Change a file; `change` says which row it was (the first is 0). Returns its number as a spreadsheet shows it."""
    path = folder / f"{table}.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    columns, place = list(rows[0]), change(rows)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    return place + 2


def put(**cells: str) -> Callable[[Rows], int]:
    """Other cells in the third row."""

    def change(rows: Rows) -> int:
        rows[2].update(cells)
        return 2

    return change


def overlap(rows: Rows) -> int:
    """Another version of the third row's list, from a day later, when that one is in force."""
    rows.append(rows[2] | {"valid_from": rows[2]["valid_from"][:8] + "02"})
    return len(rows) - 1


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize(
    ("table", "change", "field"),
    [
        ("weigh_tickets", put(gross="-5"), "gross"),
        ("weigh_tickets", put(gross="10", tare="11"), "gross"),
        ("contracts", put(currency="EUX"), "currency"),
        ("contracts", put(starts_on="2026-05-01", ends_on="2026-04-30"), "ends_on"),
        ("services", put(starts_on="2026-05-01", ends_on="2026-04-30"), "ends_on"),
        ("price_versions", overlap, "valid_from"),
        ("visits", put(outcome="lost"), "outcome"),
    ],
)  # fmt: skip
def test_a_bad_row_of_a_file_is_told_and_nothing_is_written(
    folder: Path, untouched: Callable[[], None], table: str, change: Callable[[Rows], int], field: str, dry_run: bool
) -> None:
    row, out = spoil(folder, table, change), StringIO()
    good = folder / "sites.csv"
    good.write_text(good.read_text().replace("S-", "S-new-", 1))  # a good row beside it is not written either
    untouched()
    with pytest.raises(CommandError, match="nothing was written") as told:
        call_command("import_billing", str(folder), dry_run=dry_run, stdout=out)
    assert told.value.returncode == 2
    assert any(f"{table}.csv row {row}, {field}: " in line or f"{table} row {row}, {field}: " in line for line in out.getvalue().splitlines()), out.getvalue()  # fmt: skip


CASE: dict[str, Any] = {
    "case": "one", "kind": "document", "currency": "EUR", "tax_mode": "exclusive", "rounding": "document",
    "lines": [{"id": "a", "quantity": "1", "unit_price": "10.00", "tax": {"category": "S", "rate": "20"}}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("tampered", "field"),
    [
        (json.dumps(CASE).replace('"10.00"', '"10,00"'), "lines.0.unit_price"),
        (json.dumps(CASE).replace('"10.00"', '"-10.00e999999"'), "lines.0.unit_price"),
        (json.dumps(CASE).replace('"EUR"', '"EUX"'), "currency"),
        (json.dumps(CASE).replace('"rate": "20"', '"rate": "-20"'), "lines.0.tax.rate"),
        (json.dumps(CASE | {"total": "1.00"}), "total"),
        (json.dumps(CASE).replace('"case": "one"', '"case": "one", "case": "two"'), ""),
        (json.dumps(CASE)[:-2], ""),
    ],
)  # fmt: skip
def test_a_case_that_was_tampered_with_is_told_by_its_field(
    tmp_path: Path, untouched: Callable[[], None], tampered: str, field: str
) -> None:
    untouched()
    out = StringIO()
    assert quote(["-"], out=out, source=StringIO(json.dumps(CASE))) == 0
    out = StringIO()
    assert quote(["-"], out=out, source=StringIO(tampered)) == 2
    error = json.loads(out.getvalue())["error"]
    assert error["field"].startswith(field) and error["message"], error


SECRET = "whsec_" + "s" * 32


def signature(body: str, secret: str, at: float) -> str:
    import stripe

    return str(stripe.WebhookSignature.generate_signature_header(body, secret, int(at)))


@pytest.mark.parametrize(
    ("secret", "late_s", "other_body"),
    [("whsec_" + "x" * 32, 0, ""), (SECRET, 3600, ""), (SECRET, -3600, ""), (SECRET, 0, " ")],
    ids=["another's secret", "too old", "from the future", "another body"],
)
def test_a_webhook_with_a_wrong_signature_is_refused_and_nothing_is_kept(
    untouched: Callable[[], None], client: Client, secret: str, late_s: int, other_body: str
) -> None:
    ports.register(StripeProvider(StripeClient("sk_test_" + "k" * 24, "http://127.0.0.1:9"), [SECRET]))
    untouched()
    try:
        body = json.dumps({"id": "evt_1", "object": "event", "type": "payment_intent.succeeded", "created": int(time.time()), "data": {"object": {}}})  # fmt: skip
        signed = signature(body, secret, time.time() - late_s)
        answer = client.post("/webhooks/stripe/", body + other_body, "application/json", HTTP_STRIPE_SIGNATURE=signed)
    finally:
        ports.forget("stripe")
    assert answer.status_code == 400 and answer.json()["code"] == "bad_signature", answer.content
