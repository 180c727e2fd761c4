"""Whose a booking is: by the numbers that the payer wrote, else by the payer's account, else by name and amount."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.models import F

from billing import payers_words
from billing.bookings import Booking
from billing.models import Customer, Document, PaymentAccount, Series, Standing

BANK = "bank"  # of payment accounts: the reference is an IBAN
CREDITS = "credits"  # the series of credit notes, which nobody pays


@dataclass(frozen=True)
class Match:
    """`customer` None: nobody, `why` says so in words."""

    why: str
    customer: Customer | None = None
    documents: list[Document] = field(default_factory=list)


def match(booking: Booking) -> Match:
    series = list(Series.objects.exclude(code=CREDITS).values_list("prefix", "digits"))
    named = _invoices(payers_words.numbers_in(booking.text, series))
    if named:
        return _by_number(booking, named)
    guessed = [each for each in _invoices(payers_words.guesses_in(booking.text, series)) if _is_of(booking, each)]
    if len(guessed) == 1:
        return Match(f"It may name {guessed[0]}, and the amount is that one's.", guessed[0].customer, guessed)
    known = PaymentAccount.objects.filter(provider=BANK, reference=booking.account).exclude(reference="")
    account = known.select_related("customer").first()
    if account is not None:
        return _by_account(booking, account.customer)
    return _by_name(booking)


def _invoices(numbers: Sequence[str]) -> list[Document]:
    """Those that there are, in this order."""
    there = Document.objects.filter(number__in=numbers, kind=Document.Kind.INVOICE, state=Document.State.FINAL)
    by_number = {each.number: each for each in there.select_related("customer", "standing")}
    return [by_number[number] for number in numbers if number in by_number]


def _is_of(booking: Booking, document: Document) -> bool:
    return document.currency == booking.currency and document.standing.balance_minor == booking.amount_minor


def _by_number(booking: Booking, named: list[Document]) -> Match:
    told = ", ".join(str(document) for document in named)
    if len({document.customer_id for document in named}) > 1:
        return Match(f"It names documents of several customers: {told}.")
    if strange := [document for document in named if document.currency != booking.currency]:
        return Match(f"It is in {booking.currency}, and {strange[0].number} in {strange[0].currency}.")
    standing = [document for document in named if document.standing.state != Standing.State.VOID]
    if not standing:
        return Match(f"{told} is void.")
    return Match(f"It names {told}.", named[0].customer, standing)


def _by_account(booking: Booking, customer: Customer) -> Match:
    open_here = _open(booking, customer)
    if not open_here and not Standing.objects.filter(customer=customer, currency=booking.currency).exists():
        return Match(f"The account is {customer.code}'s, who owes nothing in {booking.currency}.")
    fitting = [each.document for each in open_here if each.balance_minor == booking.amount_minor]
    why = f"The account is {customer.code}'s"
    if len(fitting) == 1:
        return Match(f"{why}, and the amount that of {fitting[0].number}.", customer, fitting)
    return Match(f"{why}: what is longest due is paid first.", customer)


def _by_name(booking: Booking) -> Match:
    customers = list(Customer.objects.filter(name__iexact=booking.payer)[:2]) if booking.payer else []
    if len(customers) != 1:
        return Match("It names no invoice, and the payer's account is not known.")
    fitting = [each.document for each in _open(booking, customers[0]) if each.balance_minor == booking.amount_minor]
    if len(fitting) != 1:
        return Match(f"The payer is called as {customers[0].code} is, but the amount is not that of one open invoice.")
    return Match(
        f"The payer's name is {customers[0].code}'s, and the amount that of {fitting[0].number}.", customers[0], fitting
    )


def _open(booking: Booking, customer: Customer) -> list[Standing]:
    due = Standing.objects.filter(customer=customer, currency=booking.currency, kind=Document.Kind.INVOICE)
    due = due.filter(gross_minor__gt=F("credited_minor") + F("paid_minor") + F("written_off_minor"))
    return list(due.select_related("document").order_by("due_date", "document__number"))
