"""What goes in: asking for a run, cancelling it, retrying it; tokens. What goes out is in `answers`."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers
from rest_framework_simplejwt.exceptions import AuthenticationFailed
from rest_framework_simplejwt.serializers import TokenRefreshSerializer
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.utils import get_md5_hash_password

from queues.api.families import OnceRefreshToken, UsedAgain, end, end_reused
from queues.api.fields import FutureMoment, JsonObject, Strict
from queues.models import TokenFamily

MAX_KEY = 96


class RunOptions(Strict):
    """What every request for a run may say, whatever it runs."""

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


@extend_schema_serializer(component_name="Job")  # the schema adds "Request"
class JobRequest(RunOptions):
    """One run, of a job by its name or of a definition by its name."""

    job = serializers.CharField(max_length=100, required=False, help_text="The job's name or alias.")
    definition = serializers.CharField(max_length=120, required=False, help_text="The definition's name.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("job" in attrs) == ("definition" in attrs):
            raise serializers.ValidationError("Name either a job or a definition.", "one_of")
        return attrs


class TypedJobRequest(RunOptions):
    """One run of a job of the type that the path names."""

    job = serializers.CharField(
        max_length=100, required=False, help_text="The job's name or alias. Left out: the type's only job."
    )


class Reason(Strict):
    """Why, for the audit log."""

    why = serializers.CharField(required=False, allow_blank=True, max_length=300, default="")


@extend_schema_serializer(component_name="Token")  # the schema adds "Request"
class TokenRequest(Strict):
    """Who signs in."""

    username = serializers.CharField(max_length=150, write_only=True)
    password = serializers.CharField(max_length=128, write_only=True, trim_whitespace=False)
    otp = serializers.CharField(
        max_length=16,
        required=False,
        allow_blank=True,
        write_only=True,
        help_text="The code of the authenticator application, or a backup code, where the account has a second factor.",
    )


class TokenPair(serializers.Serializer[Any]):
    """`access` goes into the header of every request; `refresh` gets the next pair, once."""

    access = serializers.CharField()
    refresh = serializers.CharField()


@extend_schema_serializer(component_name="Refresh")  # the schema adds "Request"
class RefreshRequest(TokenRefreshSerializer):  # type: ignore[misc]
    """The refresh token; refused once it was used, or its account is gone, switched off or has another password."""

    token_class = OnceRefreshToken

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._next_pair(attrs)
        except UsedAgain as error:
            end_reused(error, self.context["request"])
            raise

    def _next_pair(self, attrs: dict[str, Any]) -> dict[str, Any]:
        token = self.token_class(attrs["refresh"])
        users = get_user_model()
        user = users.objects.filter(**{api_settings.USER_ID_FIELD: token.get(api_settings.USER_ID_CLAIM)}).first()
        same = user is not None and token.get(api_settings.REVOKE_TOKEN_CLAIM) == get_md5_hash_password(user.password)
        if not same:
            raise AuthenticationFailed(str(self.error_messages["no_active_account"]), "no_active_account")
        with transaction.atomic():
            pair: dict[str, Any] = super().validate(attrs)
        return pair


@extend_schema_serializer(component_name="Revoke")  # the schema adds "Request"
class RevokeRequest(Strict):
    """A refresh token of the sign-in that shall end; one that was used already will do."""

    refresh = serializers.CharField(write_only=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        try:
            token = OnceRefreshToken(attrs["refresh"])
        except UsedAgain as error:
            token = error.token
        end(token, TokenFamily.Reason.SIGNED_OUT)
        return {}
