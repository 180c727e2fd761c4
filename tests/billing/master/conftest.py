"""A service, a month of it that is billed, and what the services of master data refuse."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import Model

from billing.errors import WrongFields
from billing.models import Document, Service
from billing.services.master.data import save
from queues.contract import Actor
from queues.models import AuditEntry
from tests.billing import makers as m


def refused(row: Model, actor: Actor, **changed: Any) -> tuple[str, str]:
    """The field that the service refuses, and what it says; nothing is stored."""
    before = AuditEntry.objects.count()
    for name, value in changed.items():
        setattr(row, name, value)
    with pytest.raises(WrongFields) as caught:
        save(row, actor=actor)
    assert AuditEntry.objects.count() == before
    if row.pk:
        row.refresh_from_db()
    (error,) = caught.value.errors
    return error.field, error.message


@pytest.fixture
def service() -> Service:
    return m.a_service(m.a_contract())


@pytest.fixture
def billed(service: Service) -> Document:
    """October of the service's contract is final."""
    return m.a_final_invoice(customer=service.contract.customer, contract=service.contract)
