"""What goes in: asking for a run, cancelling it, retrying it; tokens. What goes out is in `answers`."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth import get_user_model
from django.db import transaction
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers
from rest_framework_simplejwt.exceptions import AuthenticationFailed, TokenError
from rest_framework_simplejwt.serializers import TokenRefreshSerializer
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import RefreshToken
from rest_framework_simplejwt.utils import get_md5_hash_password

from queues.api.fields import FutureMoment, JsonObject, Strict

MAX_KEY = 96


@extend_schema_serializer(component_name="Job")  # the schema adds "Request"
class JobRequest(Strict):
    """One run, of a job by its name or of a definition by its name."""

    job = serializers.CharField(max_length=100, required=False, help_text="The job's name or alias.")
    definition = serializers.CharField(max_length=120, required=False, help_text="The definition's name.")
    params = JsonObject(
        required=False, help_text="The job's parameters; over the definition's own, where a definition is run."
    )
    at = FutureMoment(required=False, allow_null=True, help_text="When to run, with an offset. Left out: now.")
    priority = serializers.IntegerField(
        required=False, allow_null=True, min_value=-100, max_value=100, help_text="Higher first."
    )
    dedupe_key = serializers.CharField(
        required=False,
        allow_null=True,
        max_length=MAX_KEY,
        help_text="While a run of this job with this key is live, asking again answers with that run.",
    )
    fresh = serializers.BooleanField(
        required=False, help_text="Run it anew, though the result of the same request could be reused."
    )
    why = serializers.CharField(required=False, allow_blank=True, max_length=300, help_text="For the audit log.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("job" in attrs) == ("definition" in attrs):
            raise serializers.ValidationError("Name either a job or a definition.", "one_of")
        return attrs


class Reason(Strict):
    """Why, for the audit log."""

    why = serializers.CharField(required=False, allow_blank=True, max_length=300, default="")


@extend_schema_serializer(component_name="Token")  # the schema adds "Request"
class TokenRequest(Strict):
    """Who signs in."""

    username = serializers.CharField(max_length=150, write_only=True)
    password = serializers.CharField(max_length=128, write_only=True, trim_whitespace=False)


class TokenPair(serializers.Serializer[Any]):
    """`access` goes into the header of every request; `refresh` gets the next pair, once."""

    access = serializers.CharField()
    refresh = serializers.CharField()


class OnceRefreshToken(RefreshToken):  # type: ignore[misc]
    """A refresh token works once, also when two requests bring it at the same moment."""

    def blacklist(self) -> Any:
        kept, fresh = cast(tuple[Any, bool], super().blacklist())
        if not fresh:
            raise TokenError("Token is blacklisted")
        return kept, fresh


@extend_schema_serializer(component_name="Refresh")  # the schema adds "Request"
class RefreshRequest(TokenRefreshSerializer):  # type: ignore[misc]
    """The refresh token; refused once it was used, or its account is gone, switched off or has another password."""

    token_class = OnceRefreshToken

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        token = self.token_class(attrs["refresh"])
        users = get_user_model()
        user = users.objects.filter(**{api_settings.USER_ID_FIELD: token.get(api_settings.USER_ID_CLAIM)}).first()
        same = user is not None and token.get(api_settings.REVOKE_TOKEN_CLAIM) == get_md5_hash_password(user.password)
        if not same:
            raise AuthenticationFailed(str(self.error_messages["no_active_account"]), "no_active_account")
        with transaction.atomic():
            pair: dict[str, Any] = super().validate(attrs)
        return pair
