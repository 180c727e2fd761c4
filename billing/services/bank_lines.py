"""Bookings for which nobody was found: people say whose they are, or that they are no customer's."""

from __future__ import annotations

from django.db import transaction

from billing.errors import CannotSettle
from billing.models import BankLine, Customer, Document, Payment, PaymentAccount
from billing.services import bank
from billing.services.bank_matching import BANK, Match
from queues.contract import Actor, ports


def assign(
    line: BankLine,
    *,
    actor: Actor,
    customer: Customer | None = None,
    document: Document | None = None,
    remember: bool = True,
    why: str = "",
) -> Payment:
    """An unmatched booking is a customer's (what is longest due is paid first), or for a document. `remember`: the payer's account is
    theirs from now on. Audited. Raises CannotSettle."""
    payer = document.customer if document is not None else customer
    if payer is None:
        raise CannotSettle("Say whose booking it is: a customer's, or for which document.")
    if document is not None and (document.currency != line.currency or document.number is None):
        raise CannotSettle(f"The booking is in {line.currency}: choose a final document in that currency.")
    with transaction.atomic():
        held = _held(line)
        held.payment = bank.payment_of(held, Match(why, payer, [] if document is None else [document]), actor)
        held.state, held.problem = BankLine.State.MATCHED, ""
        held.save(update_fields=["payment", "state", "problem"])
        if remember:
            _remember(held, payer)
        told = {"customer": payer.code, "document": document.number if document else None, "payment": held.payment.key}
        _tell(held, "bank_line.assign", told, why, actor)
    return held.payment


def ignore(line: BankLine, *, actor: Actor, why: str) -> None:
    """An unmatched booking is no customer's. Audited. Raises CannotSettle."""
    if not why.strip():
        raise CannotSettle("Say why it is no customer's.")
    with transaction.atomic():
        held = _held(line)
        held.state, held.problem = BankLine.State.IGNORED, why[:200]
        held.save(update_fields=["state", "problem"])
        _tell(held, "bank_line.ignore", {"state": "ignored"}, why, actor)


def _held(line: BankLine) -> BankLine:
    held = BankLine.objects.select_for_update(no_key=True).get(pk=line.pk)
    if held.state != BankLine.State.UNMATCHED:
        raise CannotSettle(f"This booking is {held.state} already.")
    return held


def _remember(line: BankLine, customer: Customer) -> None:
    """One account a customer, one customer an account: what is there stays."""
    theirs = PaymentAccount.objects.filter(provider=BANK)
    taken = theirs.filter(customer=customer).exists() or theirs.filter(reference=line.account).exists()
    if line.account and not taken:
        PaymentAccount.objects.create(customer=customer, provider=BANK, reference=line.account)


def _tell(line: BankLine, action: str, after: dict[str, str | None], why: str, actor: Actor) -> None:
    ports.auditor()(
        actor, action, object_type="bank_line", object_id=str(line.pk), object_label=line.reference, after=after, why=why
    )  # fmt: skip
