"""Saved ways to pay. We keep the provider's reference and a label; numbers of cards never come here."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction

from billing import ports as billing
from billing.errors import CannotCharge
from billing.jobspecs.payments import DropMethod, SaveMethod, drop_method, save_method
from billing.models import Customer, PaymentAccount, PaymentMethod, ProviderEvent
from billing.ports import MethodSeen
from billing.selectors.payments import method_of
from billing.services import account
from queues.contract import Actor, RunRef, ports
from queues.outbound import Answer, OutboundRequest

CallOut = Callable[[OutboundRequest], Answer]


def ask_to_save(customer: Customer, provider: str, reference: str, *, actor: Actor, why: str = "") -> RunRef:
    """Have a method, which the customer made at the provider, saved by a run of billing.save_method. Who asks again while it lives gets the
    one there is. Audited. Raises NoProvider."""
    billing.get(provider)
    params = SaveMethod(customer=customer.code, provider=provider, method=reference)
    with transaction.atomic():
        job = save_method.enqueue(params, actor=actor, dedupe_key=f"save:{provider}:{reference}", why=why)
        if job.created:
            ports.auditor()(
                actor, "customer.save_method", object_type="customer", object_id=str(customer.pk), object_label=str(customer),
                after={"provider": provider, "method": reference, "run": str(job.id)}, why=why,
            )  # fmt: skip
    return job


def save(customer: Customer, provider: str, reference: str, call: CallOut, *, actor: Actor) -> PaymentMethod:
    """Make the customer known to the provider, if need be, and the method theirs. Again changes nothing. Audited.

    Not inside a transaction. Raises NoProvider, Refused, NotSent, OutcomeUnknown.
    """
    billing.get(provider)
    account = ensure_account(customer, provider, call, actor=actor)
    answer = call(billing.attach(provider, reference, account=account.reference))
    return _saved(customer, provider, reference, str(answer.response.get("label") or ""), actor)


def ensure_account(customer: Customer, provider: str, call: CallOut, *, actor: Actor) -> PaymentAccount:
    """The customer as the provider knows it. Raises as `save`."""
    found = PaymentAccount.objects.filter(customer=customer, provider=provider).first()
    if found is not None:
        return found
    answer = call(billing.customer(provider, customer.code, name=customer.name, email=customer.email))
    with transaction.atomic():
        row, made = PaymentAccount.objects.get_or_create(
            customer=customer, provider=provider, defaults={"reference": str(answer.response["reference"])}
        )
        if made:
            _told(actor, "payment_account.make", str(row.pk), str(row), customer)
    return row


def drop(method: PaymentMethod, call: CallOut, *, actor: Actor, why: str) -> PaymentMethod:
    """It is never charged again, here from now on, and then at the provider. Audited. Not inside a transaction. Raises as `save`."""
    with transaction.atomic():
        _dropped(method, actor, why)
    call(billing.detach(method.provider, method.reference))
    method.refresh_from_db()
    return method


def ask_to_drop(method: PaymentMethod, *, actor: Actor, why: str) -> RunRef:
    """It is never charged again, here from now on; a run of billing.drop_method takes it away at the provider. What is under way goes on.
    Both are there after the commit. Audited. Raises CannotCharge (it is gone already), NoProvider."""
    billing.get(method.provider)
    with transaction.atomic():
        account.hold(method.customer_id)
        if not _dropped(method, actor, why):
            raise CannotCharge(f"{method} is taken away already.")
        params = DropMethod(provider=method.provider, method=method.reference, why=why)
        return drop_method.enqueue(
            params, actor=actor, dedupe_key=f"drop:{method.provider}:{method.reference}", why=why
        )


def prefer(method: PaymentMethod, *, actor: Actor, why: str = "") -> PaymentMethod:
    """It is the one that is charged from now on. Again changes nothing. Audited. Raises CannotCharge (it is gone), NoProvider."""
    billing.get(method.provider)
    with transaction.atomic():
        customer = account.hold(method.customer_id)
        held = PaymentMethod.objects.get(pk=method.pk)
        if not held.usable:
            raise CannotCharge(f"{held} is taken away: it is never charged again.")
        if method_of(customer) != held:
            PaymentMethod.objects.filter(customer=customer).update(preferred=False)
            PaymentMethod.objects.filter(pk=held.pk).update(preferred=True)
            _told(actor, "payment_method.prefer", str(held.pk), str(held), customer, why)
    return held


def seen(provider: str, news: MethodSeen, *, actor: Actor) -> str:
    """A provider tells of a method. One that was ever taken away stays so. Raises LookupError for a customer that is not ours."""
    if not news.account:
        gone = PaymentMethod.objects.filter(provider=provider, reference=news.reference, usable=True)
        return f"{news.reference} is not charged any more" if gone.update(usable=False) else ""
    account = (
        PaymentAccount.objects.filter(provider=provider, reference=news.account).select_related("customer").first()
    )
    if account is None:
        raise LookupError(f"No customer of ours is {news.account}.")
    row = _saved(account.customer, provider, news.reference, news.label, actor)
    return f"{row} is {'saved' if row.usable else 'gone already'}"


def _dropped(method: PaymentMethod, actor: Actor, why: str) -> bool:
    """Whether it was there to be taken away."""
    if not PaymentMethod.objects.filter(pk=method.pk, usable=True).update(usable=False):
        return False
    _told(actor, "payment_method.drop", str(method.pk), str(method), method.customer, why)
    return True


def _saved(customer: Customer, provider: str, reference: str, label: str, actor: Actor) -> PaymentMethod:
    with transaction.atomic():
        told = ProviderEvent.objects.filter(provider=provider, kind="payment_method.detached")
        usable = not told.filter(body__contains=f'"{reference}"').exists()
        row, made = PaymentMethod.objects.get_or_create(
            provider=provider,
            reference=reference,
            defaults={"customer": customer, "label": label[:60], "usable": usable},
        )
        if made:
            older = PaymentMethod.objects.filter(customer=customer).exclude(pk=row.pk)
            older.update(preferred=False)  # the newest is the one that is meant
            _told(actor, "payment_method.save", str(row.pk), str(row), customer)
        elif label and row.label != label[:60]:
            PaymentMethod.objects.filter(pk=row.pk).update(label=label[:60])
    return row


def _told(actor: Actor, action: str, key: str, label: str, customer: Customer, why: str = "") -> None:
    ports.auditor()(
        actor,
        action,
        object_type=action.split(".")[0],
        object_id=key,
        object_label=label,
        after={"customer": customer.code},
        why=why,
    )
