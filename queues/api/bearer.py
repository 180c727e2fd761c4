"""Who a bearer token speaks for: the account with its roles, read from the database in one statement a request."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Any
from uuid import UUID

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
from queues.models import TokenFamily

FAMILY = "family"  # the claim that all tokens of a sign-in share
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
        user, ended = read_with_family(key, family_of(validated_token))
        if user is None:
            raise AuthenticationFailed("User not found", "user_not_found")
        if not user.is_active:
            raise AuthenticationFailed("User is inactive", "user_inactive")
        if validated_token.get(api_settings.REVOKE_TOKEN_CLAIM) != get_md5_hash_password(user.password):
            raise AuthenticationFailed("The user's password has been changed.", "password_changed")
        if ended:
            raise AuthenticationFailed("This sign-in has ended: sign in again.", "signed_out")
        return user


class BearerScheme(SimpleJWTScheme):  # type: ignore[misc, no-untyped-call]
    """For the OpenAPI document."""

    target_class = "queues.api.bearer.Bearer"


def read(key: int) -> AbstractUser | None:
    """The account of this primary key, with its roles told to the policy. Raises DatabaseError."""
    return read_with_family(key, None)[0]


def read_with_family(key: int, family: UUID | None) -> tuple[AbstractUser | None, bool]:
    """See `read`; and whether this family of tokens was ended. Raises DatabaseError.

    A read whose connection breaks under it is read again, once.
    """
    sql, names, reads = _question(connection.vendor)
    named = family if family is None or connection.vendor == "postgresql" else family.hex
    rows = once_more(lambda: fetch(sql, [named, key]), lambda: None)
    if not rows:
        return None, False
    values = [value if reader is None or value is None else reader(value) for reader, value in zip(reads, rows[0])]  # noqa: B905  (the last two are no columns of the account)
    user: AbstractUser = _model().from_db(DEFAULT_DB_ALIAS, names, values)
    policy.keep_groups(user, [name for *_, name in rows if name is not None])
    return user, bool(rows[0][-2])


def family_of(token: Any) -> UUID | None:
    """The sign-in that a token descends from; None for one made outside of a sign-in. Raises InvalidToken."""
    claim = token.get(FAMILY)
    if claim is None:
        return None
    try:
        return UUID(claim)
    except (ValueError, AttributeError, TypeError):
        raise InvalidToken("Token contained no recognizable sign-in") from None


@cache
def _question(vendor: str) -> tuple[str, list[str], list[Reader]]:
    """The statement, one row for each group of the account; the account's columns, which come first; their readers.

    The family is asked for beside them: it has a row only if it was ended, which is seldom, and is found by its key.
    """
    quote = connection.ops.quote_name
    columns, names, joins = account_sql()
    uuid = "::uuid" if vendor == "postgresql" else ""
    ended = f"EXISTS (SELECT 1 FROM {quote(TokenFamily._meta.db_table)} AS f WHERE f.id = %s{uuid})"
    account, pk = quote(_model()._meta.db_table), quote(_model()._meta.pk.column)
    sql = f"SELECT {columns}, {ended}, g.name FROM {account} AS u {joins} WHERE u.{pk} = %s"
    return sql, names, readers(_model(), names)


def account_sql() -> tuple[str, list[str], str]:
    """The columns of an account `u` as SQL, their names, and the joins that bring the name of each of its groups, `g.name`."""
    meta, quote = _model()._meta, connection.ops.quote_name
    groups = meta.get_field("groups")
    through = quote(groups.remote_field.through._meta.db_table)
    ours, theirs = quote(groups.m2m_column_name()), quote(groups.m2m_reverse_name())
    fields = meta.concrete_fields
    columns = ", ".join(f"u.{quote(field.column)}" for field in fields)
    joins = (
        f"LEFT JOIN {through} AS m ON m.{ours} = u.{quote(meta.pk.column)}"
        f" LEFT JOIN {quote(Group._meta.db_table)} AS g ON g.id = m.{theirs}"
    )
    return columns, [field.attname for field in fields], joins


@cache
def _model() -> Any:
    return get_user_model()
