"""API keys are made, given a new secret, and revoked. Each is audited; the secret is told once and kept nowhere.

A key reads `rm_<prefix>_<secret>`. The secret is 256 random bits, so one round of SHA-256 is enough to keep it by: there is
nothing to guess that a slow hash (as of passwords, which people choose) would make dear, and a request costs no more.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from queues import catalogue, policy
from queues.contract import Actor
from queues.errors import WrongState
from queues.ledger import audit, clock
from queues.models import ApiKey
from queues.policy import Action

PATTERN = r"rm_([a-z0-9]{10})_([A-Za-z0-9_-]{43})"
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
_GOOD = re.compile(PATTERN, re.ASCII)


def split(text: str) -> tuple[str, str] | None:
    """(prefix, secret) of a whole key; None for what is none."""
    found = _GOOD.fullmatch(text)
    return None if found is None else (found[1], found[2])


def digest_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def fits(secret: str, digest: str) -> bool:
    """Whether this is the secret that is kept as `digest`; takes as long for every wrong one."""
    return hmac.compare_digest(digest_of(secret), digest)


def make(
    name: str,
    owner: Any,
    *,
    actions: Collection[str],
    queues: Collection[str],
    actor: Actor,
    expires_at: datetime | None = None,
    why: str = "",
) -> tuple[ApiKey, str]:
    """A new key, and its whole text, which nobody can tell again. Raises ValidationError by field."""
    key = ApiKey(
        name=name.strip(),
        owner=owner,
        actions=[each.value for each in Action if each.value in actions],
        queues=[each for each in catalogue.NAMES if each in queues],
        expires_at=expires_at,
        prefix="".join(secrets.choice(_LETTERS) for _ in range(10)),
        created_at=clock.now(),
        created_by=actor.label[:150],
    )
    prove(key, asked_actions=actions, asked_queues=queues)
    with transaction.atomic():
        secret = _new_secret(key)
        key.save(force_insert=True)
        _tell(key, actor, "api_key.create", why, after=told(key))
    return key, _whole(key, secret)


def prove(key: ApiKey, *, asked_actions: Collection[str] = (), asked_queues: Collection[str] = ()) -> None:
    """Raises ValidationError by field: names nobody knows, and scopes of which the owner has nothing."""
    wrong: dict[str, list[str]] = {}
    if not key.name:
        wrong["name"] = ["Say what it is for."]
    if strange := sorted(set(asked_actions) - set(Action)):
        wrong["actions"] = [f"There is no action {strange[0]!r}. The actions are: {', '.join(Action)}."]
    elif not key.actions:
        wrong["actions"] = ["Choose one action at least."]
    if strange := sorted(set(asked_queues) - set(catalogue.NAMES)):
        wrong["queues"] = [f"There is no queue {strange[0]!r}. The queues are: {', '.join(catalogue.NAMES)}."]
    if key.expires_at is not None and key.expires_at <= clock.now():
        wrong["expires_at"] = ["This time is in the past."]
    if not key.owner.is_active:
        wrong["owner"] = ["This account is switched off."]
    for action in () if "actions" in wrong or "queues" in wrong else key.actions:
        if not _reaches(key, Action(action)):
            wrong.setdefault("actions", []).append(
                f"{key.owner.get_username()} may {action} on none of these queues, so a key of theirs may not either."
            )
    if wrong:
        raise ValidationError(wrong)


def rotate(key: ApiKey, *, actor: Actor, why: str = "") -> str:
    """A new secret for the same key; the old one is refused at once. The whole text, told once. Raises WrongState."""
    with transaction.atomic():
        held = _held(key)
        if not held.is_live(clock.now()):
            raise WrongState("This key is revoked or has expired: make a new one.")
        secret = _new_secret(held)
        held.save(update_fields=["digest"])
        _tell(held, actor, "api_key.rotate", why)
    return _whole(held, secret)


def revoke(key: ApiKey, *, actor: Actor, why: str = "") -> None:
    """Refused from its next request on, for ever. Raises WrongState (it is revoked)."""
    with transaction.atomic():
        held = _held(key)
        if held.revoked_at is not None:
            raise WrongState("This key is revoked already.")
        held.revoked_at = clock.now()
        held.save(update_fields=["revoked_at"])
        _tell(held, actor, "api_key.revoke", why)


def told(key: ApiKey) -> dict[str, Any]:
    """What the audit log says of a key: nothing of its secret."""
    return {
        "name": key.name,
        "owner": key.owner.get_username(),
        "actions": key.actions,
        "queues": key.queues,
        "expires_at": None if key.expires_at is None else key.expires_at.isoformat(),
    }


def _reaches(key: ApiKey, action: Action) -> bool:
    roles = policy.roles_of(key.owner)
    if action in policy.OF_A_QUEUE:
        return any(policy.allows(roles, action, queue) for queue in key.queues)
    return policy.allows(roles, action)


def _held(key: ApiKey) -> ApiKey:
    return ApiKey.objects.select_for_update(of=("self",)).select_related("owner").get(pk=key.pk)


def _new_secret(key: ApiKey) -> str:
    secret = secrets.token_urlsafe(32)
    key.digest = digest_of(secret)
    return secret


def _whole(key: ApiKey, secret: str) -> str:
    return f"rm_{key.prefix}_{secret}"


def _tell(key: ApiKey, actor: Actor, action: str, why: str, after: dict[str, Any] | None = None) -> None:
    audit.write(
        actor, action, object_type="api_key", object_id=str(key.pk), object_label=str(key)[:200], after=after, why=why
    )
