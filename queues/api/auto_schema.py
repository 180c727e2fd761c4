"""How the OpenAPI document reads what serializers and views do not say of themselves."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension, OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema as Library
from rest_framework import serializers

from queues.api.fields import Strict
from queues.api.run_query import Words

NOT_BLANK = r"\S"  # white space around a text is cut off, and what is left must be something
_NARROWER = frozenset({"pattern", "format", "enum"})


class AutoSchema(Library):
    """The library's, which tells clients what a view's docstring says to developers."""

    def get_description(self) -> str:  # type: ignore[override]
        return ""

    def _map_serializer_field(self, field: Any, direction: Any, bypass_extensions: bool = False) -> dict[str, Any]:
        told: dict[str, Any] = super()._map_serializer_field(field, direction, bypass_extensions)  # type: ignore[no-untyped-call]
        plain = isinstance(field, serializers.CharField) and not (field.allow_blank or told.keys() & _NARROWER)
        if plain and direction == "request" and field.trim_whitespace:
            return {**told, "pattern": NOT_BLANK}
        some = isinstance(field, serializers.MultipleChoiceField) and not field.allow_empty
        return {**told, "minItems": 1} if some else told


class StrictBodies(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """What refuses fields that it does not know says so."""

    target_class = Strict
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        told: dict[str, Any] = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return {**told, "additionalProperties": False} if direction == "request" else told


class WordLists(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Words with commas between them."""

    target_class = Words

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        return {"type": "string", "pattern": listed(self.target.words)}


def listed(words: Any) -> str:
    """The pattern of one or more of these words, joined by commas."""
    one = "|".join(words)
    return f"^({one})(,({one}))*$"
