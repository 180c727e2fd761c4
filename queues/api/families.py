"""Tokens that descend from one sign-in are a family: ended together when somebody signs out, or brings a used one again.

Who brings a refresh token that was used already has either stolen it or had it stolen: nobody can tell, so neither may
go on (RFC 9700, 4.14.2). Access tokens of the family are refused from their next request on (see bearer).
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import jwt
from django.conf import settings
from django.db import transaction
from rest_framework.request import Request
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import RefreshToken
from uuid_utils.compat import uuid7

from queues.api.bearer import FAMILY, family_of
from queues.api.request_id import request_id_of
from queues.client_address import address_of
from queues.contract import Actor
from queues.ledger import audit, clock
from queues.models import TokenFamily

log = logging.getLogger("roundsman.security")


class UsedAgain(TokenError):  # type: ignore[misc]
    """A refresh token that was used before. `token` is what was brought; its signature and its time are good."""

    def __init__(self, token: Any) -> None:
        self.token = token
        super().__init__("Token is blacklisted")


class OnceRefreshToken(RefreshToken):  # type: ignore[misc]
    """A refresh token works once, also when two requests bring it at the same moment, and knows its family."""

    def __init__(self, token: Any = None, verify: bool = True) -> None:
        super().__init__(token, verify)
        self.payload.setdefault(FAMILY, uuid7().hex)  # it tells when it began

    def check_blacklist(self) -> None:
        """Raises UsedAgain, TokenError (its family has ended)."""
        if BlacklistedToken.objects.filter(token__jti=self.payload[api_settings.JTI_CLAIM]).exists():
            raise UsedAgain(self)
        family = family_of(self)
        if is_ended(family):
            raise TokenError("Token is blacklisted")
        if family is not None and is_too_old(family):
            raise TokenError("This sign-in has lasted as long as one may: sign in again.")

    def blacklist(self) -> Any:
        with transaction.atomic():
            kept, fresh = cast(tuple[Any, bool], super().blacklist())
            if not fresh:
                raise UsedAgain(self)
            self._keep_unsigned()
        return kept, fresh

    def outstand(self) -> Any:
        with transaction.atomic():
            kept = super().outstand()
            self._keep_unsigned()
        return kept

    @classmethod
    def for_user(cls, user: Any) -> OnceRefreshToken:
        with transaction.atomic():
            token = cast(OnceRefreshToken, super().for_user(user))
            token._keep_unsigned()
        return token

    def _keep_unsigned(self) -> None:
        """The library lists whole tokens. Without its signature one says what it was, and opens nothing."""
        mine = OutstandingToken.objects.filter(jti=self.payload[api_settings.JTI_CLAIM])
        mine.update(token=f"{str(self).rpartition('.')[0]}.")


def is_ended(family: UUID | None) -> bool:
    return family is not None and TokenFamily.objects.filter(pk=family).exists()


def is_too_old(family: UUID) -> bool:
    """Whether the sign-in was too long ago for another pair of tokens."""
    began_ms = family.int >> 80  # (of one that is no UUIDv7: some time long past)
    age_s = clock.at_hand().timestamp() - began_ms / 1000
    return family.version != 7 or age_s > settings.SIGN_IN_MAX_DAYS * 86400


def end(token: Any, reason: TokenFamily.Reason) -> bool:
    """End the family of this token, of ours for sure; False if it has ended before. Raises DatabaseError, InvalidToken.

    The refresh tokens of it that could still be used are put on the library's blacklist as well.
    """
    family, now = family_of(token), clock.now()
    if family is None:
        return False
    user_id = token.get(api_settings.USER_ID_CLAIM)
    with transaction.atomic():
        TokenFamily.objects.filter(forget_at__lt=now).delete()
        _, fresh = TokenFamily.objects.get_or_create(
            pk=family,
            defaults={
                "user_id": user_id,
                "reason": reason,
                "revoked_at": now,
                # the youngest token of the family may have been made in this moment
                "forget_at": now + api_settings.REFRESH_TOKEN_LIFETIME + timedelta(minutes=5),
            },
        )
        live = OutstandingToken.objects.filter(user_id=user_id, expires_at__gt=now, blacklistedtoken__isnull=True)
        mine = [BlacklistedToken(token=one) for one in live if _family_in(one.token) == family.hex]
        BlacklistedToken.objects.bulk_create(mine, ignore_conflicts=True)
    return fresh


def end_reused(error: UsedAgain, request: Request) -> None:
    """End the family of a refresh token that came again, and enter it in the audit log. Raises DatabaseError."""
    with transaction.atomic():
        if not end(error.token, TokenFamily.Reason.REUSED):
            return
        user_id = int(error.token[api_settings.USER_ID_CLAIM])
        actor = Actor("unknown", "api", address=address_of(request), request_id=request_id_of(request))
        why = "A refresh token was used twice: all tokens of that sign-in are refused."
        audit.write(actor, "token.reuse", object_type="user", object_id=str(user_id), why=why)
    log.warning("A refresh token of user %s came twice, from %s: its sign-in is ended.", user_id, actor.address)


def _family_in(text: str) -> Any:
    """Out of our own table: the signature need not be looked at."""
    return jwt.decode(text, options={"verify_signature": False}).get(FAMILY)
