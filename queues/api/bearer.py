"""Who a bearer token speaks for: the account with its roles, read from the database in one statement a request."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser, Group
from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, connection
from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import AuthenticationFailed, InvalidToken
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.utils import get_md5_hash_password

from queues import policy
from queues.engine.once_more import once_more
from queues.ledger.sql import fetch, readers

Reader = Callable[[Any], Any] | None
KNOWN = 1000  # tokens whose signatures need not be computed again
_good: dict[tuple[bytes, str], Any] = {}


class Bearer(JWTAuthentication):  # type: ignore[misc]
    """As its parent, which reads the account alone: here its roles come with it, and the policy need not ask again.

    Of the account nothing is kept from one request to the next: a role that is taken, an account that is switched off
    and a password that is changed bind at once.
    """

    def __init__(self) -> None:
        """Made for every request: the parent would look the model up each time."""
        self.user_model = _model()

    def get_validated_token(self, raw_token: bytes) -> Any:
        """As the parent. A token of these very bytes that was found good before is good until it expires: neither its
        signature nor what it says can have changed. Raises InvalidToken."""
        key = (raw_token, api_settings.SIGNING_KEY)
        known = _good.get(key)
        if known is not None and known["exp"] > time.time():
            return known
        token = super().get_validated_token(raw_token)
        if len(_good) >= KNOWN:
            _good.clear()
        _good[key] = token
        return token

    def get_user(self, validated_token: Any) -> Any:
        """Raises InvalidToken (it names nobody), AuthenticationFailed (gone, off, another password), DatabaseError."""
        claim = validated_token.get(api_settings.USER_ID_CLAIM)
        try:
            key = _model()._meta.pk.to_python(claim)
        except ValidationError:
            key = None
        if key is None:
            raise InvalidToken("Token contained no recognizable user identification")
        user = read(key)
        if user is None:
            raise AuthenticationFailed("User not found", "user_not_found")
        if not user.is_active:
            raise AuthenticationFailed("User is inactive", "user_inactive")
        if validated_token.get(api_settings.REVOKE_TOKEN_CLAIM) != get_md5_hash_password(user.password):
            raise AuthenticationFailed("The user's password has been changed.", "password_changed")
        return user


class BearerScheme(SimpleJWTScheme):  # type: ignore[misc, no-untyped-call]
    """For the OpenAPI document."""

    target_class = "queues.api.bearer.Bearer"


def read(key: int) -> AbstractUser | None:
    """The account of this primary key, with its roles told to the policy. Raises DatabaseError.

    A read whose connection breaks under it is read again, once.
    """
    sql, names, reads = _question(connection.vendor)
    rows = once_more(lambda: fetch(sql, [key]), lambda: None)
    if not rows:
        return None
    values = [value if reader is None or value is None else reader(value) for reader, value in zip(reads, rows[0])]  # noqa: B905  (the last one is the group's name)
    user: AbstractUser = _model().from_db(DEFAULT_DB_ALIAS, names, values)
    policy.keep_groups(user, [name for *_, name in rows if name is not None])
    return user


@cache
def _question(vendor: str) -> tuple[str, list[str], list[Reader]]:
    """The statement, one row for each group of the account; the account's columns, which come first; their readers."""
    meta, quote = _model()._meta, connection.ops.quote_name
    groups = meta.get_field("groups")
    through = quote(groups.remote_field.through._meta.db_table)
    ours, theirs = quote(groups.m2m_column_name()), quote(groups.m2m_reverse_name())
    fields = meta.concrete_fields
    names = [field.attname for field in fields]
    columns = ", ".join(f"u.{quote(field.column)}" for field in fields)
    sql = (
        f"SELECT {columns}, g.name FROM {quote(meta.db_table)} AS u"
        f" LEFT JOIN {through} AS m ON m.{ours} = u.{quote(meta.pk.column)}"
        f" LEFT JOIN {quote(Group._meta.db_table)} AS g ON g.id = m.{theirs}"
        f" WHERE u.{quote(meta.pk.column)} = %s"
    )
    return sql, names, readers(_model(), names)


@cache
def _model() -> Any:
    return get_user_model()
