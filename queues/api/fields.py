"""Fields that the serializers share: moments in UTC, plain JSON objects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from queues.ledger import clock

FURTHEST = timedelta(days=5 * 366)


class Moment(serializers.DateTimeField):
    """ISO 8601. Read with any offset (never without one); written in UTC with milliseconds, e.g. 2026-11-23T05:30:00.000Z."""

    default_error_messages = {
        "no_offset": "Give the time with its offset from UTC, e.g. 2026-11-23T05:30:00Z or 2026-11-23T06:30:00+01:00."
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(default_timezone=UTC, **options)

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.tzinfo is None:
            self.fail("no_offset")
        return super().enforce_timezone(value)

    def to_representation(self, value: datetime) -> str:
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class FutureMoment(Moment):
    """A moment between now and five years on."""

    default_error_messages = {
        "in_past": "This time is in the past: leave it out to run now.",
        "too_far": "This time is more than five years ahead.",
    }

    def to_internal_value(self, value: Any) -> datetime:
        at: datetime = super().to_internal_value(value)
        now = clock.now()
        if at <= now:
            self.fail("in_past")
        if at - now > FURTHEST:
            self.fail("too_far")
        return at


@extend_schema_field({"type": "object", "additionalProperties": True})
class JsonObject(serializers.Field[Any, Any, Any, Any]):
    """Any JSON object, as it is."""

    default_error_messages = {"not_an_object": "This must be a JSON object, with named values."}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("not_an_object")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class Strict(serializers.Serializer[Any]):
    """Refuses fields it does not know: a misspelt option must not be passed over."""

    default_error_messages = {"unknown": "There is no such field. The fields are: {known}."}

    def to_internal_value(self, data: Any) -> Any:
        value = super().to_internal_value(data)
        known = [name for name, field in self.fields.items() if not field.read_only]
        message = self.error_messages["unknown"].format(known=", ".join(known))
        strange = {str(name): [serializers.ErrorDetail(message, "unknown")] for name in data if name not in known}
        if strange:
            raise serializers.ValidationError(strange)
        return value
