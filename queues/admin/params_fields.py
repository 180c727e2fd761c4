"""One parameter of a handler → one form field. Pure: pydantic and Django forms, no database.

What a field cannot express (nested models, dictionaries, lists of them) is JSON in a text area. Types are read here;
limits are the handler's declaration and are checked by it alone, so that no rule is written twice.
"""

from __future__ import annotations

import enum
import json
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

from django import forms
from unfold import widgets as unfold

SEQUENCES = (list, tuple, set, frozenset)
UNITS = {
    "s": "seconds", "ms": "milliseconds", "min": "minutes", "h": "hours", "m": "metres", "km": "km", "kg": "kg", "t": "tonnes",
    "mb": "MB", "usd": "USD", "eur": "EUR", "percent": "%", "days": "days",
}  # fmt: skip


class JsonText(forms.JSONField):
    """JSON, laid out for reading."""

    default_error_messages = {"invalid": "This is not JSON: check quotes, commas and brackets."}

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, forms.fields.InvalidJSONInput | str):
            return value
        return "" if value is None else json.dumps(value, indent=2, ensure_ascii=False)


class Whole(forms.CharField):
    """A value that is kept encrypted: a text, or (`read_json`) JSON of another type. What is sealed already stays as it is."""

    def __init__(self, *, read_json: bool, **kwargs: Any) -> None:
        super().__init__(widget=unfold.UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}), **kwargs)
        self.read_json = read_json

    def prepare_value(self, value: Any) -> Any:
        return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if self.read_json and text.startswith(("[", "{")):
            try:
                return json.loads(text)
            except ValueError:
                raise forms.ValidationError(JsonText.default_error_messages["invalid"], code="invalid") from None
        return text


class Lines(forms.CharField):
    """A list, one item a line. Blank lines do not count; a text that starts with [ is read as JSON."""

    def __init__(self, *, item: Callable[[str], Any], **kwargs: Any) -> None:
        super().__init__(widget=unfold.UnfoldAdminTextareaWidget(attrs={"rows": 4}), **kwargs)
        self.item = item

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(str(item) for item in value) if isinstance(value, SEQUENCES) else value

    def clean(self, value: Any) -> list[Any]:
        text = super().clean(value).strip()
        if text.startswith("["):
            try:
                parsed = json.loads(text)
            except ValueError:
                raise forms.ValidationError(
                    "This is not JSON: write one item a line, or mend it.", code="invalid"
                ) from None
            return list(parsed)
        return [self.item(line.strip()) for line in text.splitlines() if line.strip()]


@dataclass(frozen=True)
class Shape:
    """What an annotation comes to: its bare type, whether None is allowed, and the type of a list's items."""

    kind: Any
    optional: bool
    item: Any = None
    choices: tuple[tuple[str, Any], ...] = ()  # (label, value)


def shape(annotation: Any) -> Shape:
    """Take Annotated, Optional and list apart."""
    kind, optional = _bare(annotation)
    origin = get_origin(kind) or kind
    if origin in SEQUENCES:
        args = [arg for arg in get_args(kind) if arg is not Ellipsis]
        inner = shape(args[0]) if len(args) == 1 else None
        plain = inner is not None and (inner.choices or inner.kind in SCALARS)
        return Shape(list, optional, item=inner) if plain else Shape(object, optional)
    if origin is Literal:
        return Shape(str, optional, choices=tuple((_worded(v), v) for v in get_args(kind)))
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return Shape(
            str,
            optional,
            choices=tuple((_worded(m.value if isinstance(m.value, str) else m.name), m.value) for m in kind),
        )
    return Shape(kind, optional)


def _bare(annotation: Any) -> tuple[Any, bool]:
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [arg for arg in get_args(annotation) if arg is not type(None)]
        optional = len(rest) < len(get_args(annotation))
        if len(rest) == 1:
            return _bare(rest[0])[0], optional
        return object, optional
    return annotation, False


def build(annotation: Any, schema: Mapping[str, Any], **options: Any) -> forms.Field:
    """The field for one annotation; `options` are label, help_text, required, initial. `schema` is its JSON schema."""
    found = shape(annotation)
    if found.choices:
        return _choice(found, **options)
    if found.kind is bool:
        return _yes_no(found.optional, **options)
    if found.kind is list:
        return Lines(item=_reader(found.item), **options)
    make = SCALARS.get(found.kind)
    if make is None:
        return JsonText(widget=unfold.UnfoldAdminTextareaWidget(attrs={"rows": 6, "class": "rm-code"}), **options)
    return make(schema, **options)


def _choice(found: Shape, **options: Any) -> forms.Field:
    values = {str(value): value for _, value in found.choices}
    blank = [] if options.get("required") else [("", options.pop("blank", "–"))]
    options.pop("blank", None)
    return forms.TypedChoiceField(
        choices=[*blank, *((str(value), label) for label, value in found.choices)],
        coerce=lambda text: values.get(text, text),
        empty_value=None,
        widget=unfold.UnfoldAdminSelectWidget(),
        **options,
    )


def _yes_no(optional: bool, **options: Any) -> forms.Field:
    blank = options.pop("blank", None)
    if optional or blank:
        return forms.TypedChoiceField(
            choices=[("", blank or "–"), ("true", "Yes"), ("false", "No")],
            coerce=lambda text: text == "true",
            empty_value=None,
            widget=unfold.UnfoldAdminSelectWidget(),
            **{**options, "required": False},
        )
    return forms.BooleanField(widget=unfold.UnfoldBooleanSwitchWidget(), **{**options, "required": False})


def _text(schema: Mapping[str, Any], **options: Any) -> forms.Field:
    long = schema.get("maxLength", 0) > 300 or schema.get("format") == "multiline"
    widget = unfold.UnfoldAdminTextareaWidget(attrs={"rows": 4}) if long else unfold.UnfoldAdminTextInputWidget()
    return forms.CharField(widget=widget, **options)


def _number(make: type[forms.Field], step: str) -> Callable[..., forms.Field]:
    def field(schema: Mapping[str, Any], **options: Any) -> forms.Field:
        attrs: dict[str, Any] = {"step": step, "inputmode": "decimal" if step == "any" else "numeric"}
        attrs |= {html: schema[word] for html, word in (("min", "minimum"), ("max", "maximum")) if word in schema}
        widget = unfold.UnfoldAdminTextInputWidget(attrs=attrs)
        widget.input_type = "number"
        return make(widget=widget, **options)

    return field


def _typed(make: type[forms.Field], input_type: str, fmt: str | None = None) -> Callable[..., forms.Field]:
    def field(schema: Mapping[str, Any], **options: Any) -> forms.Field:
        return make(widget=native(input_type, fmt), **options)

    return field


def native(input_type: str, fmt: str | None = None) -> forms.Widget:
    """The browser's own date, time or text input, in the look of the other fields."""
    css = " ".join(unfold.INPUT_CLASSES)
    if input_type == "date":
        return forms.DateInput(attrs={"type": "date", "class": css}, format="%Y-%m-%d")
    if input_type == "time":
        return forms.TimeInput(attrs={"type": "time", "step": "1", "class": css}, format="%H:%M:%S")
    if input_type == "datetime-local":
        return forms.DateTimeInput(
            attrs={"type": "datetime-local", "step": "1", "class": css}, format="%Y-%m-%dT%H:%M:%S"
        )
    plain: forms.Widget = unfold.UnfoldAdminTextInputWidget()
    return plain


SCALARS: dict[Any, Callable[..., forms.Field]] = {
    str: _text,
    int: _number(forms.IntegerField, "1"),
    float: _number(forms.FloatField, "any"),
    Decimal: _number(forms.DecimalField, "any"),
    bool: lambda schema, **options: _yes_no(False, **options),
    date: _typed(forms.DateField, "date"),
    datetime: _typed(forms.DateTimeField, "datetime-local"),
    time: _typed(forms.TimeField, "time"),
    UUID: _typed(forms.UUIDField, "text"),
}


def _reader(item: Shape) -> Callable[[str], Any]:
    """One line → one item; the handler's declaration reads numbers and dates out of text by itself."""
    values = {str(value): value for _, value in item.choices}
    return lambda line: values.get(line, line)


def _worded(value: object) -> str:
    text = str(value)
    return text.replace("_", " ").capitalize() if text.islower() else text


def label(name: str) -> str:
    """`time_limit_s` → "Time limit, seconds"."""
    words = name.split("_")
    unit = UNITS.get(words[-1]) if len(words) > 1 else None
    if unit is None or words[-1] == "days":
        return " ".join(words).capitalize()
    return f"{' '.join(words[:-1]).capitalize()}, {unit}"
