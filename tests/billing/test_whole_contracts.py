"""Whole contracts by chance, drafted, approved and made final through three runs; the oracle comes to the same cent from the exported files.

BILLING_CONTRACTS=2000 tries so many of them.
"""

from __future__ import annotations

import os
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.interchange.writing import cells, write
from billing.selectors import balances, preview, soundness, trade
from billing.services import runs
from billing.services.approval import approve
from billing.services.finalise import finalise
from tests.oracles.billing_oracle import Books, Files

from .months import ANNA, BERT, unlike
from .whole_contracts import DECEMBER, NOVEMBER, OCTOBER, World

pytestmark = pytest.mark.django_db
EXAMPLES = int(os.environ.get("BILLING_CONTRACTS", "30"))
TABLES = (
    "sellers", "customers", "jurisdictions", "tax_rates", "exchange_rates", "price_lists", "price_versions", "fuel_index", "contracts",
    "services", "stays", "coupons", "visits", "weigh_tickets",
)  # fmt: skip


def exported(folder: Path) -> Files:
    """As `export_billing` writes it."""
    for name in TABLES:
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as out:
            write(out, trade.TABLES[name].columns(), map(cells, trade.rows(name)))
    return Files(folder)


def billed_and_compared(books: Books, through: date) -> None:
    run = runs.prepare(through, actor=ANNA)
    with tempfile.TemporaryDirectory() as folder:
        expected = books.bill(exported(Path(folder)), through)
    assert unlike(expected, run) == []
    assert run.unresolved == 0 and preview.visits(run).unresolved == 0
    run = finalise(approve(run, actor=BERT, preview_hash=run.preview_hash).code, actor=BERT)
    assert unlike(expected, run) == []
    assert list(soundness.faults()) == [] and balances.differences() == []


@given(st.data())
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
def test_a_contract_by_chance_is_the_oracles_to_the_cent(data: Any) -> None:
    with transaction.atomic():
        world, books = World(data.draw), Books()
        contract = world.agree()
        world.happen(contract, 6)
        for through in (OCTOBER, NOVEMBER, DECEMBER, date(2027, 1, 1), date(2027, 2, 1)):
            billed_and_compared(books, through)
            world.happen(contract, 1)
        transaction.set_rollback(True)
