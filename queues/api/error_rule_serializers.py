"""What goes in and out where it is said how errors are judged."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError as Invalid
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from queues.api.fields import Moment, Strict
from queues.ledger.error_rules import prove

SOURCES = ("staff", "shipped")


@extend_schema_field({"type": "string", "maxLength": 200, "pattern": r"^[^\W\d]\w*$"})
class _Name(serializers.CharField):
    """As `error_rules.prove` wants it."""


@extend_schema_field({"type": "string", "maxLength": 64, "pattern": r"^[^\s\x00-\x1f\x85]*$"})
class _Code(serializers.CharField):
    """As `error_rules.prove` wants it."""


class ErrorName(Strict):
    """Which errors: by their class, and perhaps by their code."""

    error_type = _Name(max_length=200, help_text="The class's own name, without its module, e.g. ConnectTimeout.")
    error_code = _Code(
        max_length=64,
        required=False,
        allow_blank=True,
        default="",
        help_text="Its own code, its HTTP status (429) or the status' family (4xx). Empty: every code.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        try:
            prove(attrs["error_type"], attrs["error_code"])
        except Invalid as wrong:
            raise serializers.ValidationError(
                {
                    name: [serializers.ErrorDetail(error.messages[0], error.code or "invalid") for error in errors]
                    for name, errors in wrong.error_dict.items()
                }
            ) from None
        return attrs


@extend_schema_serializer(component_name="ErrorRule")  # the schema adds "Request"
class ErrorRuleRequest(ErrorName):
    """How these errors are judged from now on."""

    permanent = serializers.BooleanField(
        help_text="true: another attempt would fail alike, so the run goes to the dead letters at once."
    )
    note = serializers.CharField(required=False, allow_blank=True, max_length=300, default="", help_text="For staff.")
    why = serializers.CharField(
        required=False, allow_blank=True, max_length=300, default="", help_text="For the audit log."
    )


class ErrorRuleName(ErrorName):
    """Which rule is taken back."""

    why = serializers.CharField(
        required=False, allow_blank=True, max_length=300, default="", help_text="For the audit log."
    )


class ErrorRuleAnswer(serializers.Serializer[Any]):
    """A rule in force. What staff wrote goes before what the error says of itself, and that before what is shipped."""

    error_type = serializers.CharField()
    error_code = serializers.CharField(allow_blank=True, help_text="Empty: every code.")
    permanent = serializers.BooleanField()
    origin = serializers.ChoiceField(choices=SOURCES, help_text="Who wrote it.")
    shipped_permanent = serializers.BooleanField(
        allow_null=True, help_text="What is shipped for the same errors; null where nothing is."
    )
    note = serializers.CharField(allow_blank=True)
    updated_at = Moment(allow_null=True, help_text="null for what is shipped.")
    version = serializers.IntegerField(allow_null=True)


class JudgedRule(ErrorRuleAnswer):
    retried_24h = serializers.IntegerField(help_text="Attempts of the last 24 hours that failed so and were retried.")
    dead_24h = serializers.IntegerField(help_text="Those that made a dead letter.")


class UnruledError(serializers.Serializer[Any]):
    """What failed lately and no rule names: its base classes, or the error itself, said what to do."""

    error_type = serializers.CharField()
    error_code = serializers.CharField(allow_blank=True)
    retried_24h = serializers.IntegerField()
    dead_24h = serializers.IntegerField()


class ErrorRulesAnswer(serializers.Serializer[Any]):
    at = Moment()
    counted_whole = serializers.BooleanField(
        help_text="false: there were more failures than are counted, and the figures are of the newest."
    )
    rules = JudgedRule(many=True)
    without_rule = UnruledError(many=True)
