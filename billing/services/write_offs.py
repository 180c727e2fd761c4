"""What nobody will pay, and what is paid after all."""

from __future__ import annotations

from django.db import transaction

from billing import amounts
from billing.errors import CannotSettle
from billing.models import Document, Entry, Standing
from billing.selectors import sellers
from billing.services import account, books
from billing.services.books import RECEIVABLE, Leg
from queues.contract import Actor, ports

BAD_DEBT = "bad_debt"


def write_off(document: Document, *, why: str, actor: Actor) -> Standing:
    """Write off all that is open on an invoice: it is uncollectible. Audited. Raises CannotSettle (nothing is open)."""
    with transaction.atomic():
        account.hold(document.customer_id)
        standing = account.held_standing(document)
        if standing.kind != Document.Kind.INVOICE or standing.balance_minor <= 0:
            raise CannotSettle(f"Nothing is open on {document.number}, so nothing can be written off.")
        before, amount = account.told(standing), standing.balance_minor
        account.move(standing, written_off=amount)
        _post(standing, "write_off", Leg(BAD_DEBT, RECEIVABLE, amount, why))
        _tell(standing, "document.write_off", before, why, actor)
    return standing


def recover(
    document: Document, *, why: str, actor: Actor, amount_minor: int | None = None, written_off_seen_minor: int | None = None
) -> Standing:  # fmt: skip
    """Take a write-off back, or so much of it: that is open again. (Money that is set against the invoice does so by itself.)
    `written_off_seen_minor`: what was written off when somebody looked: other figures by now are refused. Audited. Raises CannotSettle."""
    with transaction.atomic():
        account.hold(document.customer_id)
        standing = account.held_standing(document)
        if written_off_seen_minor not in (None, standing.written_off_minor):
            raise CannotSettle(f"What is written off of {document.number} changed meanwhile. Look again.")
        amount = standing.written_off_minor if amount_minor is None else amount_minor
        if not 0 < amount <= standing.written_off_minor:
            there = amounts.words(standing.written_off_minor, standing.currency)
            raise CannotSettle(f"{there} of {document.number} is written off: no other amount can be taken back.")
        before = account.told(standing)
        take_back(standing, amount, why)
        _tell(standing, "document.recover", before, why, actor)
    return standing


def take_back(standing: Standing, amount: int, why: str = "") -> None:
    """For services that hold the account and audit."""
    account.move(standing, written_off=-amount)
    _post(standing, "recovery", Leg(RECEIVABLE, BAD_DEBT, amount, why))


def _post(standing: Standing, what: str, leg: Leg) -> None:
    """The first time under the invoice's number, later ones counted. (The account is held, so nobody counts beside us.)"""
    number = account.number_of(standing.document)
    before = Entry.objects.filter(document=standing.document, posting__startswith=f"{what}:{number}").count()
    books.post(
        f"{what}:{number}" if not before else f"{what}:{number}:{before + 1}", [leg], booked_on=sellers.today(),
        customer=standing.customer, currency=standing.currency, document=standing.document,
    )  # fmt: skip


def _tell(standing: Standing, action: str, before: dict[str, object], why: str, actor: Actor) -> None:
    document = standing.document
    ports.auditor()(
        actor, action, object_type="document", object_id=str(document.pk), object_label=str(document),
        before=before, after=account.told(standing), why=why,
    )  # fmt: skip
