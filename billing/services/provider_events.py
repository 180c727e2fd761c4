"""What providers tell us is believed once it is proved, kept as it came, and taken up once, in whatever order it comes."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.db import DatabaseError, DataError, IntegrityError, transaction

from billing import ports as billing
from billing.models import Payment, ProviderEvent
from billing.ports import BadWebhook, ChargeSeen, DisputeSeen, MethodSeen, News, RefundedSeen, RefundSeen
from billing.services import disputes, refunds, saved_methods
from billing.services.charge_settling import settle
from queues.contract import Actor, ports
from queues.errors import TransientError

log = logging.getLogger("roundsman.billing")
TRY_FOR = timedelta(days=7)
LIMIT = 1000


@dataclass(frozen=True)
class Kept:
    """`is_new` is False where the event was there before: nothing was done then."""

    event_id: str
    is_new: bool


def accept(provider: str, headers: Mapping[str, str], body: bytes) -> Kept:
    """Keep an event that is proved to be the provider's, and take it up, in one transaction; a second time it changes nothing.

    What cannot be taken up yet (it is about what we do not know) is kept with the reason, for billing.apply_events. No provider is asked.
    Raises NoProvider, BadWebhook, DatabaseError.
    """
    source = billing.get(provider)
    now = ports.now()
    source.verify(headers, body, now)
    text = body.decode()  # what is proved is text: its signature is over text
    event = source.read_event(text)
    if not event.id:
        raise BadWebhook("The event has no id.")
    if _is_kept(provider, event.id):
        return Kept(event.id, False)
    row = ProviderEvent(
        provider=provider, event_id=event.id, kind=event.kind, created_at=event.created_at, received_at=now, body=text
    )
    try:
        with transaction.atomic():
            _take_up(row, event.news)
            row.save(force_insert=True)
    except IntegrityError:
        if not _is_kept(provider, event.id):
            raise
        return Kept(event.id, False)  # it came twice at this moment: what the other one did counts, and nothing of this
    return Kept(event.id, True)


def apply_open(*, checkpoint: Callable[[], None]) -> Counter[str]:
    """Take up again what could not be taken up before, for a week. Where an event tells of a sum alone, the provider's books are read."""
    told: Counter[str] = Counter()
    rows = ProviderEvent.objects.filter(applied_at=None, received_at__gte=ports.now() - TRY_FOR).order_by(
        "created_at", "id"
    )
    for row in rows[:LIMIT]:
        checkpoint()
        if not billing.is_there(row.provider):
            continue
        news = billing.get(row.provider).read_event(row.body).news
        if isinstance(news, RefundedSeen):
            _read_refunds(row.provider, news.charge)
        with transaction.atomic():
            again = ProviderEvent.objects.select_for_update().get(pk=row.pk)
            if again.applied_at is None:
                _take_up(again, news)
                again.save(update_fields=["applied_at", "effect", "error"])
        told["applied" if again.applied_at else "left"] += 1
    return told


def _is_kept(provider: str, event_id: str) -> bool:
    return ProviderEvent.objects.filter(provider=provider, event_id=event_id).exists()


def _take_up(row: ProviderEvent, news: News) -> None:
    """In the caller's transaction: either all that the event says is done, or nothing and why is noted. The caller saves the row."""
    try:
        with transaction.atomic():
            effect = _effect(row.provider, news)
    except Exception as error:
        if isinstance(error, DatabaseError) and not isinstance(error, IntegrityError | DataError):
            raise  # the database is away: the provider sends it again
        if not isinstance(error, LookupError | Payment.DoesNotExist):
            log.error("%s could not be taken up", row, exc_info=error)
        row.error = f"{error or type(error).__name__}"[:300]
    else:
        row.applied_at, row.effect, row.error = ports.now(), effect[:200], ""


def _effect(provider: str, news: News) -> str:
    """What changed, in words. Raises LookupError for what we do not know."""
    actor = Actor(label=f"webhook:{provider}", source="system")
    match news:
        case ChargeSeen():
            return _charge(news, actor)
        case RefundSeen():
            return refunds.seen(provider, news, actor=actor)
        case RefundedSeen():
            return _known(provider, news)
        case DisputeSeen():
            return disputes.seen(provider, news, actor=actor)
        case MethodSeen():
            return saved_methods.seen(provider, news, actor=actor)
    return ""


def _charge(news: ChargeSeen, actor: Actor) -> str:
    try:
        return settle(news.key, news.outcome, actor=actor)
    except Payment.DoesNotExist:
        name = news.key or news.outcome.reference
        raise LookupError(f"No payment of ours is {name}: made elsewhere?") from None


def _known(provider: str, news: RefundedSeen) -> str:
    payment = Payment.objects.filter(provider=provider, reference=news.charge).first() if news.charge else None
    if payment is None:
        raise LookupError(f"No payment of ours is {news.charge or 'named'}.")
    if payment.refunded_minor < news.amount_minor:
        raise LookupError(f"More went back of {payment.key} than is known here: its refunds are looked up.")
    return ""


def _read_refunds(provider: str, charge: str) -> None:
    actor = Actor(label=f"look:{provider}", source="system")
    try:
        for each in billing.get(provider).refunds_of(charge):
            refunds.seen(provider, each, actor=actor)
    except (TransientError, LookupError) as error:
        log.warning("The refunds of %s: %s", charge, error)
