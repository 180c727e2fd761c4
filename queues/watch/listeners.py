"""Whether those who listen may still do so: asked anew at every look, for all of them together."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model

from queues import policy
from queues.ledger import clock
from queues.models import ApiKey, TokenFamily
from queues.policy import Action


@dataclass(frozen=True)
class Badge:
    """What somebody came in with: a token (`password` as it was stored then, `family` of its sign-in), or a key (its
    prefix)."""

    user_id: int
    password: str | None = None
    family: UUID | None = None
    key: str | None = None


class Doorkeeper:
    """Reads what there is to know of these badges now: one statement, one more where keys are among them, and one where
    tokens of a sign-in are. Raises DatabaseError."""

    def __init__(self, badges: Collection[Badge]) -> None:
        self._users = _users({badge.user_id for badge in badges})
        self._scopes = _scopes({badge.key for badge in badges if badge.key is not None})
        families = {badge.family for badge in badges if badge.family is not None}
        rows = TokenFamily.objects.filter(pk__in=families).values_list("pk", flat=True) if families else ()
        self._ended = set(rows)

    def lets(self, badge: Badge, queue: str | None) -> bool:
        """Whether it opens this queue for reading; None: whether it is good at all."""
        user = self._users.get(badge.user_id)
        if user is None or not user["is_active"] or badge.family in self._ended:
            return False
        if badge.password is not None and badge.password != user["password"]:
            return False
        if badge.key is not None:
            scope = self._scopes.get(badge.key)
            if scope is None or (queue is not None and not scope.allows(Action.READ, queue)):
                return False
        return queue is None or policy.allows(user["roles"], Action.READ, queue)


def _users(keys: Collection[int]) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    columns = ("pk", "is_active", "is_superuser", "password", "groups__name")
    for pk, active, superuser, password, group in get_user_model().objects.filter(pk__in=keys).values_list(*columns):
        user = found.setdefault(pk, {"is_active": active, "password": password, "roles": set()})
        user["roles"] |= {group} if group else set()
        user["roles"] |= {policy.ADMIN} if superuser else set()
    return found


def _scopes(prefixes: Collection[str]) -> dict[str, policy.Scope]:
    """Of the keys that are live."""
    if not prefixes:
        return {}
    now = clock.now()
    keys = ApiKey.objects.filter(prefix__in=prefixes)
    return {key.prefix: policy.Scope.of(key.actions, key.queues) for key in keys if key.is_live(now)}
