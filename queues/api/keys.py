"""Machines come with a key: `Authorization: Bearer rm_<prefix>_<secret>`, or `X-API-Key`. One statement a request.

The request's user is the key's owner, held to the key's scopes (see policy.Scope); `request.auth` is the key.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.contrib.auth import get_user_model
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Q
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from queues import policy
from queues.api.bearer import Reader, account_sql
from queues.engine.once_more import once_more
from queues.ledger import api_keys, clock
from queues.ledger.sql import fetch, readers
from queues.models import ApiKey

HEADER = "X-API-Key"
SEEN_EVERY = timedelta(minutes=1)
_NOBODYS = api_keys.digest_of("")
_IN_QUERY = {"api_key", "apikey", "x-api-key", "key"}


class KeyRefused(AuthenticationFailed):
    """Unknown, wrong, revoked, expired, or its owner is switched off: which of these is nobody's business."""

    default_detail = "This API key is not valid."
    default_code = "key_not_valid"


class Keys(BaseAuthentication):
    """Before Bearer, which takes the tokens."""

    def authenticate(self, request: Request) -> tuple[Any, ApiKey] | None:
        """None where there is no key. Raises AuthenticationFailed, DatabaseError."""
        if request.META.get("QUERY_STRING"):
            _refuse_in_query(request)
        text = _brought(request)
        if text is None:
            return None
        parts = api_keys.split(text)
        found = None if parts is None else read(parts[0])
        fits = api_keys.fits(parts[1] if parts else "", found[1].digest if found else _NOBODYS)
        if found is None or not fits:
            raise KeyRefused
        owner, key = found
        now = clock.now()
        if not key.is_live(now) or not owner.is_active:
            raise KeyRefused
        _note_use(key, now)
        return owner, key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class KeysScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """For the OpenAPI document."""

    target_class = "queues.api.keys.Keys"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        said = (
            f"A key for machines, made under Access → API keys. `Authorization: Bearer` takes it as well as {HEADER}."
        )
        return {"type": "apiKey", "in": "header", "name": HEADER, "description": said}


def read(prefix: str) -> tuple[Any, ApiKey] | None:
    """The key's owner, with their roles and the key's scopes told to the policy, and the key. Raises DatabaseError."""
    sql, (names, reads), (key_names, key_reads) = _question(connection.vendor)
    rows = once_more(lambda: fetch(sql, [prefix]), lambda: None)
    if not rows:
        return None
    values = _read(rows[0], reads)
    owner = get_user_model().from_db(DEFAULT_DB_ALIAS, names, values)
    key = ApiKey.from_db(DEFAULT_DB_ALIAS, key_names, _read(rows[0][len(names) :], key_reads))
    policy.keep_groups(owner, [name for *_, name in rows if name is not None])
    policy.keep_scope(owner, policy.Scope.of(key.actions, key.queues))
    return owner, key


def _refuse_in_query(request: Request) -> None:
    for name, values in request.query_params.lists():
        if name.lower() in _IN_QUERY or any(api_keys.split(value) for value in values):
            raise AuthenticationFailed(
                f"Keys in the address end up in logs: send it in the header {HEADER}, and have this one rotated.",
                "key_in_query",
            )


def _brought(request: Request) -> str | None:
    """What is sent as a key, in either header."""
    given: str = request.META.get("HTTP_X_API_KEY", "")
    if given:
        return given
    scheme, _, value = str(request.META.get("HTTP_AUTHORIZATION", "")).partition(" ")
    value = value.strip()
    return value if scheme == "Bearer" and value.startswith("rm_") else None


def _note_use(key: ApiKey, now: datetime) -> None:
    if key.last_used_at is None or now - key.last_used_at >= SEEN_EVERY:
        stale = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - SEEN_EVERY)
        ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)


def _read(row: Any, reads: list[Reader]) -> list[Any]:
    return [value if reader is None or value is None else reader(value) for reader, value in zip(reads, row)]  # noqa: B905  (other columns follow)


@cache
def _question(vendor: str) -> tuple[str, tuple[list[str], list[Reader]], tuple[list[str], list[Reader]]]:
    """The statement, one row for each group of the owner; names and readers of the owner's columns, then of the key's."""
    account: Any = get_user_model()._meta
    quote = connection.ops.quote_name
    fields: Any = ApiKey._meta.concrete_fields
    key_names = [field.attname for field in fields]
    columns, names, joins = account_sql()
    picked = ", ".join(f"k.{quote(field.column)}" for field in fields)
    sql = (
        f"SELECT {columns}, {picked}, g.name FROM {quote(ApiKey._meta.db_table)} AS k"
        f" JOIN {quote(account.db_table)} AS u ON u.{quote(account.pk.column)} = k.owner_id {joins} WHERE k.prefix = %s"
    )
    return sql, (names, readers(get_user_model(), names)), (key_names, readers(ApiKey, [f.name for f in fields]))
