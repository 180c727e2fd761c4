"""A month of a contract, and the two clerks who bill it: Anna prepares, Bert approves."""

from __future__ import annotations

from datetime import date
from typing import Any

from billing.models import BillingRun, Contract, Document, Line
from billing.services import runs
from billing.services.approval import approve
from billing.services.finalise import finalise
from queues.contract import Actor

from .makers import NOVEMBER, a_contract, a_service, a_visit

ANNA, BERT = Actor("anna", "admin", user_id=1), Actor("bert", "admin", user_id=2)
MONDAYS = [date(2026, 10, day) for day in (5, 12, 19, 26)]
DECEMBER = date(2026, 12, 1)


def a_month(code: str = "K-1", **over: Any) -> Contract:
    """Four pick-ups on Mondays of October."""
    contract = a_contract(code, **over)
    service = a_service(contract)
    for day in MONDAYS:
        a_visit(service, day)
    return contract


def prepared(**over: Any) -> BillingRun:
    return runs.prepare(NOVEMBER, actor=ANNA, **over)


def approved(run: BillingRun) -> BillingRun:
    return approve(run, actor=BERT, preview_hash=run.preview_hash)


def billed(through: date = NOVEMBER) -> BillingRun:
    run = approved(runs.prepare(through, actor=ANNA))
    return finalise(run.code, actor=BERT)


def final() -> list[tuple[str, str]]:
    """Contracts and numbers of the final documents, in the order of the numbers."""
    rows = Document.objects.filter(state="final").order_by("sequence")
    return list(rows.values_list("contract__code", "number"))  # type: ignore[arg-type]


def tampered(code: str, net_minor: int) -> None:
    """By hand, past every service."""
    Line.objects.filter(document__contract__code=code, code="base").update(net_minor=net_minor)
