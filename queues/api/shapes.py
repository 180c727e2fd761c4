"""Serializers that are made once. DRF copies every field of a serializer each time one is made, which costs more than
what they then do; they keep nothing of a request, so one of each serves all threads."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from rest_framework import serializers

Serializer = serializers.Serializer[Any]


def given(kind: type[Serializer], data: Any) -> dict[str, Any]:
    """A body → its values, as `kind` says. Raises ValidationError, as `is_valid(raise_exception=True)` does."""
    try:
        values: dict[str, Any] = _only(kind).run_validation(data)
    except serializers.ValidationError:
        own = kind(data=data)  # only it words the errors of a body that is no object
        own.is_valid(raise_exception=True)
        values = own.validated_data
    return values


def told(kind: type[Serializer], values: Mapping[str, Any]) -> dict[str, Any]:
    """Values → what `kind` tells of them, as `kind(values).data` does."""
    shown: dict[str, Any] = _only(kind).to_representation(values)
    return shown


def names(kind: type[Serializer]) -> tuple[str, ...]:
    """What `kind` tells, by name."""
    return tuple(_only(kind).fields)


@cache
def _only(kind: type[Serializer]) -> Serializer:
    made = kind()
    _ = made._readable_fields, made._writable_fields  # found before two threads look for them at once
    return made
