"""Webhooks are made, changed, given a new secret, paused, removed. Each is audited; a secret is told once, and to nobody else.

`by`: the account that asks, with its roles and, where it comes by an API key, that key's scope. Nobody has himself told what
he may not read, and the webhook's owner must be able to read it, too.
"""

from __future__ import annotations

import base64
import secrets as random
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from queues import catalogue, policy, registry
from queues.contract import Actor
from queues.errors import UnknownJob, WrongState
from queues.ledger import audit, clock, webhook_subscriptions
from queues.ledger.requests import new_id
from queues.ledger.webhook_events import EVENTS, TEST, payload
from queues.ledger.webhooks import row_of
from queues.models import WebhookDelivery, WebhookEndpoint
from queues.policy import Action
from queues.web_address import Allowed, BadAddress, target_of

PREFIX = "whsec_"
SECRET_BYTES = 32
BOTH_SIGN_S = 86_400  # after a rotation, unless told otherwise
MOST = 50  # webhooks of one owner
FIELDS = ("url", "description", "events", "queues", "jobs")


def make(
    owner: Any,
    *,
    url: str,
    events: Collection[str],
    queues: Collection[str],
    jobs: Collection[str] = (),
    description: str = "",
    by: Any,
    actor: Actor,
    why: str = "",
) -> WebhookEndpoint:
    """A new webhook, which is on; its `secret` is to be told now, and not again. Raises ValidationError by field."""
    now = clock.now()
    row = WebhookEndpoint(
        id=new_id(), owner=owner, secret=_new_secret(), whole=policy.may(by, Action.STATS), created_at=now, updated_at=now,
        created_by=actor.label[:150],
    )  # fmt: skip
    _fill(row, {"url": url, "description": description, "events": events, "queues": queues, "jobs": jobs})
    prove(row, by)
    with transaction.atomic():
        if WebhookEndpoint.objects.filter(owner=owner).count() >= MOST:
            most = f"There are {MOST} webhooks of this account already: remove one first."
            raise ValidationError({"url": [ValidationError(most, "too_many")]})
        row.save(force_insert=True)
        _audit(row, actor, "create", None, told(row), why)
    _outdated()
    return row


def change(row: WebhookEndpoint, values: Mapping[str, Any], *, by: Any, actor: Actor, why: str = "") -> WebhookEndpoint:
    """Other values for some of FIELDS, and perhaps `enabled`. Raises ValidationError by field, WebhookEndpoint.DoesNotExist."""
    with transaction.atomic():
        held = _held(row)
        before = told(held)
        _fill(held, values)
        if any(name in values for name in FIELDS):
            held.whole = policy.may(by, Action.STATS)
            prove(held, by)
        if values.get("enabled", held.enabled) != held.enabled:
            _switch(held, on=values["enabled"], by=actor.label, why=why)
        _save(held, before, actor, "change", why)
    _outdated()
    return held


def pause(row: WebhookEndpoint, *, actor: Actor, why: str = "") -> WebhookEndpoint:
    """Nothing is sent to it, and nothing new is kept for it; what waits goes on when it is resumed. Raises WrongState."""
    return _turn(row, on=False, actor=actor, why=why)


def resume(row: WebhookEndpoint, *, actor: Actor, why: str = "") -> WebhookEndpoint:
    """From now on it is told again; also what waited. Raises WrongState."""
    return _turn(row, on=True, actor=actor, why=why)


def rotate(row: WebhookEndpoint, *, both_sign_s: float = BOTH_SIGN_S, actor: Actor, why: str = "") -> WebhookEndpoint:
    """A new `secret`, to be told now and not again; the one before signs beside it for `both_sign_s`. Audited."""
    with transaction.atomic():
        held = _held(row)
        before, now = told(held), clock.now()
        held.previous_secret = held.secret if both_sign_s > 0 else ""
        held.previous_until = now + timedelta(seconds=both_sign_s) if both_sign_s > 0 else None
        held.secret = _new_secret()
        _save(held, before, actor, "rotate", why)
    return held


def delete(row: WebhookEndpoint, *, actor: Actor, why: str = "") -> None:
    """Gone with its secrets; nothing more is sent. What was sent stays until the history is cleaned, seen by nobody."""
    with transaction.atomic():
        held = _held(row)
        _audit(held, actor, "delete", told(held), None, why)
        held.delete()
    _outdated()


def send_test(row: WebhookEndpoint, *, actor: Actor, why: str = "") -> WebhookDelivery:
    """Have it told a `webhook.test`. Audited. Raises WrongState where it is off."""
    with transaction.atomic():
        held = _held(row)
        if not held.enabled:
            raise WrongState("This webhook is off, and nothing is sent to it: resume it first.")
        now, message = clock.now(), new_id()
        data = {"webhook": str(held.id), "asked_by": actor.label}
        values = row_of(held.id, TEST, f"test:{message}", "", "", payload(TEST, now, data), now) | {"id": message}
        values["endpoint_id"] = values.pop("endpoint")
        made = WebhookDelivery.objects.create(**values)
        _audit(held, actor, "test", None, {"delivery": str(made.id)}, why)
    return made


def prove(row: WebhookEndpoint, by: Any) -> None:
    """Raises ValidationError by field."""
    wrong: dict[str, list[str | ValidationError]] = {}
    try:
        target_of(row.url, Allowed.of(settings.WEBHOOK_ALLOWED_PRIVATE))
    except BadAddress as error:
        wrong["url"] = [ValidationError(str(error), "bad_url")]
    if strange := [name for name in row.events if name not in EVENTS]:
        wrong["events"] = [f"There is no event {strange[0]!r}. The events are: {', '.join(EVENTS)}."]
    elif not row.events:
        wrong["events"] = ["Choose one event at least."]
    if strange := [name for name in row.queues if name not in catalogue.NAMES]:
        wrong["queues"] = [f"There is no queue {strange[0]!r}. The queues are: {', '.join(catalogue.NAMES)}."]
    elif closed := [name for name in row.queues if not _reaches(row, by, name)]:
        wrong["queues"] = [f"Of {', '.join(closed)} there is no right to read, or none to make webhooks."]
    elif not row.queues:
        wrong["queues"] = ["Choose one queue at least."]
    for name in row.jobs:
        try:
            registry.get(name)
        except UnknownJob as error:
            wrong["jobs"] = [ValidationError(str(error), "unknown_job")]
    if not row.owner.is_active:
        wrong["owner"] = ["This account is switched off."]
    if wrong:
        raise ValidationError(wrong)


def told(row: WebhookEndpoint) -> dict[str, Any]:
    """What the audit log says of a webhook: nothing of its secrets, and of its URL no more than where it leads."""
    return {
        "owner": row.owner.get_username(),
        "url": row.url.partition("?")[0],
        **{name: getattr(row, name) for name in ("description", "events", "queues", "jobs", "enabled")},
        "previous_secret_until": None if row.previous_until is None else row.previous_until.isoformat(),
    }


def _fill(row: WebhookEndpoint, values: Mapping[str, Any]) -> None:
    orders: dict[str, Collection[str]] = {"events": EVENTS, "queues": catalogue.NAMES}
    for name in FIELDS:
        if name in values:
            value = values[name]
            if name in ("url", "description"):
                value = value.strip()
            else:  # in one order, each once; what nobody knows behind, for `prove` to tell
                known = orders.get(name, sorted(set(value)))
                value = [each for each in known if each in value] + sorted(set(value) - set(known))
            setattr(row, name, value)


def _reaches(row: WebhookEndpoint, by: Any, queue: str) -> bool:
    return policy.may(by, Action.SUBSCRIBE, queue=queue) and policy.allows(
        policy.roles_of(row.owner), Action.READ, queue
    )


def _turn(row: WebhookEndpoint, *, on: bool, actor: Actor, why: str) -> WebhookEndpoint:
    with transaction.atomic():
        held = _held(row)
        if held.enabled is on:
            raise WrongState(f"This webhook is {'on' if on else 'off'} already.")
        before = told(held)
        _switch(held, on=on, by=actor.label, why=why)
        _save(held, before, actor, "resume" if on else "pause", why)
    _outdated()
    return held


def _switch(row: WebhookEndpoint, *, on: bool, by: str, why: str) -> None:
    row.enabled = on
    row.disabled_at = None if on else clock.now()
    row.disabled_by, row.disabled_why = ("", "") if on else (by[:150], why.strip()[:300])
    row.failing_since = None if on else row.failing_since


def _held(row: WebhookEndpoint) -> WebhookEndpoint:
    return WebhookEndpoint.objects.select_for_update(of=("self",)).select_related("owner").get(pk=row.pk)


def _save(row: WebhookEndpoint, before: dict[str, Any], actor: Actor, verb: str, why: str) -> None:
    was, now = audit.changes(before, told(row))
    if not now and verb == "change":
        return
    row.version += 1
    row.updated_at = clock.now()
    row.save()
    _audit(row, actor, verb, was, now, why)


def _new_secret() -> str:
    return PREFIX + base64.b64encode(random.token_bytes(SECRET_BYTES)).decode()


def _outdated() -> None:
    transaction.on_commit(webhook_subscriptions.refresh, robust=True)


def _audit(
    row: WebhookEndpoint, actor: Actor, verb: str, before: dict[str, Any] | None, after: dict[str, Any] | None, why: str
) -> None:
    audit.write(
        actor, f"webhook.{verb}", object_type="webhook", object_id=str(row.pk), object_label=str(row)[:200],
        before=before, after=after, why=why,
    )  # fmt: skip
