"""Fields that the serializers share: moments in UTC, plain JSON objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

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


class Texts(dict[str, str]):
    """A query string's values, which are all texts, whatever they mean."""


class Strict(serializers.Serializer[Any]):
    """Refuses fields that it does not know, for a misspelt option must not be passed over; and values of another type than
    the schema says, where the framework would take 5 for "5" and "no" for false."""

    default_error_messages = {
        "unknown": "There is no such field. The fields are: {known}.",
        "wrong_type": "This must be {kind}, not {given}.",
    }

    def to_internal_value(self, data: Any) -> Any:
        wrong = self._of_another_type(data) if isinstance(data, Mapping) and not isinstance(data, Texts) else {}
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            raise serializers.ValidationError({**wrong, **error.detail}) from None  # type: ignore[dict-item]
        if wrong:
            raise serializers.ValidationError(wrong)
        known = [name for name, field in self.fields.items() if not field.read_only]
        message = self.error_messages["unknown"].format(known=", ".join(known))
        strange = {str(name): [serializers.ErrorDetail(message, "unknown")] for name in data if name not in known}
        if strange:
            raise serializers.ValidationError(strange)
        return value

    def _of_another_type(self, data: Mapping[Any, Any]) -> dict[str, Any]:
        wrong = {}
        for name, field in self.fields.items():
            given = data.get(name)
            fits = next((fits for kind, fits in _TYPES if isinstance(field, kind)), None)
            if given is not None and fits is not None and not fits.takes(given):
                message = self.error_messages["wrong_type"].format(kind=fits.name, given=_kind_of(given))
                wrong[name] = [serializers.ErrorDetail(message, "wrong_type")]
            most = getattr(field, "max_length", None)
            if isinstance(given, str) and most is not None and len(given) > most:  # white space around it counts, too
                wrong[name] = [serializers.ErrorDetail(f"Give at most {most:,} characters.", "max_length")]
        return wrong


class _Type(NamedTuple):
    name: str
    takes: Callable[[Any], bool]


_TEXT = _Type("a text", lambda value: isinstance(value, str))
_TYPES: tuple[tuple[type[Any], _Type], ...] = (
    (serializers.MultipleChoiceField, _Type("a list", lambda value: isinstance(value, list))),
    (serializers.CharField, _TEXT),
    (serializers.ChoiceField, _TEXT),
    (serializers.DateTimeField, _TEXT),
    (serializers.BooleanField, _Type("true or false", lambda value: isinstance(value, bool))),
    (serializers.IntegerField, _Type("a whole number", lambda value: _is_number(value) and value == value // 1)),
    (serializers.FloatField, _Type("a number", lambda value: _is_number(value))),
)
_NAMES = {str: "a text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _kind_of(value: Any) -> str:
    return _NAMES.get(type(value), type(value).__name__)
