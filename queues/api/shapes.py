"""Serializers that are made once. DRF copies every field of a serializer each time one is made, which costs more than
what they then do; they keep nothing of a request, so one of each serves all threads."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
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


def told(kind: type[Serializer], values: Mapping[str, Any], only: Collection[str] = ()) -> dict[str, Any]:
    """Values → what `kind` tells of them, as `kind(values).data` does; `only`: no more than these fields."""
    return _teller(kind)(values, only)


def names(kind: type[Serializer]) -> tuple[str, ...]:
    """What `kind` tells, by name."""
    return tuple(_only(kind).fields)


@cache
def _only(kind: type[Serializer]) -> Serializer:
    made = kind()
    _ = made._readable_fields, made._writable_fields  # found before two threads look for them at once
    return made


class _Teller:
    """Tells of plain dicts without asking, for every field, what it is that the value must be got from. Of all else, and
    where a value is missing, DRF itself tells."""

    def __init__(self, shape: Serializer) -> None:
        self.shape = shape
        self.plain = all(field.source == name for name, field in shape.fields.items())
        self.fields = {name: _how(field) for name, field in shape.fields.items() if not field.write_only}

    def __call__(self, values: Any, only: Collection[str] = ()) -> dict[str, Any]:
        fields = self.fields.items() if not only else [(n, how) for n, how in self.fields.items() if n in only]
        try:
            if self.plain and type(values) is dict:
                return {name: None if values[name] is None else how(values[name]) for name, how in fields}
        except KeyError:
            pass
        shown: dict[str, Any] = self.shape.to_representation(values)
        return {name: value for name, value in shown.items() if name in only} if only else shown


def _how(field: Any) -> Callable[[Any], Any]:
    """How a field's value is told."""
    if isinstance(field, serializers.ListSerializer):
        each = _how(field.child)
        return lambda values: (
            [each(value) for value in values] if type(values) is list else field.to_representation(values)
        )
    own = getattr(type(field), "to_representation", None) is serializers.Serializer.to_representation
    return _Teller(field) if own else field.to_representation


@cache
def _teller(kind: type[Serializer]) -> _Teller:
    return _Teller(_only(kind))
