"""Signing in to the API: name, password and, where the account has a second factor, a code."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import update_last_login
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.serializers import TokenObtainPairSerializer, TokenObtainSerializer

from queues.api import login_throttle
from queues.api.families import OnceRefreshToken
from queues.ledger import second_factor


class SignIn(TokenObtainPairSerializer):  # type: ignore[misc]
    """Whatever is wrong, the name, the password or the code, the answer is the same."""

    token_class = OnceRefreshToken
    otp = serializers.CharField(required=False, allow_blank=True, write_only=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Raises AuthenticationFailed, TooManyLogins, DatabaseError."""
        request, username = self.context["request"], attrs[self.username_field]
        try:
            TokenObtainSerializer.validate(self, attrs)
            if not second_factor.passes(self.user, attrs.get("otp", "")):
                login_throttle.failed(request, username)
                raise AuthenticationFailed(str(self.error_messages["no_active_account"]), "no_active_account")
        except AuthenticationFailed:
            login_throttle.refuse_if_closed(request, username)
            raise
        login_throttle.succeeded(request, self.user)
        return _pair(self.user)


def _pair(user: Any) -> dict[str, Any]:
    token = OnceRefreshToken.for_user(user)
    update_last_login(type(user), user)
    return {"refresh": str(token), "access": str(token.access_token)}
