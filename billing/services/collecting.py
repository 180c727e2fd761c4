"""Charging saved methods: each document's payment is a row before the provider is asked, so that nobody asks twice."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction

from billing import ports as billing
from billing.errors import CannotCharge
from billing.jobspecs.payments import ChargeDocument, charge_document
from billing.models import Document, Payment, PaymentMethod, Standing
from billing.ports import Outcome
from billing.selectors.payments import LIVE, account_of, charges_of, method_of
from billing.services import account
from billing.services.charge_settling import settle
from queues.contract import Actor, RunRef, ports
from queues.outbound import Answer, OutboundRequest, OutcomeUnknown, Refused

CallOut = Callable[[OutboundRequest], Answer]  # JobContext.call: once for the request's key
OPEN = (Standing.State.OPEN, Standing.State.PART_PAID)


def charge(document: Document, attempt: int, call: CallOut, *, actor: Actor) -> Payment:
    """Make this attempt, or go on with it: asked again with the same attempt, nothing is charged twice. Returns the payment as it stands then.

    Not inside a transaction. Raises CannotCharge, NotSent (surely not charged: ask again later).
    """
    return carry_out(begin(document, attempt, actor=actor), call, actor=actor)


def begin(document: Document, attempt: int, *, actor: Actor) -> Payment:
    """The attempt's payment, made or found. At most one charge of a document is under way. Audited. Raises CannotCharge."""
    key = f"charge:{document.number}:{attempt}"
    with transaction.atomic():
        account.hold(document.customer_id)
        found = Payment.objects.filter(key=key).first()
        if found is not None:
            return found
        standing, method = why_not(document, attempt)
        payment = Payment.objects.create(
            key=key, provider=method.provider, customer_id=document.customer_id, document=document, method=method,
            currency=document.currency, amount_minor=standing.balance_minor, created_at=ports.now(),
        )  # fmt: skip
        ports.auditor()(
            actor, "payment.charge", object_type="payment", object_id=str(payment.pk), object_label=key,
            after={"amount_minor": payment.amount_minor, "currency": payment.currency, "method": method.label},
        )  # fmt: skip
        return payment


def why_not(document: Document, attempt: int) -> tuple[Standing, PaymentMethod]:
    """What is charged, and how. Raises CannotCharge, with the reason, where nothing may be.

    What follows from it is for who holds the customer's account."""
    standing = Standing.objects.filter(document=document).first()
    if standing is None or standing.kind != Document.Kind.INVOICE:
        raise CannotCharge("Only final invoices are charged.")
    if standing.state not in OPEN or standing.balance_minor <= 0:
        raise CannotCharge("Nothing is open on it.")
    if standing.disputed:
        raise CannotCharge("It is disputed.")
    method = method_of(document.customer)
    if method is None:
        raise CannotCharge("The customer has no saved method that can be charged here.")
    if account_of(document.customer, method.provider) is None:
        raise CannotCharge(f"{method.provider} does not know the customer.")
    made = list(charges_of(document))
    if any(each.state in LIVE for each in made):
        raise CannotCharge("A charge of it is under way.")
    if attempt != len(made) + 1:
        raise CannotCharge(f"Attempt {attempt} is not the next one: {len(made)} were made.")
    return standing, method


def carry_out(payment: Payment, call: CallOut, *, actor: Actor) -> Payment:
    """Have the provider asked, once, and write down what it says. Raises NotSent."""
    if payment.state not in LIVE:
        return payment
    try:
        outcome = Outcome.read(call(request_of(payment)).response, "succeeded")
    except Refused as error:
        outcome = Outcome.read({"words": str(error)} | error.response, "declined")
    except OutcomeUnknown as error:
        outcome = Outcome("unknown", words=str(error))
    settle(payment.key, outcome, actor=actor)
    return Payment.objects.get(pk=payment.pk)


def request_of(payment: Payment) -> OutboundRequest:
    """Always the same for a payment, for the outbox knows it by that."""
    account = account_of(payment.customer, payment.provider)
    if account is None or payment.method is None or payment.document is None:
        raise CannotCharge(f"{payment.key} was not made by charging a saved method.")
    return billing.charge(
        payment.provider, payment.key, account=account.reference, method=payment.method.reference,
        amount_minor=payment.amount_minor, currency=payment.currency, document=str(payment.document.number),
    )  # fmt: skip


def ask(document: Document, *, actor: Actor, why: str = "") -> RunRef:
    """Have the next attempt made by a run of billing.charge_document, once, in the caller's transaction. Audited. Raises CannotCharge."""
    with transaction.atomic():
        account.hold(document.customer_id)
        attempt = charges_of(document).count() + 1
        why_not(document, attempt)
        params = ChargeDocument(document=str(document.number), attempt=attempt)
        job = charge_document.enqueue(params, actor=actor, dedupe_key=f"charge:{document.number}:{attempt}", why=why)
        if job.created:
            ports.auditor()(
                actor, "document.charge", object_type="document", object_id=str(document.pk), object_label=str(document),
                after={"attempt": attempt, "run": str(job.id)}, why=why,
            )  # fmt: skip
        return job
