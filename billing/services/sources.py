"""What invoices are paid from: a payment or a credit note, of which so much is free. Laid against them, and taken off again.

For the services, which hold the customer (billing.services.account) and audit.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import F, Max, Sum

from billing import amounts
from billing.errors import CannotSettle
from billing.models import Allocation, Document, Payment, Standing
from billing.services import account, write_offs
from queues.contract import ports


@dataclass
class Source:
    """A payment, or a credit note's standing; held."""

    payment: Payment | None = None
    note: Standing | None = None

    @property
    def free(self) -> int:
        if self.payment is not None:
            money = self.payment
            return money.amount_minor - money.allocated_minor - money.refunded_minor
        return self._note.balance_minor

    @property
    def currency(self) -> str:
        return self.payment.currency if self.payment is not None else self._note.currency

    @property
    def customer_id(self) -> int:
        return self.payment.customer_id if self.payment is not None else self._note.customer_id

    @property
    def words(self) -> str:
        return f"payment {self.payment}" if self.payment is not None else f"credit note {self._note.document.number}"

    @property
    def _note(self) -> Standing:
        assert self.note is not None
        return self.note

    def use(self, amount: int) -> None:
        """Negative: it is free again."""
        if self.payment is None:
            account.move(self._note, credited=amount)
            return
        self.payment.allocated_minor += amount
        self.payment.save(update_fields=["allocated_minor"])

    def row(self, standing: Standing, amount: int) -> Allocation:
        return Allocation.objects.create(
            payment=self.payment, credit_note=None if self.note is None else self.note.document,
            document=standing.document, amount_minor=amount, at=ports.now(),
        )  # fmt: skip


def of_payment(payment: Payment) -> Source:
    return Source(payment=account.held_payment(payment))


def of_note(credit_note: Document) -> Source:
    """Raises CannotSettle for a draft."""
    return Source(note=account.held_standing(credit_note))


def lay(source: Source, standing: Standing, amount: int | None = None) -> Allocation:
    """Set so much (None: as much as fits) of a source against an invoice. What was written off of it is recovered first, as far as it takes.
    Raises CannotSettle."""
    _prove(source, standing)
    takes = standing.balance_minor + standing.written_off_minor
    most = min(source.free, takes)
    amount = most if amount is None else amount
    if not 0 < amount <= most:
        raise CannotSettle(
            f"{amounts.words(takes, standing.currency)} is open on {standing.document.number}, and"
            f" {amounts.words(source.free, source.currency)} of {source.words} is free: set between nothing and"
            f" {amounts.words(most, source.currency)} against it."
        )
    if amount > standing.balance_minor:
        write_offs.take_back(standing, amount - standing.balance_minor)
    source.use(amount)
    _count(source, standing, amount)
    return source.row(standing, amount)


def lift(source: Source, standing: Standing, amount: int) -> Allocation:
    """Take so much of a source off an invoice: it is open again there. Raises CannotSettle."""
    _count(source, standing, -amount)
    source.use(-amount)
    return source.row(standing, -amount)


def laid(source: Source) -> list[tuple[Document, int]]:
    """What of it is set against which invoice now, the newest first."""
    rows = (
        Allocation.objects.filter(payment=source.payment)
        if source.payment is not None
        else Allocation.objects.filter(credit_note=source._note.document)
    )
    found = (
        rows.values("document")
        .annotate(amount=Sum("amount_minor"), newest=Max("id"))
        .filter(amount__gt=0)
        .order_by("-newest")
    )
    documents = Document.objects.in_bulk([row["document"] for row in found])
    return [(documents[row["document"]], row["amount"]) for row in found]


def make_free(source: Source, amount: int) -> list[Document]:
    """So much of it free, taken off invoices as far as need be, the newest first; those are answered. Raises CannotSettle."""
    reopened = []
    for document, there in laid(source):
        lacking = amount - source.free
        if lacking <= 0:
            break
        lift(source, account.held_standing(document), min(there, lacking))
        reopened.append(document)
    if source.free < amount:
        raise CannotSettle(f"Of {source.words} there is only {amounts.words(source.free, source.currency)} left.")
    return reopened


def lay_own_notes(documents: list[Document]) -> None:
    """What is open again on these invoices is paid from their own credit notes, as far as those are free."""
    for document in documents:
        notes = Standing.objects.filter(
            document__credits=document, gross_minor__gt=F("credited_minor") + F("paid_minor")
        )
        for note in notes.order_by("document__sequence"):
            standing = account.held_standing(document)
            if standing.balance_minor > 0:
                lay(of_note(note.document), standing)


def _prove(source: Source, standing: Standing) -> None:
    if standing.kind != Document.Kind.INVOICE:
        raise CannotSettle(f"{standing.document.number} is a credit note: only invoices are paid.")
    if source.note is not None and source.note.kind != Document.Kind.CREDIT_NOTE:
        raise CannotSettle(f"{source.note.document.number} is no credit note.")
    if source.payment is not None and source.payment.state != Payment.State.SUCCEEDED:
        raise CannotSettle(f"The money of {source.words} is not there: it is {source.payment.state}.")
    if standing.state == Standing.State.VOID:
        raise CannotSettle(f"{standing.document.number} is void.")
    if source.currency != standing.currency:
        raise CannotSettle(
            f"{source.words} is in {source.currency}, and {standing.document.number} in {standing.currency}."
        )
    if source.customer_id != standing.customer_id:
        raise CannotSettle(f"{source.words} is another customer's than {standing.document.number}.")


def _count(source: Source, standing: Standing, amount: int) -> None:
    if source.payment is not None:
        account.move(standing, paid=amount)
    else:
        account.move(standing, credited=amount)
